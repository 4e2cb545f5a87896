//! What several tests start from: hosts that are enrolled, evidence that is recorded.

use anyhow::{Context as _, Result};
use evidence::digest::Sha256Digest;
use evidence::envelope::Envelope;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use support::client::granted;
use support::{
    KeyKind, Lifetime, SecureBootSwitch, SoftAttester, SoftHost, SoftTpmSpec, TestEkCa, VerifierClient,
};
use wire::operator::{HistoryEntry, HostHistory};
use wire::submit::Receipt;

/// The package of one executable.
pub(crate) fn package(name: &str, version: &str) -> Result<Manifest> {
    let entry = Entry {
        path: format!("/usr/bin/{name}").into_bytes(),
        digest: Sha256Digest::of(&[name.as_bytes(), version.as_bytes()]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let text = str::to_owned;
    Ok(Manifest::new(ComponentKind::Package, text(name), text(version), text("amd64"), vec![entry])?)
}

/// A booted host whose TPM this authority vouches for.
pub(crate) fn booted(ca: &TestEkCa, seed: u64, ak: KeyKind) -> Result<SoftAttester> {
    let spec = SoftTpmSpec { seed, ak, ..SoftTpmSpec::default() };
    let host = SoftHost::with(&spec, SecureBootSwitch::On)?;
    ca.certify(&host.tpm, Lifetime::Endless)?;
    SoftAttester::new(host, &format!("host-{seed}"))
}

/// Submits the true next evidence, which must be recorded.
pub(crate) async fn attest(
    client: &VerifierClient,
    attester: &mut SoftAttester,
) -> Result<(Envelope, Receipt)> {
    let envelope = attester.host.next()?;
    let receipt = granted(client.submit(&envelope, attester.from_size()).await?)?;
    attester.recorded(&envelope, &receipt).context("the evidence's receipt")?;
    Ok((envelope, receipt))
}

/// A host's whole history, newest first.
pub(crate) async fn history(operator: &VerifierClient, host: &str) -> Result<Vec<HistoryEntry>> {
    let mut entries = Vec::new();
    let mut page = String::new();
    loop {
        let path = format!("/v1/hosts/{host}/history?limit=100{page}");
        let mut history: HostHistory = operator.read(&path).await?;
        entries.append(&mut history.entries);
        let Some(next) = history.next else { return Ok(entries) };
        page = format!("&before={next}");
    }
}
