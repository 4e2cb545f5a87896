//! What PCR 10 holds after the records of an IMA list, and which records a quoted value vouches for.
//!
//! In: a state, new records, and the quoted value. Out: the prefix that replays to it. The list is read after
//! the quote and grows meanwhile, so what follows the prefix is no fault: it stays unverified until the next
//! quote. A prefix vouches for the data of its records; not for a violation's, nor for a record of another PCR.

use super::{ImaError, ImaList, ImaRecord};
use crate::digest::{Digest, HashAlg};
use crate::pcr::PcrIndex;

/// What a kernel extends into a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extends {
    /// The template data's hash in the bank's own algorithm.
    BankHash,
    /// The SHA-1 template hash with zeros behind it, in every bank: kernels before 5.8. The bank is then no
    /// stronger than SHA-1, which is to be reported.
    PaddedSha1,
}

/// The bank that agent and verifier go by, of those in which PCR 10 is quoted.
///
/// Kernels compute SHA-2 for their banks. For SHA-3 and SM3 they may lack the algorithm, and then extend padded SHA-1: so
/// these are relied on only where there is no SHA-2.
//= Linux security/integrity/ima/ima_crypto.c: ima_calc_field_array_hash
pub fn leading_bank(banks: &(impl Iterator<Item = HashAlg> + Clone)) -> Option<HashAlg> {
    PREFERENCE.into_iter().find(|bank| banks.clone().any(|found| found == *bank))
}

const PREFERENCE: [HashAlg; 8] = [
    HashAlg::Sha512,
    HashAlg::Sha384,
    HashAlg::Sha256,
    HashAlg::Sha3_512,
    HashAlg::Sha3_384,
    HashAlg::Sha3_256,
    HashAlg::Sm3,
    HashAlg::Sha1,
];

/// PCR 10 in one bank after a number of records: small, and enough to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaReplay {
    extends: Extends,
    count: u64,
    value: Digest,
}

impl ImaReplay {
    /// Before the first record since the TPM's reset.
    pub fn start(bank: HashAlg) -> Self {
        Self::resume(Extends::BankHash, 0, PcrIndex::IMA.start(bank))
    }

    /// After `count` records that brought PCR 10 to `value`, whose algorithm is the bank.
    pub const fn resume(extends: Extends, count: u64, value: Digest) -> Self {
        Self { extends, count, value }
    }

    /// What the kernel extends.
    pub const fn extends(&self) -> Extends {
        self.extends
    }

    /// How many records were taken in since the TPM's reset, those of other PCRs included.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// PCR 10's value.
    pub const fn value(&self) -> Digest {
        self.value
    }

    /// The state after one more record; a record of another PCR is counted and changes nothing.
    ///
    /// `None` where the bank cannot be computed, or the record's data has no hash.
    pub fn extend(&self, record: &ImaRecord<'_>) -> Option<Self> {
        let mut next = Self { count: self.count.checked_add(1)?, ..*self };
        if record.pcr == PcrIndex::IMA {
            next.value = self.value.extend(&self.extended(record)?)?;
        }
        Some(next)
    }

    fn extended(&self, record: &ImaRecord<'_>) -> Option<Digest> {
        let bank = self.value.alg();
        match self.extends {
            Extends::BankHash => record.template_hash(bank),
            Extends::PaddedSha1 => record.template_hash(HashAlg::Sha1).map(|sha1| sha1.padded(bank)),
        }
    }
}

/// The records that a quoted PCR 10 vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixMatch {
    /// The state behind the prefix; its value is the quoted one. Go on from here with the next records.
    pub verified: ImaReplay,
    /// How many records the prefix has.
    pub records_verified: u64,
    /// How many bytes the prefix has.
    pub bytes_verified: usize,
    /// Violations in the prefix, by number from the first of the given bytes. Their data is a mere claim.
    pub violations: Vec<u64>,
    /// Records of other PCRs in the prefix, by number: PCR 10 does not vouch for them.
    pub other_pcrs: Vec<u64>,
    /// How many records follow the prefix, unverified.
    pub unverified_tail_records: u64,
    /// What is wrong with the bytes behind the prefix, if anything.
    pub tail_damage: Option<ImaError>,
}

