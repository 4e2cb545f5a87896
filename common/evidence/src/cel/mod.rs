//! The TCG's Canonical Event Log in its JSON form, read and written.
//!
//! In: bytes: an array of records, `{"records": [..]}` as systemd's pcrlock files have it, records one after the other, or a
//! JSON text sequence (RFC 7464) as systemd writes its own log. Out: records that borrow the bytes, what the registers replay
//! to, and firmware logs and IMA lists converted there and back. Only the digests were measured, each register's in its own
//! order: record numbers, content types, the order across registers and what contents say are claims until a digest is
//! recomputed from them. The TLV and CBOR forms are not read.
//= TCG Canonical Event Log Format 1.0 §5.3: CEL-JSON encoding

mod algorithm;
mod convert;
mod frame;
mod record;
mod replay;
mod write;

pub use algorithm::{RecordDigests, hash_alg};
pub use convert::{ConvertError, to_firmware_log, to_ima_list};
pub use frame::Framing;
pub use record::{CelRecord, Content, Hex, Register};
pub use replay::Replay;
pub use write::{CelWriter, Layout};

use crate::json::JsonError;
use crate::limits::CEL_BYTES;
use frame::Frames;

/// A canonical event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cel<'a> {
    bytes: &'a [u8],
}

impl<'a> Cel<'a> {
    /// A log from its bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// How its records are laid out.
    pub fn framing(self) -> Framing {
        Framing::of(self.bytes)
    }

    /// The records in order, and an error in place of each that cannot be read. Where the layout tells where the next one
    /// starts, reading goes on behind an error.
    pub fn records(self) -> Records<'a> {
        Records { frames: Frames::new(self.bytes), next: 0 }
    }
}

/// The records of a log.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    frames: Frames<'a>,
    next: u64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<CelRecord<'a>, CelError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.frames.offset();
        let frame = self.frames.next()?;
        let number = self.next;
        self.next = number.saturating_add(1);
        Some(frame.and_then(|value| CelRecord::read(value, number)).map_err(|cause| CelError {
            record: number,
            start,
            place: if self.frames.is_done() { Place::Last } else { Place::Within },
            cause,
        }))
    }
}

/// A record that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {record}: {cause}")]
pub struct CelError {
    /// Its number, from 0.
    pub record: u64,
    /// Where it starts, with what stands before it.
    pub start: usize,
    /// Whether anything follows it.
    pub place: Place,
    /// What is wrong with it.
    pub cause: CelProblem,
}

impl CelError {
    /// Whether the log ends within the record, as after a crash while it was written: not the same as a bad record.
    pub fn is_truncation(&self) -> bool {
        let ended = matches!(self.cause, CelProblem::Json(error) if error.is_truncation());
        self.place == Place::Last && ended
    }

    /// The byte that is wrong.
    pub const fn offset(&self) -> usize {
        self.cause.offset()
    }
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Others follow.
    Within,
    /// The last one, or reading cannot go on behind it.
    Last,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CelProblem {
    /// The log is longer than is read.
    #[error("the log has {found} bytes, at most {CEL_BYTES}")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not where the layout has a record, a comma or an end.
    #[error("at byte {offset}: expected {expected}")]
    Layout {
        /// Where it is.
        offset: usize,
        /// What may stand here.
        expected: &'static str,
    },
    /// A member is missing or is not what it has to be.
    #[error("at byte {offset}: {field} {expected}")]
    Field {
        /// Where the member, or its object, starts.
        offset: usize,
        /// The member.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A digest of another length than its algorithm has.
    #[error("at byte {offset}: a {alg} digest has {expected} bytes, not {found}")]
    DigestSize {
        /// Where it is.
        offset: usize,
        /// The algorithm.
        alg: crate::digest::HashAlg,
        /// Its size.
        expected: usize,
        /// The size found.
        found: usize,
    },
    /// Two digests of one algorithm.
    #[error("at byte {offset}: a second {alg} digest")]
    DigestTwice {
        /// Where the second one is.
        offset: usize,
        /// The algorithm.
        alg: crate::digest::HashAlg,
    },
}

impl CelProblem {
    /// The byte that is wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::TooLong { .. } => CEL_BYTES,
            Self::Json(error) => error.offset(),
            Self::Layout { offset, .. }
            | Self::Field { offset, .. }
            | Self::DigestSize { offset, .. }
            | Self::DigestTwice { offset, .. } => *offset,
        }
    }
}

#[cfg(test)]
mod tests;
