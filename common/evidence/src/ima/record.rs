//! One record of a list.
//!
//! In: what the list says. Out: what the kernel extended for it, whether its data is that of its template hash, its
//! fields. What a record says is true only where a quoted PCR vouches for it.

use super::ascii::RebuildError;
use super::fields::{self, FieldError, ImaFields};
use super::layout::ByteOrder;
use super::template;
use crate::digest::{Digest, HashAlg};
use crate::eventlog::sanitise;
use crate::pcr::PcrIndex;

/// One record of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaRecord<'a> {
    /// Position in what was read, from 0.
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
    /// The template's data, raw; text where `source` says so.
    pub data: &'a [u8],
    /// Where the data is from.
    pub source: DataSource,
    /// Order of the integers within the data.
    pub order: ByteOrder,
}

/// Where a record's data is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataSource {
    /// A binary list has it as the kernel hashed it.
    Binary,
    /// Written again from a text list.
    Rebuilt,
    /// A text list from which it cannot be written again: the data is the text.
    Text(RebuildError),
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
    /// `None` where the data of the old `ima` template is malformed, or a text list does not give the data; then the
    /// listed hash stands for its own bank alone.
    pub fn template_hash(&self, bank: HashAlg) -> Option<Digest> {
        if self.is_violation() {
            return Some(Digest::ones(bank));
        }
        self.data_hash(bank)
    }

    /// Whether the listed template hash is that of the data.
    pub fn listed_check(&self) -> ListedCheck {
        self.checked().0
    }

    /// The check, and what was hashed for it.
    pub(super) fn checked(&self) -> (ListedCheck, Option<Digest>) {
        if self.is_violation() {
            return (ListedCheck::Violation, None);
        }
        if matches!(self.source, DataSource::Text(_)) {
            return (ListedCheck::NotComputable, None);
        }
        match self.data_hash(self.listed_hash.alg()) {
            None => (ListedCheck::NotComputable, None),
            Some(hash) if hash == self.listed_hash => (ListedCheck::Verified, Some(hash)),
            Some(hash) => (ListedCheck::Mismatch, Some(hash)),
        }
    }

    /// The algorithm of the listed hash's size that gives it.
    pub(super) fn hashed_by(&self) -> Option<HashAlg> {
        let (listed, size) = (self.listed_hash, self.listed_hash.alg().size());
        let fits = |alg: &HashAlg| {
            let hash = self.data_hash(*alg);
            alg.size() == size && hash.is_some_and(|hash| hash.as_bytes() == listed.as_bytes())
        };
        HashAlg::ALL.into_iter().filter(|alg| alg.size() == size).find(fits)
    }

    /// The template's fields.
    pub fn fields(&self) -> Result<ImaFields<'a>, FieldError> {
        match self.source {
            DataSource::Text(RebuildError::UnknownTemplate) => Err(FieldError::UnknownTemplate),
            DataSource::Text(error) => Err(FieldError::Text(error)),
            DataSource::Binary | DataSource::Rebuilt => fields::decode(self.template, self.order, self.data),
        }
    }

    /// One line of text for an operator: digest and name, escaped.
    pub fn describe(&self) -> String {
        match (self.fields(), self.source) {
            (Ok(fields), _) => fields.to_string(),
            (Err(_), DataSource::Text(_)) => sanitise(&String::from_utf8_lossy(self.data)),
            (Err(error), _) => error.to_string(),
        }
    }

    fn data_hash(&self, alg: HashAlg) -> Option<Digest> {
        if matches!(self.source, DataSource::Text(_)) {
            return (self.listed_hash.alg() == alg).then_some(self.listed_hash);
        }
        if self.template == template::LEGACY {
            return fields::legacy_hash(self.order, self.data, alg);
        }
        Some(alg.hash(&[self.data]))
    }
}
