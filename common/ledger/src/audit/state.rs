//! An interrupted audit, as bytes.
//!
//! In: an audit between two steps. Out: its position, the incomplete tiles there, and a hash over the marks that it
//! has compared, so that it goes on only with the same ones. The bytes are the auditor's own and are not
//! authenticated: false ones lead to a root that no checkpoint has.
//!
//! ```text
//! state = version (1 byte, 0x01) || position (8 bytes) || SHA-256 of the compared marks || hashes of the edge
//! ```

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;
use crate::tile::{Edge, MAX_TILE_LEVEL};
use crate::tree::LogSize;

use super::{Auditor, Mark, MarkError};

impl Auditor {
    /// What [`Auditor::resume`] goes on from.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.position().get().to_be_bytes());
        bytes.extend_from_slice(&digest(self.marks.get(..self.next).unwrap_or_default()));
        for level in 0..=MAX_TILE_LEVEL {
            for hash in self.edge.level(level) {
                bytes.extend_from_slice(hash.as_bytes());
            }
        }
        bytes
    }

    /// Goes on with an audit that was interrupted. The end may be a newer one; the marks that were compared must be
    /// among the given ones, and no others up to that position.
    pub fn resume(end: Mark, marks: Vec<Mark>, bytes: &[u8]) -> Result<Self, StateError> {
        let mut auditor = Self::new(end, marks)?;
        let (version, rest) = bytes.split_first().ok_or(StateError::Length { found: 0 })?;
        if *version != VERSION {
            return Err(StateError::Version { found: *version });
        }
        let short = StateError::Length { found: bytes.len() };
        let (position, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
        let (compared, rest) = rest.split_first_chunk::<32>().ok_or(short)?;
        let position = LogSize::new(u64::from_be_bytes(*position)).map_err(|_| StateError::Position)?;
        if position > end.size || !(position.get().is_multiple_of(256) || position == end.size) {
            return Err(StateError::Position);
        }
        let next = auditor.marks.partition_point(|mark| mark.size <= position);
        if digest(auditor.marks.get(..next).unwrap_or_default()) != *compared {
            return Err(StateError::OtherMarks);
        }
        auditor.next = next;
        auditor.edge = read_edge(position, rest).ok_or(short)?;
        Ok(auditor)
    }
}

/// The incomplete tiles at a position, from exactly their bytes.
fn read_edge(position: LogSize, bytes: &[u8]) -> Option<Edge> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::SIZE }>();
    if !rest.is_empty() {
        return None;
    }
    let mut hashes = hashes.iter().copied().map(Hash::from_bytes);
    let edge = Edge::at(position, &mut hashes)?;
    hashes.next().is_none().then_some(edge)
}

fn digest(marks: &[Mark]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for mark in marks {
        hasher.update(mark.size.get().to_be_bytes());
        hasher.update(mark.root.as_bytes());
    }
    hasher.finalize().into()
}

/// Why bytes are no interrupted audit, or not of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A layout of the future.
    #[error("the audit's state has version {found}, which is not known")]
    Version {
        /// The version found.
        found: u8,
    },
    /// Not as many bytes as the position takes.
    #[error("{found} bytes are no state of an audit")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A position beyond the log's end, or within a bundle.
    #[error("the state's position is not one that an audit of this log stops at")]
    Position,
    /// Other checkpoints were compared before.
    #[error("the audit was begun with other checkpoints")]
    OtherMarks,
    /// The marks themselves.
    #[error(transparent)]
    Marks(#[from] MarkError),
}

const VERSION: u8 = 1;
