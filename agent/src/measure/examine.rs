//! One file: opened once, classified by its first bytes, hashed if it counts, and checked for changes meanwhile.
//!
//! In: an open directory, a name and the stamp that its listing gave. Out: a `Finding`. A settled digest is the
//! content's at one moment between two equal stamps; it does not say that nobody wrote after, nor that a mapping
//! that is still open did not. Most files are none of ours: they cost an open, one short read and a close.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use md5::Md5;
use rustix::fs::{Advice, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::Digest as _;

use super::budget::{Budget, Rests};
use super::content::{Capabilities, Content, Traits};
use super::details::Subject;
use super::limits::{HASH_ATTEMPTS, HEAD_BYTES, READ_BYTES, REST_SLICE, SEQUENTIAL_BYTES};
use super::place::Place;
use super::stamp::{Stamp, Steps};
use crate::clock::Clock;

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stamp: Stamp,
    pub(crate) traits: Traits,
    pub(crate) digest: Option<Sha256Digest>,
    /// For comparing with what a package lists; not computed in a first scan.
    pub(crate) md5: Option<[u8; 16]>,
    /// What else its content says, in bytes that only who made them reads.
    pub(crate) details: Option<Box<[u8]>>,
}

/// Whether an equal stamp will mean equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The last change is long enough before the hash.
    Cacheable,
    /// A later write could leave the stamp as it is.
    Racy,
}

/// Which digests are computed of a file that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digests {
    /// SHA-256.
    One,
    /// MD5 beside it, which packages of Debian list.
    WithMd5,
}

/// One file to examine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'a> {
    pub(crate) name: &'a CStr,
    /// From before the file was opened: what happens to the file from then on shows.
    pub(crate) stamp: Stamp,
    /// From before the stamp was taken.
    pub(crate) listed: UnixTime,
    pub(crate) place: Place,
    pub(crate) digests: Digests,
    pub(crate) steps: Steps,
}

/// What an examination needs beside the file: one for each thread.
pub(crate) struct Examiner {
    tools: Tools,
    buffer: Vec<u8>,
    rests: Rests,
}

/// What all examiners share.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) budget: Arc<Budget>,
}

impl Examiner {
    pub(crate) fn new(tools: Tools) -> Self {
        Self { tools, buffer: vec![0; READ_BYTES], rests: Rests::default() }
    }

