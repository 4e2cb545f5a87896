//! A part of an audit that another thread can do.
//!
//! In: a range of full bundles. Out: the roots of the tiles above them, after every entry was hashed and every tile
//! of level 0 compared. The audit that takes a chunk over compares the tiles above those.

use crate::hash::Hash;
use crate::tile::{BundleId, TILE_WIDTH, TileSource, Width, root_of};
use crate::tree::{LeafIndex, LogSize};

use super::{AuditError, compare, hash_bundle};

/// Full bundles that were hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    first: LogSize,
    roots: Vec<Hash>,
}

impl Chunk {
    /// The size of the log before it.
    pub const fn first(&self) -> LogSize {
        self.first
    }

    /// How many leaves it holds.
    pub fn leaves(&self) -> u64 {
        self.roots.len() as u64 * u64::from(TILE_WIDTH)
    }

    pub(super) fn roots(&self) -> &[Hash] {
        &self.roots
    }
}

/// Hashes the bundles of a range, such as [`Auditor::chunks`](super::Auditor::chunks) names, and compares their tiles.
pub fn check_chunk<S: TileSource>(
    source: &S,
    bundles: std::ops::Range<u64>,
    entry: &mut impl FnMut(LeafIndex, &[u8]),
) -> Result<Chunk, AuditError<S::Error>> {
    let first =
        LogSize::new(bundles.start.saturating_mul(u64::from(TILE_WIDTH))).map_err(|_| AuditError::Place)?;
    let mut roots = Vec::new();
    let mut leaves = Vec::with_capacity(usize::from(TILE_WIDTH));
    for index in bundles {
        let id = BundleId::new(index, Width::FULL).map_err(|_| AuditError::Place)?;
        leaves.clear();
        hash_bundle(source, id, &mut leaves, entry)?;
        compare(source, id.tile(), &leaves)?;
        roots.push(root_of(&leaves));
    }
    Ok(Chunk { first, roots })
}
