//! Linux IMA's list of measurements, binary and as text.
//!
//! In: bytes of `binary_runtime_measurements` or its like, from the first record or from any later one, at once or in
//! chunks. Out: records that borrow the bytes, what they replay to, and the prefix that a quoted PCR value vouches for. A
//! record is true only within such a prefix. The list tells what was measured for the first time, never the last use,
//! and what policy leaves out (tmpfs, memfd) is not in it.

mod ascii;
mod layout;
mod parse;
mod record;
mod stream;

mod fields;
mod signature;
mod template;

mod banks;
mod boot_aggregate;
mod replay;

mod buffer;
mod device_mapper;

pub use ascii::{LineError, RebuildError};
pub use banks::{BankReplay, ImaState};
pub use boot_aggregate::{AggregatedPcrs, BootAggregateCheck, check_boot_aggregate};
pub use buffer::{MeasuredBuffer, Pairs};
pub use device_mapper::{DmEvent, DmEventKind, DmTarget, DmVerity};
pub use fields::{DigestType, FieldError, ImaDigest, ImaFields};
pub use layout::{ByteOrder, DETECT_BYTES, ListForm, ListLayout};
pub use parse::{ImaError, Records};
pub use record::{DataSource, ImaRecord, ListedCheck};
pub use replay::{Extends, ImaReplay, PrefixError, PrefixMatch, leading_bank, replay_prefix};
pub use signature::{ImaSignature, SignatureError, SignatureKind};
pub use stream::{ImaStream, StreamItem};

use crate::digest::HashAlg;

/// A binary list that is in memory: bytes and how its records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaList<'a> {
    bytes: &'a [u8],
    layout: ListLayout,
}

impl<'a> ImaList<'a> {
    /// A list whose template hashes are SHA-1: `binary_runtime_measurements` of every kernel.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, layout: ListLayout::USUAL }
    }

    /// A list whose template hashes are of another algorithm: `binary_runtime_measurements_<alg>`.
    pub const fn with_listed(bytes: &'a [u8], listed: HashAlg) -> Self {
        Self::with_layout(bytes, ListLayout { listed, order: ByteOrder::Little })
    }

    /// A list of another layout.
    pub const fn with_layout(bytes: &'a [u8], layout: ListLayout) -> Self {
        Self { bytes, layout }
    }

    /// The layout that makes the first record well formed, the usual one if none does.
    ///
    /// Between algorithms with hashes of one size, the first record that has a hash decides.
    pub fn detect(bytes: &'a [u8]) -> Self {
        let found = Self { bytes, layout: ListLayout::detect(bytes).unwrap_or(ListLayout::USUAL) };
        if found.layout.listed == HashAlg::Sha1 {
            return found;
        }
        let records = found.records().map_while(Result::ok).take(DETECT_RECORDS);
        let listed = records.filter(|record| !record.is_violation()).find_map(|record| record.hashed_by());
        Self { layout: ListLayout { listed: listed.unwrap_or(found.layout.listed), ..found.layout }, ..found }
    }

    /// How the records are written.
    pub const fn layout(&self) -> ListLayout {
        self.layout
    }

    /// The algorithm of the list's template hashes.
    pub const fn listed(&self) -> HashAlg {
        self.layout.listed
    }

    /// The records, up to the first that is damaged.
    pub fn records(&self) -> Records<'a> {
        Records::new(self.bytes, self.layout)
    }
}

/// How many records may be without a hash before it no longer matters which algorithm it would be.
const DETECT_RECORDS: usize = 16;

#[cfg(test)]
mod tests;
