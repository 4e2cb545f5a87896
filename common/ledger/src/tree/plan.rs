//! Proofs in two phases, so that storage may be anything, also asynchronous.
//!
//! In: an index and a size, or two sizes. Out: a plan that names the nodes to fetch; given their hashes, in its
//! order, it builds the proof. No IO in either phase. [`HashReader`] joins the two for storage that can answer
//! at once. A plan does not check the hashes it is given: whoever must be sure verifies the proof.

use crate::hash::Hash;
use crate::proof::{ConsistencyProof, InclusionProof};

use super::{Frontier, FrontierError, LeafIndex, LogSize, NodeId, cover, fold};

/// The nodes that an inclusion proof is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionPlan(Plan);

impl InclusionPlan {
    /// Plans the proof that the leaf `index` is in the log of `size` leaves.
    //= RFC 6962 §2.1.1: PATH(m, D[n])
    pub fn new(index: LeafIndex, size: LogSize) -> Result<Self, PlanError> {
        if !size.contains(index) {
            return Err(PlanError::IndexBeyondTree { index, size });
        }
        let (mut start, mut end) = (0, size.get());
        let mut siblings = Vec::new();
        while let Some(split) = split(start, end) {
            if index.get() < split {
                siblings.push((split, end));
                end = split;
            } else {
                siblings.push((start, split));
                start = split;
            }
        }
        Ok(Self(Plan::bottom_up(siblings)))
    }

    /// The nodes to fetch.
    pub fn nodes(&self) -> &[NodeId] {
        &self.0.nodes
    }

    /// The proof, from the hashes of [`InclusionPlan::nodes`] in that order.
    pub fn build(&self, hashes: &[Hash]) -> Result<InclusionProof, PlanError> {
        self.0.build(hashes).map(InclusionProof::from_plan)
    }
}

/// The nodes that a consistency proof is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyPlan(Plan);

impl ConsistencyPlan {
    /// Plans the proof that the log of `new` leaves begins with the log of `old` leaves.
    ///
    /// The plan is empty where there is nothing to prove: `old` is zero, or equals `new`.
    //= RFC 6962 §2.1.2: PROOF(m, D[n]) = SUBPROOF(m, D[n], true)
    pub fn new(old: LogSize, new: LogSize) -> Result<Self, PlanError> {
        if old > new {
            return Err(PlanError::Shrinks { old, new });
        }
        let mut ranges = Vec::new();
        if !old.is_empty() {
            let (mut start, mut end) = (0, new.get());
            while end != old.get()
                && let Some(split) = split(start, end)
            {
                if old.get() <= split {
                    ranges.push((split, end));
                    end = split;
                } else {
                    ranges.push((start, split));
                    start = split;
                }
            }
            // Where the walk never went right, the subtree is the old tree itself, whose root the verifier has.
            if start > 0 {
                ranges.push((start, end));
            }
        }
        Ok(Self(Plan::bottom_up(ranges)))
    }

    /// The nodes to fetch.
    pub fn nodes(&self) -> &[NodeId] {
        &self.0.nodes
    }

    /// The proof, from the hashes of [`ConsistencyPlan::nodes`] in that order.
    pub fn build(&self, hashes: &[Hash]) -> Result<ConsistencyProof, PlanError> {
        self.0.build(hashes).map(ConsistencyProof::from_plan)
    }
}

/// Storage of complete nodes that can answer at once.
pub trait HashReader {
    /// What can go wrong in it.
    type Error;

    /// The hashes of `ids`, in that order; a node that is not there is an error.
    fn read(&self, ids: &[NodeId]) -> Result<Vec<Hash>, Self::Error>;
}

/// The frontier of the log at a size that it has or had: its root, and where to go on appending.
pub fn load_frontier<R: HashReader>(reader: &R, size: LogSize) -> Result<Frontier, ReadError<R::Error>> {
    let hashes = reader.read(&Frontier::nodes(size)).map_err(ReadError::Storage)?;
    Ok(Frontier::from_hashes(size, hashes)?)
}

/// Reads what the plan names and builds the inclusion proof.
pub fn prove_inclusion<R: HashReader>(
    reader: &R,
    index: LeafIndex,
    size: LogSize,
) -> Result<InclusionProof, ReadError<R::Error>> {
    let plan = InclusionPlan::new(index, size)?;
    Ok(plan.build(&reader.read(plan.nodes()).map_err(ReadError::Storage)?)?)
}

/// Reads what the plan names and builds the consistency proof.
pub fn prove_consistency<R: HashReader>(
    reader: &R,
    old: LogSize,
    new: LogSize,
) -> Result<ConsistencyProof, ReadError<R::Error>> {
    let plan = ConsistencyPlan::new(old, new)?;
    Ok(plan.build(&reader.read(plan.nodes()).map_err(ReadError::Storage)?)?)
}

/// Why there is no such proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The leaf is not in the log.
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
    /// The caller fetched another number of hashes than the plan named nodes.
    #[error("the plan names {expected} nodes, but {found} hashes were given")]
    Hashes {
        /// Nodes named.
        expected: usize,
        /// Hashes given.
        found: usize,
    },
}

/// Why storage and plan together gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    /// The storage failed.
    #[error("reading stored hashes: {0}")]
    Storage(E),
    /// There is no such proof, or the storage gave another number of hashes.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The storage gave another number of hashes than the frontier has.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
}

/// Nodes in the order of the proof, and how many of them fold into each of its hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    nodes: Vec<NodeId>,
    groups: Vec<usize>,
}

impl Plan {
    /// From subtrees that were met on the way down; proofs run from the leaf upwards.
    fn bottom_up(ranges: Vec<(u64, u64)>) -> Self {
        let mut plan = Self { nodes: Vec::new(), groups: Vec::new() };
        for (start, end) in ranges.into_iter().rev() {
            let nodes = cover(start, end);
            plan.groups.push(nodes.len());
            plan.nodes.extend(nodes);
        }
        plan
    }

    fn build(&self, hashes: &[Hash]) -> Result<Vec<Hash>, PlanError> {
        let miscounted = PlanError::Hashes { expected: self.nodes.len(), found: hashes.len() };
        if hashes.len() != self.nodes.len() {
            return Err(miscounted);
        }
        let mut rest = hashes;
        let mut proof = Vec::with_capacity(self.groups.len());
        for &count in &self.groups {
            let (group, tail) = rest.split_at_checked(count).ok_or(miscounted)?;
            proof.push(fold(group).ok_or(miscounted)?);
            rest = tail;
        }
        Ok(proof)
    }
}

/// Where RFC 6962 splits the leaves `[start, end)`; `None` where at most one is left.
//= RFC 6962 §2.1: k is the largest power of two smaller than n
fn split(start: u64, end: u64) -> Option<u64> {
    let below = (end - start).checked_sub(1)?.checked_ilog2()?;
    Some(start + (1 << below))
}
