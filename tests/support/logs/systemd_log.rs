//! Measurements as systemd makes them: PCR first, log after.
//!
//! In: texts and the PCRs that they go into. Out: records as `/run/log/systemd/tpm2-measure.log` holds them, and PCRs at the
//! values that they replay to.
//= systemd src/shared/tpm2-util.c: tpm2_pcr_extend_bytes, tpm2_userspace_log

use anyhow::Result;
use evidence::digest::Digest;
use evidence::pcr::PcrIndex;
use serde_json::json;

use super::Measured;

/// Extends a PCR with a text, in every bank of the TPM, and gives the record that systemd logs of it.
pub fn systemd_measures(tpm: &impl Measured, pcr: u32, text: &str, event_type: &str) -> Result<Vec<u8>> {
    let banks = tpm.banks()?;
    let digests: Vec<Digest> = banks.iter().map(|bank| bank.hash(&[text.as_bytes()])).collect();
    tpm.extend(PcrIndex::new(pcr)?, &digests)?;
    let digests: Vec<_> = digests
        .iter()
        .map(|digest| json!({ "hashAlg": digest.alg().name(), "digest": digest.to_string() }))
        .collect();
    let record = json!({
        "pcr": pcr,
        "digests": digests,
        "content_type": "systemd",
        "content": {
            "string": text,
            "bootId": "f2ea2b1c0d5546b5a4f1d0f8c9a7e611",
            "timestamp": 1_000_000,
            "eventType": event_type,
        },
    });
    Ok(format!("\u{1e}{record}\n").into_bytes())
}
