//! File handles: what the kernel knows a file by, whatever it is called now.
//!
//! In: an open directory and a name, or a handle of an event. Out: a handle, or a descriptor of the file that it
//! stands for. A handle holds the inode and its generation: that of a file that is gone never stands for another
//! one. It says nothing of which file system it is of: `Fsid` does, and two copies of one disk may share it.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd};

use crate::limits::HANDLE_BYTES;

/// A file's handle: a type and up to 128 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHandle {
    kind: i32,
    bytes: Box<[u8]>,
}

/// A file system's number, as `statfs` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fsid([u8; 8]);

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenAs {
    /// To be looked at: whatever it is, it is not really opened.
    Path,
    /// A directory to be looked at; anything else is an error.
    Directory,
    /// To be read; neither waits for a FIFO's other end nor becomes a controlling terminal.
    Read,
}

/// A handle that no kernel would give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file handle of {0} bytes: more than {HANDLE_BYTES}")]
pub struct HandleTooLong(pub usize);

/// Why there is no handle.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The file system has none.
    #[error("the file system has no file handles")]
    Unsupported,
    /// The name has a NUL.
    #[error("a name with a NUL")]
    Name,
    /// Anything else.
    #[error("name_to_handle_at: {0}")]
    Call(io::Error),
}

impl FileHandle {
    /// A handle from what an event has.
    pub fn new(kind: i32, bytes: &[u8]) -> Result<Self, HandleTooLong> {
        if bytes.len() > HANDLE_BYTES {
            Err(HandleTooLong(bytes.len()))
        } else {
            Ok(Self { kind, bytes: bytes.into() })
        }
    }

    /// The file system's own type of handle.
    pub const fn kind(&self) -> i32 {
        self.kind
    }

    /// Bytes that mean something to the file system alone.
    pub const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The handle of a name in an open directory, and the number of the mount that it is on; of the descriptor's
    /// own file where the name is empty. A symbolic link is not followed.
    #[expect(unsafe_code, reason = "name_to_handle_at has no safe form in std or rustix")]
    pub fn of(directory: impl AsFd, name: &[u8]) -> Result<(Self, i32), HandleError> {
        let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { 0 };
        let name = CString::new(name).map_err(|_| HandleError::Name)?;
        let mut raw = RawHandle { length: CAPACITY, kind: 0, bytes: [0; HANDLE_BYTES] };
        let mut mount = 0;
        // SAFETY: the name ends with NUL and lives until the call returns; `raw` is laid out as the kernel's
        // `file_handle` followed by as many bytes as its length says, and `mount` is an int; the kernel writes
        // to these two alone, during the call alone.
        let result = unsafe {
            libc::name_to_handle_at(
                directory.as_fd().as_raw_fd(),
                name.as_ptr(),
                (&raw mut raw).cast::<libc::file_handle>(),
                &raw mut mount,
                flags,
            )
        };
        if result != 0 {
            let error = io::Error::last_os_error();
            let unsupported = error.raw_os_error() == Some(libc::EOPNOTSUPP);
            return Err(if unsupported { HandleError::Unsupported } else { HandleError::Call(error) });
        }
        let length = usize::try_from(raw.length).unwrap_or(usize::MAX);
        let bytes =
            raw.bytes.get(..length).ok_or_else(|| HandleError::Call(io::ErrorKind::InvalidData.into()))?;
        Ok((Self { kind: raw.kind, bytes: bytes.into() }, mount))
    }

    /// Opens what the handle stands for on the file system of another descriptor, through that descriptor's mount.
    /// Needs `CAP_DAC_READ_SEARCH`; `ESTALE` where the file is gone. The descriptor must be a real one, not of `O_PATH`.
    #[expect(unsafe_code, reason = "open_by_handle_at has no safe form in std or rustix")]
    pub fn open(&self, mount: impl AsFd, how: OpenAs) -> io::Result<OwnedFd> {
        let length = u32::try_from(self.bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut raw = RawHandle { length, kind: self.kind, bytes: [0; HANDLE_BYTES] };
        raw.bytes
            .get_mut(..self.bytes.len())
            .ok_or(io::ErrorKind::InvalidInput)?
            .copy_from_slice(&self.bytes);
        // SAFETY: `raw` is laid out as the kernel's `file_handle` followed by more bytes than its length says, and
        // lives until the call returns; the kernel checks the handle itself, which may be any bytes.
        let fd = unsafe {
            libc::open_by_handle_at(
                mount.as_fd().as_raw_fd(),
                (&raw mut raw).cast::<libc::file_handle>(),
                how.flags(),
            )
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor and nothing else knows its number.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl fmt::Debug for FileHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileHandle({:#x}:", self.kind)?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl Fsid {
    /// As an event has it.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Of the file system that a descriptor is on.
    #[expect(unsafe_code, reason = "the C library keeps the number's bytes to itself")]
    pub fn of(fd: impl AsFd) -> io::Result<Self> {
        let mut stat = MaybeUninit::<libc::statfs>::zeroed();
        // SAFETY: the pointer is to memory for one `statfs`, which the kernel writes during the call alone.
        if unsafe { libc::fstatfs(fd.as_fd().as_raw_fd(), stat.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a `statfs` is numbers and arrays of numbers: any bytes are one, and these are all set.
        let fsid = unsafe { stat.assume_init() }.f_fsid;
        // SAFETY: `fsid_t` is two ints; the compiler checks that both have eight bytes, and any bytes are `[u8; 8]`.
        Ok(Self(unsafe { std::mem::transmute::<libc::fsid_t, [u8; 8]>(fsid) }))
    }
}

impl OpenAs {
    const fn flags(self) -> i32 {
        libc::O_CLOEXEC
            | match self {
                Self::Path => libc::O_PATH | libc::O_NOFOLLOW,
                Self::Directory => libc::O_PATH | libc::O_DIRECTORY,
                Self::Read => libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY,
            }
    }
}

/// `struct file_handle` with room for the longest.
#[repr(C)]
struct RawHandle {
    length: u32,
    kind: i32,
    bytes: [u8; HANDLE_BYTES],
}

#[expect(clippy::cast_possible_truncation, reason = "128")]
const CAPACITY: u32 = HANDLE_BYTES as u32;
