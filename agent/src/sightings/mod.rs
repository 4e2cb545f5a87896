//! Sightings: which artefacts this host has and had, since when and until when.
//!
//! In: the manifests that the measurer reports, and which components are there after each snapshot. Out: for a digest, its
//! beginning or a path: components, entries, the first and the last time. It is kept for questions that are asked on this
//! host; evidence does not depend on it. A damaged file is made anew, and first sightings start anew with it. Times are
//! of this host's clock and of the moment of the snapshot, not of the moment at which a file was written.

mod limits;
mod store;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evidence::digest::Sha256Digest;
use evidence::manifest::{Entry, Manifest};
use evidence::time::UnixTime;
use redb::Database;

use self::limits::PENDING_BYTES;

/// The writer's side; there is one.
pub struct Sightings {
    path: PathBuf,
    database: Arc<Database>,
    pending: Vec<(Sha256Digest, Vec<u8>)>,
    pending_bytes: usize,
}

/// The reader's side: a view that does not hold up the writer.
#[derive(Clone)]
pub struct Reader {
    database: Arc<Database>,
}

/// One component that has, or had, what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The component.
    pub component: Sha256Digest,
    /// When the artefact was first seen.
    pub first: UnixTime,
    /// When the component was last seen.
    pub last: UnixTime,
    /// Whether it is there.
    pub presence: Presence,
}

/// Whether a component is there as of the newest snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Here,
    /// It was.
    Gone,
}

/// Since when is looked, and when was looked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When the store was made: nothing is known of the time before.
    pub began: UnixTime,
    /// The newest snapshot; `None` before the first.
    pub settled: Option<UnixTime>,
}

impl Sightings {
    /// The store's name in the state directory.
    pub const FILE: &str = "sightings.redb";

    /// Opens or makes the store in a state directory; a damaged one is made anew.
    pub fn open(state_dir: &Path, now: UnixTime) -> Result<Self, SightingsError> {
        let path = state_dir.join(Self::FILE);
        let database = match store::open(&path, now) {
            Err(error) if store::is_damage(&error) => {
                tracing::warn!(path = %path.display(), %error, "sightings are damaged: first sightings start anew");
                std::fs::remove_file(&path).map_err(redb::Error::Io).and_then(|()| store::open(&path, now))
            }
            other => other,
        };
        let database = database.map_err(|source| SightingsError::new(&path, source))?;
        Ok(Self { path, database: Arc::new(database), pending: Vec::new(), pending_bytes: 0 })
    }

    /// For questions, from any thread.
    pub fn reader(&self) -> Reader {
        Reader { database: Arc::clone(&self.database) }
    }

    /// Which of these components are known here. The measurer must report the manifests of all others.
    pub fn known_of(
        &self,
        components: &BTreeSet<Sha256Digest>,
    ) -> Result<BTreeSet<Sha256Digest>, SightingsError> {
        store::known_of(&self.database, components).map_err(|source| SightingsError::new(&self.path, source))
    }

    /// Takes in a manifest; written when enough have come together.
    pub fn manifest(
        &mut self,
        digest: Sha256Digest,
        bytes: &[u8],
        now: UnixTime,
    ) -> Result<(), SightingsError> {
        self.pending_bytes = self.pending_bytes.saturating_add(bytes.len());
        self.pending.push((digest, bytes.to_vec()));
        if self.pending_bytes >= PENDING_BYTES { self.write_pending(now) } else { Ok(()) }
    }

    /// A snapshot is whole: exactly these components are there. What went long ago is forgotten.
    pub fn settled(&mut self, components: &[Sha256Digest], now: UnixTime) -> Result<(), SightingsError> {
        self.write_pending(now)?;
        let present: BTreeSet<Sha256Digest> = components.iter().copied().collect();
        store::settle(&self.database, &present, now).map_err(|source| SightingsError::new(&self.path, source))
    }

    fn write_pending(&mut self, now: UnixTime) -> Result<(), SightingsError> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if pending.is_empty() {
            return Ok(());
        }
        store::add(&self.database, &pending, now).map_err(|source| SightingsError::new(&self.path, source))
    }
}

impl Reader {
    /// Every sighting of artefacts whose digests lie in a range; `each` may end it.
    pub fn digests(
        &self,
        range: (Sha256Digest, Sha256Digest),
        each: &mut dyn FnMut(&Seen, &Manifest, &Entry) -> ControlFlow<()>,
    ) -> Result<(), redb::Error> {
        store::digests(&self.database, range, each)
    }

    /// Every entry with this path in components that are there.
    pub fn path(
        &self,
        path: &[u8],
        each: &mut dyn FnMut(&Seen, &Manifest, &Entry) -> ControlFlow<()>,
    ) -> Result<(), redb::Error> {
        store::path(&self.database, path, each)
    }

    /// Since when is looked.
    pub fn span(&self) -> Result<Span, redb::Error> {
        store::span(&self.database)
    }
}

/// Why sightings cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct SightingsError {
    path: PathBuf,
    source: Box<redb::Error>,
}

impl SightingsError {
    fn new(path: &Path, source: redb::Error) -> Self {
        Self { path: path.to_owned(), source: Box::new(source) }
    }

    /// Whether another process has the store open.
    pub fn is_taken(&self) -> bool {
        matches!(*self.source, redb::Error::DatabaseAlreadyOpen)
    }
}

#[cfg(test)]
mod tests;
