//! The right edge of a log: all that appending needs.
//!
//! In: leaf hashes, one after the other. Out: every node that a leaf completes, once and in an order that can be
//! stored as it comes, and the root. A frontier read from bytes has the right shape; whether its hashes are the
//! log's shows only when its root equals a checkpoint's.

use crate::hash::Hash;

use super::{LogSize, NodeId, TreeError, cover, fold};

/// The roots of the complete subtrees of a log, the largest first: one for each bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: LogSize,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The edge of the empty log.
    pub const fn new() -> Self {
        Self { size: LogSize::ZERO, hashes: Vec::new() }
    }

    /// The nodes whose hashes make the frontier of a log of this size.
    pub fn nodes(size: LogSize) -> Vec<NodeId> {
        cover(0, size.get())
    }

    /// A frontier from the hashes of [`Frontier::nodes`], in that order.
    pub fn from_hashes(size: LogSize, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = hashes_at(size);
        if hashes.len() == expected {
            Ok(Self { size, hashes })
        } else {
            Err(FrontierError::Hashes { size, expected, found: hashes.len() })
        }
    }

    /// A frontier from hashes that were made as [`Frontier::nodes`] names them.
    pub(crate) const fn from_cover(size: LogSize, hashes: Vec<Hash>) -> Self {
        Self { size, hashes }
    }

    /// The number of leaves.
    pub const fn size(&self) -> LogSize {
        self.size
    }

    /// The hashes of [`Frontier::nodes`].
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf and returns every node that it completes, from the leaf upwards, for the caller to store.
    ///
    /// On an error nothing has changed.
    pub fn push(&mut self, leaf: Hash) -> Result<Vec<(NodeId, Hash)>, TreeError> {
        let (index, size) = self.size.next()?;
        let (mut node, mut hash) = (NodeId::leaf(index), leaf);
        let mut completed = vec![(node, hash)];
        // A node that is a right child has its left sibling at the end of the frontier.
        while node.is_right_child()
            && let Some(left) = self.hashes.pop()
        {
            (node, hash) = (node.parent(), Hash::node(&left, &hash));
            completed.push((node, hash));
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(completed)
    }

    /// The root of the log.
    pub fn root(&self) -> Hash {
        fold(&self.hashes).unwrap_or_else(Hash::empty_root)
    }

    /// The size as eight bytes, big-endian, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SIZE_BYTES + self.hashes.len() * Hash::SIZE);
        bytes.extend_from_slice(&self.size.get().to_be_bytes());
        for hash in &self.hashes {
            bytes.extend_from_slice(hash.as_bytes());
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote: exactly as many hashes as the size has bits set.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, rest) =
            bytes.split_first_chunk::<SIZE_BYTES>().ok_or(FrontierError::Truncated { found: bytes.len() })?;
        let size = LogSize::new(u64::from_be_bytes(*size))?;
        let expected = SIZE_BYTES + hashes_at(size) * Hash::SIZE;
        if bytes.len() != expected {
            return Err(FrontierError::Length { size, expected, found: bytes.len() });
        }
        let (hashes, _) = rest.as_chunks::<{ Hash::SIZE }>();
        Self::from_hashes(size, hashes.iter().copied().map(Hash::from_bytes).collect())
    }
}

/// Why hashes or bytes are no frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Too short to hold a size.
    #[error("a frontier begins with 8 bytes of size, found {found}")]
    Truncated {
        /// Bytes found.
        found: usize,
    },
    /// Not the length that the size asks for.
    #[error("the frontier of {size} leaves has {expected} bytes, found {found}")]
    Length {
        /// The size that the bytes claim.
        size: LogSize,
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not the number of hashes that the size asks for.
    #[error("the frontier of {size} leaves has {expected} hashes, found {found}")]
    Hashes {
        /// The size.
        size: LogSize,
        /// Hashes expected.
        expected: usize,
        /// Hashes found.
        found: usize,
    },
    /// A size that no log has.
    #[error(transparent)]
    Size(#[from] TreeError),
}

/// One subtree for each bit that is set.
fn hashes_at(size: LogSize) -> usize {
    size.get().count_ones() as usize
}

const SIZE_BYTES: usize = 8;