    /// Examines a name in an open directory.
    pub(crate) fn examine(&mut self, dir: impl AsFd, task: Task<'_>) -> Finding {
        let mut attempt = 1;
        loop {
            // The listing's stamp is as good as one of the opened file, but for a retry it is too old.
            let before = (attempt == 1).then_some((task.stamp, task.listed));
            match self.attempt(dir.as_fd(), task, before) {
                Ok(Finding::Raced(_)) if attempt < HASH_ATTEMPTS => attempt += 1,
                Ok(finding) => return finding,
                Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::NOTDIR) => {
                    return Finding::Gone;
                }
                Err(errno) => return Finding::Unreadable(errno),
            }
        }
    }

    fn attempt(
        &mut self,
        dir: impl AsFd,
        task: Task<'_>,
        before: Option<(Stamp, UnixTime)>,
    ) -> Result<Finding, Errno> {
        // NONBLOCK: a FIFO that took the name meanwhile must not hang the agent.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::openat(dir, task.name, flags, Mode::empty())?);
        let (before, started) = match before {
            Some(before) => before,
            // The clock after the stamp and before the first read: what is written from here on may be
            // missing from what is read.
            None => (Stamp::of(&file)?, self.tools.clock.now()),
        };
        if before.file_type() != FileType::RegularFile {
            return Ok(Finding::Gone);
        }
        let traits = self.traits(&file, &before)?;
        let Some(flags) = traits.flags(before.mode, task.name.to_bytes(), task.place) else {
            // Not even looked at again: another file that took the name has another stamp than this, and what
            // was written since has changed this one.
            let known = Known { stamp: before, traits, digest: None, md5: None, details: None };
            return Ok(Finding::Settled(known, trust(&before, started, task.steps)));
        };
        let Some(hashed) = self.hash(&file, before.size, task.digests)? else {
            return Ok(Finding::Stopped);
        };
        let (name, size) = (task.name.to_bytes(), hashed.bytes);
        let details =
            super::details::of(&Subject { file: &file, content: traits.content, name, size, flags });
        let after = Stamp::of(&file)?;
        if after.file_type() != FileType::RegularFile {
            return Ok(Finding::Gone);
        }
        let Hashed { digest, md5, bytes } = hashed;
        let known = Known { stamp: after, traits, digest: Some(digest), md5, details };
        if before != after || bytes != before.size {
            return Ok(Finding::Raced(known));
        }
        Ok(Finding::Settled(known, trust(&after, started, task.steps)))
    }

    fn traits(&mut self, file: &File, before: &Stamp) -> Result<Traits, Errno> {
        // The kernel grants file capabilities when a file is executed, which needs an execute bit; giving it
        // one later changes the stamp, and so brings the file here again.
        let capabilities =
            if before.mode & ANY_EXECUTE == 0 { Capabilities::None } else { capabilities(file)? };
        let head = self.read(file, 0, HEAD_BYTES)?;
        let content = Content::of(self.buffer.get(..head).unwrap_or_default(), |offset| {
            let mut header = [0; 4];
            file.read_exact_at(&mut header, offset).ok().map(|()| header)
        });
        Ok(Traits { content, capabilities })
    }

    /// Hashes a file; `None` where that is stopped.
    fn hash(&mut self, file: &File, size: u64, digests: Digests) -> Result<Option<Hashed>, Errno> {
        if size >= SEQUENTIAL_BYTES {
            // Advice only: where it is not taken the file is read all the same.
            let _ = rustix::fs::fadvise(file, 0, None, Advice::Sequential);
        }
        let mut sha256 = sha2::Sha256::new();
        let mut md5 = (digests == Digests::WithMd5).then(Md5::new);
        let mut bytes = 0;
        loop {
            let begun = self.tools.clock.ticking();
            let filled = self.read(file, bytes, READ_BYTES)?;
            let chunk = self.buffer.get(..filled).unwrap_or_default();
            sha256.update(chunk);
            if let Some(md5) = &mut md5 {
                md5.update(chunk);
            }
            bytes += filled as u64;
            // What grows faster than it is read would never end; it has raced already.
            if filled == 0 || bytes > size {
                let (digest, md5) = (sha256.finalize().into(), md5.map(|md5| md5.finalize().into()));
                return Ok(Some(Hashed { digest: Sha256Digest::new(digest), md5, bytes }));
            }
            if !self.rest(filled as u64, begun) {
                return Ok(None);
            }
        }
    }

    /// Rests as the budget has it; false where measuring is to end.
    fn rest(&mut self, bytes: u64, begun: Duration) -> bool {
        let Tools { clock, stop, budget } = &self.tools;
        if budget.is_limited() {
            let now = clock.ticking();
            let mut rest = self.rests.owe(budget, bytes, now.saturating_sub(begun), now);
            while !rest.is_zero() && !stop.load(Ordering::Relaxed) {
                let slice = rest.min(REST_SLICE);
                std::thread::sleep(slice);
                rest -= slice;
            }
        }
        !stop.load(Ordering::Relaxed)
    }

    fn read(&mut self, file: &File, from: u64, most: usize) -> Result<usize, Errno> {
        let buffer = self.buffer.get_mut(..most).unwrap_or_default();
        loop {
            match file.read_at(buffer, from) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            }
        }
    }
}

struct Hashed {
    digest: Sha256Digest,
    md5: Option<[u8; 16]>,
    bytes: u64,
}

fn trust(stamp: &Stamp, started: UnixTime, steps: Steps) -> Trust {
    if stamp.racy(started, steps) { Trust::Racy } else { Trust::Cacheable }
}

fn capabilities(file: &File) -> Result<Capabilities, Errno> {
    match rustix::fs::fgetxattr(file, c"security.capability", &mut [0_u8; 0]) {
        Ok(_) => Ok(Capabilities::Some),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Capabilities::None),
        Err(errno) => Err(errno),
    }
}

const ANY_EXECUTE: u32 = 0o111;
