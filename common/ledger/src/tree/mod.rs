//! Where things are in the tree: sizes, indices and nodes; and, in the submodules, growing it and proving.
//!
//! Only *complete* nodes are named and stored: node `(level, index)` is the Merkle tree hash of the leaves
//! `[index << level, (index + 1) << level)`, and once it exists it never changes. Whatever else a root or a
//! proof needs is folded from those. In: numbers from outside. Out: numbers that cannot overflow. The caller's
//! storage is trusted to give back what it was given; a root compared with a checkpoint shows whether it did.

mod frontier;
mod plan;

#[cfg(test)]
mod tests;

use std::fmt;

pub use frontier::{Frontier, FrontierError};
pub use plan::{
    ConsistencyPlan, HashReader, InclusionPlan, PlanError, ReadError, load_frontier, prove_consistency,
    prove_inclusion,
};

/// The number of leaves of a log: at most 2^63 - 1, so that every database and language can hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogSize(u64);

impl LogSize {
    /// The empty log.
    pub const ZERO: Self = Self(0);

    /// The largest size.
    pub const MAX: Self = Self(i64::MAX.cast_unsigned());

    /// A size from a number.
    pub const fn new(leaves: u64) -> Result<Self, TreeError> {
        if leaves <= Self::MAX.0 { Ok(Self(leaves)) } else { Err(TreeError::SizeTooLarge { size: leaves }) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether the log has no leaves.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The index that the next leaf will have, and the size with it.
    pub const fn next(self) -> Result<(LeafIndex, Self), TreeError> {
        match Self::new(self.0 + 1) {
            Ok(size) => Ok((LeafIndex(self.0), size)),
            Err(error) => Err(error),
        }
    }

    /// Whether a leaf with this index is in a log of this size.
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for LogSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u64> for LogSize {
    type Error = TreeError;

    fn try_from(leaves: u64) -> Result<Self, TreeError> {
        Self::new(leaves)
    }
}

/// The place of a leaf, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// An index from a number: below [`LogSize::MAX`].
    pub const fn new(index: u64) -> Result<Self, TreeError> {
        if index < LogSize::MAX.0 { Ok(Self(index)) } else { Err(TreeError::IndexTooLarge { index }) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u64> for LeafIndex {
    type Error = TreeError;

    fn try_from(index: u64) -> Result<Self, TreeError> {
        Self::new(index)
    }
}

/// A complete node: the leaves `[index << level, (index + 1) << level)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    level: u8,
    index: u64,
}

impl NodeId {
    /// A node from its coordinates; its leaves must lie within [`LogSize::MAX`].
    pub fn new(level: u8, index: u64) -> Result<Self, TreeError> {
        let beyond = TreeError::NodeTooLarge { level, index };
        // Level 62 is the highest that can be complete in a log of less than 2^63 leaves.
        if level > 62 || index >= LogSize::MAX.0 >> level {
            return Err(beyond);
        }
        Ok(Self { level, index })
    }

    /// The node of one leaf.
    pub const fn leaf(index: LeafIndex) -> Self {
        Self { level: 0, index: index.0 }
    }

    /// Height above the leaves.
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Place within the level, from zero.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Whether every leaf below this node is in a log of this size, so that the node exists.
    pub const fn is_complete_in(self, size: LogSize) -> bool {
        // No overflow: both constructors keep the last leaf below 2^63.
        ((self.index + 1) << self.level) <= size.0
    }

    const fn is_right_child(self) -> bool {
        self.index & 1 == 1
    }

    const fn parent(self) -> Self {
        Self { level: self.level + 1, index: self.index >> 1 }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, self.index)
    }
}

/// Numbers that no log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// More than 2^63 - 1 leaves.
    #[error("a log of {size} leaves is larger than 2^63 - 1")]
    SizeTooLarge {
        /// The size asked for.
        size: u64,
    },
    /// An index that no log of at most 2^63 - 1 leaves has.
    #[error("leaf index {index} is beyond 2^63 - 2")]
    IndexTooLarge {
        /// The index asked for.
        index: u64,
    },
    /// A node that no log of at most 2^63 - 1 leaves completes.
    #[error("node {level}/{index} is beyond a log of 2^63 - 1 leaves")]
    NodeTooLarge {
        /// Its level.
        level: u8,
        /// Its index in the level.
        index: u64,
    },
}

/// The complete nodes, from the left, that the leaves `[start, end)` fold from.
///
/// `start` must be a multiple of a power of two that is not below `end - start`, as it is for every subtree of
/// RFC 6962's splitting.
fn cover(mut start: u64, end: u64) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    while let Some(level) = (end - start).checked_ilog2() {
        // The logarithm of a number below 2^63 is at most 62.
        nodes.push(NodeId { level: level.to_le_bytes()[0], index: start >> level });
        start += 1 << level;
    }
    nodes
}

/// Folds what [`cover`] named, from the right.
//= RFC 6962 §2.1: split at k, the largest power of two smaller than n
pub(crate) fn fold(hashes: &[crate::hash::Hash]) -> Option<crate::hash::Hash> {
    hashes.iter().rev().copied().reduce(|right, left| crate::hash::Hash::node(&left, &right))
}
