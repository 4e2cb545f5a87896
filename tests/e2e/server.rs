//! The database is a server's: connections to it break, and a history moves there.
//!
//! Only where `LYDIAN_TEST_POSTGRES` names a server; `make test` has one.

use anyhow::{Context as _, Result, ensure};
use support::Program;
use support::client::granted;
use support::verifier::Kept;
use wire::operator::Scope;
use wire::trusted::{AskTrusted, Trusted};

use crate::audit::Fleet;
use crate::durability::{Blow, survive};
use crate::faults::skipped;
use crate::scene::{attest, history};

/// Says what is not tested where there is none.
fn has_server() -> bool {
    let there = support::database::server().is_some();
    if !there {
        skipped("LYDIAN_TEST_POSTGRES names no server");
    }
    there
}

#[tokio::test]
async fn broken_connections_break_no_promise() -> Result<()> {
    if has_server() {
        survive(1, 12, Blow::Cut).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "the long form: a minute, run by `make soak`"]
async fn two_hundred_broken_connections_break_no_promise() -> Result<()> {
    ensure!(has_server(), "a server is needed: scripts/with-postgres");
    let (evidence, answers) = survive(2, 200, Blow::Cut).await?;
    ensure!(evidence > 10 && answers > 10, "the cuts missed the commit: {evidence} before, {answers} after");
    Ok(())
}

/// A history that began in a file goes on in a server.
#[tokio::test]
async fn a_history_moves_to_the_server() -> Result<()> {
    if !has_server() {
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
    // Rows that the server numbers go on behind the copied ones.
    fleet.enrol_again("ffeeddccbbaa99887766554433221100", "the history has moved").await?;
    attest(&fleet.verifier.client()?, &mut fleet.attesters[1]).await?;
    fleet.verifier.join_token().await?;
    // Once, and from a file.
    let file = copies.path("once more");
    std::fs::create_dir(&file)?;
    std::fs::copy(fleet.verifier.state_dir().join("verifier.db"), file.join("verifier.db"))?;
    let address = fleet.verifier.database_address()?.context("a server")?;
    for (dir, why) in
        [(file, "has a history already"), (copies.path("nowhere"), "is no file that could be copied")]
    {
        let copy =
            Program::new("lydian-verifier")?.args(["copy-to-server", &address, "--state-dir"]).args([dir]);
        let refused = copy.run().await?;
        ensure!(!refused.status.success() && refused.stderr.contains(why), "{refused:?}");
    }
    Ok(())
}
