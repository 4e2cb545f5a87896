//! The agent's measuring half in this process, seen from outside: what it says there is, and what it says it missed.
//!
//! In: a tree, and by what means to watch it. Out: the state as paths and digests, gaps, coverage; each report is waited for
//! on its channel. The state is what was reported and no more: whether it is true is for [`crate::truth`] to say.

mod adapter;
mod clock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use agent::measure::{Measurer, Namespaces};
use anyhow::{Context as _, Result, bail, ensure};
use evidence::body::{Coverage, Gap, GapCause, GapEnd, Means};
use evidence::digest::Sha256Digest;
use evidence::manifest::{EntryFlags, Manifest, state_root};

use self::adapter::{Told, View};
use crate::host::elf;
use crate::truth::{Difference, Files};

pub use clock::{HeldClock, Hold};

/// By what means changes are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The best that this machine allows: whole file systems.
    Whole,
    /// What is left without `CAP_SYS_ADMIN`: directories one by one.
    Directories,
}

/// What to measure.
#[derive(Clone, Debug)]
pub struct Spec {
    /// By what means.
    pub backend: Backend,
    /// Trees to watch.
    pub roots: Vec<PathBuf>,
    /// Trees to leave out.
    pub excludes: Vec<PathBuf>,
    /// What paths in the state are relative to.
    pub prefix: PathBuf,
    /// dpkg's administrative directory.
    pub dpkg_admin_dir: PathBuf,
    /// The digest cache.
    pub cache: PathBuf,
    /// Whose mounts are looked for.
    pub namespaces: Namespaces,
    /// A limit on hashing.
    pub bytes_per_second: Option<u64>,
}

/// A measurer that runs, and everything that it has reported.
#[derive(Debug)]
pub struct Measuring {
    measurer: Measurer,
    reports: Receiver<Told>,
    clock: Arc<HeldClock>,
    spec: Spec,
    manifests: BTreeMap<Sha256Digest, Manifest>,
    components: Vec<Sha256Digest>,
    files: Files,
    elsewhere: Files,
    raced: Vec<Vec<u8>>,
    gaps: Vec<Gap>,
    closed: Vec<Gap>,
    coverage: Vec<Coverage>,
    snapshots: usize,
    sentinels: u32,
}

impl Measuring {
    /// Starts measuring and waits for the first view.
    pub fn start(spec: Spec) -> Result<Self> {
        let mut measured = Self::spawn(spec)?;
        measured.wait_for("the first view", |measured| measured.snapshots > 0)?;
        Ok(measured)
    }

    /// Starts measuring.
    pub fn spawn(spec: Spec) -> Result<Self> {
        let clock = Arc::new(HeldClock::default());
        let (measurer, reports) = adapter::start(&spec, Arc::clone(&clock))?;
        Ok(Self {
            measurer,
            reports,
            clock,
            spec,
            manifests: BTreeMap::new(),
            components: Vec::new(),
            files: Files::new(),
            elsewhere: Files::new(),
            raced: Vec::new(),
            gaps: Vec::new(),
            closed: Vec::new(),
            coverage: Vec::new(),
            snapshots: 0,
            sentinels: 0,
        })
    }

    /// Its clock, to be stopped or set.
    pub fn clock(&self) -> Arc<HeldClock> {
        Arc::clone(&self.clock)
    }

    /// The state that was reported last.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// Files that only other namespaces of mounts have, by the paths that lead there through their processes.
    pub const fn elsewhere(&self) -> &Files {
        &self.elsewhere
    }

    /// Files that were changing whenever they were hashed.
    pub fn raced(&self) -> &[Vec<u8>] {
        &self.raced
    }

    /// Merkle root over the components that were reported last.
    pub fn state_root(&self) -> Option<Sha256Digest> {
        state_root(&self.components)
    }

    /// By what means the tree is watched, as far as it says so.
    pub fn coverage(&self) -> &[Coverage] {
        &self.coverage
    }

    /// Whether what happens in this tree is told by the kernel for the whole file system.
    pub fn is_whole(&self) -> bool {
        self.coverage.iter().any(|entry| entry.means == Means::FileSystemEvents)
    }

