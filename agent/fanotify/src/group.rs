//! A group: one queue of events, and the file systems that are marked to send theirs to it.
//!
//! In: descriptors on file systems to mark. Out: events. A mark is on the whole file system, by whatever mount or
//! name it is used, and goes with the file system; it does not keep it from being unmounted.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use crate::event::{Events, decode};
use crate::limits::BUFFER_BYTES;
use crate::mask::Mask;

/// A queue of events.
#[derive(Debug)]
pub struct Group {
    queue: File,
    features: Features,
}

/// How a group is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many events may wait.
    pub queue: Queue,
}

/// How many events may wait to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Any number: none is lost while there is memory, which is charged to the reader's control group.
    Unlimited,
    /// `fs.fanotify.max_queued_events`: what comes beyond is lost, and said to be.
    KernelDefault,
}

/// What this kernel tells beside the directory and the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// The file's handle too, in every event that has a file (Linux 5.17).
    Targets,
    /// The file's handle too, but not where a name is made, moved or removed (Linux 5.9).
    Children,
    /// Nothing.
    Names,
}

/// Why there is no group.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The process may not.
    #[error("fanotify is not permitted (hint: it needs CAP_SYS_ADMIN, in the initial user namespace)")]
    NotPermitted,
    /// The kernel was built without it, or a filter of system calls hides it.
    #[error("the kernel has no fanotify (hint: CONFIG_FANOTIFY; or a filter of system calls)")]
    Absent,
    /// The kernel knows no names in events.
    #[error("the kernel's fanotify tells no names (hint: it needs Linux 5.9)")]
    TooOld,
    /// The user has too many groups.
    #[error("too many fanotify groups (hint: fs.fanotify.max_user_groups)")]
    TooMany,
    /// Anything else.
    #[error("fanotify_init: {0}")]
    Call(io::Error),
}

/// Why a file system is not marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// It has no handles that could be opened again: an overlay without `nfs_export`, some of FUSE, proc.
    #[error("the file system has no file handles")]
    NoHandles,
    /// It has no number that could be told in events.
    #[error("the file system has no identity")]
    NoIdentity,
    /// A subvolume that has another number than the file system that it is of.
    #[error("a subvolume with a number of its own")]
    Subvolume,
    /// The process may not.
    #[error("marks on file systems are not permitted (hint: they need CAP_SYS_ADMIN)")]
    NotPermitted,
    /// The kernel knows no such mark or event.
    #[error("the kernel knows no such mark")]
    TooOld,
    /// The user has too many marks.
    #[error("too many fanotify marks (hint: fs.fanotify.max_user_marks)")]
    TooMany,
    /// Anything else.
    #[error("fanotify_mark: {0}")]
    Call(io::Error),
}

/// Memory for events as they are read.
#[derive(Debug)]
pub struct Buffer(Box<[u8]>);

impl Group {
    /// A group that tells directories, names and, as far as the kernel can, files.
    pub fn new(options: Options) -> Result<Self, InitError> {
        let mut last = io::Error::from_raw_os_error(libc::EINVAL);
        for features in [Features::Targets, Features::Children, Features::Names] {
            match init(features.flags() | options.flags()) {
                Ok(fd) => return Ok(Self { queue: fd.into(), features }),
                Err(error) => last = error,
            }
            if last.raw_os_error() != Some(libc::EINVAL) {
                break;
            }
        }
        Err(InitError::from(last))
    }

    /// What this kernel tells.
    pub const fn features(&self) -> Features {
        self.features
    }

    /// Marks the file system of a descriptor: from now on its events of these kinds are queued.
    pub fn mark_filesystem(&self, fd: impl AsFd, mask: Mask) -> Result<(), MarkError> {
        mark(&self.queue, libc::FAN_MARK_ADD | libc::FAN_MARK_FILESYSTEM, mask, fd.as_fd())
    }

    /// Takes the mark of the file system of a descriptor away.
    pub fn unmark_filesystem(&self, fd: impl AsFd, mask: Mask) -> Result<(), MarkError> {
        mark(&self.queue, libc::FAN_MARK_REMOVE | libc::FAN_MARK_FILESYSTEM, mask, fd.as_fd())
    }

    /// Has the kernel drop events of a directory and of what lies directly in it (Linux 6.0). The directory stays
    /// in memory.
    pub fn ignore_directory(&self, fd: impl AsFd, mask: Mask) -> Result<(), MarkError> {
        let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_IGNORE_SURV | libc::FAN_MARK_ONLYDIR;
        mark(&self.queue, flags, mask | Mask::EVENT_ON_CHILD | Mask::ONDIR, fd.as_fd())
    }

    /// Reads what there is without waiting; nothing where there is nothing.
    pub fn read<'a>(&self, buffer: &'a mut Buffer) -> io::Result<Events<'a>> {
        let length = loop {
            match (&self.queue).read(&mut buffer.0) {
                Ok(length) => break length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        Ok(decode(buffer.0.get(..length).unwrap_or_default()))
    }
}

impl AsFd for Group {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { queue: Queue::Unlimited }
    }
}

impl Options {
    const fn flags(self) -> u32 {
        match self.queue {
            Queue::Unlimited => libc::FAN_UNLIMITED_QUEUE,
            Queue::KernelDefault => 0,
        }
    }
}

impl Features {
    //= fanotify_init(2) "FAN_REPORT_DFID_NAME_TARGET"
    const fn flags(self) -> u32 {
        let base = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | libc::FAN_UNLIMITED_MARKS;
        base | match self {
            Self::Targets => libc::FAN_REPORT_DFID_NAME_TARGET,
            Self::Children => libc::FAN_REPORT_DFID_NAME | libc::FAN_REPORT_FID,
            Self::Names => libc::FAN_REPORT_DFID_NAME,
        }
    }
}

impl From<io::Error> for InitError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EPERM) => Self::NotPermitted,
            Some(libc::ENOSYS) => Self::Absent,
            Some(libc::EINVAL) => Self::TooOld,
            Some(libc::EMFILE) => Self::TooMany,
            _ => Self::Call(error),
        }
    }
}

impl From<io::Error> for MarkError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EOPNOTSUPP) => Self::NoHandles,
            Some(libc::ENODEV) => Self::NoIdentity,
            Some(libc::EXDEV) => Self::Subvolume,
            Some(libc::EPERM) => Self::NotPermitted,
            Some(libc::EINVAL) => Self::TooOld,
            Some(libc::ENOSPC) => Self::TooMany,
            _ => Self::Call(error),
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; BUFFER_BYTES].into())
    }
}

#[expect(unsafe_code, reason = "fanotify_init has no safe form in std or rustix")]
fn init(flags: u32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and no memory.
    let fd = unsafe { libc::fanotify_init(flags, EVENT_FLAGS) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor and nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[expect(unsafe_code, reason = "fanotify_mark has no safe form in std or rustix")]
fn mark(queue: &File, flags: u32, mask: Mask, on: BorrowedFd<'_>) -> Result<(), MarkError> {
    // SAFETY: both descriptors are open until the call returns; a null path means the second one's own file, so
    // that no memory is read.
    let result = unsafe {
        libc::fanotify_mark(queue.as_raw_fd(), flags, mask.bits(), on.as_raw_fd(), std::ptr::null())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error().into()) }
}

/// How the kernel would open files for events; with names and handles it opens none.
const EVENT_FLAGS: u32 =
    libc::O_RDONLY.unsigned_abs() | libc::O_CLOEXEC.unsigned_abs() | libc::O_LARGEFILE.unsigned_abs();
