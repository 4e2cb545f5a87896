//! Logs of confidential virtual machines (CCEL).
//!
//! In: a log in the crypto-agile form. Out: whether its registers are measurement registers instead of PCRs. The form
//! itself does not say: it is told from its one SHA-384 bank, its registers and its first event.

use super::{EventLog, EventType, LogFormat, Payload};
use crate::digest::HashAlg;

/// Measurement registers that a guest extends: `RTMR0` to `RTMR3` of TDX. 0 is the build's measurement.
//= UEFI 2.10 §38.4.1: mapping of PCRs to measurement registers; Intel TDX Virtual Firmware Design Guide §8.3
const LAST_REGISTER: u32 = 4;

/// Whether the log is one of measurement registers.
pub(super) fn is_ccel(log: &EventLog<'_>) -> bool {
    if log.format != LogFormat::CryptoAgile || log.banks != [HashAlg::Sha384] {
        return false;
    }
    let extended = || log.events().iter().filter(|event| event.event_type != EventType::NO_ACTION);
    // A TPM's log has events of PCR 0 and 7.
    if extended().next().is_none() || extended().any(|event| !(1..=LAST_REGISTER).contains(&event.register)) {
        return false;
    }
    let Some(first) = log.events().first() else { return false };
    let vendor = matches!(first.payload(), Ok(Payload::SpecId(spec)) if spec.vendor_info == TD_SHIM);
    first.register == 1 || vendor || log.padding_bytes > 0
}

/// The vendor of logs that begin with register 0 all the same.
const TD_SHIM: &[u8] = b"td-shim";
