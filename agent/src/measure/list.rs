//! One directory's names, with what the file system says of each.
//!
//! In: an open directory. Out: its regular files and its subdirectories; symbolic links, devices, sockets and
//! FIFOs are left out. A listing while others write may miss names: their events bring the walk back.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;
use sha2::Digest as _;

use super::limits::LISTING_BYTES;
use super::stamp::{Identity, Stamp};
use super::tree::Fingerprint;

/// Names of one directory. The names lie in one buffer, which is used again for the next directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    names: Vec<u8>,
    files: Vec<(usize, Stamp)>,
    directories: Vec<(usize, Identity)>,
    /// Names whose stamp was not to be had.
    pub(crate) failed: Vec<(CString, Errno)>,
    buffer: Vec<MaybeUninit<u8>>,
    scratch: Vec<u8>,
}

/// Opens a directory; a symbolic link in the last place is not followed.
pub(crate) fn open(path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::open(path, flags, Mode::empty())
}

impl Listing {
    /// Takes in another directory.
    pub(crate) fn read(&mut self, dir: impl AsFd) -> Result<(), Errno> {
        self.names.clear();
        self.files.clear();
        self.directories.clear();
        self.failed.clear();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(LISTING_BYTES, MaybeUninit::uninit());
        let result = self.read_with(dir.as_fd(), &mut buffer);
        self.buffer = buffer;
        // The kernel's order is that of hashes: the fingerprint must not depend on it.
        let names = std::mem::take(&mut self.names);
        self.files.sort_unstable_by(|(a, _), (b, _)| name_at(&names, *a).cmp(name_at(&names, *b)));
        self.names = names;
        result
    }

    fn read_with(&mut self, dir: impl AsFd, buffer: &mut [MaybeUninit<u8>]) -> Result<(), Errno> {
        let mut entries = RawDir::new(dir.as_fd(), buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            let relevant =
                matches!(entry.file_type(), FileType::RegularFile | FileType::Directory | FileType::Unknown);
            if relevant && !matches!(name.to_bytes(), b"." | b"..") {
                self.add(dir.as_fd(), name);
            }
        }
        Ok(())
    }

    fn add(&mut self, dir: impl AsFd, name: &CStr) {
        let at = self.names.len();
        match Stamp::at(dir, name) {
            Ok(stamp) => match stamp.file_type() {
                FileType::RegularFile => self.files.push((at, stamp)),
                FileType::Directory => self.directories.push((at, stamp.identity())),
                _ => return,
            },
            Err(Errno::NOENT) => return,
            Err(errno) => return self.failed.push((name.to_owned(), errno)),
        }
        self.names.extend_from_slice(name.to_bytes_with_nul());
    }

    /// Regular files, sorted by name.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&CStr, &Stamp)> {
        self.files.iter().map(|(at, stamp)| (name_at(&self.names, *at), stamp))
    }

    /// How many those are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is a regular file of this name.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.files.binary_search_by(|(at, _)| name_at(&self.names, *at).to_bytes().cmp(name)).is_ok()
    }

    /// Subdirectories, in no order that matters.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&CStr, &Identity)> {
        self.directories.iter().map(|(at, identity)| (name_at(&self.names, *at), identity))
    }

    /// Of every file's name and stamp.
    pub(crate) fn fingerprint(&mut self) -> Fingerprint {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for (name, stamp) in self.files() {
            scratch.extend_from_slice(name.to_bytes_with_nul());
            stamp.write(&mut scratch);
        }
        let fingerprint = fingerprint(&scratch);
        self.scratch = scratch;
        fingerprint
    }
}

/// The first half of a SHA-256.
pub(crate) fn fingerprint(bytes: &[u8]) -> Fingerprint {
    let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
    let mut half = Fingerprint::default();
    half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    half
}

fn name_at(names: &[u8], at: usize) -> &CStr {
    CStr::from_bytes_until_nul(names.get(at..).unwrap_or_default()).unwrap_or_default()
}
