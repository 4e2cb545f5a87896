//! The measuring machine without its thread: what is known, what is to be walked again, and what to report.
//!
//! In: hints from the kernel and calls to walk. Out: the tree, the gaps, and what a report needs. Nothing
//! here waits; the loop in `run` does. Hints only choose what is walked: the walk decides what is true.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use evidence::body::GapCause;

use super::gaps::Gaps;
use super::links::Links;
use super::place::{Places, bytes, join};
use super::stamp::Stamp;
use super::tree::Tree;
use super::walk::{Depth, Walk};
use super::watch::{Hint, Watch};
use super::{MeasureConfig, MeasureError};
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
    /// Directories without a watch, and roots that are not there: they are walked now and then.
    pub(crate) unwatched: BTreeSet<Arc<[u8]>>,
    dirty: BTreeSet<Arc<[u8]>>,
    wanted: Wanted,
    package_database: Arc<[u8]>,
    ignored: (Box<[u8]>, Box<[u8]>),
    round: u64,
}

/// Why everything is to be walked, if it is; the stronger reason is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Nothing,
    /// A file has a second name, and the first is not known.
    UnknownName,
    /// Hints were lost.
    LostHints,
}

impl Engine {
    /// A machine that knows nothing yet. `watches` bounds the directories that it watches.
    pub(crate) fn new(
        config: &MeasureConfig,
        clock: Arc<dyn Clock>,
        stop: Arc<AtomicBool>,
        watches: usize,
    ) -> Result<Self, MeasureError> {
        let roots = config.real_roots()?;
        let cache_name = config.cache_path.file_name().unwrap_or_default();
        let cache_home = config.cache_path.parent().map(MeasureConfig::real).unwrap_or_default();
        let mut engine = Self {
            roots,
            places: Places::new(&MeasureConfig::real(&config.path_prefix), &config.excludes),
            cache_path: config.cache_path.clone(),
            threads: config.hash_threads,
            clock,
            stop,
            tree: Tree::default(),
            watch: Watch::new(watches),
            gaps: Gaps::default(),
            links: Links::default(),
            unwatched: BTreeSet::new(),
            dirty: BTreeSet::new(),
            wanted: Wanted::Nothing,
            package_database: Arc::from(bytes(&MeasureConfig::real(&config.dpkg_admin_dir))),
            ignored: (bytes(&cache_home), cache_name.as_encoded_bytes().into()),
            round: 0,
        };
        engine.watch_package_database();
        Ok(engine)
    }

    /// What becomes readable when there are hints.
    pub(crate) fn hints(&self) -> Option<BorrowedFd<'_>> {
        self.watch.fd()
    }

    /// Takes the kernel's hints; true where any came since it was asked last.
    pub(crate) fn take_hints(&mut self) -> bool {
        let Self { watch, dirty, wanted, ignored, .. } = self;
        let mut came = false;
        watch.drain(|hint| match hint {
            // The cache is written by walks: its events must not cause the next one.
            Hint::Touched(path, Some(name)) if *path == *ignored.0 && name == ignored.1 => {}
            Hint::Touched(path, _) => {
                came = true;
                dirty.insert(path);
            }
            Hint::Executed { .. } | Hint::Linked { .. } => {}
            Hint::Overflow => {
                came = true;
                *wanted = Wanted::LostHints;
            }
        });
        came
    }

    /// Whether anything is to be walked again.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || self.wanted > Wanted::Nothing
    }

    /// Directories that are to be walked again though no hint will come.
    pub(crate) fn touch_unwatched(&mut self) {
        self.dirty.extend(self.unwatched.iter().cloned());
    }

    /// Whether there are such directories.
    pub(crate) fn has_unwatched(&self) -> bool {
        !self.unwatched.is_empty()
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

    /// Walks everything. Each time another part of the cache is not believed, but for the first.
    pub(crate) fn walk_all(&mut self) {
        let part = self.round.checked_sub(1);
        self.round += 1;
        self.walk_everything(part);
    }

    fn walk_everything(&mut self, part: Option<u64>) {
        self.wanted = Wanted::Nothing;
        self.dirty.clear();
        self.unwatched.clear();
        self.links = Links::default();
        self.gaps.begin_all();
        self.watch_package_database();
        let roots = self.roots.clone();
        Walk::new(self, Depth::All, part).run(roots);
    }

    /// Walks what hints named; everything, where hints were lost.
    pub(crate) fn walk_touched(&mut self) {
        match self.wanted {
            Wanted::Nothing => self.walk_dirty(),
            Wanted::UnknownName => self.walk_everything(None),
            Wanted::LostHints => {
                self.meet_overflow();
                self.walk_everything(None);
            }
        }
    }

    fn walk_dirty(&mut self) {
        let dirty: Vec<_> = std::mem::take(&mut self.dirty)
            .into_iter()
            .filter(|path| self.tree.get(path).is_some() || self.unwatched.contains(path))
            .collect();
        for path in &dirty {
            self.unwatched.remove(path);
        }
        Walk::new(self, Depth::New, None).run(dirty);
    }

    fn meet_overflow(&mut self) {
        let now = self.clock.now();
        for root in self.roots.clone() {
            let scope = super::place::printable(self.places.shown(&root));
            self.gaps.meet(GapCause::Overflow, &root, scope, now);
        }
    }

    fn watch_package_database(&mut self) {
        if let Ok(fd) = super::list::open(&self.package_database) {
            // Without it a change of package data alone is seen by the next walk of everything.
            if let Err(error) = self.watch.add(&fd, &self.package_database) {
                tracing::warn!(%error, "package database is not watched");
            }
        }
    }

    /// A path for a gap's scope.
    pub(crate) fn scope(&self, directory: &[u8], name: &[u8]) -> String {
        super::place::printable(&join(self.places.shown(directory), name))
    }
}
