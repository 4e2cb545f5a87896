//! Evidence that has moved into a pack is what it was, to everybody who reads it.

use anyhow::{Result, ensure};
use evidence::envelope::Envelope;
use evidence::export::Item;
use support::wait::until;
use support::{KeyKind, Program, SoftAttester, TestEkCa, Verifier, VerifierSettings};
use wire::operator::{HistoryEntry, Scope};

use crate::audit::{copy, items};
use crate::scene::{attest, booted, history, package};

struct World {
    verifier: Verifier,
    attester: SoftAttester,
    sent: Vec<Envelope>,
}

impl World {
    /// One host with so much evidence.
    async fn new(pieces: usize) -> Result<Self> {
        let ca = TestEkCa::new("Test TPM maker")?;
        let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
        let verifier = Verifier::start(&settings).await?;
        let mut attester = booted(&ca, 1, KeyKind::EccP256)?;
        attester.enrol(&verifier.client()?, &verifier.join_token().await?).await?;
        let mut world = Self { verifier, attester, sent: Vec::new() };
        world.attest(pieces).await?;
        Ok(world)
    }

    async fn attest(&mut self, pieces: usize) -> Result<()> {
        let client = self.verifier.client()?;
        for _ in 0..pieces {
            let number = self.sent.len();
            if number.is_multiple_of(20) {
                self.attester.toggle(&package("changing", &number.to_string())?);
                self.attester.host.run(&format!("/usr/bin/run-{number}"))?;
            }
            if number == 90 {
                self.attester.host.reboot()?;
            }
            self.sent.push(attest(&client, &mut self.attester).await?.0);
        }
        Ok(())
    }

    async fn folded(&self) -> Result<i64> {
        let folded = self.verifier.statement("SELECT coalesce(sum(count), 0) FROM attestation_pack").await?;
        Ok(folded.trim().parse()?)
    }

    async fn wait_folded(&self, pieces: i64) -> Result<()> {
        let folded = async || Ok((self.folded().await? == pieces).then_some(()));
        until(format_args!("{pieces} pieces are folded"), folded).await
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>> {
        let operator = self.verifier.operator(Scope::Read).await?;
        history(&operator, &self.attester.host.id().to_string()).await
    }

    async fn program(&self, command: &str, more: &[&std::ffi::OsStr]) -> Result<String> {
        let program =
            Program::new("lydian-verifier")?.args([command, "--config"]).args([self.verifier.config()]);
        program.args(more).run().await?.succeeded()
    }
}

#[tokio::test]
async fn folded_evidence_is_told_exported_audited_and_indexed_as_before() -> Result<()> {
    let mut world = World::new(191).await?;
    ensure!(world.folded().await? == 0, "too little to fold");
    let before = world.history().await?;
    let dir = tempfile::tempdir()?;
    world.program("export", &[dir.path().join("before").as_os_str()]).await?;
    world.attest(1).await?;
    world.wait_folded(128).await?;

    let after = world.history().await?;
    ensure!(after.get(1..) == Some(&before[..]), "the history has changed");
    let client = world.verifier.client()?;
    for old in [0, 20, 127, 128] {
        let refused = client.submit(&world.sent[old], 0).await?.err().map(|problem| problem.code);
        ensure!(refused.as_deref() == Some("replayed"), "{old}: {refused:?}");
        let digest = world.sent[old].evidence.digest();
        let receipt: wire::submit::Receipt =
            client.read(&format!("/v1/evidence/{digest}/receipt?from=0")).await?;
        ensure!(after.iter().any(|entry| entry.leaf == Some(receipt.index) && entry.seq == Some(old as u64)));
    }
    // The auditor's copy of the log is older than the export, which begins with a leaf of its own.
    copy(&world.verifier.state_dir().join("log"), &dir.path().join("log"))?;
    // What was exported before goes on where it ended, and is what a new export is.
    for name in ["before", "after"] {
        world.program("export", &[dir.path().join(name).as_os_str()]).await?;
    }
    let host = world.attester.host.id().to_string();
    let chain = |name: &str| -> Result<Vec<Item>> {
        let mut all = Vec::new();
        for file in std::fs::read_dir(dir.path().join(name).join("hosts").join(&host))? {
            all.extend(items(&file?.path())?);
        }
        Ok(all)
    };
    let (before, after_fold) = (chain("before")?, chain("after")?);
    ensure!(before == after_fold && after_fold.len() == 193, "the exports differ");
    let key = world.program("log-key", &[]).await?;
    let audit = Program::new("lydian")?.args(["log", "audit"]).args([dir.path().join("log")]);
    let audit = audit.args(["--log-key", key.trim(), "--evidence"]).args([dir.path().join("after")]);
    audit.run().await?.succeeded()?;

    // Every quote is verified again, from the packs.
    world.verifier.terminate().await?;
    let told = world.program("reindex", &[]).await?;
    ensure!(told.contains("192"), "{told}");
    world.verifier.restart().await?;
    let mut again = world.history().await?;
    again.retain(|entry| entry.kind != "refused");
    ensure!(again == after, "the history has changed");
    Ok(())
}

/// A verifier that ends before it has folded does so when it starts again.
#[tokio::test]
async fn what_was_not_folded_is_folded_at_the_next_start() -> Result<()> {
    let mut world = World::new(130).await?;
    world.verifier.kill_9().await?;
    world.verifier.restart().await?;
    world.attest(62).await?;
    world.wait_folded(128).await?;
    let before = world.history().await?;
    world.verifier.kill_9().await?;
    // As if the pack had never been made: what its rows were is put back by nobody, so that this must be told.
    world.verifier.statement("DELETE FROM attestation_pack").await?;
    world.verifier.restart().await?;
    let lost = world.history().await;
    ensure!(lost.is_err(), "evidence that is gone is not told of as if it were there");
    ensure!(before.len() == 193, "{}", before.len());
    Ok(())
}
