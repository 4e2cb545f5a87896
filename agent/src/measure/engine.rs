//! The measuring machine without its thread: what is known, what is to be walked again, and what to report.
//!
//! In: hints from the kernel and calls to walk. Out: the tree, the gaps, and what a report needs. Nothing
//! here waits; the loop in `run` does. Hints only choose what is walked: the walk decides what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use evidence::body::{Coverage, GapCause, Means};
use evidence::time::UnixTime;
use fanotify::Options;

use super::budget::{Budget, Pace};
use super::compare::Comparison;
use super::components::{Sources, locate};
use super::counters::Counters;
use super::examine::Tools;
use super::executed::{Executed, Tally, Watching};
use super::gaps::Gaps;
use super::limits::STRANGERS_EVERY;
use super::links::Links;
use super::mounts::{Foreign, Mounts};
use super::packages::Packages;
use super::place::{Places, bytes, join, printable, within};
use super::rehash::Rehash;
use super::rounds::{Moment, Rounds, Trouble};
use super::stamp::{Stamp, Steps};
use super::tree::Tree;
use super::walk::{Depth, Doubt, Walk};
use super::watch::{Hint, Watch};
use super::{MeasureConfig, MeasureError, Namespaces};
use crate::clock::Clock;

/// What is known of the watched trees.
pub(crate) struct Engine {
    pub(crate) roots: Vec<Arc<[u8]>>,
    pub(crate) places: Places,
    pub(crate) cache_path: PathBuf,
    pub(crate) threads: NonZeroUsize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) tree: Tree,
    pub(crate) watch: Watch,
    pub(crate) gaps: Gaps,
    pub(crate) links: Links,
    pub(crate) counters: Counters,
    pub(crate) rounds: Rounds,
    /// What was opened to be executed since the last seal.
    pub(crate) executed: Tally,
    /// Whether the next walk of everything drops what the cache has too much.
    pub(crate) prune_next: bool,
    /// Files that changed under a name that is not walked, by device and inode.
    linked: BTreeSet<(u64, u64)>,
    /// Directories without a watch, and roots that are not there: they are walked now and then.
    pub(crate) unwatched: BTreeSet<Arc<[u8]>>,
    dirty: BTreeSet<Arc<[u8]>>,
    wanted: Wanted,
    package_databases: Vec<Arc<[u8]>>,
    pub(crate) mounts: Mounts,
    configured: Vec<Arc<[u8]>>,
    pub(crate) coverages: BTreeMap<Arc<[u8]>, Coverage>,
    /// Mount points that a walk does not enter, fit to print: what lies there is walked elsewhere.
    pub(crate) stops: BTreeSet<String>,
    /// File systems of other namespaces of mounts, by the path that leads there.
    pub(crate) foreign: BTreeMap<Arc<[u8]>, Foreign>,
    namespaces: Namespaces,
    /// When a change of a file that no walk met led to a walk of everything.
    strangers_at: Option<Duration>,
    /// Whether there was such a change since.
    strangers: bool,
    /// Whether a program was started since that was asked last.
    started: bool,
    /// Devices of file systems that keep fine times.
    fine: BTreeSet<u64>,
    /// MD5s of files that were hashed since packages were asked last.
    pub(crate) to_compare: Vec<Comparison>,
    ignored: (Box<[u8]>, Box<[u8]>),
    paces: (Pace, Pace),
    budget: Arc<Budget>,
    /// How far the clock was set back when this thread came round last.
    fell_back: Duration,
    /// Stamps of this time come again, since the clock was set.
    doubtful: Option<(UnixTime, UnixTime)>,
    pub(crate) rehash: Rehash,
}

/// Why everything is to be walked, if it is; the stronger reason is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Nothing,
    /// A file has a second name, and the first is not known.
    UnknownName,
    /// Hints were lost, or nobody looked.
    LostSight,
}

