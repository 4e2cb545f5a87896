//! The database is a server's, and the connections to it break: what was acknowledged is there, and the verifier ends rather than guess.
//!
//! Only where `LYDIAN_TEST_POSTGRES` names a server; `make test` has one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use support::client::granted;
use support::verifier::Kept;
use support::{KeyKind, Program, TestEkCa, Verifier, VerifierSettings, wait};
use wire::operator::Scope;
use wire::trusted::{AskTrusted, Trusted};

use crate::audit::Fleet;
use crate::durability::{Lost, settle};
use crate::scene::{attest, booted, enrol, history, package};

/// Ends every connection to this database but the one that says so.
const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn broken_connections_break_no_promise() -> Result<()> {
    if support::database::server().is_none() {
        eprintln!("skipped: LYDIAN_TEST_POSTGRES names no server");
        return Ok(());
    }
    let ca = TestEkCa::new("Test TPM maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let mut verifier = Verifier::start(&settings).await?;
    let mut attester = booted(&ca, 1, KeyKind::EccP256)?;
    enrol(&verifier.client()?, &mut attester, &verifier.join_token().await?).await?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let rounds = 8;
    for round in 0..rounds {
        attester.toggle(&package("changing", &round.to_string())?);
        let envelope = attester.host.next()?;
        let (client, from) = (verifier.client()?, attester.from_size());
        let sent = envelope.clone();
        let submission = tokio::spawn(async move { client.submit(&sent, from).await });
        // The moment of the cut is the test's input: somewhere around the commit.
        tokio::time::sleep(Duration::from_micros((rng.next_u32() % 20_000).into())).await;
        let cut = verifier.statement(CUT).await?;
        ensure!(cut.trim() != "0", "nothing was cut");
        let acknowledged = submission.await?.ok().map(granted).transpose();
        let context = || format!("round {round}");
        // It may have ended by itself; it must not go on as if nothing had happened and forget.
        verifier.restart().await.with_context(context)?;
        let (receipt, lost) =
            settle(&verifier.client()?, &attester, &envelope).await.with_context(context)?;
        if let Ok(Some(acknowledged)) = acknowledged {
            ensure!(lost == Lost::Answer, "{}: acknowledged and forgotten", context());
            ensure!(acknowledged.index == receipt.index, "{}: another leaf", context());
        }
        attester.recorded(&envelope, &receipt).with_context(context)?;
    }
    let operator = verifier.operator(Scope::Read).await?;
    let entries = history(&operator, &attester.host.id().to_string()).await?;
    let seqs: Vec<_> = entries.iter().filter_map(|entry| entry.seq).rev().collect();
    ensure!(seqs == (0..rounds).collect::<Vec<_>>(), "the chain: {seqs:?}");

    // One that is cut off while it has nothing to do ends with the next that it should write, and says why.
    verifier.statement(CUT).await?;
    let envelope = attester.host.next()?;
    let _ = verifier.client()?.submit(&envelope, attester.from_size()).await;
    let client = verifier.client()?;
    wait::until("it has ended", async || Ok(client.read_text("/v1/version").await.is_err().then_some(())))
        .await?;
    verifier.restart().await?;
    let (receipt, _) = settle(&verifier.client()?, &attester, &envelope).await?;
    attester.recorded(&envelope, &receipt)?;
    attest(&verifier.client()?, &mut attester).await?;
    Ok(())
}

/// A history that began in a file goes on in a server.
#[tokio::test]
async fn a_history_moves_to_the_server() -> Result<()> {
    if support::database::server().is_none() {
        eprintln!("skipped: LYDIAN_TEST_POSTGRES names no server");
        return Ok(());
    }
    let mut fleet = Fleet::kept(toml::Table::new(), Kept::InAFile).await?;
    let operator = fleet.verifier.operator(Scope::Admin).await?;
    let host = fleet.attesters[0].host.id().to_string();
    let file = format!("file:{}", "00".repeat(32));
    let ask = AskTrusted { subjects: vec![file], ..AskTrusted::default() };
    let before = history(&operator, &host).await?;
    let asked: Trusted = granted(operator.post("/v1/trusted", &ask).await?)?;
    let copies = fleet.copies().await?;
    let said = fleet.verifier.move_to_server().await?;
    ensure!(said.contains("now name it as `database`"), "{said}");
    ensure!(history(&operator, &host).await? == before, "the history has changed");
    let again: Trusted = granted(operator.post("/v1/trusted", &ask).await?)?;
    ensure!(again.hosts == asked.hosts && again.hosts_asked == asked.hosts_asked, "{again:#?}");
    // What was exported from the file is gone on with from the server, and all of it holds.
    attest(&fleet.verifier.client()?, &mut fleet.attesters[0]).await?;
    let export =
        Program::new("lydian-verifier")?.args(["export", "--config"]).args([fleet.verifier.config()]);
    export.args([copies.path("evidence")]).run().await?.succeeded()?;
    std::fs::remove_dir_all(copies.path("log"))?;
    crate::audit::copy(&fleet.verifier.state_dir().join("log"), &copies.path("log"))?;
    let (code, report) = copies.audit(&[]).await?;
    ensure!(code == 0, "{report:#}");
    // Tables whose rows are numbered go on behind the copied ones: a new host and a new watch are rows of their own.
    fleet.verifier.operator(Scope::Read).await?;
    let twice = Program::new("lydian-verifier")?
        .args(["copy-to-server", &support::database::server().unwrap_or_default()]);
    let twice = twice.args(["--state-dir"]).args([copies.path("nowhere")]).run().await?;
    ensure!(!twice.status.success() && twice.stderr.contains("is no file that could be copied"), "{twice:?}");
    Ok(())
}
