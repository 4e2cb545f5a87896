//! A full audit of a log from its files: everything is hashed again.
//!
//! In: a source of files that may lie, the size and root that a verified checkpoint claims, and the sizes and roots
//! of older ones. Out: that every entry, every tile and every one of those roots belong to one history, or the file
//! in which they part. It needs a few hundred kilobytes whatever the log's size, and can be interrupted. It does
//! not establish that an entry is true, nor that others are shown the same log.

mod chunk;
mod state;

#[cfg(test)]
mod tests;

use crate::hash::Hash;
use crate::limits::MAX_MARKS;
use crate::tile::{
    BundleId, Edge, FileError, MAX_TILE_LEVEL, Resource, TILE_WIDTH, TileId, TileSource, Width, fetch_bundle,
    fetch_tile,
};
use crate::tree::{LeafIndex, LogSize};

pub use chunk::{Chunk, check_chunk};
pub use state::StateError;

/// A size and a root that belong together, as a checkpoint claims them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The size.
    pub size: LogSize,
    /// The root.
    pub root: Hash,
}

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Call again.
    More,
    /// All of it was hashed and compared, and holds.
    Done,
}

/// An audit on its way.
#[derive(Clone, Debug)]
pub struct Auditor {
    end: Mark,
    /// By size; those below `next` were compared.
    marks: Vec<Mark>,
    next: usize,
    edge: Edge,
}

impl Auditor {
    /// Begins an audit up to `end`, with older marks to be compared on the way, in any order.
    pub fn new(end: Mark, marks: Vec<Mark>) -> Result<Self, MarkError> {
        if marks.len() > MAX_MARKS {
            return Err(MarkError::TooMany { found: marks.len() });
        }
        let mut marks = marks;
        marks.sort_unstable();
        if let Some(beyond) = marks.iter().find(|mark| mark.size > end.size) {
            return Err(MarkError::Beyond { size: beyond.size, end: end.size });
        }
        Ok(Self { end, marks, next: 0, edge: Edge::default() })
    }

    /// How many leaves were hashed.
    pub const fn position(&self) -> LogSize {
        self.edge.size()
    }

    /// How many leaves there are.
    pub const fn end(&self) -> LogSize {
        self.end.size
    }

    /// Hashes the next bundle and compares every tile that it fills; at the end, the tiles that are not full and the
    /// root. `entry` is given each entry once, before anything is known of it but its place.
    pub fn step<S: TileSource>(
        &mut self,
        source: &S,
        entry: &mut impl FnMut(LeafIndex, &[u8]),
    ) -> Result<Step, AuditError<S::Error>> {
        let position = self.position();
        if position == self.end.size {
            return self.finish(source);
        }
        let bundle = BundleId::holding(index(position.get())?, self.end.size).ok_or(AuditError::Place)?;
        let mut leaves = Vec::with_capacity(usize::from(TILE_WIDTH));
        hash_bundle(source, bundle, &mut leaves, entry)?;
        let size = LogSize::new(position.get() + leaves.len() as u64).map_err(|_| AuditError::Place)?;
        self.compare_marks(&leaves, size)?;
        let mut wrong = Ok(());
        self.edge.push(&leaves, size, &mut |tile, hashes| {
            if wrong.is_ok() {
                wrong = compare(source, tile, hashes);
            }
        });
        wrong.map(|()| Step::More)
    }

    /// Takes over what [`check_chunk`] has hashed, which must begin at the position.
    pub fn absorb<S: TileSource>(&mut self, source: &S, chunk: &Chunk) -> Result<(), AuditError<S::Error>> {
        let size = self.position().get() + chunk.leaves();
        let size = LogSize::new(size).map_err(|_| AuditError::Place)?;
        let marked = self.marks.get(self.next).is_some_and(|mark| mark.size < size);
        if chunk.first() != self.position() || size > self.end.size || marked {
            return Err(AuditError::Place);
        }
        let mut wrong = Ok(());
        self.edge.push_roots(chunk.roots(), size, &mut |tile, hashes| {
            if wrong.is_ok() {
                wrong = compare(source, tile, hashes);
            }
        });
        wrong?;
        self.compare_marks(&[], size)
    }

