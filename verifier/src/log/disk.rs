//! The system calls that the log's files are written with, one method each.
//!
//! In: paths below the log's directory. Out: what the kernel says. Tests put a disk in its place that fails, tears and
//! forgets at any one of these calls; so nothing of the write path may go around it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A disk.
pub(crate) trait Disk: Send + Sync + fmt::Debug {
    /// An open file that is being written.
    type File;

    /// `open(O_CREAT | O_EXCL | O_WRONLY)`.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// `write`: how many bytes it took.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<usize>;
    /// `fsync` of a file.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// `link`, which refuses a name that is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// `rename`, which replaces a name that is taken.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// `unlink`.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// `mkdir`.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// `rmdir`.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// `fsync` of a directory.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Everything in a file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>>;
    /// The names in a directory, and whether each is a directory.
    fn list(&self, path: &Path) -> io::Result<Vec<(PathBuf, bool)>>;
}

/// The kernel's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    type File = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o755).create(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.path(), entry.file_type()?.is_dir()))
            })
            .collect()
    }
}
