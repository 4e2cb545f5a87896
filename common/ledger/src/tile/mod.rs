//! Tiles: how a log lies in static files.
//!
//! In: sizes, nodes, and paths from outside. Out: the names of the files that a log of some size has, what is in
//! each, and which of them nobody needs any more. A tile holds up to 256 hashes of one level in eight; a bundle
//! holds the entries below a tile of level 0. A file's name says nothing of what is in it: the writer puts it
//! there, and the reader and the audit compare it with a root.
//!
//! Format obeyed: c2sp.org/tlog-tiles v0.1.0.

mod bundle;
mod edge;
mod nodes;
mod path;
mod reader;
mod source;
mod writer;

#[cfg(test)]
mod tests;

use crate::tree::{LeafIndex, LogSize, NodeId};

pub use bundle::{Bundle, BundleBuf, BundleError, Entries};
pub use nodes::{TileError, TileNodes};
pub use path::{PathError, indexed_path, parse_indexed_path};
pub use reader::{TileReadError, TileReader};
pub use source::{FileError, MemoryTiles, TileSource, fetch_bundle, fetch_tile};
pub use writer::{Growth, LoadError, TileWriter, WriteError};

pub(crate) use edge::{Edge, root_of};

/// How many hashes a full tile holds, and how many entries a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;

/// The highest level of tiles: a log has less than 2^63 leaves, which 8 levels of tiles hold.
pub const MAX_TILE_LEVEL: u8 = 7;

/// How many hashes or entries a file holds: from 1 to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Width(u16);

impl Width {
    /// The width of a file that never changes again.
    pub const FULL: Self = Self(TILE_WIDTH);

    /// A width from a number; there are no files of width 0.
    pub const fn new(width: u16) -> Result<Self, ResourceError> {
        if width >= 1 && width <= TILE_WIDTH { Ok(Self(width)) } else { Err(ResourceError::Width { width }) }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether nothing can be added.
    pub const fn is_full(self) -> bool {
        self.0 == TILE_WIDTH
    }

    /// The width of the file that `count` things need, of which `index` files before it are full.
    fn of(count: u64, index: u64) -> Option<Self> {
        let rest = count.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?;
        let width = u16::try_from(rest.min(u64::from(TILE_WIDTH))).ok()?;
        Self::new(width).ok()
    }
}

/// A tile: `width` hashes of the nodes at tree level `8 · level`, from `256 · index` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: Width,
}

impl TileId {
    /// A tile that a log of less than 2^63 leaves can have.
    pub fn new(level: u8, index: u64, width: Width) -> Result<Self, ResourceError> {
        let beyond = ResourceError::Beyond { level, index };
        if level > MAX_TILE_LEVEL {
            return Err(beyond);
        }
        let end = index
            .checked_mul(u64::from(TILE_WIDTH))
            .and_then(|start| start.checked_add(u64::from(width.get())))
            .ok_or(beyond)?;
        if end > LogSize::MAX.get() >> (TILE_HEIGHT * level) {
            Err(beyond)
        } else {
            Ok(Self { level, index, width })
        }
    }

    /// The tile that holds a node in a log of this size; `None` where the log has no such node.
    pub fn holding(node: NodeId, size: LogSize) -> Option<Self> {
        if !node.is_complete_in(size) {
            return None;
        }
        let level = node.level() / TILE_HEIGHT;
        // The first hash of the tile's level below the node; no overflow, since the node lies within 2^63 leaves.
        let first = node.index() << (node.level() % TILE_HEIGHT);
        let index = first >> TILE_HEIGHT;
        let width = Width::of(size.get() >> (TILE_HEIGHT * level), index)?;
        Some(Self { level, index, width })
    }

    /// Level, from 0 at the leaves.
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Place within the level, from zero.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many hashes it holds.
    pub const fn width(self) -> Width {
        self.width
    }

    /// The same tile once it is full; `None` where no log of less than 2^63 leaves fills it.
    pub fn full(self) -> Option<Self> {
        Self::new(self.level, self.index, Width::FULL).ok()
    }

    /// The tile above, with the place of this tile's root in it; `None` above the highest level.
    fn parent(self, size: LogSize) -> Option<(Self, u16)> {
        let level = self.level.checked_add(1).filter(|level| *level <= MAX_TILE_LEVEL)?;
        let index = self.index >> TILE_HEIGHT;
        let width = Width::of(size.get() >> (TILE_HEIGHT * level), index)?;
        let place = u16::from(self.index.to_le_bytes()[0]);
        Some((Self { level, index, width }, place))
    }
}

/// A bundle: `width` entries from `256 · index` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: Width,
}

