//! Inotify: hints that something in a directory changed.
//!
//! In: open directories. Out: the paths of those that were touched, and whether events were lost. An event
//! never says what is true now; it only sends the walk there. `notify` was weighed: it watches opens too, which
//! would wake the agent at every start of a program, and it keeps each path twice.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::limits::EVENT_BYTES;

/// Watched directories.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: Option<OwnedFd>,
    paths: BTreeMap<i32, Arc<[u8]>>,
    limit: usize,
}

/// What one reading of the queue said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// Something in this directory changed, or the directory itself; with the name where there is one.
    Touched(Arc<[u8]>, Option<Box<[u8]>>),
    /// This file was opened to be executed.
    #[expect(dead_code, reason = "inotify does not tell")]
    Executed { directory: Arc<[u8]>, name: Box<[u8]> },
    /// Events were lost.
    Overflow,
}

impl Watch {
    /// A queue; where the kernel gives none, nothing can be watched.
    pub(crate) fn new(limit: usize) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)
            .inspect_err(|error| tracing::warn!(%error, "no inotify: changes are found by walks only"))
            .ok();
        Self { inotify, paths: BTreeMap::new(), limit }
    }

    /// What becomes readable when there are hints.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Watches an open directory under a path; one that is watched already gets the new path.
    pub(crate) fn add(&mut self, directory: impl AsFd, path: &Arc<[u8]>) -> Result<i32, Errno> {
        let inotify = self.inotify.as_ref().ok_or(Errno::MFILE)?;
        if self.paths.len() >= self.limit {
            return Err(Errno::NOSPC);
        }
        // Through the descriptor, so that it is this directory that is watched and not another that has
        // taken its name.
        let through = format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd());
        let watch = match inotify::add_watch(inotify, through.as_str(), MASK) {
            Err(Errno::NOENT) => inotify::add_watch(inotify, &**path, MASK | WatchFlags::DONT_FOLLOW)?,
            result => result?,
        };
        self.paths.insert(watch, Arc::clone(path));
        Ok(watch)
    }

    /// Whether this watch still stands for this path; the kernel ends it with the directory.
    pub(crate) fn holds(&self, watch: i32, path: &[u8]) -> bool {
        self.paths.get(&watch).is_some_and(|now| **now == *path)
    }

    /// Stops watching, unless the directory has another path by now.
    pub(crate) fn remove(&mut self, watch: i32, path: &[u8]) {
        if self.holds(watch, path) {
            self.paths.remove(&watch);
            if let Some(inotify) = &self.inotify {
                // It fails where the directory is gone, and with it the watch.
                let _ = inotify::remove_watch(inotify, watch);
            }
        }
    }

    /// Reads what there is without waiting.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Hint)) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    tracing::error!(%error, "inotify queue unreadable");
                    return each(Hint::Overflow);
                }
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                each(Hint::Overflow);
                continue;
            }
            let path = if event.events().contains(ReadFlags::IGNORED) {
                self.paths.remove(&event.wd())
            } else {
                self.paths.get(&event.wd()).cloned()
            };
            if let Some(path) = path {
                each(Hint::Touched(path, event.file_name().map(|name| name.to_bytes().into())));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }
}

/// Everything that can change what a walk finds; neither opens nor reads.
const MASK: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);
