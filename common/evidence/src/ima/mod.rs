//! Linux IMA's list of measurements, in its binary form.
//!
//! In: bytes of `binary_runtime_measurements`, from the first record or from any later one. Out: records that
//! borrow the bytes, what they replay to, and the prefix that a quoted PCR value vouches for. A record is
//! true only within such a prefix. The list tells what was measured for the first time, never the last use,
//! and what policy leaves out (tmpfs, memfd) is not in it.

mod boot_aggregate;
mod fields;
mod parse;
mod replay;

pub use boot_aggregate::{AggregatedPcrs, BootAggregateCheck, check_boot_aggregate};
pub use fields::{DigestType, FieldError, ImaDigest, ImaFields, ImaSignature, SignatureError};
pub use parse::{ImaError, Records};
pub use replay::{Extends, ImaReplay, PrefixError, PrefixMatch, replay_prefix};

use crate::digest::{Digest, HashAlg};
use crate::pcr::PcrIndex;

/// A list of measurements: bytes and the algorithm of its template hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaList<'a> {
    bytes: &'a [u8],
    listed: HashAlg,
}

impl<'a> ImaList<'a> {
    /// A list whose template hashes are SHA-1: `binary_runtime_measurements` of every kernel.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, listed: HashAlg::Sha1 }
    }

    /// A list whose template hashes are of another algorithm: `binary_runtime_measurements_<alg>`.
    pub const fn with_listed(bytes: &'a [u8], listed: HashAlg) -> Self {
        Self { bytes, listed }
    }

    /// The algorithm whose template hashes make the first record well formed, SHA-1 if none does.
    pub fn detect(bytes: &'a [u8]) -> Self {
        // Sizes decide, so of algorithms of one size the first stands for all; a hash that does not fit is
        // found by `listed_check`.
        let fits = |alg: &HashAlg| matches!(Self::with_listed(bytes, *alg).records().next(), Some(Ok(_)));
        Self { bytes, listed: HashAlg::ALL.into_iter().find(fits).unwrap_or(HashAlg::Sha1) }
    }

    /// The algorithm of the list's template hashes.
    pub const fn listed(&self) -> HashAlg {
        self.listed
    }

    /// The records, up to the first that is damaged.
    pub fn records(&self) -> Records<'a> {
        Records::new(self.bytes, self.listed)
    }
}

/// One record of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaRecord<'a> {
    /// Position in the bytes that were read, from 0.
    pub number: u64,
    /// Offset of the record's first byte.
    pub offset: usize,
    /// Length of the whole record in bytes.
    pub size: usize,
    /// The PCR that the record says it extended; 10 unless a policy says otherwise. Not measured.
    pub pcr: PcrIndex,
    /// The template hash as listed; all zero for a violation.
    pub listed_hash: Digest,
    /// The template's name, or its format where it has none.
    pub template: &'a str,
    /// The template's data, raw.
    pub data: &'a [u8],
}

/// How a record's data and its listed template hash relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedCheck {
    /// The data hashes to the listed hash.
    Verified,
    /// It does not. Replay decides: the data is what counts, the listed hash is never extended by us.
    Mismatch,
    /// A violation: nothing vouches for the data.
    Violation,
    /// The hash cannot be computed.
    NotComputable,
}

impl<'a> ImaRecord<'a> {
    /// Whether the record is a violation: the file changed while it was measured, so that its content is not
    /// known. What is extended is the same for every violation, so even the file's name is a mere claim.
    pub fn is_violation(&self) -> bool {
        self.listed_hash.is_zero()
    }

    /// What the kernel extended into a bank for this record.
    ///
    /// `None` where the algorithm cannot be computed, or the data of the old `ima` template is malformed.
    pub fn template_hash(&self, bank: HashAlg) -> Option<Digest> {
        if self.is_violation() {
            return Some(Digest::ones(bank));
        }
        self.data_hash(bank)
    }

    /// Whether the listed template hash is that of the data.
    pub fn listed_check(&self) -> ListedCheck {
        if self.is_violation() {
            return ListedCheck::Violation;
        }
        match self.data_hash(self.listed_hash.alg()) {
            None => ListedCheck::NotComputable,
            Some(hash) if hash == self.listed_hash => ListedCheck::Verified,
            Some(_) => ListedCheck::Mismatch,
        }
    }

    /// The template's fields.
    pub fn fields(&self) -> Result<ImaFields<'a>, FieldError> {
        fields::decode(self.template, self.data)
    }

    /// One line of text for an operator: digest and name, escaped.
    pub fn describe(&self) -> String {
        match self.fields() {
            Ok(fields) => fields.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn data_hash(&self, alg: HashAlg) -> Option<Digest> {
        if self.template == fields::LEGACY_TEMPLATE {
            return fields::legacy_hash(self.data, alg);
        }
        Some(alg.hash(&[self.data]))
    }
}

#[cfg(test)]
mod tests;
