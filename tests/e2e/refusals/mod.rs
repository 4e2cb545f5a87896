//! Each reason for which evidence is refused, provoked at a running verifier.
//!
//! A row takes an enrolled host with two recorded pieces of evidence, breaks one thing, and names the reason that must
//! come back. After each row the host stands where it stood, the refusal is shown to operators, and the
//! true next evidence is recorded: a refusal changes nothing.

mod chain;
mod enrolment;
mod logs;
mod operators;
mod quote;
mod shape;

use anyhow::{Context as _, Result, ensure};
use evidence::body::Body;
use evidence::envelope::{Envelope, Evidence};
use evidence::tpm::{Attest, AttestFields};
use support::{KeyKind, SoftAttester, SoftHost, TestEkCa, Verifier, VerifierClient, VerifierSettings};
use wire::operator::{HostDetail, Scope};
use wire::submit::compress;

use crate::scene::{attest, booted, package};

/// One way to be refused.
struct Row {
    /// What is wrong, in words.
    name: &'static str,
    /// The reason that must come back.
    code: &'static str,
    /// Its HTTP status.
    status: u16,
    /// Makes the bytes of the request from the scene.
    provoke: fn(&mut Stage) -> Result<Vec<u8>>,
    /// Whom the refusal is shown with.
    shown: Shown,
}

/// Where operators find a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// With the host, and among all.
    WithHost,
    /// Nowhere: the bytes named nobody, or something was asked for and not refused.
    Nowhere,
}

/// Two enrolled hosts; the first has two recorded pieces of evidence, the second one.
struct Stage {
    attester: SoftAttester,
    other: SoftAttester,
    first: Envelope,
    second: Envelope,
}

impl Stage {
    async fn set(verifier: &Verifier, client: &VerifierClient, ca: &TestEkCa, seed: u64) -> Result<Self> {
        let mut attester = booted(ca, seed, KeyKind::EccP256)?;
        let mut other = booted(ca, seed + 1_000_000, KeyKind::EccP256)?;
        for joining in [&mut attester, &mut other] {
            joining.enrol(client, &verifier.join_token().await?).await?;
        }
        attester.toggle(&package("one", "1")?);
        let (first, _) = attest(client, &mut attester).await?;
        attester.toggle(&package("two", "1")?);
        let (second, _) = attest(client, &mut attester).await?;
        attest(client, &mut other).await?;
        Ok(Self { attester, other, first, second })
    }

    const fn host(&self) -> &SoftHost {
        &self.attester.host
    }

    /// The true next envelope.
    fn envelope(&self) -> Result<Envelope> {
        self.host().next()
    }

    /// The true next body, changed before it is quoted.
    fn with_body(&self, change: impl FnOnce(&mut Body)) -> Result<Envelope> {
        let mut body = self.host().body();
        change(&mut body);
        self.host().seal(&body)
    }

    /// The true next body under a quote that was changed before it was signed: what a TPM cannot be made to do.
    fn with_quote(&self, change: impl FnOnce(&mut AttestFields)) -> Result<Envelope> {
        let mut envelope = self.envelope()?;
        let evidence = &envelope.evidence;
        let mut fields = Attest::parse(evidence.attest())?.fields().clone();
        change(&mut fields);
        let attest = fields.encode()?;
        let signature = self.host().tpm.forge(&attest)?;
        envelope.evidence = Evidence::seal(evidence.body_raw(), &attest, &signature)?;
        Ok(envelope)
    }
}

fn sent(envelope: &Envelope) -> Result<Vec<u8>> {
    Ok(compress(&envelope.encode())?)
}

/// Runs every row and reports all that failed.
async fn refuse(rows: &[Row]) -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let verifier = Verifier::start(&settings).await?;
    let (client, operator) = (verifier.client()?, verifier.operator(Scope::Read).await?);
    let mut failed = Vec::new();
    for (seed, row) in (1..).zip(rows) {
        let mut stage = Stage::set(&verifier, &client, &ca, seed).await.context("an honest start")?;
        if let Err(error) = play(row, &mut stage, &client, &operator).await {
            failed.push(format!("{}: {error:#}", row.name));
        }
    }
    ensure!(failed.is_empty(), "{} of {} rows failed:\n{}", failed.len(), rows.len(), failed.join("\n"));
    Ok(())
}

async fn play(
    row: &Row,
    stage: &mut Stage,
    client: &VerifierClient,
    operator: &VerifierClient,
) -> Result<()> {
    let path = format!("/v1/hosts/{}", stage.host().id());
    let before: HostDetail = operator.read(&path).await?;
    let bytes = (row.provoke)(stage)?;
    match client.submit_bytes(bytes, stage.attester.from_size()).await? {
        Ok(receipt) => anyhow::bail!("recorded as leaf {}", receipt.index),
        Err(problem) => ensure!(
            (problem.code.as_str(), problem.status) == (row.code, row.status),
            "refused as {} {} ({}), not as {} {}",
            problem.status,
            problem.code,
            problem.detail,
            row.status,
            row.code
        ),
    }
    let after: HostDetail = operator.read(&path).await?;
    ensure!(after.summary.seq == before.summary.seq, "the chain moved to {:?}", after.summary.seq);
    ensure!(after.state_root == before.state_root, "the state moved");
    let shown = after.refusals.iter().any(|refusal| refusal.code == row.code);
    ensure!(shown == (row.shown == Shown::WithHost), "shown with the host: {shown}");
    attest(client, &mut stage.attester).await.context("the true evidence after the refusal").map(drop)
}
