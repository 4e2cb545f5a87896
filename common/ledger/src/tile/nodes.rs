//! What is in a tile: its hashes, and the nodes of the seven levels above them.
//!
//! In: a tile's bytes. Out: the hash of any complete node that the tile spans, and of a full tile its root. Whether
//! the hashes are the log's is not established here.

use crate::hash::Hash;
use crate::tree::NodeId;

use super::edge::halve;
use super::{TILE_HEIGHT, TileId};

/// The hashes of a tile and of all complete nodes that it spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileNodes {
    tile: TileId,
    levels: Vec<Vec<Hash>>,
}

impl TileNodes {
    /// The nodes above the hashes of a tile, as [`fetch_tile`](super::fetch_tile) gives them.
    pub fn new(tile: TileId, hashes: Vec<Hash>) -> Self {
        let mut levels = vec![hashes];
        while let Some(last) = levels.last()
            && last.len() > 1
        {
            let mut above = last.clone();
            halve(&mut above);
            levels.push(above);
        }
        Self { tile, levels }
    }

    /// Which tile it is.
    pub const fn tile(&self) -> TileId {
        self.tile
    }

    /// The hash of a node that this tile spans; `None` for any other.
    pub fn hash(&self, node: NodeId) -> Option<Hash> {
        if node.level() / TILE_HEIGHT != self.tile.level() {
            return None;
        }
        let height = node.level() % TILE_HEIGHT;
        let first = self.tile.index() << (TILE_HEIGHT - height);
        let place = usize::try_from(node.index().checked_sub(first)?).ok()?;
        self.levels.get(usize::from(height))?.get(place).copied()
    }

    /// The hash at a place of the tile.
    pub fn at(&self, place: u16) -> Option<Hash> {
        self.levels.first()?.get(usize::from(place)).copied()
    }

    /// The hashes of the tile itself.
    pub fn hashes(&self) -> &[Hash] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// The root of a full tile, which the tile above holds; `None` for a partial one.
    pub fn root(&self) -> Option<Hash> {
        self.levels.get(usize::from(TILE_HEIGHT))?.first().copied()
    }
}

/// The hashes of a tile.
pub(super) fn hashes(tile: TileId, bytes: &[u8]) -> Result<Vec<Hash>, TileError> {
    let expected = usize::from(tile.width().get()) * Hash::SIZE;
    let (chunks, rest) = bytes.as_chunks::<{ Hash::SIZE }>();
    if bytes.len() != expected || !rest.is_empty() {
        return Err(TileError { expected, found: bytes.len() });
    }
    Ok(chunks.iter().copied().map(Hash::from_bytes).collect())
}

/// The bytes of a tile.
pub(super) fn to_bytes(hashes: &[Hash]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hashes.len() * Hash::SIZE);
    for hash in hashes {
        bytes.extend_from_slice(hash.as_bytes());
    }
    bytes
}

/// Bytes that are no tile of the width that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tile has {found} bytes, not {expected}")]
pub struct TileError {
    /// Bytes that its hashes take.
    pub expected: usize,
    /// Bytes found.
    pub found: usize,
}
