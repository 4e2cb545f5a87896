//! Growing a log as files.
//!
//! In: entries. Out: the bytes of every file that they make or change, bundles first, then tiles from the leaves up:
//! a reader who finds a tile then finds what it is made of. Nothing is written here; the caller makes the files
//! durable in that order before he publishes a checkpoint of the new size.

use crate::hash::Hash;
use crate::limits::MAX_ENTRY_BYTES;
use crate::tree::{Frontier, LogSize, TreeError};

use super::bundle::{Bundle, BundleError};
use super::edge::LEVELS;
use super::nodes::to_bytes;
use super::{
    BundleId, Edge, FileError, MAX_TILE_LEVEL, Resource, TILE_WIDTH, TileId, TileSource, Width, fetch_bundle,
    fetch_tile, right_edge,
};

/// The right edge of a log, and the entries of its last bundle while that is not full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileWriter {
    edge: Edge,
    bundle: Vec<u8>,
}

impl TileWriter {
    /// The writer of a log without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a log of this size from its files, which must give this root.
    pub fn load<S: TileSource>(source: &S, size: LogSize, root: &Hash) -> Result<Self, LoadError<S::Error>> {
        let edge = load_edge(source, size)?;
        if edge.root() != *root {
            return Err(LoadError::Root { size });
        }
        let index = size.get() / u64::from(TILE_WIDTH);
        let Some(width) = Width::of(size.get(), index) else { return Ok(Self { edge, bundle: Vec::new() }) };
        let id = BundleId { index, width };
        let bytes = fetch_bundle(source, id)?;
        if bytes.bundle().leaf_hashes().eq(edge.level(0).iter().copied()) {
            Ok(Self { edge, bundle: bytes.into_bytes() })
        } else {
            Err(LoadError::Entries { id: id.into() })
        }
    }

    /// Takes up a log whose last files may be missing: from a size at which every bundle was full, with the entries
    /// since, which must lead to this root. Out: the writer, and the files that those entries make.
    pub fn resume<S: TileSource, E: AsRef<[u8]>>(
        source: &S,
        at: LogSize,
        entries: &[E],
        root: &Hash,
    ) -> Result<(Self, Growth), LoadError<S::Error>> {
        if !at.get().is_multiple_of(u64::from(TILE_WIDTH)) {
            return Err(LoadError::WithinBundle { size: at });
        }
        let mut writer = Self { edge: load_edge(source, at)?, bundle: Vec::new() };
        let growth = writer.append(entries)?;
        // Every hash that was loaded is in this root, so that it vouches for them all.
        if growth.root == *root { Ok((writer, growth)) } else { Err(LoadError::Root { size: growth.new }) }
    }

    /// The number of leaves.
    pub const fn size(&self) -> LogSize {
        self.edge.size()
    }

    /// The root.
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// The right edge by nodes.
    pub fn frontier(&self) -> Frontier {
        Frontier::from_cover(self.size(), self.edge.frontier())
    }

    /// Appends entries. On an error nothing has changed.
    pub fn append<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> Result<Growth, WriteError> {
        let old = self.size();
        let added = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let new = LogSize::new(old.get().saturating_add(added))?;
        for (place, entry) in entries.iter().enumerate() {
            let found = entry.as_ref().len();
            if found > MAX_ENTRY_BYTES {
                return Err(WriteError::Entry { place, cause: BundleError::EntryTooLong { found } });
            }
        }
        let mut files = self.append_bundles(entries, old.get())?;
        let leaves: Vec<Hash> = entries.iter().map(|entry| Hash::leaf(entry.as_ref())).collect();
        let mut tiles: Vec<(TileId, Vec<u8>)> = Vec::new();
        self.edge.push(&leaves, new, &mut |tile, hashes| tiles.push((tile, to_bytes(hashes))));
        tiles.extend(self.partial_tiles(old, new));
        // A file of a lower level comes first; within a level they come in their order already.
        tiles.sort_by_key(|(tile, _)| (tile.level(), tile.index()));
        files.extend(tiles.into_iter().map(|(tile, bytes)| (Resource::Tile(tile), bytes)));
        Ok(Growth { old, new, root: self.edge.root(), files })
    }

