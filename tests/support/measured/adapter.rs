//! The one place that knows how the measuring half is started and what comes out of it.
//!
//! In: what a test wants of it. Out: a running measurer, and its reports in the harness's own terms. When the interface of
//! the measuring half changes, this file follows and the scenes stay.

use std::collections::BTreeSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use agent::measure::{Events, MeasureConfig, Measurer, Pace, Report, Snapshot};
use anyhow::{Context as _, Result};
use evidence::body::{Coverage, Gap};
use evidence::digest::Sha256Digest;
use rustix::thread::CapabilitySet;

use super::{Backend, HeldClock, Spec};

/// One report.
#[derive(Debug)]
pub(super) enum Told {
    Manifest(Vec<u8>),
    View(View),
}

/// A settled view.
#[derive(Debug)]
pub(super) struct View {
    pub(super) components: Vec<Sha256Digest>,
    pub(super) gaps: Vec<Gap>,
    pub(super) coverage: Vec<Coverage>,
}

/// Starts measuring. Without the capability that watching whole file systems takes, its thread has to fall back on
/// watching directories, as it does for an agent that was not given it.
pub(super) fn start(spec: &Spec, clock: Arc<HeldClock>) -> Result<(Measurer, Receiver<Told>)> {
    let (sender, mut reports) = tokio::sync::mpsc::channel(4);
    let config = config(spec);
    let measurer = std::thread::scope(|scope| {
        let begin = || {
            if spec.backend == Backend::Directories {
                drop_capability(CapabilitySet::SYS_ADMIN)?;
            }
            Ok::<_, anyhow::Error>(Measurer::start(config, BTreeSet::new(), clock, sender)?)
        };
        scope.spawn(begin).join().map_err(|_| anyhow::anyhow!("the starting thread ended early"))
    })??;
    let (told, out) = channel();
    std::thread::Builder::new().name("collect".into()).spawn(move || {
        while let Some(report) = reports.blocking_recv() {
            if told.send(in_our_terms(report)).is_err() {
                return;
            }
        }
    })?;
    Ok((measurer, out))
}

fn config(spec: &Spec) -> MeasureConfig {
    MeasureConfig {
        roots: spec.roots.clone(),
        excludes: spec.excludes.clone(),
        dpkg_admin_dir: spec.dpkg_admin_dir.clone(),
        path_prefix: spec.prefix.clone(),
        cache_path: spec.cache.clone(),
        settle: Duration::from_millis(20),
        settle_max: Duration::from_millis(500),
        // What is found without being asked for was found by events.
        reconcile_every: Duration::from_hours(24),
        // Without the capability these are watched by directories all the same.
        events: Events::Best,
        namespaces: spec.namespaces,
        hash_threads: NonZeroUsize::MIN.saturating_add(1),
        first_pace: Pace::UNLIMITED,
        pace: Pace { bytes_per_second: spec.bytes_per_second.and_then(NonZeroU64::new), ..Pace::UNLIMITED },
    }
}

fn in_our_terms(report: Report) -> Told {
    match report {
        Report::Manifest(_, bytes) => Told::Manifest(bytes),
        Report::Snapshot(snapshot) => {
            let Snapshot { components, gaps, coverage, .. } = *snapshot;
            Told::View(View { components, gaps, coverage })
        }
    }
}

fn drop_capability(which: CapabilitySet) -> Result<()> {
    let mut sets = rustix::thread::capabilities(None)?;
    sets.effective.remove(which);
    sets.permitted.remove(which);
    sets.inheritable.remove(which);
    rustix::thread::set_capabilities(None, sets).context("give up a capability")
}
