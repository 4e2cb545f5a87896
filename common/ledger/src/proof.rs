//! Inclusion and consistency proofs, and their verification.
//!
//! In: hashes from a stranger, with sizes and roots from checkpoints. Out: nothing, or the one reason why the
//! proof does not hold. It establishes that a root contains a leaf, or that a root's log begins with another
//! root's; not that either root is anybody's: signatures on checkpoints do that.

use crate::hash::Hash;
use crate::limits::MAX_PROOF_HASHES;
use crate::tree::{LeafIndex, LogSize};

/// The siblings on the way from a leaf to the root, the leaf's own first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InclusionProof(Vec<Hash>);

impl InclusionProof {
    /// A proof as received: at most [`MAX_PROOF_HASHES`] hashes.
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        within_limit(hashes).map(Self)
    }

    /// A plan has at most one range for each level, which is within the limit.
    pub(crate) fn from_plan(hashes: Vec<Hash>) -> Self {
        Self(hashes)
    }

    /// The hashes, from the leaf upwards.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// The hashes, given away.
    pub fn into_hashes(self) -> Vec<Hash> {
        self.0
    }
}

/// What joins the root of a log to the root of the same log grown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyProof(Vec<Hash>);

impl ConsistencyProof {
    /// A proof as received: at most [`MAX_PROOF_HASHES`] hashes.
    pub fn new(hashes: Vec<Hash>) -> Result<Self, ProofError> {
        within_limit(hashes).map(Self)
    }

    /// A plan has at most one range for each level and one more, which is within the limit.
    pub(crate) fn from_plan(hashes: Vec<Hash>) -> Self {
        Self(hashes)
    }

    /// The hashes, in the order of RFC 6962 §2.1.2.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// The hashes, given away.
    pub fn into_hashes(self) -> Vec<Hash> {
        self.0
    }
}

/// Verifies that the log of `size` leaves with root `root` has `leaf` at `index`.
///
/// The proof binds the leaf and its index to the root; the size must come with the root, from one checkpoint.
//= RFC 9162 §2.1.3.2: Verifying an Inclusion Proof
pub fn verify_inclusion(
    leaf: &Hash,
    index: LeafIndex,
    size: LogSize,
    proof: &InclusionProof,
    root: &Hash,
) -> Result<(), ProofError> {
    if !size.contains(index) {
        return Err(ProofError::IndexBeyondTree { index, size });
    }
    let mut path = Path { node: index.get(), last: size.get() - 1 };
    let mut computed = *leaf;
    for hash in &proof.0 {
        if path.at_root() {
            return Err(ProofError::TooLong { found: proof.0.len() });
        }
        computed = match path.climb() {
            Side::Left => Hash::node(hash, &computed),
            Side::Right => Hash::node(&computed, hash),
        };
    }
    if !path.at_root() {
        return Err(ProofError::TooShort { found: proof.0.len() });
    }
    if computed == *root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Verifies that the log of `new_size` leaves with root `new_root` begins with the log of `old_size` leaves with
/// root `old_root`.
///
/// Every log begins with the empty one, and with itself; both take an empty proof.
//= RFC 9162 §2.1.4.2: Verifying Consistency between Two Tree Heads
pub fn verify_consistency(
    old_size: LogSize,
    old_root: &Hash,
    new_size: LogSize,
    new_root: &Hash,
    proof: &ConsistencyProof,
) -> Result<(), ProofError> {
    if old_size > new_size {
        return Err(ProofError::Shrinks { old: old_size, new: new_size });
    }
    if old_size == new_size || old_size.is_empty() {
        return verify_trivial(old_size, old_root, new_size, new_root, proof);
    }
    let mut path = Path { node: old_size.get() - 1, last: new_size.get() - 1 };
    let mut hashes = proof.0.iter();
    // An old tree that is complete is itself the first hash of the path.
    let seed = if old_size.get().is_power_of_two() { Some(old_root) } else { hashes.next() };
    let seed = seed.ok_or(ProofError::TooShort { found: 0 })?;
    path.skip_left_turns();
    let (mut old, mut new) = (*seed, *seed);
    for hash in hashes {
        if path.at_root() {
            return Err(ProofError::TooLong { found: proof.0.len() });
        }
        match path.climb() {
            Side::Left => (old, new) = (Hash::node(hash, &old), Hash::node(hash, &new)),
            Side::Right => new = Hash::node(&new, hash),
        }
    }
    if !path.at_root() {
        return Err(ProofError::TooShort { found: proof.0.len() });
    }
    if old != *old_root {
        return Err(ProofError::OldRootMismatch);
    }
    if new == *new_root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More hashes than any log needs.
    #[error("a proof has at most {MAX_PROOF_HASHES} hashes, found {found}")]
    TooManyHashes {
        /// Hashes found.
        found: usize,
    },
    /// The leaf is not in a log of this size.
    #[error("leaf {index} is not in a log of {size} leaves")]
    IndexBeyondTree {
        /// The leaf.
        index: LeafIndex,
        /// The log's size.
        size: LogSize,
    },
    /// The older log is larger.
    #[error("a log of {old} leaves cannot grow into one of {new}")]
    Shrinks {
        /// The older size.
        old: LogSize,
        /// The newer size.
        new: LogSize,
    },
    /// Fewer hashes than the way to the root takes.
    #[error("{found} hashes do not reach the root")]
    TooShort {
        /// Hashes found.
        found: usize,
    },
    /// More hashes than the way to the root takes.
    #[error("{found} hashes go beyond the root")]
    TooLong {
        /// Hashes found.
        found: usize,
    },
    /// The hashes do not lead to the (new) root.
    #[error("the proof leads to another root")]
    RootMismatch,
    /// The hashes do not lead to the old root.
    #[error("the proof leads to another old root")]
    OldRootMismatch,
    /// The root of a log without leaves is not the hash of nothing.
    #[error("the empty log has another root")]
    EmptyRootMismatch,
    /// Two different roots at one size: the log was forked, and both roots together are the proof of it.
    #[error("two roots at size {size}: the log was forked")]
    Forked {
        /// The size.
        size: LogSize,
    },
}

fn verify_trivial(
    old_size: LogSize,
    old_root: &Hash,
    new_size: LogSize,
    new_root: &Hash,
    proof: &ConsistencyProof,
) -> Result<(), ProofError> {
    if !proof.0.is_empty() {
        return Err(ProofError::TooLong { found: proof.0.len() });
    }
    if old_size.is_empty() && *old_root != Hash::empty_root() {
        return Err(ProofError::EmptyRootMismatch);
    }
    if old_size == new_size && old_root != new_root {
        return Err(ProofError::Forked { size: new_size });
    }
    Ok(())
}

fn within_limit(hashes: Vec<Hash>) -> Result<Vec<Hash>, ProofError> {
    if hashes.len() <= MAX_PROOF_HASHES {
        Ok(hashes)
    } else {
        Err(ProofError::TooManyHashes { found: hashes.len() })
    }
}

/// On which side of the node the next hash of the proof stands.
enum Side {
    Left,
    Right,
}

/// The way from a node to the root: RFC 9162's `fn` and `sn`.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    fn at_root(&self) -> bool {
        self.last == 0
    }

    /// Takes one hash of the proof into account, and goes up past the levels that need none.
    fn climb(&mut self) -> Side {
        let side = if self.node & 1 == 1 || self.node == self.last {
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        side
    }

    /// Goes up while the node is a right child: to the root of the last complete subtree of the old tree.
    fn skip_left_turns(&mut self) {
        while self.node & 1 == 1 {
            self.up();
        }
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}

#[cfg(test)]
mod tests;