    /// The bundles that the entries fill, and the one that they leave incomplete.
    fn append_bundles<E: AsRef<[u8]>>(
        &mut self,
        entries: &[E],
        old: u64,
    ) -> Result<Vec<(Resource, Vec<u8>)>, WriteError> {
        let mut files = Vec::new();
        let width = u64::from(TILE_WIDTH);
        let mut count = old;
        for (place, entry) in entries.iter().enumerate() {
            Bundle::push(&mut self.bundle, entry.as_ref())
                .map_err(|cause| WriteError::Entry { place, cause })?;
            count += 1;
            if count.is_multiple_of(width) {
                let id = BundleId { index: count / width - 1, width: Width::FULL };
                files.push((Resource::Bundle(id), std::mem::take(&mut self.bundle)));
            }
        }
        if count > old
            && let Some(width) = Width::of(count, count / width)
        {
            let id = BundleId { index: count >> 8, width };
            files.push((Resource::Bundle(id), self.bundle.clone()));
        }
        Ok(files)
    }

    /// The incomplete tiles that differ from those of the old size.
    fn partial_tiles(&self, old: LogSize, new: LogSize) -> Vec<(TileId, Vec<u8>)> {
        let before: Vec<TileId> = right_edge(old).collect();
        right_edge(new)
            .filter(|tile| !before.contains(tile))
            .map(|tile| (tile, to_bytes(self.edge.level(tile.level()))))
            .collect()
    }
}

/// Reads the incomplete tiles of a log; the caller compares the root.
pub(super) fn load_edge<S: TileSource>(source: &S, size: LogSize) -> Result<Edge, LoadError<S::Error>> {
    let mut levels: [Vec<Hash>; LEVELS] = Default::default();
    for tile in right_edge(size) {
        let hashes = fetch_tile(source, tile)?;
        if let Some(level) = levels.get_mut(usize::from(tile.level().min(MAX_TILE_LEVEL))) {
            *level = hashes;
        }
    }
    Ok(Edge::from_levels(size, levels))
}

/// What appending changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The size before.
    pub old: LogSize,
    /// The size now.
    pub new: LogSize,
    /// The root now.
    pub root: Hash,
    /// The files to make durable, in this order. A full file is never written with other bytes; a partial one has a
    /// name of its own for each width, so that none is ever changed.
    pub files: Vec<(Resource, Vec<u8>)>,
}

impl From<BundleId> for Resource {
    fn from(bundle: BundleId) -> Self {
        Self::Bundle(bundle)
    }
}

impl From<TileId> for Resource {
    fn from(tile: TileId) -> Self {
        Self::Tile(tile)
    }
}

/// Why entries were not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The log would be too large.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// An entry that no bundle can hold.
    #[error("entry {place} of those to append: {cause}")]
    Entry {
        /// Its place among the entries that were to be appended.
        place: usize,
        /// What is wrong with it.
        cause: BundleError,
    },
}

/// Why a log's files are not its right edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<E> {
    /// A file could not be had, or is none of its kind.
    #[error(transparent)]
    File(#[from] FileError<E>),
    /// A bundle with other entries than its tile has the hashes of.
    #[error("{id} has other entries than its tile has the hashes of")]
    Entries {
        /// The bundle.
        id: Resource,
    },
    /// A size within a bundle, whose entries are not all given.
    #[error("the log cannot be taken up at {size} leaves, which is within a bundle")]
    WithinBundle {
        /// The size.
        size: LogSize,
    },
    /// The entries cannot be appended.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The tiles do not give the root.
    #[error("the tiles do not give the root of the log of {size} leaves")]
    Root {
        /// The size.
        size: LogSize,
    },
}