    /// The next ranges of bundles, at most `count`, that can each be hashed as one [`Chunk`]: up to the next mark, the end,
    /// or 256 bundles. Empty where [`Auditor::step`] has to go on.
    pub fn chunks(&self, count: usize) -> Vec<std::ops::Range<u64>> {
        let width = u64::from(TILE_WIDTH);
        let until = self.marks.get(self.next).map_or(self.end.size, |mark| mark.size).min(self.end.size);
        let (position, full) = (self.position().get(), until.get() / width);
        let mut ranges = Vec::new();
        let mut first = position / width;
        while position.is_multiple_of(width) && first < full && ranges.len() < count {
            // Up to the end of the tile of level 1, so that chunks line up whatever the marks are.
            let end = full.min((first / width + 1) * width);
            ranges.push(first..end);
            first = end;
        }
        ranges
    }

    /// Compares the marks up to `size`, of which `leaves` are the last and not yet in the edge.
    fn compare_marks<E>(&mut self, leaves: &[Hash], size: LogSize) -> Result<(), AuditError<E>> {
        while let Some(mark) = self.marks.get(self.next)
            && mark.size <= size
        {
            let more = usize::try_from(mark.size.get().saturating_sub(self.position().get()));
            let some = more.ok().and_then(|more| leaves.get(..more)).ok_or(AuditError::Place)?;
            let mut edge = self.edge.clone();
            edge.push(some, mark.size, &mut |_, _| {});
            let found = edge.root();
            if found != mark.root {
                return Err(AuditError::Mark { size: mark.size, claimed: mark.root, found });
            }
            self.next += 1;
        }
        Ok(())
    }

    fn finish<S: TileSource>(&mut self, source: &S) -> Result<Step, AuditError<S::Error>> {
        self.compare_marks(&[], self.end.size)?;
        for level in 0..=MAX_TILE_LEVEL {
            let hashes = self.edge.level(level);
            let index = self.end.size.get() >> (8 * level) >> 8;
            let width = u16::try_from(hashes.len()).ok().and_then(|width| Width::new(width).ok());
            if let Some(tile) = width.and_then(|width| TileId::new(level, index, width).ok()) {
                compare(source, tile, hashes)?;
            }
        }
        let found = self.edge.root();
        if found == self.end.root {
            Ok(Step::Done)
        } else {
            Err(AuditError::Mark { size: self.end.size, claimed: self.end.root, found })
        }
    }
}

fn index<E>(index: u64) -> Result<LeafIndex, AuditError<E>> {
    LeafIndex::new(index).map_err(|_| AuditError::Place)
}

/// Reads a bundle and hashes its entries.
fn hash_bundle<S: TileSource>(
    source: &S,
    id: BundleId,
    leaves: &mut Vec<Hash>,
    entry: &mut impl FnMut(LeafIndex, &[u8]),
) -> Result<(), AuditError<S::Error>> {
    let bundle = fetch_bundle(source, id)?;
    for (place, bytes) in (id.first()..).zip(bundle.bundle().entries()) {
        entry(index(place)?, bytes);
        leaves.push(Hash::leaf(bytes));
    }
    Ok(())
}

/// Compares a tile's file with what its hashes must be.
fn compare<S: TileSource>(source: &S, tile: TileId, hashes: &[Hash]) -> Result<(), AuditError<S::Error>> {
    let found = fetch_tile(source, tile)?;
    match found.iter().zip(hashes).position(|(found, hash)| found != hash) {
        None => Ok(()),
        Some(place) => Err(AuditError::Tile { tile: Resource::Tile(tile), place }),
    }
}

/// Why marks cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// More than any log has.
    #[error("an audit compares at most {MAX_MARKS} checkpoints, found {found}")]
    TooMany {
        /// Marks found.
        found: usize,
    },
    /// A checkpoint beyond the one that is audited: the log has lost leaves, or that checkpoint is not the newest.
    #[error("there is a checkpoint of {size} leaves, but the log is audited up to {end}")]
    Beyond {
        /// The mark's size.
        size: LogSize,
        /// The end of the audit.
        end: LogSize,
    },
}

/// Where a log's files are not one history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError<E> {
    /// A file could not be had, or is none of its kind.
    #[error(transparent)]
    File(#[from] FileError<E>),
    /// A tile that is not made of what is below it.
    #[error("hash {place} of {tile} is not that of what is below it")]
    Tile {
        /// The tile.
        tile: Resource,
        /// The place of the first wrong hash, from zero.
        place: usize,
    },
    /// A checkpoint whose root the entries do not give.
    #[error("the checkpoint of {size} leaves claims the root {claimed}, the entries give {found}")]
    Mark {
        /// The checkpoint's size.
        size: LogSize,
        /// The root that it claims.
        claimed: Hash,
        /// The root that the entries give.
        found: Hash,
    },
    /// The audit was called out of its order, or beyond the largest log.
    #[error("the audit does not go on from there")]
    Place,
}
