//! Where a directory is now that an event knows by its handle.
//!
//! In: roots that are watched whole, and handles. Out: the directory's paths in the roots, or that it is in none. A root
//! is opened for that moment alone, so that nothing is kept from being unmounted. A path is believed only where the same
//! directory is found by it: another mount may hide it, and a path of another namespace means nothing here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use fanotify::{FileHandle, Fsid, OpenAs};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::limits::PLACES;
use crate::measure::place::{join, within};

/// A root that is watched whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) path: Arc<[u8]>,
    pub(super) fsid: Fsid,
    pub(super) device: u64,
    /// The mount that it is on, by the kernel's number.
    pub(super) mount: i32,
}

/// Where a directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In roots, under these paths: several where one file system is a root twice.
    Inside(Arc<[Arc<[u8]>]>),
    /// In none; with its path where that leads to it.
    Outside(Option<Arc<[u8]>>),
    /// Nowhere any more.
    Gone,
    /// It could not be looked for now.
    Unknown,
}

/// Roots, and the places that are remembered.
#[derive(Debug, Default)]
pub(super) struct Places {
    roots: Vec<Root>,
    ignored: Vec<Arc<[u8]>>,
    known: HashMap<(Fsid, FileHandle), Place>,
}

/// Roots that are open for one draining.
#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<Arc<[u8]>, Option<Anchor>>);

#[derive(Debug)]
struct Anchor {
    fd: OwnedFd,
    /// Its path as the kernel tells it: another one in another namespace.
    told: Vec<u8>,
}

impl Places {
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(super) fn add(&mut self, root: Root) {
        self.roots.push(root);
        self.forget();
    }

    pub(super) fn remove(&mut self, path: &[u8]) -> Option<Root> {
        self.forget();
        let at = self.roots.iter().position(|root| *root.path == *path)?;
        Some(self.roots.swap_remove(at))
    }

    /// What is below this path counts as outside.
    pub(super) fn ignore(&mut self, path: &Arc<[u8]>) {
        self.ignored.push(Arc::clone(path));
        self.forget();
    }

    /// A directory was renamed: what is below it is elsewhere now.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Where a directory is.
    pub(super) fn find(&mut self, fsid: Fsid, handle: &FileHandle, anchors: &mut Anchors) -> Place {
        let key = (fsid, handle.clone());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let place = self.look(fsid, handle, anchors).unwrap_or_else(|error| {
            tracing::error!(%error, "a directory that changed could not be looked for");
            Place::Unknown
        });
        // One that is gone will not be asked for again.
        if !matches!(place, Place::Gone | Place::Unknown) {
            if self.known.len() >= PLACES {
                self.known.clear();
            }
            self.known.insert(key, place.clone());
        }
        place
    }

    /// Device and inode of a file that has at least so many names; of each file system that has this handle.
    pub(super) fn names_left(
        &self,
        fsid: Fsid,
        handle: &FileHandle,
        least: u32,
        anchors: &mut Anchors,
    ) -> Result<Vec<(u64, u64)>, Errno> {
        let mut found = Vec::new();
        for root in self.roots.iter().filter(|root| root.fsid == fsid) {
            let Some(anchor) = anchors.get(root)? else { continue };
            let Some(stat) = open(anchor, handle, OpenAs::Path)?.map(rustix::fs::fstat).transpose()? else {
                continue;
            };
            let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            let identity = (stat.st_dev, stat.st_ino);
            if regular && stat.st_nlink >= least.into() && !found.contains(&identity) {
                found.push(identity);
            }
        }
        Ok(found)
    }

    fn look(&self, fsid: Fsid, handle: &FileHandle, anchors: &mut Anchors) -> Result<Place, Errno> {
        let mut paths = Paths::default();
        let mut mounts = Vec::new();
        for root in self.roots.iter().filter(|root| root.fsid == fsid) {
            let mount = (root.device, root.mount);
            if mounts.contains(&mount) {
                continue;
            }
            let Some(anchor) = anchors.get(root)? else { continue };
            let Some(fd) = open(anchor, handle, OpenAs::Directory)? else { continue };
            let stat = rustix::fs::fstat(&fd)?;
            if stat.st_nlink == 0 {
                continue;
            }
            mounts.push(mount);
            let told = match told(&fd) {
                Ok(told) => told,
                // No walk gets there either, and says so.
                Err(Errno::NAMETOOLONG) => continue,
                Err(error) => return Err(error),
            };
            for other in self.roots.iter().filter(|other| (other.device, other.mount) == mount) {
                let Some(anchor) = anchors.get(other)? else { continue };
                let path = below(&told, &anchor.told).map(|rest| extend(&other.path, rest));
                if let Some(path) = path.filter(|path| leads_to(path, &stat)) {
                    self.sort(path, &mut paths);
                }
            }
            if paths.outside.is_none() && leads_to(&told, &stat) {
                paths.outside = Some(told);
            }
        }
        Ok(match (paths.inside.is_empty(), mounts.is_empty()) {
            (false, _) => Place::Inside(paths.inside.into()),
            (true, false) => Place::Outside(paths.outside.map(Arc::from)),
            (true, true) => Place::Gone,
        })
    }