impl Engine {
    /// A machine that knows nothing yet. `watches` bounds the directories that it watches.
    pub(crate) fn new(
        config: &MeasureConfig,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
        watches: usize,
    ) -> Result<Self, MeasureError> {
        let configured = config.real_roots()?;
        let cache_name = config.cache_path.file_name().unwrap_or_default();
        let cache_home = config.cache_path.parent().map(MeasureConfig::real).unwrap_or_default();
        let mut engine = Self {
            roots: configured.clone(),
            places: Places::new(&MeasureConfig::real(&config.path_prefix), &config.excludes),
            cache_path: config.cache_path.clone(),
            threads: config.hash_threads,
            clock,
            stop,
            tree: Tree::default(),
            watch: Watch::with(watches, config.events, Options::default()),
            gaps: Gaps::default(),
            links: Links::default(),
            counters: Counters::default(),
            rounds: Rounds::default(),
            executed: Tally::default(),
            prune_next: false,
            linked: BTreeSet::new(),
            unwatched: BTreeSet::new(),
            dirty: BTreeSet::new(),
            wanted: Wanted::Nothing,
            package_databases: Vec::new(),
            mounts: Mounts::new(configured.clone(), config.excludes.iter().map(|path| bytes(path)).collect()),
            configured,
            coverages: BTreeMap::new(),
            stops: BTreeSet::new(),
            foreign: BTreeMap::new(),
            namespaces: config.namespaces,
            strangers_at: None,
            strangers: false,
            started: false,
            fine: BTreeSet::new(),
            to_compare: Vec::new(),
            ignored: (bytes(&cache_home), cache_name.as_encoded_bytes().into()),
            paces: (config.first_pace, config.pace),
            budget: Arc::new(Budget::new(config.first_pace)),
            fell_back: Duration::ZERO,
            doubtful: None,
            rehash: Rehash::default(),
        };
        engine.package_databases = Packages::new(&config.dpkg_admin_dir)
            .watched(&engine.places)
            .iter()
            .map(|path| Arc::from(bytes(&MeasureConfig::real(path))))
            .collect();
        engine.ignore_own_files();
        engine.watch_package_databases();
        Ok(engine)
    }

