//! Reading the log's files: entries, roots and proofs.
//!
//! In: sizes that the log has had. Out: what the files say, from a cache of tiles that never change. The files are this
//! verifier's own, and were read back when they were written; proofs are verified by whoever gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ledger::hash::Hash;
use ledger::leaf::Leaf;
use ledger::proof::{ConsistencyProof, InclusionProof};
use ledger::tile::{BundleId, Resource, TileId, TileNodes, TileSource, fetch_bundle, fetch_tile};
use ledger::tree::{
    HashReader, LeafIndex, LogSize, NodeId, load_frontier, prove_consistency, prove_inclusion,
};

use super::{ObjectError, Objects};
use crate::limits::TILE_CACHE;
use crate::store::{StoreError, Trouble};

/// A handle to the log's files; copies share their cache.
#[derive(Clone, Debug)]
pub(crate) struct LogReader {
    objects: Arc<dyn Objects>,
    tiles: Arc<Mutex<BTreeMap<TileId, Arc<TileNodes>>>>,
}

impl LogReader {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self { objects, tiles: Arc::default() }
    }

    /// The log as it was at a size that it has, or had since the verifier started.
    fn at(&self, size: LogSize) -> At<'_> {
        At { reader: self, size }
    }

    /// The root that the log had at `size`, which is not above `head`.
    pub(crate) async fn root_at(&self, size: LogSize, head: LogSize) -> Result<Hash, StoreError> {
        self.blocking(move |reader| {
            let frontier = load_frontier(&reader.at(head), size).map_err(|error| damaged(&error))?;
            Ok(frontier.root())
        })
        .await
    }

    /// Proves that the log of `size` leaves has the leaf, and that it begins with that of `old`.
    pub(crate) async fn prove(
        &self,
        index: LeafIndex,
        old: LogSize,
        size: LogSize,
    ) -> Result<(InclusionProof, ConsistencyProof), StoreError> {
        self.blocking(move |reader| {
            let at = reader.at(size);
            let inclusion = prove_inclusion(&at, index, size).map_err(|error| damaged(&error))?;
            Ok((inclusion, prove_consistency(&at, old, size).map_err(|error| damaged(&error))?))
        })
        .await
    }

    /// Proves that the log of `new` leaves begins with that of `old`, which must not be larger.
    pub(crate) async fn prove_consistency(
        &self,
        old: LogSize,
        new: LogSize,
    ) -> Result<ConsistencyProof, StoreError> {
        self.blocking(move |reader| {
            prove_consistency(&reader.at(new), old, new).map_err(|error| damaged(&error))
        })
        .await
    }

    /// A leaf's entry; `None` beyond `size`.
    pub(crate) async fn leaf(&self, index: LeafIndex, size: LogSize) -> Result<Option<Leaf>, StoreError> {
        let Some(id) = BundleId::holding(index, size) else { return Ok(None) };
        self.blocking(move |reader| {
            let bundle = fetch_bundle(reader, id).map_err(|error| damaged(&error))?;
            let place = usize::from(index.get().to_le_bytes()[0]);
            let entry = bundle.bundle().entries().nth(place).map(Leaf::from_bytes);
            entry.transpose().map_err(|error| damaged(&error))
        })
        .await
    }

    /// A file as it is served.
    pub(crate) async fn file(&self, path: String) -> Result<Option<Vec<u8>>, StoreError> {
        self.blocking(move |reader| reader.objects.read(&path).map_err(|error| damaged(&error))).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.clone();
        tokio::task::spawn_blocking(move || work(&reader)).await.unwrap_or_else(|error| Err(damaged(&error)))
    }

    fn tile(&self, id: TileId) -> Result<Arc<TileNodes>, StoreError> {
        let lock = || self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tile) = lock().get(&id) {
            return Ok(Arc::clone(tile));
        }
        let hashes = fetch_tile(self, id).map_err(|error| damaged(&error))?;
        let tile = Arc::new(TileNodes::new(id, hashes));
        let mut tiles = lock();
        if tiles.len() >= TILE_CACHE {
            // Tiles of level 0 are at the beginning: every proof needs those above, few need the same one below.
            tiles.pop_first();
        }
        tiles.insert(id, Arc::clone(&tile));
        Ok(tile)
    }
}

impl TileSource for LogReader {
    type Error = ObjectError;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, ObjectError> {
        self.objects.read(&resource.to_string())
    }
}

/// The log at one size.
struct At<'a> {
    reader: &'a LogReader,
    size: LogSize,
}

impl HashReader for At<'_> {
    type Error = StoreError;

    fn read(&self, ids: &[NodeId]) -> Result<Vec<Hash>, StoreError> {
        const BEYOND: StoreError = StoreError::Damaged { what: "a node beyond the log's head" };
        ids.iter()
            .map(|id| {
                let tile = TileId::holding(*id, self.size).ok_or(BEYOND)?;
                self.reader.tile(tile)?.hash(*id).ok_or(BEYOND)
            })
            .collect()
    }
}

fn damaged(error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed { trouble: Trouble::Other, message: format!("the log's files: {error}") }
}
