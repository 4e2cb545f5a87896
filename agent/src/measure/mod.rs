//! Measures the host's executables: what there is, of which package, with which digest, and what could not be seen.
//!
//! In: trees to watch. Out: manifests, one by one, and a `Snapshot` after the first walk and after each settled change,
//! behind the manifests that it names. A snapshot says
//! what walks found, each file at its own moment; it is this program's word until a TPM quotes evidence over
//! it, and it says nothing of what was run. Bytes that are written through a mapping that stays open, or past
//! the file system, are found when their part of the files is hashed anew.

mod budget;
mod cache;
mod compare;
mod components;
mod content;
mod counters;
mod coverage;
mod details;
mod dpkg;
mod engine;
mod examine;
mod executed;
mod gaps;
mod limits;
mod links;
mod list;
mod mounts;
mod packages;
mod place;
mod pool;
mod python;
mod rehash;
mod report;
mod roots;
mod rounds;
mod rpm;
mod run;
mod signers;
mod stamp;
mod tree;
mod walk;
mod watch;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use evidence::body::{Counter, Coverage, Gap};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use rustix::event::EventfdFlags;
use tokio::sync::oneshot;

pub use self::budget::Pace;
use self::engine::Engine;
pub use self::executed::{Executed, Located, Watching};
/// For how long a package manager that is at work puts off a walk.
pub(crate) use self::limits::DPKG_WAIT as HELD_AT_MOST;
use self::limits::{ANSWER_WAIT, BYTES_PER_SECOND, CPU_PERCENT};
use self::packages::Packages;
use self::report::Reporter;
use self::run::{Ask, Runner, Shared};
use crate::anchors::Anchors;
use crate::clock::Clock;

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct MeasureConfig {
    /// Trees to watch; absolute. Each is walked on its own file system only.
    pub roots: Vec<PathBuf>,
    /// Trees to leave out; absolute.
    pub excludes: Vec<PathBuf>,
    /// dpkg's administrative directory; files have no package where it is absent.
    pub dpkg_admin_dir: PathBuf,
    /// The directory that stands for `/` in manifests.
    pub path_prefix: PathBuf,
    /// The cache of digests: a file that is made, and made anew when damaged.
    pub cache_path: PathBuf,
    /// How long nothing must happen before a change is measured.
    pub settle: Duration,
    /// How long a change waits at most for that.
    pub settle_max: Duration,
    /// How often everything is walked whether or not something seems to have changed.
    pub reconcile_every: Duration,
    /// Threads that hash.
    pub hash_threads: NonZeroUsize,
    /// What tells of changes.
    pub events: Events,
    /// Whose mounts are looked for.
    pub namespaces: Namespaces,
    /// How fast the first walk may hash.
    pub first_pace: Pace,
    /// How fast all later walks may.
    pub pace: Pace,
}

/// What tells of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Events {
    /// Whole file systems, where the kernel allows it; else directories, one by one.
    #[default]
    Best,
    /// Directories, one by one.
    Directories,
}

/// Whose mounts are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Those that this process has.
    #[default]
    Own,
    /// Those of every process, such as containers'.
    All,
}

impl MeasureConfig {
    /// A path without symbolic links; as it stands where it is not there.
    fn real(path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    }

    fn real_roots(&self) -> Result<Vec<Arc<[u8]>>, MeasureError> {
        let all = self.roots.iter().chain(&self.excludes).chain([&self.path_prefix, &self.dpkg_admin_dir]);
        if let Some(path) = all.into_iter().find(|path| !path.is_absolute()) {
            return Err(MeasureError::Relative { path: path.clone() });
        }
        let prefix = Self::real(&self.path_prefix);
        let roots = self.roots.iter().map(|root| {
            let real = Self::real(root);
            let inside = real.starts_with(&prefix);
            inside.then(|| Arc::from(place::bytes(&real))).ok_or(MeasureError::OutsidePrefix { path: real })
        });
        let roots: BTreeSet<Arc<[u8]>> = roots.collect::<Result<_, _>>()?;
        if roots.is_empty() { Err(MeasureError::NoRoots) } else { Ok(roots.into_iter().collect()) }
    }
}

/// What the measuring thread reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A component's canonical manifest, before the first snapshot that names it. Each is sent once; it must be kept.
    Manifest(Sha256Digest, Vec<u8>),
    /// A settled view.
    Snapshot(Box<Snapshot>),
}

/// One settled view of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Digests of all components that there are now, rising.
    pub components: Vec<Sha256Digest>,
    /// Every gap that is open, and every one that closed since the snapshot before.
    pub gaps: Vec<Gap>,
    /// Files in the components.
    pub files: u64,
    /// When the first sign of the change was seen; when the walk began, where there was none.
    pub changed_at: UnixTime,
    /// By what means each root is watched, sorted.
    pub coverage: Vec<Coverage>,
    /// What was counted since the thread started, sorted by name.
    pub counters: Vec<Counter>,
}

