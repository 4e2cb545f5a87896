//! The kernel's hints that something changed, by the best means that each root allows.
//!
//! In: roots to watch, and their directories as walks meet them. Out: what was touched, executed, or changed under a
//! name that is in no root. An event never says what is true now; it only sends the walk there. A root whose file
//! system takes a mark is watched whole (`superblocks`); else its directories are watched one by one (`directories`).
//! Writes through a mapping or a descriptor that stays open are told, if at all, when that ends.

mod directories;
mod gather;
mod limits;
mod places;
mod superblocks;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use evidence::body::{Coverage, Means};
use fanotify::Options;
use rustix::event::epoll;
use rustix::io::Errno;

use self::directories::Directories;
use self::superblocks::Superblocks;
use super::Events;
use super::place::printable;

/// What is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Readable when one of the others is.
    either: Option<OwnedFd>,
    directories: Directories,
    superblocks: Backend,
    roots: BTreeMap<Arc<[u8]>, Means>,
    options: Options,
}

/// What one reading of the queues said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Something in this directory changed, or the directory itself; with the name where there is one.
    Touched(Arc<[u8]>, Option<Box<[u8]>>),
    /// A file was opened to be executed; also outside of all roots, if on a file system that has one.
    Executed {
        /// The directory.
        directory: Arc<[u8]>,
        /// The name in it.
        name: Box<[u8]>,
        /// How often, at least: the kernel joins events of one process.
        times: u32,
    },
    /// A file changed under a name that is in no root, and may have others that are.
    Linked {
        /// As `stat` gives it.
        device: u64,
        /// As `stat` gives it.
        inode: u64,
    },
    /// Events were lost.
    Overflow,
}

/// The means for whole file systems.
#[derive(Debug)]
enum Backend {
    /// No root has asked for it yet.
    NotTried,
    Here(Box<Superblocks>),
    /// Why there is none.
    Absent(String),
}

impl Watch {
    /// Queues for at most so many directories one by one. Where the kernel gives none, nothing can be watched.
    #[cfg(test)]
    pub(crate) fn new(limit: usize) -> Self {
        Self::with(limit, Events::Best, Options::default())
    }

    /// The same, with another queue of events of file systems.
    pub(crate) fn with(limit: usize, events: Events, options: Options) -> Self {
        let directories = Directories::new(limit);
        let either = epoll::create(epoll::CreateFlags::CLOEXEC).ok();
        if let (Some(either), Some(inotify)) = (&either, directories.fd()) {
            join(either, inotify);
        }
        let superblocks = match events {
            Events::Best => Backend::NotTried,
            Events::Directories => Backend::Absent("configured so".to_owned()),
        };
        Self { either, directories, superblocks, roots: BTreeMap::new(), options }
    }

    /// What becomes readable when there are hints.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.either.as_ref().map(AsFd::as_fd)
    }

    /// Watches a root from now on: whole, if its file system allows that; else `add` watches its directories. The
    /// descriptor is of the root, opened for reading.
    pub(crate) fn add_root(&mut self, path: &Arc<[u8]>, fd: impl AsFd) -> Coverage {
        self.remove_root(path);
        let marked = self.superblocks().and_then(|superblocks| superblocks.add(path, fd));
        let (means, reason) = match marked {
            Ok(()) => (Means::FileSystemEvents, String::new()),
            Err(reason) if self.directories.fd().is_some() => (Means::DirectoryEvents, reason),
            Err(reason) => (Means::Walks, format!("{reason}; and no inotify")),
        };
        self.roots.insert(Arc::clone(path), means);
        Coverage { scope: printable(path), means, reason }
    }

    /// Forgets a root. Its directories that were watched one by one are removed as walks forget them.
    pub(crate) fn remove_root(&mut self, path: &[u8]) {
        if self.roots.remove(path) == Some(Means::FileSystemEvents)
            && let Backend::Here(superblocks) = &mut self.superblocks
        {
            superblocks.remove(path);
        }
    }

    /// Drops events of a directory, if the kernel can before they are queued, and of all below it after: for the
    /// agent's own files, which would cause the next walk. Executions there are told.
    pub(crate) fn ignore(&mut self, path: &Arc<[u8]>, fd: impl AsFd) {
        match self.superblocks() {
            Ok(superblocks) => superblocks.ignore(path, fd),
            Err(reason) => tracing::debug!(reason, "nothing to be ignored"),
        }
    }

    /// Watches an open directory under a path; one that is watched already gets the new path. Free in a root that is
    /// watched whole.
    pub(crate) fn add(&mut self, directory: impl AsFd, path: &Arc<[u8]>) -> Result<i32, Errno> {
        if self.is_whole(path) { Ok(WHOLE) } else { self.directories.add(directory, path) }
    }

    /// Whether this watch still stands for this path; the kernel ends it with the directory.
    pub(crate) fn holds(&self, watch: i32, path: &[u8]) -> bool {
        if watch == WHOLE { self.is_whole(path) } else { self.directories.holds(watch, path) }
    }

    /// Stops watching, unless the directory has another path by now.
    pub(crate) fn remove(&mut self, watch: i32, path: &[u8]) {
        if watch != WHOLE {
            self.directories.remove(watch, path);
        }
    }

    /// Reads what there is without waiting; after very much, the descriptor stays readable.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Hint)) {
        self.directories.drain(&mut each);
        if let Backend::Here(superblocks) = &mut self.superblocks {
            superblocks.drain(&mut each);
        }
    }

    /// Directories that are watched one by one.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.directories.len()
    }

    fn superblocks(&mut self) -> Result<&mut Superblocks, String> {
        if matches!(self.superblocks, Backend::NotTried) {
            self.superblocks = match Superblocks::new(self.options) {
                Ok(superblocks) => {
                    if let Some(either) = &self.either {
                        join(either, superblocks.fd());
                    }
                    Backend::Here(Box::new(superblocks))
                }
                Err(error) => {
                    tracing::warn!(%error, "no events of whole file systems: directories are watched one by one");
                    Backend::Absent(error.to_string())
                }
            };
        }
        match &mut self.superblocks {
            Backend::Here(superblocks) => Ok(superblocks),
            Backend::Absent(reason) => Err(reason.clone()),
            Backend::NotTried => Err(String::new()),
        }
    }

    /// Whether the root that a path is in is watched whole.
    fn is_whole(&self, path: &[u8]) -> bool {
        let mut at = path;
        loop {
            if let Some(means) = self.roots.get(at) {
                return *means == Means::FileSystemEvents;
            }
            at = match at.iter().rposition(|byte| *byte == b'/') {
                Some(0) if at.len() > 1 => b"/",
                Some(slash) if slash > 0 => at.get(..slash).unwrap_or_default(),
                _ => return false,
            };
        }
    }
}

fn join(either: &OwnedFd, queue: BorrowedFd<'_>) {
    if let Err(error) = epoll::add(either, queue, epoll::EventData::new_u64(0), epoll::EventFlags::IN) {
        tracing::error!(%error, "hints are found when something else wakes the agent");
    }
}

/// Stands for the watch of a directory whose root is watched whole; inotify's are not negative.
const WHOLE: i32 = -1;

#[cfg(test)]
pub(super) mod tests;
