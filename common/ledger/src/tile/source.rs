//! Where a log's files come from.
//!
//! In: names. Out: bytes, of which nothing is established. A source may be a directory, a web server, or files that
//! were fetched before; whoever reads from it verifies.

use std::collections::BTreeMap;

use super::nodes::hashes;
use super::{BundleBuf, BundleError, BundleId, Resource, TileError, TileId};
use crate::hash::Hash;

/// Something that has the files of a log.
pub trait TileSource {
    /// What can go wrong in it.
    type Error: std::error::Error;

    /// The bytes of a file, or `None` where there is no such file.
    ///
    /// Implementations bound what they read: no file is larger than
    /// [`MAX_BUNDLE_BYTES`](crate::limits::MAX_BUNDLE_BYTES).
    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Self::Error>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    type Error = S::Error;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Self::Error> {
        (**self).read(resource)
    }
}

/// Files in memory, such as an asynchronous caller has fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTiles(pub BTreeMap<Resource, Vec<u8>>);

impl TileSource for MemoryTiles {
    type Error = std::convert::Infallible;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(self.0.get(&resource).cloned())
    }
}

/// The hashes of a tile, from as many bytes as it must have.
pub fn fetch_tile<S: TileSource + ?Sized>(source: &S, id: TileId) -> Result<Vec<Hash>, FileError<S::Error>> {
    let resource = Resource::Tile(id);
    let bytes = fetch(source, resource)?;
    hashes(id, &bytes).map_err(|cause| FileError::Tile { resource, cause })
}

/// The bytes of a bundle that has as many entries as it must have.
pub fn fetch_bundle<S: TileSource + ?Sized>(
    source: &S,
    id: BundleId,
) -> Result<BundleBuf, FileError<S::Error>> {
    let resource = Resource::Bundle(id);
    let bytes = fetch(source, resource)?;
    BundleBuf::new(bytes, id.width()).map_err(|cause| FileError::Bundle { resource, cause })
}

/// Reads a file, or the beginning of its full form where the partial one is gone.
//= C2SP tlog-tiles v0.1.0, Partial Tiles: clients fall back to the full tile
fn fetch<S: TileSource + ?Sized>(source: &S, resource: Resource) -> Result<Vec<u8>, FileError<S::Error>> {
    let failed = |cause| FileError::Source { resource, cause };
    if let Some(bytes) = source.read(resource).map_err(failed)? {
        return Ok(bytes);
    }
    let full = if resource.is_full() { None } else { resource.full() };
    let bytes = match full {
        Some(full) => source.read(full).map_err(failed)?,
        None => None,
    };
    bytes.map(|bytes| prefix(resource, bytes)).ok_or(FileError::Missing { resource })
}

/// The bytes of a partial file out of a full one's.
fn prefix(resource: Resource, mut bytes: Vec<u8>) -> Vec<u8> {
    let width = usize::from(resource.width().get());
    let end = match resource {
        Resource::Tile(_) => width * Hash::SIZE,
        Resource::Bundle(_) => {
            let mut end = 0_usize;
            for _ in 0..width {
                let Some(length) = bytes.get(end..).and_then(|rest| rest.first_chunk::<2>()) else { break };
                end = end.saturating_add(2 + usize::from(u16::from_be_bytes(*length)));
            }
            end
        }
    };
    bytes.truncate(end);
    bytes
}

/// Why a file could not be had, or is none of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError<E> {
    /// The source failed.
    #[error("{resource}: {cause}")]
    Source {
        /// The file.
        resource: Resource,
        /// What the source says.
        cause: E,
    },
    /// The source does not have it, though a log of this size does.
    #[error("{resource} is missing")]
    Missing {
        /// The file.
        resource: Resource,
    },
    /// A tile of another length.
    #[error("{resource}: {cause}")]
    Tile {
        /// The file.
        resource: Resource,
        /// What is wrong with it.
        cause: TileError,
    },
    /// A bundle whose entries do not add up.
    #[error("{resource}: {cause}")]
    Bundle {
        /// The file.
        resource: Resource,
        /// What is wrong with it.
        cause: BundleError,
    },
}