/// Measures in its own thread until it is stopped or dropped, or nobody receives.
#[derive(Debug)]
pub struct Measurer {
    asking: Asking,
    thread: Option<JoinHandle<()>>,
}

/// A way to ask the measuring thread.
#[derive(Clone, Debug)]
pub struct Asking {
    shared: Arc<Shared>,
    asks: std::sync::mpsc::Sender<Ask>,
}

impl Asking {
    /// What a seal tells beside the state. A thread that is in the middle of a long walk does not answer in time; then
    /// there is nothing, and the counts of executions come with a later seal.
    pub async fn watching(&self) -> Watching {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Watching(reply));
        match tokio::time::timeout(ANSWER_WAIT, answer).await {
            Ok(Ok(watching)) => watching,
            _ => Watching::default(),
        }
    }

    /// These executions are in evidence that is durable: they are not to be counted again.
    pub fn sealed(&self, executed: Vec<Executed>) {
        if !executed.is_empty() {
            self.ask(Ask::Sealed(executed));
        }
    }

    fn ask(&self, ask: Ask) {
        // It fails where the thread has ended, and then nobody counts.
        let _ = self.asks.send(ask);
        self.wake();
    }

    fn wake(&self) {
        // It fails only where the counter is full, and then the thread is awake.
        let _ = rustix::io::write(&self.shared.wake, &1_u64.to_ne_bytes());
    }
}

impl Pace {
    /// After the first scan, unless something else is configured: felt by nobody, and a day is enough for all files.
    pub const SANE: Self = Self {
        bytes_per_second: std::num::NonZeroU64::new(BYTES_PER_SECOND),
        cpu_percent: std::num::NonZeroU8::MIN.saturating_add(CPU_PERCENT - 1),
    };
}

impl Measurer {
    /// Begins with a walk of everything. `known` are the components whose manifests need not be reported.
    pub fn start(
        config: MeasureConfig,
        known: BTreeSet<Sha256Digest>,
        clock: Arc<dyn Clock>,
        out: tokio::sync::mpsc::Sender<Report>,
    ) -> Result<Self, MeasureError> {
        Self::start_with(config, known, clock, out, usize::MAX)
    }

    fn start_with(
        config: MeasureConfig,
        known: BTreeSet<Sha256Digest>,
        clock: Arc<dyn Clock>,
        out: tokio::sync::mpsc::Sender<Report>,
        watches: usize,
    ) -> Result<Self, MeasureError> {
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| MeasureError::Wake(errno.into()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared { wake, rescan: AtomicBool::new(false), stop: Arc::clone(&stop) });
        let (sender, asks) = std::sync::mpsc::channel();
        let engine = Engine::new(&config, clock, stop, watches)?;
        let database = Packages::new(&config.dpkg_admin_dir);
        let reporter = Reporter::new(out, Arc::clone(&shared), known);
        let asking = Asking { shared: Arc::clone(&shared), asks: sender };
        let anchors = Anchors::new(&config.path_prefix)
            .inspect_err(|error| tracing::warn!(%error, "trust stores are not read"))
            .ok();
        let runner = Runner { config, shared, engine, database, anchors, reporter, asks };
        let thread = std::thread::Builder::new().name("measure".into()).spawn(move || runner.run());
        let thread = Some(thread.map_err(MeasureError::Thread)?);
        Ok(Self { asking, thread })
    }

    /// A way to ask the thread, for whoever seals.
    pub fn asking(&self) -> Asking {
        self.asking.clone()
    }

    /// Asks for a walk of everything.
    pub fn rescan(&self) {
        self.asking.shared.rescan.store(true, Ordering::Release);
        self.asking.wake();
    }

    /// Ends the thread and waits for it; a walk is given up in the middle.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.asking.shared.stop.store(true, Ordering::Release);
        self.asking.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the measuring thread had ended early");
        }
    }
}

impl Drop for Measurer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why measuring cannot begin. What goes wrong later becomes a gap.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The configuration names no tree.
    #[error("no tree to measure: name at least one root")]
    NoRoots,
    /// A configured path is not absolute.
    #[error("{}: paths to measure must be absolute", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A root is not below the directory that stands for `/`.
    #[error("{}: not below the path prefix", path.display())]
    OutsidePrefix {
        /// The path.
        path: PathBuf,
    },
    /// The kernel gave no descriptor to wake the thread by.
    #[error("no event descriptor: {0}")]
    Wake(std::io::Error),
    /// The kernel gave no thread.
    #[error("no measuring thread: {0}")]
    Thread(std::io::Error),
}

#[cfg(test)]
mod tests;