    fn sort(&self, path: Vec<u8>, paths: &mut Paths) {
        if self.ignored.iter().any(|tree| within(&path, tree)) {
            paths.outside = Some(path);
        } else if !paths.inside.iter().any(|known| **known == *path) {
            paths.inside.push(path.into());
        }
    }
}

/// What was found of one directory.
#[derive(Default)]
struct Paths {
    inside: Vec<Arc<[u8]>>,
    outside: Option<Vec<u8>>,
}

impl Anchors {
    /// A root's descriptor; none where the root is not there any more.
    pub(super) fn open(&mut self, root: &Root) -> Option<BorrowedFd<'_>> {
        self.get(root).ok().flatten().map(|anchor| anchor.fd.as_fd())
    }

    fn get(&mut self, root: &Root) -> Result<Option<&Anchor>, Errno> {
        match self.0.entry(Arc::clone(&root.path)) {
            Entry::Occupied(known) => Ok(known.into_mut().as_ref()),
            Entry::Vacant(new) => match Anchor::open(root) {
                Ok(anchor) => Ok(new.insert(Some(anchor)).as_ref()),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::STALE) => {
                    Ok(new.insert(None).as_ref())
                }
                Err(error) => Err(error),
            },
        }
    }
}

impl Anchor {
    fn open(root: &Root) -> Result<Self, Errno> {
        let flags =
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(CWD, &*root.path, flags, Mode::empty())?;
        if rustix::fs::fstat(&fd)?.st_dev != root.device {
            return Err(Errno::XDEV);
        }
        let told = told(&fd)?;
        Ok(Self { fd, told })
    }
}

/// Opens what a handle stands for; nothing where that is gone.
fn open(anchor: &Anchor, handle: &FileHandle, how: OpenAs) -> Result<Option<OwnedFd>, Errno> {
    let mut attempts = 0;
    loop {
        let error = match handle.open(&anchor.fd, how) {
            Ok(fd) => return Ok(Some(fd)),
            Err(error) => Errno::from_io_error(&error).unwrap_or(Errno::IO),
        };
        attempts += 1;
        match error {
            Errno::STALE | Errno::NOENT | Errno::NOTDIR => return Ok(None),
            // Of a file that is just being removed the kernel says so now and then, with memory to spare.
            Errno::NOMEM if attempts < ATTEMPTS => std::thread::yield_now(),
            errno => return Err(errno),
        }
    }
}

/// How often a handle is opened before it is taken for certain that it cannot be.
const ATTEMPTS: u32 = 8;

/// The path of a descriptor, as the kernel tells it.
fn told(fd: impl AsFd) -> Result<Vec<u8>, Errno> {
    let link = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    Ok(rustix::fs::readlinkat(CWD, link, Vec::new())?.into_bytes())
}

/// What follows a directory's path in one of a directory below it.
fn below<'a>(path: &'a [u8], directory: &[u8]) -> Option<&'a [u8]> {
    if !within(path, directory) {
        return None;
    }
    let rest = if directory == b"/" { path } else { path.get(directory.len()..)? };
    Some(rest.strip_prefix(b"/").unwrap_or(rest))
}

fn extend(directory: &[u8], rest: &[u8]) -> Vec<u8> {
    if rest.is_empty() { directory.to_vec() } else { join(directory, rest) }
}

fn leads_to(path: &[u8], directory: &Stat) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statat(CWD, path, flags)
        .is_ok_and(|found| (found.st_dev, found.st_ino) == (directory.st_dev, directory.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_below() {
        let check = |path: &str, directory: &str, expected: Option<&str>| {
            assert_eq!(below(path.as_bytes(), directory.as_bytes()), expected.map(str::as_bytes));
        };
        check("/a/b", "/a", Some("b"));
        check("/a", "/a", Some(""));
        check("/ab", "/a", None);
        check("/a/b", "/", Some("a/b"));
        check("/", "/", Some(""));
        assert_eq!(extend(b"/", b"a"), b"/a");
        assert_eq!(extend(b"/r", b""), b"/r");
        assert_eq!(extend(b"/r", b"a/b"), b"/r/a/b");
    }
}
