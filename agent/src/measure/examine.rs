//! One file: opened once, classified by its first bytes, hashed if it counts, and checked for changes meanwhile.
//!
//! In: an open directory and a name. Out: a `Finding`. A settled digest is the content's at one moment between
//! two equal stamps; it does not say that nobody wrote after, nor that a mapping that is still open did not.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::digest::Sha256Digest;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::Digest as _;

use super::content::{Capabilities, Content, Traits};
use super::limits::{HASH_ATTEMPTS, HEAD_BYTES, READ_BYTES};
use super::place::Place;
use super::stamp::Stamp;
use crate::clock::Clock;

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Content of one moment.
    Settled(Known, Trust),
    /// It changed at every attempt: a digest of no one moment.
    Raced(Known),
    /// No regular file has this name any more.
    Gone,
    /// It could not be opened or read.
    Unreadable(Errno),
    /// The walk is being stopped.
    Stopped,
}

/// A file's traits, with its digest where it counts as an artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stamp: Stamp,
    pub(crate) traits: Traits,
    pub(crate) digest: Option<Sha256Digest>,
}

/// Whether an equal stamp will mean equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The last change is long enough before the hash.
    Cacheable,
    /// A later write could leave the stamp as it is.
    Racy,
}

/// What an examination needs beside the file: one for each thread.
pub(crate) struct Examiner<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) stop: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl<'a> Examiner<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, stop: &'a AtomicBool) -> Self {
        Self { clock, stop, buffer: vec![0; READ_BYTES] }
    }

    /// Examines a name in an open directory.
    pub(crate) fn examine(&mut self, dir: impl AsFd, name: &CStr, place: Place) -> Finding {
        let mut attempt = 1;
        loop {
            match self.attempt(dir.as_fd(), name, place) {
                Ok(Finding::Raced(_)) if attempt < HASH_ATTEMPTS => attempt += 1,
                Ok(finding) => return finding,
                Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::NOTDIR) => {
                    return Finding::Gone;
                }
                Err(errno) => return Finding::Unreadable(errno),
            }
        }
    }

    fn attempt(&mut self, dir: impl AsFd, name: &CStr, place: Place) -> Result<Finding, Errno> {
        // NONBLOCK: a FIFO that took the name meanwhile must not hang the agent.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::openat(dir, name, flags, Mode::empty())?);
        let before = Stamp::of(&file)?;
        if before.file_type() != FileType::RegularFile {
            return Ok(Finding::Gone);
        }
        // Before the first read: what is written from here on may be missing from what is read.
        let started = self.clock.now();
        let capabilities = capabilities(&file)?;
        let head = self.read(&file, HEAD_BYTES)?;
        let content = Content::of(self.buffer.get(..head).unwrap_or_default(), |offset| {
            let mut header = [0; 4];
            file.read_exact_at(&mut header, offset).ok().map(|()| header)
        });
        let traits = Traits { content, capabilities };
        let counts = traits.flags(before.mode, name.to_bytes(), place).is_some();
        let read = if counts { self.hash(&file, head, before.size)? } else { Read::Unneeded };
        let after = Stamp::of(&file)?;
        let (digest, whole) = match read {
            Read::Stopped => return Ok(Finding::Stopped),
            Read::Unneeded => (None, true),
            Read::Hashed { digest, bytes } => (Some(digest), bytes == before.size),
        };
        let known = Known { stamp: after, traits, digest };
        if before != after || !whole {
            return Ok(Finding::Raced(known));
        }
        let trust = if after.racy(started) { Trust::Racy } else { Trust::Cacheable };
        Ok(Finding::Settled(known, trust))
    }

    /// Hashes the rest of a file of which `head` bytes are in the buffer.
    fn hash(&mut self, file: &File, head: usize, size: u64) -> Result<Read, Errno> {
        let mut hasher = sha2::Sha256::new();
        let (mut filled, mut bytes) = (head, 0);
        while filled > 0 {
            hasher.update(self.buffer.get(..filled).unwrap_or_default());
            bytes += filled as u64;
            // What grows faster than it is read would never end; it has raced already.
            if bytes > size {
                break;
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(Read::Stopped);
            }
            filled = self.read(file, READ_BYTES)?;
        }
        Ok(Read::Hashed { digest: Sha256Digest::new(hasher.finalize().into()), bytes })
    }

    fn read(&mut self, mut file: &File, most: usize) -> Result<usize, Errno> {
        let buffer = self.buffer.get_mut(..most).unwrap_or_default();
        loop {
            match file.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            }
        }
    }
}

enum Read {
    Unneeded,
    Stopped,
    Hashed { digest: Sha256Digest, bytes: u64 },
}

fn capabilities(file: &File) -> Result<Capabilities, Errno> {
    match rustix::fs::fgetxattr(file, c"security.capability", &mut [0_u8; 0]) {
        Ok(_) => Ok(Capabilities::Some),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Capabilities::None),
        Err(errno) => Err(errno),
    }
}
