//! Roots that come and go: mounts below what is configured, and file systems of other namespaces of mounts.
//!
//! In: the table of mounts, and the processes. Out: the engine's roots, each watched before it is walked, and a gap for
//! what may have happened on one before that. What was mounted and is gone again between two looks is not seen; how
//! often is looked stands in `limits`.

use std::collections::BTreeSet;
use std::sync::Arc;

use evidence::body::{GapCause, Means};

use super::engine::Engine;
use super::list;
use super::mounts::Foreign;
use super::place::{parent, printable, within};

impl Engine {
    /// Whether a directory is walked in its own right.
    pub(crate) fn is_root(&self, path: &[u8]) -> bool {
        self.roots.binary_search_by(|root| (**root).cmp(path)).is_ok()
    }

    /// Whether something is mounted there that is walked under another path.
    pub(crate) fn stops_at(&self, path: &[u8]) -> bool {
        !self.stops.is_empty() && self.stops.contains(&printable(path))
    }

    /// Takes in mounts that came or went.
    pub(crate) fn look_at_mounts(&mut self) {
        let changes = match self.mounts.refresh() {
            Ok(changes) => changes,
            Err(error) => return tracing::warn!(%error, "the mounts are taken to be as they were"),
        };
        for root in changes.gone {
            self.leave(&root.path);
        }
        for root in changes.added {
            self.enter(&root.path);
        }
        let elsewhere = self.mounts.not_walked().iter().filter(|other| other.means == Means::Elsewhere);
        self.stops = elsewhere.map(|other| other.scope.clone()).collect();
    }

    /// Takes in file systems that only other namespaces of mounts have. It looks at every process.
    pub(crate) fn look_elsewhere(&mut self) {
        if !self.sees_namespaces() {
            return;
        }
        let found: Vec<Foreign> = self.mounts.elsewhere();
        let paths: BTreeSet<Arc<[u8]>> = found.iter().map(|foreign| Arc::clone(&foreign.path)).collect();
        let gone: Vec<Arc<[u8]>> =
            self.foreign.keys().filter(|path| !paths.contains(*path)).cloned().collect();
        for path in gone {
            self.foreign.remove(&path);
            self.leave(&path);
        }
        for foreign in found {
            if !self.foreign.contains_key(&foreign.path) {
                let path = Arc::clone(&foreign.path);
                self.foreign.insert(Arc::clone(&path), foreign);
                self.enter(&path);
            }
        }
    }

    /// Watches a root and has it walked.
    fn enter(&mut self, path: &Arc<[u8]>) {
        if let Ok(fd) = list::open(path) {
            let coverage = self.watch.add_root(path, fd);
            tracing::info!(root = coverage.scope, means = coverage.means.name(), coverage.reason, "watching");
            self.coverages.insert(Arc::clone(path), coverage);
        }
        if let Err(at) = self.roots.binary_search(path) {
            self.roots.insert(at, Arc::clone(path));
        }
        if self.has_walked() {
            self.meet_mount(path, path);
            self.touch(path);
        }
    }

    fn leave(&mut self, path: &Arc<[u8]>) {
        self.watch.remove_root(path);
        self.coverages.remove(path);
        if !self.is_configured(path)
            && let Ok(at) = self.roots.binary_search(path)
        {
            self.roots.remove(at);
        }
        self.forget(path);
        let above: Arc<[u8]> = Arc::from(parent(path));
        if self.roots.iter().any(|root| within(&above, root)) {
            // What it hid is there again.
            self.meet_mount(&above, path);
            self.touch(&above);
            self.touch(path);
        } else {
            let scope = printable(self.places.shown(path));
            self.gaps.pass(GapCause::Mounts, scope, self.clock.now());
            self.touch_roots();
        }
    }

    /// What happened on a mount just before it was watched, or went, was not seen: until this directory was walked.
    fn meet_mount(&mut self, directory: &Arc<[u8]>, mount: &[u8]) {
        let scope = printable(self.places.shown(mount));
        let now = self.clock.now();
        self.gaps.meet(GapCause::Mounts, directory, scope, now);
    }

    /// Forgets a directory and all below it.
    pub(crate) fn forget(&mut self, path: &[u8]) {
        for (path, directory) in self.tree.remove(path) {
            if let Some(watch) = directory.watch {
                self.watch.remove(watch, &path);
            }
            self.unwatched.remove(&path);
            self.meet_links(&path, std::iter::empty());
        }
        self.gaps.begin_tree(path);
    }
}
