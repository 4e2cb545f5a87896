//! The record that ties an IMA list to its boot.
//!
//! In: a `boot_aggregate` record and PCR values. Out: whether it is the hash over PCR 0 to 7, or 0 to 9. The
//! kernel computes it early, so compare with what the firmware log replays to where something later extends
//! PCR 8 or 9. After kexec a list holds several.

use super::ImaRecord;
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrValues};

/// How a `boot_aggregate` and PCR values relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootAggregateCheck {
    /// It is the hash over these PCRs of its own bank.
    Matches {
        /// Which PCRs it covers.
        pcrs: AggregatedPcrs,
    },
    /// It is of other PCR values: of another boot, or another machine.
    Differs,
    /// It is all zero: the kernel found no TPM when it made it.
    NoTpm,
    /// Its algorithm is not known, or a PCR value of its bank is missing.
    NotCheckable,
}

/// Which PCRs a `boot_aggregate` covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregatedPcrs {
    /// PCR 0 to 7: SHA-1, and every bank before Linux 5.8.
    ZeroToSeven,
    /// PCR 0 to 9.
    ZeroToNine,
}

impl ImaRecord<'_> {
    /// Whether the record is a `boot_aggregate`.
    pub fn is_boot_aggregate(&self) -> bool {
        self.fields().is_ok_and(|fields| fields.name == Some(b"boot_aggregate"))
    }
}

/// Checks a `boot_aggregate` record against PCR values; `None` if the record is another.
//= Linux security/integrity/ima/ima_crypto.c: ima_calc_boot_aggregate_tfm
pub fn check_boot_aggregate(record: &ImaRecord<'_>, values: &PcrValues) -> Option<BootAggregateCheck> {
    let fields = record.fields().ok().filter(|fields| fields.name == Some(b"boot_aggregate"))?;
    let Some(found) = fields.digest.and_then(|digest| digest.known()) else {
        return Some(BootAggregateCheck::NotCheckable);
    };
    Some(check(&found, values))
}

fn check(found: &Digest, values: &PcrValues) -> BootAggregateCheck {
    if found.is_zero() {
        return BootAggregateCheck::NoTpm;
    }
    let Some(to_seven) = aggregate(found.alg(), 8, values) else {
        return BootAggregateCheck::NotCheckable;
    };
    if *found == to_seven {
        return BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToSeven };
    }
    if found.alg() == HashAlg::Sha1 {
        return BootAggregateCheck::Differs;
    }
    match aggregate(found.alg(), 10, values) {
        None => BootAggregateCheck::NotCheckable,
        Some(to_nine) if *found == to_nine => {
            BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToNine }
        }
        Some(_) => BootAggregateCheck::Differs,
    }
}

fn aggregate(bank: HashAlg, pcrs: usize, values: &PcrValues) -> Option<Digest> {
    let values = PcrIndex::ALL.into_iter().take(pcrs).map(|pcr| values.value(bank, pcr));
    let values = values.collect::<Option<Vec<Digest>>>()?;
    Some(bank.hash(&values.iter().map(Digest::as_bytes).collect::<Vec<_>>()))
}
