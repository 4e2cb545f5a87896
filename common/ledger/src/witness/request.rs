//! The body of `add-checkpoint`.

use std::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::hash::HashError;
use crate::limits::{MAX_ADD_CHECKPOINT_BYTES, MAX_WITNESS_HASHES};
use crate::proof::ConsistencyProof;
use crate::text::{self, Lines};
use crate::tree::{LogSize, TreeError};

/// A checkpoint for a witness, with the proof that it grew from what the witness cosigned last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: LogSize,
    proof: ConsistencyProof,
    checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// A request with a proof from `old` to the checkpoint's size.
    pub fn new(
        old: LogSize,
        proof: ConsistencyProof,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, RequestError> {
        check_hashes(proof.hashes().len())?;
        Ok(Self { old, proof, checkpoint })
    }

    /// Reads a request; nothing is verified yet.
    //= C2SP tlog-witness v1.0.0, add-checkpoint
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > MAX_ADD_CHECKPOINT_BYTES {
            return Err(RequestError::TooLarge { found: bytes.len() });
        }
        let body = std::str::from_utf8(bytes)
            .map_err(|error| RequestError::NotUtf8 { offset: error.valid_up_to() })?;
        let mut lines = Lines::new(body);
        let first = lines.take().ok_or(RequestError::Truncated { offset: 0 })?;
        let old = first.text.strip_prefix("old ").and_then(text::decimal).ok_or(RequestError::OldSize)?;
        let mut hashes = Vec::new();
        loop {
            let offset = lines.offset();
            let line = lines.take().ok_or(RequestError::Truncated { offset })?;
            if line.text.is_empty() {
                break;
            }
            check_hashes(hashes.len() + 1)?;
            hashes.push(line.text.parse().map_err(|reason| RequestError::Hash { offset, reason })?);
        }
        let offset = lines.offset();
        let checkpoint = SignedCheckpoint::parse(lines.rest().as_bytes())
            .map_err(|reason| RequestError::Checkpoint { offset, reason })?;
        let proof = ConsistencyProof::new(hashes).map_err(|_| RequestError::TooManyHashes)?;
        Ok(Self { old: LogSize::new(old)?, proof, checkpoint })
    }

    /// The size that the proof begins from.
    pub const fn old(&self) -> LogSize {
        self.old
    }

    /// The proof.
    pub const fn proof(&self) -> &ConsistencyProof {
        &self.proof
    }

    /// The checkpoint, not verified.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// The text of the body.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in self.proof.hashes() {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint.note().as_str())
    }
}

fn check_hashes(count: usize) -> Result<(), RequestError> {
    if count <= MAX_WITNESS_HASHES { Ok(()) } else { Err(RequestError::TooManyHashes) }
}

/// Why bytes are no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Larger than the limit.
    #[error("a request has at most {MAX_ADD_CHECKPOINT_BYTES} bytes, found {found}")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Where the valid part ends.
        offset: usize,
    },
    /// The body ends before its checkpoint.
    #[error("the body ends in the line at byte {offset}")]
    Truncated {
        /// Offset of the line that does not end.
        offset: usize,
    },
    /// The first line is another.
    #[error("the first line is not `old` and a decimal number without leading zeroes")]
    OldSize,
    /// A size that no log has.
    #[error(transparent)]
    Size(#[from] TreeError),
    /// A line of the proof that is no hash.
    #[error("proof line at byte {offset}: {reason}")]
    Hash {
        /// Offset of the line.
        offset: usize,
        /// What is wrong with it.
        reason: HashError,
    },
    /// More hashes than any proof has.
    #[error("a consistency proof has at most {MAX_WITNESS_HASHES} hashes")]
    TooManyHashes,
    /// The checkpoint is none.
    #[error("checkpoint at byte {offset} (offsets within it): {reason}")]
    Checkpoint {
        /// Offset of the checkpoint.
        offset: usize,
        /// What is wrong with it.
        reason: CheckpointError,
    },
}
