//! What the running agent keeps for questions on the host: sightings, and the socket that tells of them.
//!
//! In: snapshots. Out: nothing that evidence depends on: where the store or the socket fails, the log says so and the agent
//! goes on. A store that failed is opened again at the next start, and is given then what it missed.

use std::collections::BTreeSet;
use std::path::Path;

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;

use crate::ask::{Board, Server};
use crate::measure::Snapshot;
use crate::sightings::{Sightings, SightingsError};

/// Sightings and the socket, as far as they are to be had.
pub(super) struct Answers {
    pub(super) board: Board,
    sightings: Option<Sightings>,
    _server: Option<Server>,
}

impl Answers {
    /// Opens the store and begins to answer.
    pub(super) fn open(state_dir: &Path, now: UnixTime) -> Self {
        let board = Board::default();
        let opened = Sightings::open(state_dir, now);
        let sightings = opened
            .inspect_err(|error| tracing::warn!(%error, "no sightings: local questions have no answer"))
            .ok();
        let server = sightings.as_ref().and_then(|sightings| {
            Server::start(state_dir, sightings.reader(), board.clone())
                .inspect_err(|error| tracing::warn!(%error, "local questions are not answered"))
                .ok()
        });
        Self { board, sightings, _server: server }
    }

    /// Of these components, those whose manifests need not be reported again.
    pub(super) fn known_of(&self, components: &BTreeSet<Sha256Digest>) -> BTreeSet<Sha256Digest> {
        let known = self.sightings.as_ref().and_then(|sightings| sightings.known_of(components).ok());
        known.unwrap_or_else(|| components.clone())
    }

    /// Takes in a manifest of the snapshot that comes.
    pub(super) fn take_manifest(&mut self, component: Sha256Digest, manifest: &[u8], now: UnixTime) {
        self.keep(|sightings| sightings.manifest(component, manifest, now));
    }

    /// Takes in a snapshot.
    pub(super) fn take(&mut self, snapshot: &Snapshot, now: UnixTime) {
        self.board.post_watching(&snapshot.coverage, &snapshot.counters, &snapshot.gaps);
        self.keep(|sightings| sightings.settled(&snapshot.components, now));
    }

    fn keep(&mut self, change: impl FnOnce(&mut Sightings) -> Result<(), SightingsError>) {
        if let Some(sightings) = &mut self.sightings
            && let Err(error) = change(sightings)
        {
            tracing::warn!(%error, "sightings are not kept until the agent starts again");
            self.sightings = None;
        }
    }
}
