//! Reports: manifests as they are made, and snapshots, one of which may wait while the receiver is busy.
//!
//! In: the engine after a walk. Out: each manifest that the receiver does not have, then a snapshot, where anything
//! changed. No manifest is kept: the thread waits until the receiver took it. A newer snapshot takes the place of one
//! that waits and keeps what of it was not told: closed gaps and the earlier time.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use evidence::body::{Gap, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::manifest::component_digest;
use evidence::time::UnixTime;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::components::{Compiled, Components, Gone, Sources};
use super::engine::Engine;
use super::gaps::fold;
use super::limits::{KNOWN_SLACK, MANIFEST_EVERY};
use super::packages::Packages;
use super::place::printable;
use super::run::Shared;
use super::{Report, Snapshot};
use crate::anchors::{Anchors, UnreadCause};

/// Makes reports and hands them over.
pub(crate) struct Reporter {
    out: Sender<Report>,
    shared: Arc<Shared>,
    /// Components whose manifests the receiver has.
    known: BTreeSet<Sha256Digest>,
    components: Components,
    /// Components of trust stores.
    anchors: Vec<Sha256Digest>,
    /// Walks of everything that were told of.
    walks: u64,
    last: Option<Vec<Sha256Digest>>,
    waiting: Option<Box<Snapshot>>,
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
    pub(crate) fn new(out: Sender<Report>, shared: Arc<Shared>, known: BTreeSet<Sha256Digest>) -> Self {
        Self {
            out,
            shared,
            known,
            components: Components::default(),
            anchors: Vec::new(),
            walks: 0,
            last: None,
            waiting: None,
        }
    }

    /// Reports the state after a walk, where it differs from the last report.
    pub(crate) fn report(
        &mut self,
        engine: &mut Engine,
        database: &mut Packages,
        anchors: Option<&mut Anchors>,
        changed_at: UnixTime,
    ) -> Handover {
        database.attribute(&mut engine.tree, &engine.places);
        engine.compare(database);
        let unread = database.unread().iter().map(|unread| unread.scope.clone()).collect();
        engine.meet_unread(DATABASES, unread);
        let handed_over = match anchors {
            Some(anchors) => self.hand_over_anchors(engine, anchors),
            None => Some(()),
        };
        let components = handed_over.and_then(|()| self.hand_over_manifests(&engine.sources(database)));
        let Some(mut components) = components else { return Handover::Closed };
        components.extend(&self.anchors);
        components.sort_unstable();
        components.dedup();
        // After a walk of everything the numbers are told, though nothing has changed.
        let walks = engine.counters.walks_full;
        let walked = std::mem::replace(&mut self.walks, walks) != walks;
        if self.last.as_ref() == Some(&components) && !engine.gaps.changed() && !walked {
            return self.offer();
        }
        if self.known.len() > components.len() + KNOWN_SLACK {
            // A component that comes back later is sent a second time, which costs its bytes.
            self.known = components.iter().copied().collect();
        }
        self.last = Some(components.clone());
        self.replace(Snapshot {
            components,
            gaps: engine.gaps.report(),
            files: engine.tree.files(),
            changed_at,
            coverage: engine.coverage(),
            counters: engine.counters.list(),
        });
        self.offer()
    }

    /// Looks at the trust stores, and hands over what is new there; nothing where nobody receives.
    fn hand_over_anchors(&mut self, engine: &mut Engine, anchors: &mut Anchors) -> Option<()> {
        let Some(manifests) = anchors.refresh() else { return Some(()) };
        let Self { out, shared, known, .. } = self;
        let mut digests = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            let bytes = manifest.encode();
            let digest = component_digest(&bytes);
            digests.push(digest);
            if known.insert(digest) && send(out, shared, Report::Manifest(digest, bytes)).is_break() {
                return None;
            }
        }
        self.anchors = digests;
        // A private key is left alone on purpose.
        let unread = anchors.unread().filter(|unread| unread.cause != UnreadCause::Private);
        let scopes = unread.map(|unread| printable(unread.path.as_os_str().as_encoded_bytes())).collect();
        engine.meet_unread(STORES, scopes);
        Some(())
    }

    /// Hands over every manifest that the receiver lacks; returns all components, or nothing where nobody receives.
    fn hand_over_manifests(&mut self, sources: &Sources<'_>) -> Option<Vec<Sha256Digest>> {
        let Self { out, shared, known, components, .. } = self;
        let each = |compiled: Compiled| {
            let Compiled { digest, bytes, .. } = compiled;
            if known.insert(digest) {
                send(out, shared, Report::Manifest(digest, bytes))
            } else {
                ControlFlow::Continue(())
            }
        };
        components.update(sources, each).ok()
    }

    /// Hands over what waits, if the receiver has room.
    pub(crate) fn offer(&mut self) -> Handover {
        let Some(snapshot) = self.waiting.take() else { return Handover::Done };
        match self.out.try_send(Report::Snapshot(snapshot)) {
            Ok(()) => Handover::Done,
            Err(TrySendError::Full(report)) => {
                if let Report::Snapshot(snapshot) = report {
                    self.waiting = Some(snapshot);
                }
                Handover::Waiting
            }
            Err(TrySendError::Closed(_)) => Handover::Closed,
        }
    }

    fn replace(&mut self, mut snapshot: Snapshot) {
        if let Some(older) = self.waiting.take() {
            let (closed, open): (Vec<Gap>, Vec<Gap>) = older
                .gaps
                .into_iter()
                .filter(|gap| gap.until != GapEnd::Open)
                .chain(snapshot.gaps)
                .partition(|gap| gap.until != GapEnd::Open);
            let mut folded = Vec::new();
            for gap in closed {
                fold(&mut folded, gap);
            }
            folded.extend(open);
            snapshot.gaps = folded;
            snapshot.changed_at = snapshot.changed_at.min(older.changed_at);
        }
        self.waiting = Some(Box::new(snapshot));
    }
}

/// What the gaps of files of databases and of trust stores belong to.
const DATABASES: &str = "package databases";
const STORES: &str = "trust stores";

/// Hands over one report, waiting while the receiver is full, but not for longer than measuring goes on.
fn send(out: &Sender<Report>, shared: &Shared, mut report: Report) -> ControlFlow<Gone> {
    loop {
        match out.try_send(report) {
            Ok(()) => return ControlFlow::Continue(()),
            Err(TrySendError::Closed(_)) => return ControlFlow::Break(Gone),
            Err(TrySendError::Full(back)) => report = back,
        }
        if shared.stop.load(Ordering::Acquire) {
            return ControlFlow::Break(Gone);
        }
        std::thread::sleep(MANIFEST_EVERY);
    }
}
