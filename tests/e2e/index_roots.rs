//! The log says what the index is, and whoever has the evidence can see that it is so.

use anyhow::{Result, ensure};
use support::wait::until;
use support::{Program, Verifier};
use wire::operator::Scope;

use crate::audit::{Fleet, found, items, write};
use crate::scene::attest;

pub(crate) async fn fleet() -> Result<Fleet> {
    let mut log = toml::Table::new();
    log.insert("index-root-interval-secs".into(), 1.into());
    Fleet::with(log).await
}

/// Waits until the newest root is behind everything that it is over, and its leaf is published.
pub(crate) async fn said_all(verifier: &Verifier) -> Result<u64> {
    let newest = async || {
        let leaf = verifier.statement(
            "SELECT max(leaf) FROM index_root WHERE leaf > (SELECT max(leaf) FROM attestation)
               AND leaf > (SELECT coalesce(max(leaf), 0) FROM retirement)",
        );
        Ok(leaf.await?.trim().parse::<u64>().ok())
    };
    let leaf = until("the newest evidence is in a root of the index", newest).await?;
    let published = verifier.state_dir().join("log/checkpoint");
    until("it is published", async || {
        let note = std::fs::read(&published)?;
        let size = ledger::checkpoint::SignedCheckpoint::parse(&note)?.claim().size().get();
        Ok((size > leaf).then_some(()))
    })
    .await?;
    Ok(leaf)
}

async fn reindex(verifier: &Verifier) -> Result<(i32, String)> {
    let program = Program::new("lydian-verifier")?.args(["reindex", "--config"]).args([verifier.config()]);
    let done = program.run().await?;
    Ok((done.code(), format!("{}{}", done.stdout, done.stderr)))
}

#[tokio::test]
async fn what_the_index_was_follows_from_the_evidence() -> Result<()> {
    let mut fleet = fleet().await?;
    said_all(&fleet.verifier).await?;
    let client = fleet.verifier.client()?;
    attest(&client, &mut fleet.attesters[0]).await?;
    let retired = fleet.attesters[1].host.id().to_string();
    let admin = fleet.verifier.operator(Scope::Admin).await?;
    let asked = wire::operator::RetireHost { reason: "sold".into() };
    support::client::granted::<serde_json::Value>(
        admin.post(&format!("/v1/hosts/{retired}/retire"), &asked).await?,
    )?;
    said_all(&fleet.verifier).await?;
    let copies = fleet.copies().await?;
    let (code, report) = copies.audit(&[]).await?;
    ensure!(code == 0, "{report:#}");
    let roots = &report["evidence"]["index_roots"];
    let agree = roots["agree"].as_u64().unwrap_or_default();
    ensure!(agree >= 2 && roots["differ"] == serde_json::json!([]), "{roots:#}");
    ensure!(report["evidence"]["missing"] == serde_json::json!({}), "{report:#}");

    // An audit that is gone on with compares them again.
    let state = copies.path("state");
    let state = ["--state".to_owned(), state.display().to_string()];
    let state = [state[0].as_str(), state[1].as_str()];
    for _ in 0..2 {
        let (code, report) = copies.audit(&state).await?;
        ensure!(code == 0 && report["evidence"]["index_roots"]["agree"] == agree, "{report:#}");
    }

    // A root that was taken out, and one that stands for another.
    let path = copies.path("evidence/index-roots");
    let whole = items(&path)?;
    write(&path, &whole[1..])?;
    found(&copies.findings_with(&[]).await?, "(index roots")?;
    let mut other = whole.clone();
    if let evidence::export::Item::IndexRoot(committed) = &mut other[0] {
        let mut record = evidence::record::IndexRootRecord::decode(&committed.record)?;
        record.chains += 1;
        committed.record = record.encode();
    }
    write(&path, &other)?;
    found(&copies.findings_with(&[]).await?, "commits to something else")?;

    fleet.verifier.terminate().await?;
    let (code, said) = reindex(&fleet.verifier).await?;
    ensure!(code == 0 && said.contains(&format!("{agree} agree, 0 not compared")), "{said}");
    Ok(())
}

/// A verifier whose index has something else than the evidence says so in its own log.
#[tokio::test]
async fn an_index_that_was_otherwise_is_found_out() -> Result<()> {
    let mut fleet = fleet().await?;
    said_all(&fleet.verifier).await?;
    // As if the first host's evidence had been read otherwise, until now.
    let forged = "UPDATE host_index SET facts = (SELECT h.identity FROM host h WHERE h.id = host_id) WHERE host_id = 1";
    fleet.verifier.statement(forged).await?;
    let client = fleet.verifier.client()?;
    attest(&client, &mut fleet.attesters[0]).await?;
    let leaf = said_all(&fleet.verifier).await?;
    let copies = fleet.copies().await?;
    let (code, report) = copies.audit(&[]).await?;
    let roots = &report["evidence"]["index_roots"];
    ensure!(code == 1 && roots["differ"] == serde_json::json!([leaf]), "{report:#}");
    ensure!(roots["agree"].as_u64().is_some_and(|agree| agree > 0), "{report:#}");
    found(&copies.findings_with(&[]).await?, "1 roots of the index")?;

    fleet.verifier.terminate().await?;
    let (code, said) = reindex(&fleet.verifier).await?;
    ensure!(code != 0 && said.contains(&format!("the first of them leaf {leaf}")), "{said}");
    // It serves what the evidence gives.
    fleet.verifier.restart().await?;
    attest(&fleet.verifier.client()?, &mut fleet.attesters[0]).await?;
    said_all(&fleet.verifier).await?;
    let (_, report) = fleet.copies().await?.audit(&[]).await?;
    ensure!(report["evidence"]["index_roots"]["differ"] == serde_json::json!([leaf]), "{report:#}");
    Ok(())
}
