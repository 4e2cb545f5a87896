//! What a verifier has acknowledged survives its death, and what it has not is there once or not at all.
//!
//! In: a seed, which decides when the verifier is killed while it takes evidence, or cut off from its database's server. Out: a log that only
//! grew, in which each piece of evidence has exactly one leaf.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use evidence::envelope::Envelope;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use support::client::granted;
use support::{KeyKind, SoftAttester, TestEkCa, Verifier, VerifierClient, VerifierSettings, wait};
use wire::operator::Scope;
use wire::submit::Receipt;

use crate::scene::{booted, history, package};

/// The receipt of evidence whose first answer may have been lost.
pub(crate) async fn settle(
    client: &VerifierClient,
    attester: &SoftAttester,
    envelope: &Envelope,
) -> Result<(Receipt, Lost)> {
    let from = attester.from_size();
    match client.submit(envelope, from).await? {
        Ok(receipt) => Ok((receipt, Lost::Evidence)),
        Err(problem) if problem.code == "replayed" => {
            let digest = envelope.evidence.digest();
            let path = format!("/v1/evidence/{digest}/receipt?from={from}");
            Ok((client.read(&path).await?, Lost::Answer))
        }
        Err(problem) => bail!("refused after a restart: {problem:?}"),
    }
}

/// What befalls a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It is killed, and starts again.
    Kill,
    /// Its connections to the database's server break, and it goes on.
    Cut,
}

impl Blow {
    /// When evidence is sent and when the blow begins, of which a cut takes longer to fall than evidence to be recorded.
    fn moment(self, rng: &mut ChaCha20Rng) -> (Duration, Duration) {
        let drawn =
            |below: u32, rng: &mut ChaCha20Rng| Duration::from_micros((rng.next_u32() % below).into());
        match self {
            Self::Kill => (Duration::ZERO, drawn(20_000, rng)),
            Self::Cut => (drawn(60_000, rng), Duration::ZERO),
        }
    }

    async fn strike(self, verifier: &mut Verifier) -> Result<()> {
        match self {
            Self::Kill => verifier.kill_9().await,
            Self::Cut => {
                let cut = verifier.statement(CUT).await?;
                ensure!(cut.trim() != "0", "nothing was cut");
                Ok(())
            }
        }
    }

    /// The receipt of evidence that was sent meanwhile.
    async fn settled(
        self,
        verifier: &mut Verifier,
        attester: &SoftAttester,
        envelope: &Envelope,
    ) -> Result<(Receipt, Lost)> {
        if self == Self::Kill {
            verifier.restart().await?;
            return settle(&verifier.client()?, attester, envelope).await;
        }
        // It may find out with what is sent next, and says so; an agent sends it again.
        let client = verifier.client()?;
        wait::until("the verifier goes on", async || Ok(settle(&client, attester, envelope).await.ok())).await
    }
}

/// Ends every connection to a database but the one that says so.
const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// What the blow took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Evidence,
    Answer,
}

/// Gives how often the blow took the evidence, and how often only the answer.
pub(crate) async fn survive(seed: u64, rounds: u64, blow: Blow) -> Result<(u64, u64)> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let mut verifier = Verifier::start(&settings).await?;
    let operator = verifier.operator(Scope::Read).await?;
    let mut attester = booted(&ca, seed, KeyKind::EccP256)?;
    attester.enrol(&verifier.client()?, &verifier.join_token().await?).await?;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut evidence, mut answers) = (0, 0);
    for round in 0..rounds {
        attester.toggle(&package("changing", &round.to_string())?);
        let envelope = attester.host.next()?;
        let (client, from) = (verifier.client()?, attester.from_size());
        let sent = envelope.clone();
        // The moment of the blow is the test's input: somewhere around the commit.
        let (sent_after, struck_after) = blow.moment(&mut rng);
        let submission = tokio::spawn(async move {
            tokio::time::sleep(sent_after).await;
            client.submit(&sent, from).await
        });
        tokio::time::sleep(struck_after).await;
        blow.strike(&mut verifier).await?;
        let answer = submission.await?.ok();
        let acknowledged = match blow {
            Blow::Kill => answer.map(granted).transpose()?,
            // A verifier that lives says that it failed.
            Blow::Cut => answer.and_then(Result::ok),
        };
        let context = || format!("seed {seed}, round {round}");
        let (receipt, lost) =
            blow.settled(&mut verifier, &attester, &envelope).await.with_context(context)?;
        match lost {
            Lost::Evidence => evidence += 1,
            Lost::Answer => answers += 1,
        }
        if let Some(acknowledged) = acknowledged {
            ensure!(lost == Lost::Answer, "{}: acknowledged and forgotten", context());
            ensure!(acknowledged.index == receipt.index, "{}: another leaf", context());
        }
        attester.recorded(&envelope, &receipt).with_context(context)?;
    }
    let entries = history(&operator, &attester.host.id().to_string()).await?;
    let seqs: Vec<_> = entries.iter().filter_map(|entry| entry.seq).rev().collect();
    ensure!(seqs == (0..rounds).collect::<Vec<_>>(), "the chain: {seqs:?}");
    Ok((evidence, answers))
}

#[tokio::test]
async fn a_verifier_that_is_killed_keeps_its_word() -> Result<()> {
    survive(1, 12, Blow::Kill).await.map(drop)
}

#[tokio::test]
#[ignore = "the long form: some minutes, run by `make soak`"]
async fn a_verifier_that_is_killed_two_hundred_times_keeps_its_word() -> Result<()> {
    let (evidence, answers) = survive(2, 200, Blow::Kill).await?;
    ensure!(evidence > 10 && answers > 10, "the kills missed the commit: {evidence} before, {answers} after");
    Ok(())
}

#[tokio::test]
async fn two_submissions_of_the_same_evidence_make_one_leaf() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let verifier = Verifier::start(&settings).await?;
    let client = verifier.client()?;
    let mut attester = booted(&ca, 1, KeyKind::Rsa2048)?;
    attester.enrol(&client, &verifier.join_token().await?).await?;
    for round in 0..5_u32 {
        attester.toggle(&package("changing", &round.to_string())?);
        let (envelope, from) = (attester.host.next()?, attester.from_size());
        let (one, other) = tokio::join!(client.submit(&envelope, from), client.submit(&envelope, from));
        let (receipt, problem) = match (one?, other?) {
            (Ok(receipt), Err(problem)) | (Err(problem), Ok(receipt)) => (receipt, problem),
            both => bail!("round {round}: not one of each: {both:?}"),
        };
        ensure!(problem.code == "replayed", "{problem:?}");
        attester.recorded(&envelope, &receipt)?;
    }
    Ok(())
}
