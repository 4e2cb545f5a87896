//! Quotes that are not this host's word on this body.

use anyhow::{Context as _, Result};
use evidence::body::{BootCounters, qualifying_data};
use evidence::digest::{HashAlg, HostId};
use evidence::envelope::{Envelope, Evidence};
use evidence::pcr::{PcrError, PcrMask, PcrSelection};
use evidence::tpm::{Attested, ClockInfo, TimeInfo};
use support::{KeyKind, SoftHost};

use super::{Row, Shown, Stage, refuse, sent};

#[tokio::test]
async fn quotes_that_do_not_hold_are_refused() -> Result<()> {
    refuse(ROWS).await
}

const BASE: Row =
    Row { name: "", code: "", status: 422, provoke: |_| Ok(Vec::new()), shown: Shown::WithHost };
const SIGNATURE: Row = Row { code: "signature-invalid", ..BASE };
const NOT_A_QUOTE: Row = Row { code: "not-a-quote", ..BASE };
const QUALIFYING: Row = Row { code: "qualifying-data-mismatch", ..BASE };
const SELECTION: Row = Row { code: "selection-mismatch", ..BASE };
const BOOT: Row = Row { code: "boot-mismatch", ..BASE };
const VALUES: Row = Row { code: "pcr-values-mismatch", ..BASE };
const WENT_BACK: Row = Row { code: "clock-went-back", ..BASE };

const ROWS: &[Row] = &[
    Row {
        name: "a host that nobody enrolled",
        code: "unknown-host",
        status: 404,
        shown: Shown::Nowhere,
        provoke: |stage| sent(&stage.with_body(|body| body.host = HostId::new([7; 32]))?),
    },
    Row {
        name: "evidence of one host sent as another's",
        provoke: |stage| {
            // The other host speaks for this one, in this one's place in the chain.
            sent(&stage.other.host.seal(&stage.host().body())?)
        },
        ..SIGNATURE
    },
    Row {
        name: "an attestation key that was never enrolled",
        provoke: |stage| sent(&with_another_key(stage, KeyKind::EccP256)?),
        ..SIGNATURE
    },
    Row {
        name: "a key of another kind",
        provoke: |stage| sent(&with_another_key(stage, KeyKind::Rsa2048)?),
        ..SIGNATURE
    },
    Row {
        name: "one bit of the attestation is another",
        provoke: |stage| resealed(stage, |attest, _| flip(attest, 60)),
        ..SIGNATURE
    },
    Row {
        name: "one bit of the signature is another",
        provoke: |stage| resealed(stage, |_, signature| flip(signature, 20)),
        ..SIGNATURE
    },
    Row {
        name: "no signature",
        provoke: |stage| resealed(stage, |_, signature| signature.clear()),
        ..SIGNATURE
    },
    Row {
        name: "an attestation of the TPM's time",
        provoke: |stage| {
            sent(&stage.with_quote(|fields| {
                let (time_ms, firmware_version) = (fields.clock.clock_ms, fields.firmware_version);
                fields.attested = Attested::Time(TimeInfo { time_ms, clock: fields.clock, firmware_version });
            })?)
        },
        ..NOT_A_QUOTE
    },
    Row {
        name: "a structure that no TPM made",
        provoke: |stage| forged(stage, |attest| flip(attest, 0)),
        ..NOT_A_QUOTE
    },
    Row {
        name: "a quote that goes on behind its end",
        provoke: |stage| forged(stage, |attest| attest.push(0)),
        ..NOT_A_QUOTE
    },
    Row {
        name: "a quote over another body of the same host",
        provoke: |stage| {
            let quoted = stage.envelope()?;
            let mut another = quoted.evidence.body().clone();
            another.agent_version.push('x');
            let (attest, signature) = (quoted.evidence.attest(), quoted.evidence.signature());
            let evidence = Evidence::seal(&another.encode(), attest, signature)?;
            let envelope = Envelope { evidence, ..quoted };
            sent(&envelope)
        },
        ..QUALIFYING
    },
    Row {
        name: "the quote of the evidence before",
        provoke: |stage| {
            let mut envelope = stage.envelope()?;
            let old = &stage.second.evidence;
            envelope.evidence = Evidence::seal(envelope.evidence.body_raw(), old.attest(), old.signature())?;
            sent(&envelope)
        },
        ..QUALIFYING
    },
    Row {
        name: "a nonce of another's choice",
        provoke: |stage| sent(&stage.with_quote(|fields| fields.extra_data = vec![1; 32])?),
        ..QUALIFYING
    },
    Row {
        name: "a PCR less than asked",
        provoke: |stage| sent(&reselected(stage, |mask| PcrMask::new(mask.bits() & !0x80))?),
        ..SELECTION
    },
    Row {
        name: "a PCR more than asked",
        provoke: |stage| sent(&reselected(stage, |mask| PcrMask::new(mask.bits() | 0x80_0000))?),
        ..SELECTION
    },
    Row {
        name: "another reset counter in the body than in the quote",
        provoke: |stage| sent(&stage.with_body(|body| body.boot = next_boot(body.boot))?),
        ..BOOT
    },
    Row {
        name: "one bit of a PCR value is another",
        provoke: |stage| {
            let mut envelope = stage.envelope()?;
            flip(envelope.pcr_values.get_mut(7).context("PCR 7")?, 0);
            sent(&envelope)
        },
        ..VALUES
    },
    Row {
        name: "a PCR value is missing",
        provoke: |stage| {
            let mut envelope = stage.envelope()?;
            envelope.pcr_values.pop();
            sent(&envelope)
        },
        ..VALUES
    },
    Row {
        name: "two PCR values have changed places",
        provoke: |stage| {
            let mut envelope = stage.envelope()?;
            envelope.pcr_values.swap(0, 4);
            sent(&envelope)
        },
        ..VALUES
    },
    Row {
        name: "the TPM's clock is behind",
        provoke: |stage| clocked(stage, |clock| ClockInfo { clock_ms: 1, ..clock }),
        ..WENT_BACK
    },
    Row {
        name: "the TPM was reset less often than before",
        provoke: |stage| clocked(stage, |clock| ClockInfo { reset_count: 0, ..clock }),
        ..WENT_BACK
    },
];