impl BundleId {
    /// A bundle that a log of less than 2^63 leaves can have.
    pub fn new(index: u64, width: Width) -> Result<Self, ResourceError> {
        TileId::new(0, index, width).map(|tile| Self { index: tile.index, width: tile.width })
    }

    /// The bundle that holds an entry in a log of this size; `None` where the log has no such entry.
    pub fn holding(index: LeafIndex, size: LogSize) -> Option<Self> {
        if !size.contains(index) {
            return None;
        }
        let bundle = index.get() >> TILE_HEIGHT;
        Some(Self { index: bundle, width: Width::of(size.get(), bundle)? })
    }

    /// Place, from zero.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// How many entries it holds.
    pub const fn width(self) -> Width {
        self.width
    }

    /// The index of its first entry.
    pub const fn first(self) -> u64 {
        self.index << TILE_HEIGHT
    }

    /// The tile of the hashes of its entries.
    pub const fn tile(self) -> TileId {
        TileId { level: 0, index: self.index, width: self.width }
    }
}

/// A file of the log other than its checkpoint. Its text is its path, as in `tile/entries/x001/067.p/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Entries.
    Bundle(BundleId),
    /// Hashes.
    Tile(TileId),
}

impl Resource {
    /// How many entries or hashes it holds.
    pub const fn width(self) -> Width {
        match self {
            Self::Bundle(bundle) => bundle.width,
            Self::Tile(tile) => tile.width,
        }
    }

    /// Whether it is full, and so never changes and is never removed.
    pub const fn is_full(self) -> bool {
        self.width().is_full()
    }

    /// How many leaves a log has at least that has this file.
    pub fn end(self) -> u64 {
        let (level, index) = match self {
            Self::Bundle(bundle) => (0, bundle.index),
            Self::Tile(tile) => (tile.level, tile.index),
        };
        // No overflow: both constructors keep the last leaf below 2^63.
        ((index << TILE_HEIGHT) + u64::from(self.width().get())) << (TILE_HEIGHT * level)
    }

    /// The same file once it is full; `None` where no log of less than 2^63 leaves fills it.
    pub fn full(self) -> Option<Self> {
        match self {
            Self::Bundle(bundle) => BundleId::new(bundle.index, Width::FULL).ok().map(Self::Bundle),
            Self::Tile(tile) => tile.full().map(Self::Tile),
        }
    }

    /// Whether somebody who holds the published checkpoint of this size, or an older one, may ask for it.
    ///
    /// Only partial files are ever not needed: those whose full form is in the log of this size, and is served.
    //= C2SP tlog-tiles v0.1.0, Partial Tiles: may be deleted once the full one is there
    pub fn is_needed_by(self, published: LogSize) -> bool {
        let (level, index, width) = match self {
            Self::Bundle(bundle) => (0, bundle.index, bundle.width),
            Self::Tile(tile) => (tile.level, tile.index, tile.width),
        };
        width.is_full() || index >= published.get() >> (TILE_HEIGHT * level) >> TILE_HEIGHT
    }
}

/// Every file that a log of this size has: bundles, then tiles from level 0 up, full ones and the last of each.
pub fn resources(size: LogSize) -> impl Iterator<Item = Resource> {
    let bundles = widths(size.get()).map(|(index, width)| Resource::Bundle(BundleId { index, width }));
    let tiles = (0..=MAX_TILE_LEVEL).flat_map(move |level| {
        widths(size.get() >> (TILE_HEIGHT * level))
            .map(move |(index, width)| Resource::Tile(TileId { level, index, width }))
    });
    bundles.chain(tiles)
}

/// The partial tiles of a log of this size, from level 0 up: with their hashes, all that its root is made of.
fn right_edge(size: LogSize) -> impl Iterator<Item = TileId> {
    (0..=MAX_TILE_LEVEL).filter_map(move |level| {
        let count = size.get() >> (TILE_HEIGHT * level);
        let width = Width::new(u16::from(count.to_le_bytes()[0])).ok()?;
        Some(TileId { level, index: count >> TILE_HEIGHT, width })
    })
}

/// The files that `count` hashes or entries take.
fn widths(count: u64) -> impl Iterator<Item = (u64, Width)> {
    (0..count.div_ceil(u64::from(TILE_WIDTH)))
        .filter_map(move |index| Some((index, Width::of(count, index)?)))
}

/// Names that no file of a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// Nothing, or more than a full tile.
    #[error("a file of the log holds 1 to 256 things, not {width}")]
    Width {
        /// The width asked for.
        width: u16,
    },
    /// Beyond the largest log.
    #[error("tile {level}/{index} is beyond a log of 2^63 - 1 leaves")]
    Beyond {
        /// Its level.
        level: u8,
        /// Its index in the level.
        index: u64,
    },
}
