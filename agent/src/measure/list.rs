//! One directory's names, with what the file system says of each.
//!
//! In: an open directory. Out: its regular files and its subdirectories; symbolic links, devices, sockets and
//! FIFOs are left out. A listing while others write may miss names: their events bring the walk back.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::limits::LISTING_BYTES;
use super::stamp::Stamp;

/// Names of one directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<(CString, Stamp)>,
    pub(crate) directories: Vec<(CString, Stamp)>,
    /// Names whose stamp was not to be had.
    pub(crate) failed: Vec<(CString, Errno)>,
}

/// Opens a directory; a symbolic link in the last place is not followed.
pub(crate) fn open(path: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::open(path, flags, Mode::empty())
}

/// Lists an open directory.
pub(crate) fn list(dir: impl AsFd) -> Result<Listing, Errno> {
    let mut buffer = vec![MaybeUninit::uninit(); LISTING_BYTES];
    let mut entries = RawDir::new(dir.as_fd(), &mut buffer);
    let mut listing = Listing::default();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        let relevant =
            matches!(entry.file_type(), FileType::RegularFile | FileType::Directory | FileType::Unknown);
        if relevant && !matches!(name.to_bytes(), b"." | b"..") {
            listing.add(dir.as_fd(), name);
        }
    }
    Ok(listing)
}

impl Listing {
    fn add(&mut self, dir: impl AsFd, name: &CStr) {
        match Stamp::at(dir, name) {
            Ok(stamp) => match stamp.file_type() {
                FileType::RegularFile => self.files.push((name.to_owned(), stamp)),
                FileType::Directory => self.directories.push((name.to_owned(), stamp)),
                _ => {}
            },
            Err(Errno::NOENT) => {}
            Err(errno) => self.failed.push((name.to_owned(), errno)),
        }
    }
}