    /// Open gaps of a cause.
    pub fn open(&self, cause: GapCause) -> usize {
        self.gaps.iter().filter(|gap| gap.cause == cause).count()
    }

    /// Gaps of a cause that were reported as closed.
    pub fn closed(&self, cause: GapCause) -> usize {
        self.closed.iter().filter(|gap| gap.cause == cause).count()
    }

    /// Has everything walked.
    pub fn rescan(&self) {
        self.measurer.rescan();
    }

    /// Takes reports until it is as is asked.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Self) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !fits(self) {
            if !self.next(end)? {
                bail!(
                    "{what}: not within {PATIENCE:?}; open gaps {:?}, coverage {:?}",
                    self.gaps,
                    self.coverage
                );
            }
        }
        Ok(())
    }

    /// Takes reports until the state is the truth.
    pub fn wait_until(&mut self, truth: &Files) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.files != *truth {
            if !self.next(end)? {
                bail!("{}; open gaps {:?}", Difference::of(&self.files, truth), self.gaps);
            }
        }
        Ok(())
    }

    /// Lets everything that the kernel has told so far be worked off, without asking for a walk, and says how the state
    /// differs then. Files of the harness come and go meanwhile: each is told by the kernel after all that came before.
    pub fn settled(&mut self, truth: &Files) -> Result<Difference> {
        for _ in 0..SENTINELS {
            if self.files == *truth {
                break;
            }
            self.sentinel().context("a file that is written after all others")?;
        }
        Ok(Difference::of(&self.files, truth))
    }

    /// Writes a file that nobody has heard of, and waits until it has come and gone again.
    pub fn sentinel(&mut self) -> Result<()> {
        self.sentinels += 1;
        let root = self.spec.roots.first().context("a root")?.clone();
        let file = root.join(format!("sentinel-{}", self.sentinels));
        let path = shown(&file, &self.spec.prefix)?;
        std::fs::write(&file, elf(&format!("sentinel {}", self.sentinels)))?;
        self.wait_for("the sentinel is seen", |measured| measured.files.contains_key(&path))?;
        std::fs::remove_file(&file)?;
        self.wait_for("the sentinel is gone", |measured| !measured.files.contains_key(&path))
    }

    fn next(&mut self, end: Instant) -> Result<bool> {
        match self.reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Told::Manifest(bytes)) => {
                let manifest = Manifest::decode(&bytes)?;
                self.manifests.insert(manifest.digest(), manifest);
            }
            Ok(Told::View(view)) => self.take(view)?,
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => bail!("the measuring thread has ended"),
        }
        Ok(true)
    }

    fn take(&mut self, view: View) -> Result<()> {
        self.snapshots += 1;
        self.components = view.components;
        self.coverage = view.coverage;
        self.closed.extend(view.gaps.iter().filter(|gap| gap.until != GapEnd::Open).cloned());
        self.gaps = view.gaps.into_iter().filter(|gap| gap.until == GapEnd::Open).collect();
        self.files.clear();
        self.elsewhere.clear();
        self.raced.clear();
        for digest in &self.components {
            let manifest =
                self.manifests.get(digest).context("a manifest comes before the view that names it")?;
            for entry in manifest.entries() {
                let through_a_process = entry.path.starts_with(b"/proc/");
                let files = if through_a_process { &mut self.elsewhere } else { &mut self.files };
                let before = files.insert(entry.path.clone(), *entry.digest.as_bytes());
                ensure!(before.is_none(), "{} is in two components", entry.path.escape_ascii());
                if entry.flags.contains(EntryFlags::RACED) {
                    self.raced.push(entry.path.clone());
                }
            }
        }
        Ok(())
    }
}

fn shown(file: &Path, prefix: &Path) -> Result<Vec<u8>> {
    let below = file.strip_prefix(prefix)?.as_os_str().as_encoded_bytes();
    Ok([b"/", below].concat())
}

/// Longest wait for a report: 20 GiB are hashed in some tests, and other tests and builds may have all processors. A test that
/// passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(300);

/// After so many files that were told after everything else, nothing is on its way any more.
const SENTINELS: u32 = 3;
