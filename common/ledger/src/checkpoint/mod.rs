//! Checkpoints: signed statements of a log's size and root.
//!
//! In: bytes from a log, or a size and root to sign. Out: a [`SignedCheckpoint`], parsed beside its raw note and
//! not yet believed; and from [`SignedCheckpoint::verify`] a [`VerifiedCheckpoint`], which the log's own key has
//! signed. That the log shows everybody the same one takes witnesses; that it only grew, a consistency proof.

mod signed;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::hash::{Hash, HashError};
use crate::limits::MAX_ORIGIN_BYTES;
use crate::note::{KeyName, NoteError};
use crate::proof::ProofError;
use crate::text::{self, Line, Lines};
use crate::tree::{LogSize, TreeError};

pub use signed::{SignedCheckpoint, VerifiedCheckpoint};

/// The identity of a log: one line that is not empty. It should be a URL without its scheme, and the name of
/// the key that the log signs with, but logs that are older than these customs differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// An origin from text.
    //= C2SP tlog-checkpoint v1.0.0, Note text: clients must not assume that the origin follows a format
    pub fn new(origin: impl Into<String>) -> Result<Self, OriginError> {
        let origin = origin.into();
        if origin.is_empty() || origin.len() > MAX_ORIGIN_BYTES {
            return Err(OriginError::Length { found: origin.len() });
        }
        match origin.find(|character: char| character < ' ') {
            Some(offset) => Err(OriginError::ControlCharacter { offset }),
            None => Ok(Self(origin)),
        }
    }

    /// The origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&KeyName> for Origin {
    fn from(name: &KeyName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The head of a log: whose it is, how many leaves it has, and their root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: LogSize,
    root: Hash,
}

impl Checkpoint {
    /// A head; the log without leaves has one root only.
    pub fn new(origin: Origin, size: LogSize, root: Hash) -> Result<Self, CheckpointError> {
        if size.is_empty() && root != Hash::empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin, size, root })
    }

    /// Reads the text of a checkpoint: three lines and nothing else.
    //= C2SP tlog-checkpoint v1.0.0, Note text
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = Lines::new(text);
        let origin = take(&mut lines, Part::Origin)?;
        let size = take(&mut lines, Part::Size)?;
        let root = take(&mut lines, Part::Root)?;
        // Extension lines are optional, not recommended, and outside what ML-DSA cosignatures sign.
        if !lines.rest().is_empty() {
            return Err(CheckpointError::Extension { offset: lines.offset() });
        }
        let origin = Origin::new(origin.text)
            .map_err(|reason| CheckpointError::Origin { offset: origin.offset, reason })?;
        let leaves = text::decimal(size.text).ok_or(CheckpointError::Size { offset: size.offset })?;
        let root =
            root.text.parse().map_err(|reason| CheckpointError::Root { offset: root.offset, reason })?;
        Self::new(origin, LogSize::new(leaves)?, root)
    }

    /// The log's identity.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The number of leaves.
    pub const fn size(&self) -> LogSize {
        self.size
    }

    /// The root of the tree at this size.
    pub const fn root(&self) -> &Hash {
        &self.root
    }
}

/// The text of the checkpoint, as it is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}

/// Why bytes are no checkpoint, or the checkpoint is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line is missing or does not end with a newline.
    #[error("the {part} line at byte {offset} is missing or does not end")]
    Missing {
        /// Which line.
        part: Part,
        /// Where it should begin.
        offset: usize,
    },
    /// A fourth line.
    #[error("extension line at byte {offset}")]
    Extension {
        /// Its offset.
        offset: usize,
    },
    /// The origin is empty or too long.
    #[error("origin at byte {offset}: {reason}")]
    Origin {
        /// Its offset.
        offset: usize,
        /// What is wrong with it.
        reason: OriginError,
    },
    /// The size is not a decimal number in its one spelling.
    #[error("the size at byte {offset} is not a decimal number without leading zeroes")]
    Size {
        /// Its offset.
        offset: usize,
    },
    /// The size is beyond what a log can have.
    #[error(transparent)]
    SizeRange(#[from] TreeError),
    /// The root is no hash.
    #[error("root at byte {offset}: {reason}")]
    Root {
        /// Its offset.
        offset: usize,
        /// What is wrong with it.
        reason: HashError,
    },
    /// The empty log with a root that is not the hash of nothing.
    #[error("the empty log has another root")]
    EmptyRoot,
    /// A checkpoint of another log than the one expected.
    #[error("a checkpoint of {found}, where one of {expected} was expected")]
    OtherLog {
        /// The log expected.
        expected: Origin,
        /// The log found.
        found: Origin,
    },
    /// The consistency proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Why text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Empty, or longer than the limit.
    #[error("an origin has 1 to {MAX_ORIGIN_BYTES} bytes, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A newline or another control character.
    #[error("control character at byte {offset} of the origin")]
    ControlCharacter {
        /// Its offset in the origin.
        offset: usize,
    },
}

/// A line of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first line.
    Origin,
    /// The second line.
    Size,
    /// The third line.
    Root,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin",
            Self::Size => "size",
            Self::Root => "root",
        })
    }
}

fn take<'a>(lines: &mut Lines<'a>, part: Part) -> Result<Line<'a>, CheckpointError> {
    let offset = lines.offset();
    lines.take().ok_or(CheckpointError::Missing { part, offset })
}
