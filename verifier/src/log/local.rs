//! The log's files in a directory.
//!
//! Each file is written whole under another name, flushed, given its name, and the directory flushed; then it is read
//! back. An immutable one is given its name by `link`, which cannot replace anything. A flush that fails is never tried
//! again: the kernel may have dropped what it could not write, and would call the next flush a success.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ledger::limits::MAX_BUNDLE_BYTES;

use super::disk::Disk;
use super::{ObjectError, Objects};

/// A directory.
#[derive(Debug)]
pub(crate) struct LocalFiles<D> {
    disk: D,
    root: PathBuf,
    /// Tells temporary files apart.
    next: AtomicU64,
    /// Directories whose names this process has made durable. One that an earlier process made may still be lost.
    durable: Mutex<BTreeSet<PathBuf>>,
}

impl<D: Disk> LocalFiles<D> {
    /// The files below `root`, which must be there. What an earlier process left half written is removed.
    pub(crate) fn open(disk: D, root: &Path) -> Result<Self, ObjectError> {
        let files = Self { disk, root: root.to_owned(), next: AtomicU64::new(0), durable: Mutex::default() };
        let temporary = files.root.join(TEMPORARY);
        files.make_dirs(&temporary)?;
        for (path, _) in files.disk.list(&temporary).map_err(|error| failed(TEMPORARY, &error))? {
            files.disk.unlink(&path).map_err(|error| failed(TEMPORARY, &error))?;
        }
        Ok(files)
    }

    /// Makes a directory and those above it, up to the root, and makes their names durable.
    fn make_dirs(&self, dir: &Path) -> Result<(), ObjectError> {
        if dir == self.root || self.durable_dirs().contains(dir) {
            return Ok(());
        }
        let parent = dir.parent().unwrap_or(&self.root);
        self.make_dirs(parent)?;
        match self.disk.make_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(&self.shown(dir), &error));
            }
            _ => {}
        }
        self.sync_dir(parent)?;
        self.durable_dirs().insert(dir.to_owned());
        Ok(())
    }

    fn durable_dirs(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        // A thread that panicked has left a set that is at worst too small.
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), ObjectError> {
        self.disk.sync_dir(dir).map_err(|error| not_durable(&self.shown(dir), &error))
    }

    /// Writes and flushes a temporary file, and gives out its path.
    fn write_temporary(&self, path: &str, bytes: &[u8]) -> Result<PathBuf, ObjectError> {
        let name = format!("{TEMPORARY}/{}", self.next.fetch_add(1, Ordering::Relaxed));
        let temporary = self.root.join(name);
        let mut file = self.disk.create(&temporary).map_err(|error| failed(path, &error))?;
        match self.fill(&mut file, path, bytes) {
            Ok(()) => Ok(temporary),
            Err(error) => {
                // It would be removed at the next start; on a full disk its room is wanted now.
                let _ = self.disk.unlink(&temporary);
                Err(error)
            }
        }
    }

    fn fill(&self, file: &mut D::File, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = match self.disk.write(file, rest) {
                Ok(0) => return Err(failed(path, &io::ErrorKind::WriteZero.into())),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(failed(path, &error)),
            };
            rest = rest.get(written..).unwrap_or_default();
        }
        self.disk.sync(file).map_err(|error| not_durable(path, &error))
    }

    /// Gives a flushed file its name for ever.
    fn create_one(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let target = self.root.join(path);
        // After a crash most of what is made again is there.
        if let Some(present) = self.read(path)? {
            return if present == bytes {
                Ok(())
            } else {
                Err(ObjectError::Differs { path: path.to_owned() })
            };
        }
        self.make_dirs(target.parent().unwrap_or(&self.root))?;
        let temporary = self.write_temporary(path, bytes)?;
        let linked = self.disk.link(&temporary, &target).map_err(|error| failed(path, &error));
        let _ = self.disk.unlink(&temporary);
        linked
    }

    fn read_back(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        if self.read(path)?.as_deref() == Some(bytes) {
            Ok(())
        } else {
            Err(ObjectError::ReadBack { path: path.to_owned() })
        }
    }

    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    fn partials_below(&self, dir: &Path, found: &mut Vec<String>) -> Result<(), ObjectError> {
        let entries = match self.disk.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(|error| failed(&self.shown(dir), &error))?,
        };
        for (path, is_dir) in entries {
            if is_dir {
                self.partials_below(&path, found)?;
            } else if dir.extension().is_some_and(|extension| extension == "p") {
                found.push(self.shown(&path));
            }
        }
        Ok(())
    }
}

impl<D: Disk> Objects for LocalFiles<D> {
    fn create(&self, files: &[(String, Vec<u8>)]) -> Result<(), ObjectError> {
        let mut dirs = BTreeSet::new();
        for (path, bytes) in files {
            self.create_one(path, bytes)?;
            dirs.extend(self.root.join(path).parent().map(Path::to_owned));
        }
        // Also where the files were there already: an earlier process may have died before it flushed their names.
        for dir in &dirs {
            self.sync_dir(dir)?;
        }
        files.iter().try_for_each(|(path, bytes)| self.read_back(path, bytes))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let target = self.root.join(path);
        let dir = target.parent().unwrap_or(&self.root);
        self.make_dirs(dir)?;
        let temporary = self.write_temporary(path, bytes)?;
        if let Err(error) = self.disk.rename(&temporary, &target) {
            let _ = self.disk.unlink(&temporary);
            return Err(failed(path, &error));
        }
        self.sync_dir(dir)?;
        self.read_back(path, bytes)
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        match self.disk.read(&self.root.join(path), MAX_BUNDLE_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, &error)),
        }
    }

    /// A crash may bring back what was removed: it is removed again at the next start.
    fn remove(&self, paths: &[String]) -> Result<(), ObjectError> {
        let mut dirs = BTreeSet::new();
        for path in paths {
            let target = self.root.join(path);
            match self.disk.unlink(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(path, &error)),
                _ => dirs.extend(target.parent().map(Path::to_owned)),
            }
        }
        for dir in dirs {
            // One that still has files in it stays.
            if self.disk.remove_dir(&dir).is_ok() {
                self.durable_dirs().remove(&dir);
            }
        }
        Ok(())
    }

    fn partials(&self) -> Result<Vec<String>, ObjectError> {
        let mut found = Vec::new();
        self.partials_below(&self.root.join("tile"), &mut found)?;
        Ok(found)
    }
}

fn failed(path: &str, error: &io::Error) -> ObjectError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    ObjectError::Io { path: path.to_owned(), message: error.to_string(), full }
}

fn not_durable(path: &str, error: &io::Error) -> ObjectError {
    ObjectError::NotDurable { path: path.to_owned(), message: error.to_string() }
}

/// Where files are written before they have their names. It is not served.
const TEMPORARY: &str = "temporary";
