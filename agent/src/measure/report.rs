//! Snapshots: what is reported, and what waits while the receiver is busy.
//!
//! In: the engine after a walk. Out: a snapshot where anything changed. At most one waits; a newer one takes
//! its place and keeps what of it was not sent: manifests that still count, closed gaps, the earlier time.

use std::collections::BTreeSet;

use evidence::body::{Gap, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::Snapshot;
use super::components::compile;
use super::engine::Engine;
use super::gaps::fold;
use super::limits::KNOWN_SLACK;
use super::packages::Packages;

/// Makes snapshots and hands them over.
pub(crate) struct Reporter {
    out: Sender<Snapshot>,
    known: BTreeSet<Sha256Digest>,
    last: Option<Vec<Sha256Digest>>,
    waiting: Option<Snapshot>,
}

/// How the handing over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handover {
    /// Nothing waits.
    Done,
    /// The receiver is full.
    Waiting,
    /// Nobody receives any more.
    Closed,
}

impl Reporter {
    pub(crate) fn new(out: Sender<Snapshot>, known: BTreeSet<Sha256Digest>) -> Self {
        Self { out, known, last: None, waiting: None }
    }

    /// Reports the state after a walk, where it differs from the last report.
    pub(crate) fn report(
        &mut self,
        engine: &mut Engine,
        database: &mut Packages,
        changed_at: UnixTime,
    ) -> Handover {
        database.attribute(&mut engine.tree, &engine.places);
        let mut components = Vec::new();
        let mut new_manifests = Vec::new();
        compile(&engine.tree, database, &engine.places, |digest, bytes| {
            components.push(digest);
            if !self.known.contains(&digest) {
                new_manifests.push((digest, bytes));
            }
        });
        components.sort_unstable();
        components.dedup();
        if self.last.as_ref() == Some(&components) && !engine.gaps.changed() {
            return self.offer();
        }
        self.remember(&components);
        self.last = Some(components.clone());
        let gaps = engine.gaps.report();
        let snapshot = Snapshot { components, new_manifests, gaps, files: engine.tree.files(), changed_at };
        self.replace(snapshot);
        self.offer()
    }

    /// Hands over what waits, if the receiver has room.
    pub(crate) fn offer(&mut self) -> Handover {
        let Some(snapshot) = self.waiting.take() else { return Handover::Done };
        match self.out.try_send(snapshot) {
            Ok(()) => Handover::Done,
            Err(TrySendError::Full(snapshot)) => {
                self.waiting = Some(snapshot);
                Handover::Waiting
            }
            Err(TrySendError::Closed(_)) => Handover::Closed,
        }
    }

    fn remember(&mut self, components: &[Sha256Digest]) {
        self.known.extend(components);
        if self.known.len() > components.len() + KNOWN_SLACK {
            // A component that comes back later is sent a second time, which costs its bytes.
            self.known = components.iter().copied().collect();
        }
    }

    fn replace(&mut self, mut snapshot: Snapshot) {
        if let Some(older) = self.waiting.take() {
            for (digest, bytes) in older.new_manifests {
                if snapshot.components.binary_search(&digest).is_err() {
                    // It was never sent, so that it has to be sent when it comes back.
                    self.known.remove(&digest);
                } else if snapshot.new_manifests.iter().all(|(other, _)| *other != digest) {
                    snapshot.new_manifests.push((digest, bytes));
                }
            }
            let (mut closed, open): (Vec<Gap>, Vec<Gap>) = older
                .gaps
                .into_iter()
                .filter(|gap| gap.until != GapEnd::Open)
                .chain(snapshot.gaps)
                .partition(|gap| gap.until != GapEnd::Open);
            let mut folded = Vec::new();
            closed.drain(..).for_each(|gap| fold(&mut folded, gap));
            folded.extend(open);
            snapshot.gaps = folded;
            snapshot.changed_at = snapshot.changed_at.min(older.changed_at);
        }
        snapshot.new_manifests.sort_unstable_by_key(|(digest, _)| *digest);
        snapshot.new_manifests.dedup_by_key(|(digest, _)| *digest);
        self.waiting = Some(snapshot);
    }
}
