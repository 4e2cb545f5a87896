//! The one place that knows how the measuring half is started and what comes out of it.
//!
//! In: what a test wants of it. Out: a running measurer, and its reports in the harness's own terms. When the interface of
//! the measuring half changes, this file follows and the scenes stay.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use agent::measure::{MeasureConfig, Measurer, Snapshot};
use anyhow::{Context as _, Result};
use evidence::body::{Coverage, Gap};
use evidence::digest::Sha256Digest;
use rustix::thread::CapabilitySet;

use super::{Backend, HeldClock, Spec};

/// Whether the measuring half watches whole file systems where it may.
pub const HAS_WHOLE: bool = false;

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
            if in_our_terms(report).into_iter().any(|part| told.send(part).is_err()) {
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
        hash_threads: NonZeroUsize::MIN.saturating_add(1),
    }
}

fn in_our_terms(report: Snapshot) -> Vec<Told> {
    let Snapshot { components, new_manifests, gaps, .. } = report;
    let mut parts: Vec<_> = new_manifests.into_iter().map(|(_, bytes)| Told::Manifest(bytes)).collect();
    parts.push(Told::View(View { components, gaps, coverage: Vec::new() }));
    parts
}

fn drop_capability(which: CapabilitySet) -> Result<()> {
    let mut sets = rustix::thread::capabilities(None)?;
    sets.effective.remove(which);
    sets.permitted.remove(which);
    sets.inheritable.remove(which);
    rustix::thread::set_capabilities(None, sets).context("give up a capability")
}