    /// What becomes readable when there are hints.
    pub(crate) fn hints(&self) -> Option<BorrowedFd<'_>> {
        self.watch.fd()
    }

    /// What hashing threads share.
    pub(crate) fn tools(&self) -> Tools {
        let (clock, stop) = (Arc::clone(&self.clock), Arc::clone(&self.stop));
        Tools { clock, stop, budget: Arc::clone(&self.budget) }
    }

    /// Takes the kernel's hints; true where any came since it was asked last.
    pub(crate) fn take_hints(&mut self) -> bool {
        self.come_round();
        let Self { watch, dirty, ignored, counters, executed, linked, places, started, .. } = self;
        let (mut came, mut overflow) = (false, false);
        watch.drain(|hint| match hint {
            // The cache is written by walks: its events must not cause the next one.
            Hint::Touched(path, Some(name)) if *path == *ignored.0 && name == ignored.1 => {}
            Hint::Touched(path, _) => {
                (came, counters.events) = (true, counters.events + 1);
                dirty.insert(path);
            }
            // What is beside the directory that stands for `/` is another host's.
            Hint::Executed { directory, .. } if !within(&directory, places.prefix()) => *started = true,
            Hint::Executed { directory, name, times } => {
                *started = true;
                executed.add(&directory, &name, times, counters);
            }
            Hint::Linked { device, inode } => {
                came = true;
                linked.insert((device, inode));
            }
            Hint::Overflow => {
                (came, overflow, counters.overflows) = (true, true, counters.overflows + 1);
            }
        });
        if overflow {
            self.lose_sight(GapCause::Overflow);
        }
        came
    }

    /// Looks at both clocks: whether this thread was away for long, and whether the host's clock was set.
    fn come_round(&mut self) {
        let now = Moment { wall: self.clock.now(), ticking: self.clock.ticking() };
        for trouble in self.rounds.come(now) {
            match trouble {
                Trouble::Stalled(from) => {
                    self.lose_sight(GapCause::Stalled);
                    self.gaps.stalled(from);
                }
                Trouble::ClockSet { from, to } => {
                    tracing::warn!(from = from.as_ms(), to = to.as_ms(), "the host's clock was set");
                    let (old_from, old_to) = self.doubtful.unwrap_or((from, to));
                    self.doubtful = Some((from.min(old_from), to.max(old_to)));
                    self.lose_sight(GapCause::ClockSet);
                    self.gaps.clock_set(from);
                }
            }
        }
        let back = self.clock.fell_back();
        let known = std::mem::replace(&mut self.fell_back, back);
        self.gaps.set_back(back.saturating_sub(known));
    }

    /// Something was not seen, nobody knows what: a gap for every root, until a walk of everything is over.
    pub(crate) fn lose_sight(&mut self, cause: GapCause) {
        self.wanted = Wanted::LostSight;
        let now = self.clock.now();
        for root in self.roots.clone() {
            let scope = printable(self.places.shown(&root));
            // No directory's: a walk of the root alone must not close it.
            self.gaps.meet(cause, &Arc::from([]), scope, now);
        }
    }

    /// The roots are to be walked again, though nothing is known to have changed.
    pub(crate) fn touch_roots(&mut self) {
        self.dirty.extend(self.roots.iter().cloned());
    }

    /// A package manager was waited for in vain, or has ended: then the next walk closes the gap.
    pub(crate) fn package_manager(&mut self, at_work: bool) {
        let now = self.clock.now();
        self.gaps.stand(GapCause::PackageManager, PACKAGES, at_work, now);
    }

    /// Whether a package manager was waited for in vain.
    pub(crate) fn waits_for_packages(&self) -> bool {
        self.gaps.has(GapCause::PackageManager)
    }

    /// What components are made from.
    pub(crate) fn sources<'a>(&'a self, database: &'a Packages) -> Sources<'a> {
        let Self { tree, places, cache_path, .. } = self;
        Sources { tree, database, places, cache_path }
    }

    /// What a seal tells beside the state.
    pub(crate) fn watching(&self, database: &Packages) -> Watching {
        let located = locate(&self.sources(database), &self.executed.files());
        let executed = self.executed.iter().map(|(file, count)| {
            let path = self.places.shown(file).to_vec();
            Executed { artefact: located.get(&path).copied(), path, count, file: Arc::clone(file) }
        });
        let executed = executed.collect();
        Watching { coverage: self.coverage(), counters: self.counters.list(), executed }
    }

    /// Whether anything is to be walked again.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || self.wanted > Wanted::Nothing || !self.linked.is_empty()
    }

    /// Directories that are to be walked again though no hint will come.
    pub(crate) fn touch_unwatched(&mut self) {
        self.dirty.extend(self.unwatched.iter().cloned());
        if std::mem::take(&mut self.strangers) {
            self.wanted = self.wanted.max(Wanted::UnknownName);
        }
    }

    /// Whether there are such directories.
    pub(crate) fn has_unwatched(&self) -> bool {
        !self.unwatched.is_empty() || self.strangers
    }

    /// A directory's files: where one with several names changed, its other names are walked again.
    pub(crate) fn meet_links<'a>(&mut self, directory: &Arc<[u8]>, files: impl Iterator<Item = &'a Stamp>) {
        self.dirty.extend(self.links.meet(directory, files));
    }

    /// At the end of a walk of some directories.
    pub(crate) fn want_unknown_names(&mut self) {
        if self.links.unknown_names() {
            self.wanted = self.wanted.max(Wanted::UnknownName);
        }
    }

    /// Directories whose files changed at every attempt are to be walked again.
    pub(crate) fn touch_raced(&mut self) {
        self.dirty.extend(self.gaps.directories(GapCause::Raced));
    }

    /// Whether there are such files.
    pub(crate) fn is_raced(&self) -> bool {
        self.gaps.has(GapCause::Raced)
    }

    /// Walks everything, and has another part of it hashed anew then.
    pub(crate) fn walk_all(&mut self) {
        self.walk_everything();
        // The first scan is over: from here on the host's work goes before.
        self.budget = Arc::new(Budget::new(self.paces.1));
        self.begin_rehash();
    }

    fn walk_everything(&mut self) {
        self.wanted = Wanted::Nothing;
        self.dirty.clear();
        self.unwatched.clear();
        self.links = Links::default();
        self.gaps.begin_all();
        self.look_at_mounts();
        self.watch_package_databases();
        self.counters.walks_full += 1;
        let roots = self.roots.clone();
        let doubt = Doubt { part: None, changed: self.doubtful };
        Walk::new(self, Depth::All, doubt).run(roots);
        // Where the clock was set once more meanwhile, another such walk is wanted, with a wider doubt.
        if self.wanted < Wanted::LostSight && !self.stopped() {
            self.doubtful = None;
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Walks what hints named; everything, where hints were lost.
    pub(crate) fn walk_touched(&mut self) {
        self.find_linked();
        match self.wanted {
            Wanted::Nothing => self.walk_dirty(),
            Wanted::UnknownName | Wanted::LostSight => self.walk_everything(),
        }
    }

    fn walk_dirty(&mut self) {
        let dirty: Vec<_> = std::mem::take(&mut self.dirty)
            .into_iter()
            .filter(|path| {
                self.tree.get(path).is_some() || self.unwatched.contains(path) || self.is_root(path)
            })
            .collect();
        for path in &dirty {
            self.unwatched.remove(path);
        }
        self.counters.walks_touched += 1;
        Walk::new(self, Depth::New, Doubt::default()).run(dirty);
    }

    fn watch_package_databases(&mut self) {
        for path in self.package_databases.clone() {
            if let Ok(fd) = super::list::open(&path) {
                // Without it a change of package data alone is seen by the next walk of everything.
                if let Err(error) = self.watch.add(&fd, &path) {
                    tracing::warn!(%error, "package database is not watched");
                }
            }
        }
    }

    /// What the agent writes must not wake it, unless it is told to measure there.
    fn ignore_own_files(&mut self) {
        let home: Arc<[u8]> = Arc::from(&*self.ignored.0);
        if self.configured.iter().any(|root| within(root, &home)) {
            return;
        }
        if let Ok(fd) = super::list::open(&home) {
            self.watch.ignore(&home, fd);
        }
    }

    /// Takes in what stamps tell of the steps in which their file systems keep times.
    pub(crate) fn learn_steps<'a>(&mut self, mut stamps: impl Iterator<Item = &'a Stamp>) {
        let Some(first) = stamps.next() else { return };
        let is_fine = |stamp: &Stamp| stamp.steps() == Steps::Fine;
        if !self.fine.contains(&first.device) && (is_fine(first) || stamps.any(is_fine)) {
            self.fine.insert(first.device);
        }
    }

    /// The steps of this device, as far as is known.
    pub(crate) fn steps_of(&self, device: u64) -> Steps {
        if self.fine.contains(&device) { Steps::Fine } else { Steps::Coarse }
    }

    /// Whether there was a walk of everything.
    pub(crate) const fn has_walked(&self) -> bool {
        self.counters.walks_full > 0
    }

    /// Whether a root stands in the configuration.
    pub(crate) fn is_configured(&self, path: &[u8]) -> bool {
        self.configured.iter().any(|root| **root == *path)
    }

    /// Whether mounts of other namespaces are looked for.
    pub(crate) fn sees_namespaces(&self) -> bool {
        self.namespaces == Namespaces::All
    }

    /// A directory is to be walked again.
    pub(crate) fn touch(&mut self, path: &Arc<[u8]>) {
        self.dirty.insert(Arc::clone(path));
    }

    /// Files that changed under a name that is not walked: their directories are walked again; where no walk met one, the
    /// file has got its other name since, and everything is walked, but not at each such change.
    fn find_linked(&mut self) {
        for (device, inode) in std::mem::take(&mut self.linked) {
            let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
            let met = self.links.directories(u64::from(major) << 32 | u64::from(minor), inode);
            self.strangers |= met.is_empty();
            self.dirty.extend(met);
        }
        let now = self.clock.ticking();
        let long_ago = |at: Duration| now.saturating_sub(at) >= STRANGERS_EVERY;
        if self.strangers && self.strangers_at.is_none_or(long_ago) {
            self.strangers = false;
            self.strangers_at = Some(now);
            self.wanted = self.wanted.max(Wanted::UnknownName);
        }
    }

    /// Files beside the trees that cannot be read, as they are known now.
    pub(crate) fn meet_unread(&mut self, of: &str, scopes: Vec<String>) {
        let now = self.clock.now();
        let of: Arc<[u8]> = Arc::from(of.as_bytes());
        self.gaps.begin(&of);
        for scope in scopes {
            self.gaps.meet(GapCause::Unreadable, &of, scope, now);
        }
        self.gaps.settle(now);
    }

    /// Whether the kernel tells of programs that are started.
    pub(crate) fn hears_executions(&self) -> bool {
        self.coverages.values().any(|coverage| coverage.means == Means::FileSystemEvents)
    }

    /// Whether a program was started since this was asked last.
    pub(crate) fn take_started(&mut self) -> bool {
        std::mem::take(&mut self.started)
    }

    /// A path for a gap's scope.
    pub(crate) fn scope(&self, directory: &[u8], name: &[u8]) -> String {
        super::place::printable(&join(self.places.shown(directory), name))
    }
}

/// The scope of the gap that says that a package manager works for longer than is waited for.
const PACKAGES: &str = "packages";
