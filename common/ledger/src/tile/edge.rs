//! The right edge of a log, by tiles: the hashes of the last, incomplete tile of each level.
//!
//! In: leaf hashes. Out: each tile as it fills, and the root at any time. It is all that the writer and the audit
//! have to remember of the log before.

use crate::hash::Hash;
use crate::tree::{LogSize, fold};

use super::{MAX_TILE_LEVEL, TILE_WIDTH, TileId, Width};

/// Levels of tiles; the highest never fills in a log of less than 2^63 leaves.
pub(super) const LEVELS: usize = MAX_TILE_LEVEL as usize + 1;

/// The incomplete tiles of a log, from level 0 up; each has at most 255 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: LogSize,
    levels: [Vec<Hash>; LEVELS],
}

impl Edge {
    /// From the hashes of [`right_edge`](super::right_edge)'s tiles, by level. The caller compares the root.
    pub(super) fn from_levels(size: LogSize, levels: [Vec<Hash>; LEVELS]) -> Self {
        Self { size, levels }
    }

    /// The edge at a size, from the hashes of its incomplete tiles; `None` where there are too few.
    pub(crate) fn at(size: LogSize, hashes: &mut impl Iterator<Item = Hash>) -> Option<Self> {
        let mut levels: [Vec<Hash>; LEVELS] = Default::default();
        for (level, count) in levels.iter_mut().zip(size.get().to_le_bytes()) {
            level.extend(hashes.take(usize::from(count)));
            if level.len() != usize::from(count) {
                return None;
            }
        }
        Some(Self { size, levels })
    }

    pub(crate) const fn size(&self) -> LogSize {
        self.size
    }

    /// The hashes of the incomplete tile of a level.
    pub(crate) fn level(&self, level: u8) -> &[Hash] {
        self.levels.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Appends leaf hashes, as many as the log can still hold; `filled` is given every tile that is full now.
    ///
    /// The caller has made sure that `size` plus the leaves is a size.
    pub(crate) fn push(
        &mut self,
        leaves: &[Hash],
        new_size: LogSize,
        filled: &mut impl FnMut(TileId, &[Hash]),
    ) {
        let mut rest = leaves;
        let mut tile = self.size.get() / u64::from(TILE_WIDTH);
        while !rest.is_empty() {
            let Some(level) = self.levels.first_mut() else { return };
            let room = usize::from(TILE_WIDTH).saturating_sub(level.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            level.extend_from_slice(now);
            rest = later;
            if level.len() == usize::from(TILE_WIDTH) {
                self.carry(0, tile, filled);
                tile += 1;
            }
        }
        self.size = new_size;
    }

    /// Appends the roots of full tiles of level 0, where the last of them is full too: what somebody else hashed.
    pub(crate) fn push_roots(
        &mut self,
        roots: &[Hash],
        new_size: LogSize,
        filled: &mut impl FnMut(TileId, &[Hash]),
    ) {
        let width = u64::from(TILE_WIDTH);
        for (tile, root) in (self.size.get() / width..).zip(roots) {
            let Some(level) = self.levels.get_mut(1) else { return };
            level.push(*root);
            self.carry(1, tile / width, filled);
        }
        self.size = new_size;
    }

    /// Empties the tile of a level if it is full, and goes on upwards as long as that fills another.
    fn carry(&mut self, level: u8, index: u64, filled: &mut impl FnMut(TileId, &[Hash])) {
        let (mut level, mut index) = (level, index);
        while let Some([hashes, above, ..]) = self.levels.get_mut(usize::from(level)..)
            && hashes.len() == usize::from(TILE_WIDTH)
        {
            if let Ok(tile) = TileId::new(level, index, Width::FULL) {
                filled(tile, hashes);
            }
            above.push(root_of(hashes));
            hashes.clear();
            level += 1;
            index /= u64::from(TILE_WIDTH);
        }
    }

    /// The hashes of [`Frontier::nodes`](crate::tree::Frontier::nodes) at this size, in that order.
    pub(crate) fn frontier(&self) -> Vec<Hash> {
        let mut frontier = Vec::new();
        for level in self.levels.iter().rev() {
            let mut rest = level.as_slice();
            while let Some(bit) = rest.len().checked_ilog2() {
                let Some((block, tail)) = rest.split_at_checked(1 << bit) else { break };
                frontier.push(root_of(block));
                rest = tail;
            }
        }
        frontier
    }

    /// The root at this size.
    pub(crate) fn root(&self) -> Hash {
        fold(&self.frontier()).unwrap_or_else(Hash::empty_root)
    }
}

/// The root over a power of two of hashes.
pub(crate) fn root_of(hashes: &[Hash]) -> Hash {
    let mut level: Vec<Hash> = hashes.to_vec();
    while level.len() > 1 {
        halve(&mut level);
    }
    level.first().copied().unwrap_or_else(Hash::empty_root)
}

/// Hashes neighbours together, in place; an odd one at the end falls away.
pub(super) fn halve(level: &mut Vec<Hash>) {
    let pairs = level.len() / 2;
    for pair in 0..pairs {
        let (Some(left), Some(right)) = (level.get(2 * pair).copied(), level.get(2 * pair + 1).copied())
        else {
            break;
        };
        if let Some(parent) = level.get_mut(pair) {
            *parent = Hash::node(&left, &right);
        }
    }
    level.truncate(pairs);
}