/// No prefix of the records replays to the quoted value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Every record was replayed, and none leads to the quoted value.
    #[error("no prefix of the {records} records replays to the quoted PCR 10; all of them give {replayed}")]
    NoPrefix {
        /// How many records there are.
        records: u64,
        /// PCR 10 after all of them.
        replayed: Digest,
    },
    /// The list is damaged before any prefix leads to the quoted value.
    #[error(
        "the list is damaged after {records} records, none of which replays to the quoted PCR 10: {damage}"
    )]
    Damaged {
        /// How many records are well formed.
        records: u64,
        /// The damage.
        damage: ImaError,
    },
    /// A record's hash cannot be computed in the bank.
    #[error("record {record} cannot be replayed in bank {bank}")]
    NotComputable {
        /// The record.
        record: u64,
        /// The bank.
        bank: HashAlg,
    },
    /// The quoted value is of another bank than the state.
    #[error("the quoted value is {quoted}, the state {state}")]
    Bank {
        /// The quoted value's bank.
        quoted: HashAlg,
        /// The state's bank.
        state: HashAlg,
    },
}

/// Finds the prefix of `list` that leads from `state` to the quoted value of PCR 10.
///
/// There is at most one such value along a list: for one to come again, the hash would have to run into a
/// cycle. Records of other PCRs directly behind it are left to the tail, since nothing vouches for them. From
/// the very start, a bank that the kernel fills with padded SHA-1 is tried second; the returned state says so.
pub fn replay_prefix(
    state: ImaReplay,
    list: ImaList<'_>,
    quoted: &Digest,
) -> Result<PrefixMatch, PrefixError> {
    let bank = state.value.alg();
    if quoted.alg() != bank {
        return Err(PrefixError::Bank { quoted: quoted.alg(), state: bank });
    }
    let found = find_prefix(state, list, quoted);
    let padded = state.count == 0 && state.extends == Extends::BankHash && bank != HashAlg::Sha1;
    if found.is_err() && padded {
        let fallback = ImaReplay { extends: Extends::PaddedSha1, ..state };
        return find_prefix(fallback, list, quoted).or(found);
    }
    found
}

fn find_prefix(start: ImaReplay, list: ImaList<'_>, quoted: &Digest) -> Result<PrefixMatch, PrefixError> {
    let mut state = start;
    let mut prefix = PrefixMatch {
        verified: start,
        records_verified: 0,
        bytes_verified: 0,
        violations: Vec::new(),
        other_pcrs: Vec::new(),
        unverified_tail_records: 0,
        tail_damage: None,
    };
    let mut records = list.records();
    while state.value != *quoted {
        let seen = state.count.saturating_sub(start.count);
        let record = match records.next() {
            None => return Err(PrefixError::NoPrefix { records: seen, replayed: state.value }),
            Some(Err(damage)) => return Err(PrefixError::Damaged { records: seen, damage }),
            Some(Ok(record)) => record,
        };
        let not_computable = PrefixError::NotComputable { record: record.number, bank: quoted.alg() };
        state = state.extend(&record).ok_or(not_computable)?;
        prefix.take_in(&record);
    }
    prefix.verified = state;
    prefix.records_verified = state.count.saturating_sub(start.count);
    for record in records {
        match record {
            Ok(_) => prefix.unverified_tail_records = prefix.unverified_tail_records.saturating_add(1),
            Err(damage) => prefix.tail_damage = Some(damage),
        }
    }
    Ok(prefix)
}

impl PrefixMatch {
    fn take_in(&mut self, record: &ImaRecord<'_>) {
        self.bytes_verified = record.offset.saturating_add(record.size);
        if record.pcr != PcrIndex::IMA {
            self.other_pcrs.push(record.number);
        } else if record.is_violation() {
            self.violations.push(record.number);
        }
    }
}
