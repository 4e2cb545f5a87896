//! The agent's measuring half as these benchmarks use it: the one place that follows its interface.
//!
//! In: trees. Out: a measurer that runs, and its settled states one after the other. Nothing is sealed or sent.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::clock::SystemClock;
use agent::measure::{Events, MeasureConfig, Measurer, Namespaces, Pace, Report};
use anyhow::{Context as _, Result};
use evidence::manifest::Manifest;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

/// What is measured.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) roots: Vec<PathBuf>,
    /// What stands for `/`.
    pub(crate) prefix: PathBuf,
    /// A file that is made.
    pub(crate) cache: PathBuf,
    /// Quiet time after a change.
    pub(crate) settle: Duration,
}

impl Trees {
    /// A tree below `/`, with the settings of the agent's defaults.
    pub(crate) fn of_host(root: &str, cache: PathBuf) -> Self {
        Self { roots: vec![root.into()], prefix: "/".into(), cache, settle: SETTLE }
    }
}

/// A settled state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) files: u64,
    pub(crate) open_gaps: usize,
}

/// A measurer that runs.
pub(crate) struct Watching {
    measurer: Measurer,
    states: Receiver<Report>,
    runtime: Runtime,
}

impl Watching {
    pub(crate) fn start(trees: &Trees) -> Result<Self> {
        let config = MeasureConfig {
            roots: trees.roots.clone(),
            excludes: vec![],
            dpkg_admin_dir: trees.prefix.join("var/lib/dpkg"),
            path_prefix: trees.prefix.clone(),
            cache_path: trees.cache.clone(),
            settle: trees.settle,
            settle_max: trees.settle.max(SETTLE_MAX),
            reconcile_every: Duration::from_hours(24),
            // What an agent has without configuration.
            events: Events::Best,
            namespaces: Namespaces::Own,
            hash_threads: NonZeroUsize::MIN.saturating_add(7),
            first_pace: Pace::UNLIMITED,
            pace: Pace::SANE,
        };
        let (sender, states) = tokio::sync::mpsc::channel(1);
        let measurer = Measurer::start(config, BTreeSet::new(), Arc::new(SystemClock), sender)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { measurer, states, runtime })
    }

    /// The next state, or none within this time. Each manifest that came with it is shown once.
    pub(crate) fn state(
        &mut self,
        within: Duration,
        mut manifest: impl FnMut(&Manifest) -> Result<()>,
    ) -> Result<Option<State>> {
        let snapshot = loop {
            let next = async { tokio::time::timeout(within, self.states.recv()).await };
            let Ok(report) = self.runtime.block_on(next) else { return Ok(None) };
            match report.context("the measuring thread ended")? {
                Report::Manifest(_, bytes) => manifest(&Manifest::decode(&bytes)?)?,
                Report::Snapshot(snapshot) => break snapshot,
            }
        };
        let open = snapshot.gaps.iter().filter(|gap| gap.until == evidence::body::GapEnd::Open);
        Ok(Some(State { files: snapshot.files, open_gaps: open.count() }))
    }

    /// The state after the first walk.
    pub(crate) fn first(&mut self) -> Result<State> {
        self.state(FIRST, |_| Ok(()))?.context("no state")
    }

    /// Asks for a walk of everything.
    pub(crate) fn rescan(&self) {
        self.measurer.rescan();
    }

    pub(crate) fn stop(self) {
        self.measurer.stop();
    }
}

const SETTLE: Duration = Duration::from_millis(500);
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// Longer than any first walk that is worth a figure.
const FIRST: Duration = Duration::from_mins(20);