fn flip(bytes: &mut [u8], at: usize) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1;
    }
}

fn next_boot(boot: BootCounters) -> BootCounters {
    BootCounters { reset_count: boot.reset_count + 1, ..boot }
}

/// The true evidence under an attestation key of this TPM that nobody enrolled.
fn with_another_key(stage: &Stage, kind: KeyKind) -> Result<Envelope> {
    let tpm = &stage.host().tpm;
    let enrolled = tpm.replace_ak(kind, 77)?;
    let envelope = stage.envelope();
    tpm.restore_ak(enrolled);
    envelope
}

/// The true evidence with its quote's bytes changed by somebody who has no key.
fn resealed(stage: &Stage, change: impl FnOnce(&mut Vec<u8>, &mut Vec<u8>)) -> Result<Vec<u8>> {
    let mut envelope = stage.envelope()?;
    let evidence = &envelope.evidence;
    let (mut attest, mut signature) = (evidence.attest().to_vec(), evidence.signature().to_vec());
    change(&mut attest, &mut signature);
    envelope.evidence = Evidence::seal(evidence.body_raw(), &attest, &signature)?;
    sent(&envelope)
}

/// The true evidence with its quote's bytes changed and signed anew.
fn forged(stage: &Stage, change: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>> {
    let mut envelope = stage.envelope()?;
    let mut attest = envelope.evidence.attest().to_vec();
    change(&mut attest);
    let signature = stage.host().tpm.forge(&attest)?;
    envelope.evidence = Evidence::seal(envelope.evidence.body_raw(), &attest, &signature)?;
    sent(&envelope)
}

/// A true quote over other PCRs than asked.
fn reselected(
    stage: &Stage,
    change: impl FnOnce(PcrMask) -> std::result::Result<PcrMask, PcrError>,
) -> Result<Envelope> {
    let body = stage.host().body().encode();
    let asked = SoftHost::selection().banks().first().context("a bank is asked for")?.1;
    let selection = PcrSelection::of_bank(HashAlg::Sha256, change(asked)?);
    let qualifying = qualifying_data(&body);
    let (fields, values) = stage.host().tpm.attest(&selection, &qualifying)?;
    let attest = fields.encode()?;
    let mut envelope = stage.envelope()?;
    envelope.evidence = Evidence::seal(&body, &attest, &stage.host().tpm.forge(&attest)?)?;
    envelope.pcr_values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    Ok(envelope)
}

/// Evidence that was sealed while the TPM's clock stood otherwise.
fn clocked(stage: &Stage, change: impl FnOnce(ClockInfo) -> ClockInfo) -> Result<Vec<u8>> {
    let tpm = &stage.host().tpm;
    let before = tpm.clock();
    tpm.set_clock(change(before));
    let envelope = stage.envelope();
    tpm.set_clock(before);
    sent(&envelope?)
}
