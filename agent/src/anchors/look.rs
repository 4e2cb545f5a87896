//! What one store's reading looked at, so that a later look can tell whether anything changed without reading it.
//!
//! In: a root and paths. Out: content, and the stamps of everything that was asked for, also of what was not there. A stamp
//! that stays does not prove that the content did; see `REREAD_EVERY`.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::limits::{DIRECTORY_DEPTH, STORE_FILES, UNREAD_NAMED};
use super::root::{Found, Root, Stamp, UnreadCause};

/// What stands for the state of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Stamp(Option<Stamp>),
    /// A file of the kernel that has neither size nor time.
    Content(Sha256Digest),
    Failed(Errno),
}

/// Everything that one reading looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch(BTreeMap<PathBuf, Seen>);

impl Watch {
    /// Whether a path is in another state than it was.
    pub(crate) fn has_changed(&self, root: &Root) -> bool {
        self.0.iter().any(|(path, seen)| match seen {
            Seen::Content(digest) => {
                root.read(path).ok().flatten().is_none_or(|found| found.digest != *digest)
            }
            seen => Seen::of(root, path) != *seen,
        })
    }
}

impl Seen {
    fn of(root: &Root, path: &Path) -> Self {
        root.stamp(path).map_or_else(Self::Failed, Self::Stamp)
    }
}

/// One store's reading.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    root: &'a Root,
    watch: Watch,
    unread: Vec<(PathBuf, UnreadCause)>,
}

impl<'a> Look<'a> {
    pub(crate) fn new(root: &'a Root) -> Self {
        Self { root, watch: Watch::default(), unread: Vec::new() }
    }

    /// What was looked at, and what could not be read.
    pub(crate) fn finish(self) -> (Watch, Vec<(PathBuf, UnreadCause)>) {
        (self.watch, self.unread)
    }

    /// Reads a file; what cannot be read is noted.
    pub(crate) fn read(&mut self, path: impl AsRef<Path>) -> Option<Found> {
        let path = path.as_ref();
        let stamp = self.note(path)?;
        match self.root.read(path) {
            Ok(Some(found)) => {
                if stamp.size == 0 && found.size > 0 {
                    self.watch.0.insert(path.to_owned(), Seen::Content(found.digest));
                }
                Some(found)
            }
            Ok(None) => None,
            Err(cause) => {
                self.unread(path, cause);
                None
            }
        }
    }

    /// The stamp of what a path leads to; nothing is opened.
    pub(crate) fn note(&mut self, path: &Path) -> Option<Stamp> {
        if self.watch.0.len() >= STORE_FILES {
            self.unread(path.parent().unwrap_or(path), UnreadCause::TooMany);
            return None;
        }
        let seen = Seen::of(self.root, path);
        if let Seen::Failed(errno) = seen {
            self.unread(path, UnreadCause::Refused(errno));
        }
        self.watch.0.insert(path.to_owned(), seen);
        match seen {
            Seen::Stamp(stamp) => stamp,
            Seen::Content(_) | Seen::Failed(_) => None,
        }
    }

    /// Paths of what a directory lists, sorted; none where it is not there.
    pub(crate) fn list(&mut self, directory: impl AsRef<Path>) -> Vec<PathBuf> {
        let directory = directory.as_ref();
        if self.note(directory).is_none() {
            return Vec::new();
        }
        match self.root.names(directory) {
            Ok(names) => {
                let names = names.unwrap_or_default().into_iter();
                names.map(|name| directory.join(std::ffi::OsStr::from_bytes(&name))).collect()
            }
            Err(cause) => {
                self.unread(directory, cause);
                Vec::new()
            }
        }
    }

    /// Files of a directory whose names end so.
    pub(crate) fn with_endings(&mut self, directory: impl AsRef<Path>, endings: &[&str]) -> Vec<PathBuf> {
        let mut paths = self.list(directory);
        paths.retain(|path| endings.iter().any(|end| path.as_os_str().as_bytes().ends_with(end.as_bytes())));
        paths
    }

    /// All files below a directory.
    pub(crate) fn tree(&mut self, directory: impl AsRef<Path>) -> Vec<PathBuf> {
        self.below(directory.as_ref(), DIRECTORY_DEPTH)
    }

    fn below(&mut self, directory: &Path, depth: usize) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in self.list(directory) {
            let mode = self.note(&path).map(|stamp| FileType::from_raw_mode(stamp.mode));
            match (mode, depth.checked_sub(1)) {
                (Some(FileType::Directory), Some(depth)) => files.extend(self.below(&path, depth)),
                (Some(FileType::Directory), None) => self.unread(&path, UnreadCause::TooMany),
                (Some(_), _) => files.push(path),
                (None, _) => {}
            }
        }
        files
    }

    pub(crate) fn unread(&mut self, path: &Path, cause: UnreadCause) {
        let unread = if self.unread.len() < UNREAD_NAMED {
            (path.to_owned(), cause)
        } else {
            ("/".into(), UnreadCause::TooMany)
        };
        if !self.unread.contains(&unread) {
            self.unread.push(unread);
        }
    }
}
