//! Firmware logs and IMA lists out of a canonical log: the way back.
//!
//! In: a canonical log. Out: bytes as the kernel gives them, of the records of one kind, so that every other tool can read
//! them. What was written from a log of known algorithms comes back byte for byte; padding behind a log does not, nor do
//! digests of algorithms that Lydian does not know.

use super::{Cel, CelError, CelRecord, Content};
use crate::digest::{Digest, HashAlg};
use crate::eventlog::EventType;

/// Why a canonical log cannot be turned into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] CelError),
    /// A record without a digest that the other form needs.
    #[error("record {record}: no {alg} digest")]
    DigestMissing {
        /// Its number.
        record: u64,
        /// The algorithm.
        alg: HashAlg,
    },
    /// A record whose data is longer than the other form can say.
    #[error("record {record}: too long")]
    TooLong {
        /// Its number.
        record: u64,
    },
}

/// The firmware events as a TCG event log; empty where there are none.
//= TCG PFP 1.06 §10.2: TCG_PCR_EVENT, and TCG_PCR_EVENT2 behind a first one that announces it
pub fn to_firmware_log(cel: Cel<'_>) -> Result<Vec<u8>, ConvertError> {
    let mut out = Vec::new();
    let mut agile = false;
    for record in cel.records() {
        let record = record?;
        let Content::Firmware { event_type, data } = record.content else { continue };
        let data = data.to_vec();
        let first = out.is_empty();
        let too_long = ConvertError::TooLong { record: record.number };
        let size = u32::try_from(data.len()).map_err(|_| too_long)?;
        let super::Register::Pcr(register) = record.register else { continue };
        out.extend(register.to_le_bytes());
        out.extend(event_type.0.to_le_bytes());
        if first || !agile {
            let alg = HashAlg::Sha1;
            let digest = record.digest(alg);
            let digest = match digest {
                None if record.is_measured() => {
                    return Err(ConvertError::DigestMissing { record: record.number, alg });
                }
                digest => digest.unwrap_or_else(|| Digest::zero(alg)),
            };
            out.extend(digest.as_bytes());
        } else {
            agile_digests(&mut out, &record);
        }
        agile |= first && event_type == EventType::NO_ACTION && data.starts_with(SPEC_ID_03);
        out.extend(size.to_le_bytes());
        out.extend(data);
    }
    Ok(out)
}

fn agile_digests(out: &mut Vec<u8>, record: &CelRecord<'_>) {
    let count = u32::try_from(record.digests().count()).unwrap_or(u32::MAX);
    out.extend(count.to_le_bytes());
    for digest in record.digests() {
        out.extend(digest.alg().tpm_id().to_le_bytes());
        out.extend(digest.as_bytes());
    }
}

/// The IMA records as a binary list with SHA-1 template hashes; empty where there are none.
//= Linux security/integrity/ima/ima_fs.c: PCR, template hash, name's length, name, data's length, data
pub fn to_ima_list(cel: Cel<'_>) -> Result<Vec<u8>, ConvertError> {
    let mut out = Vec::new();
    for record in cel.records() {
        let record = record?;
        let Content::Ima { template, data } = record.content else { continue };
        let super::Register::Pcr(pcr) = record.register else { continue };
        let (template, data) = (template.decode(), data.to_vec());
        let (number, alg) = (record.number, HashAlg::Sha1);
        let extended = record.digest(alg).ok_or(ConvertError::DigestMissing { record: number, alg })?;
        // A violation extends ones and lists zeros.
        let listed = if extended == Digest::ones(alg) { Digest::zero(alg) } else { extended };
        let size = |len: usize| u32::try_from(len).map_err(|_| ConvertError::TooLong { record: number });
        out.extend(pcr.to_le_bytes());
        out.extend(listed.as_bytes());
        out.extend(size(template.len())?.to_le_bytes());
        out.extend(template.as_bytes());
        // The old template has no length before its data.
        if template != "ima" {
            out.extend(size(data.len())?.to_le_bytes());
        }
        out.extend(data);
    }
    Ok(out)
}

const SPEC_ID_03: &[u8] = b"Spec ID Event03\0";
