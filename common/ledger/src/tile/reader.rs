//! Reading a log's files, and believing none of them before it leads to the root.
//!
//! In: a source that may lie, and the size and root of a verified checkpoint. Out: node hashes and entries that are
//! the log's. The right edge is read first and compared with the root; every other tile is compared with its hash
//! in the tile above before it is used.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::hash::Hash;
use crate::limits::READER_TILES;
use crate::tree::{HashReader, LeafIndex, LogSize, NodeId};

use super::writer::load_edge;
use super::{
    BundleBuf, BundleId, FileError, LoadError, Resource, TileId, TileNodes, TileSource, fetch_bundle,
    fetch_tile, right_edge,
};

/// A reader of the log with one root.
#[derive(Debug)]
pub struct TileReader<S> {
    source: S,
    size: LogSize,
    /// The incomplete tiles, which the root is made of.
    edge: BTreeMap<TileId, Rc<TileNodes>>,
    /// Full tiles that were verified.
    verified: RefCell<BTreeMap<TileId, Rc<TileNodes>>>,
}

impl<S: TileSource> TileReader<S> {
    /// Reads the right edge, which must give this root.
    pub fn new(source: S, size: LogSize, root: &Hash) -> Result<Self, LoadError<S::Error>> {
        let loaded = load_edge(&source, size)?;
        if loaded.root() != *root {
            return Err(LoadError::Root { size });
        }
        let edge = right_edge(size)
            .map(|tile| (tile, Rc::new(TileNodes::new(tile, loaded.level(tile.level()).to_vec()))))
            .collect();
        Ok(Self { source, size, edge, verified: RefCell::default() })
    }

    /// The size of the log that is read.
    pub const fn size(&self) -> LogSize {
        self.size
    }

    /// The bytes of an entry.
    pub fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, TileReadError<S::Error>> {
        let bytes = self.entries_with(index)?;
        let place = usize::from(index.get().to_le_bytes()[0]);
        bytes
            .bundle()
            .entries()
            .nth(place)
            .map(<[u8]>::to_vec)
            .ok_or(TileReadError::Beyond { size: self.size })
    }

    /// The bundle that an entry is in.
    pub fn entries_with(&self, index: LeafIndex) -> Result<BundleBuf, TileReadError<S::Error>> {
        let beyond = TileReadError::Beyond { size: self.size };
        self.bundle(BundleId::holding(index, self.size).ok_or(beyond)?)
    }

    /// A bundle whose entries have the hashes that the log has there.
    pub fn bundle(&self, id: BundleId) -> Result<BundleBuf, TileReadError<S::Error>> {
        let tile = self.tile(id.tile())?;
        let bytes = fetch_bundle(&self.source, id)?;
        if bytes.bundle().leaf_hashes().eq(tile.hashes().iter().copied()) {
            Ok(bytes)
        } else {
            Err(TileReadError::Mismatch { resource: Resource::Bundle(id) })
        }
    }

    /// A tile of this log, verified.
    fn tile(&self, id: TileId) -> Result<Rc<TileNodes>, TileReadError<S::Error>> {
        // From the tile up to one that is known, and then down again, each by the one above.
        let mut way = Vec::new();
        let mut at = id;
        let mut known = loop {
            if let Some(known) = self.known(at) {
                break known;
            }
            let (parent, place) = at.parent(self.size).ok_or(TileReadError::Beyond { size: self.size })?;
            way.push((at, place));
            at = parent;
        };
        while let Some((tile, place)) = way.pop() {
            known = self.verify(tile, known.at(place))?;
        }
        Ok(known)
    }

    fn known(&self, id: TileId) -> Option<Rc<TileNodes>> {
        self.edge.get(&id).or(self.verified.borrow().get(&id)).cloned()
    }

    /// Reads a full tile, whose root must be the expected one.
    fn verify(&self, id: TileId, expected: Option<Hash>) -> Result<Rc<TileNodes>, TileReadError<S::Error>> {
        let hashes = fetch_tile(&self.source, id)?;
        let nodes = Rc::new(TileNodes::new(id, hashes));
        if nodes.root().is_none() || nodes.root() != expected {
            return Err(TileReadError::Mismatch { resource: Resource::Tile(id) });
        }
        let mut verified = self.verified.borrow_mut();
        if verified.len() >= READER_TILES {
            // Any will do: the tiles of higher levels, which every proof needs, are at the end of the order.
            verified.pop_first();
        }
        verified.insert(id, Rc::clone(&nodes));
        Ok(nodes)
    }
}

impl<S: TileSource> HashReader for TileReader<S> {
    type Error = TileReadError<S::Error>;

    fn read(&self, ids: &[NodeId]) -> Result<Vec<Hash>, Self::Error> {
        ids.iter()
            .map(|&node| {
                let beyond = || TileReadError::Beyond { size: self.size };
                let id = TileId::holding(node, self.size).ok_or_else(beyond)?;
                self.tile(id)?.hash(node).ok_or_else(beyond)
            })
            .collect()
    }
}

/// Why a log's files do not give what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileReadError<E> {
    /// A file could not be had, or is none of its kind.
    #[error(transparent)]
    File(#[from] FileError<E>),
    /// The file is not the one that the checkpoint's root is made of.
    #[error("{resource} is not what the checkpoint's root was made of")]
    Mismatch {
        /// The file.
        resource: Resource,
    },
    /// A node or entry that the log does not have.
    #[error("beyond the log of {size} leaves")]
    Beyond {
        /// The log's size.
        size: LogSize,
    },
}
