//! What the file system says of a file: identity, size, mode and time stamps.
//!
//! In: a descriptor, or a name in an open directory. Out: a `Stamp`. Two equal stamps do not prove equal
//! content: `racy` says when they may not even hint at it.

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::path::Path;

use evidence::time::UnixTime;
use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags};
use rustix::io::Errno;

use super::limits::RACY_MS;

/// One answer of `statx`, reduced to what changes when content, mode or attributes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// Names that the file has.
    pub(crate) links: u32,
    pub(crate) modified: (i64, u32),
    pub(crate) changed: (i64, u32),
}

impl Stamp {
    /// Of what a descriptor has open.
    pub(crate) fn of(fd: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).map(|stat| Self::from(&stat))
    }

    /// Of a name in a directory; a symbolic link is not followed.
    pub(crate) fn at(dir: impl AsFd, name: &CStr) -> Result<Self, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(dir, name, flags, StatxFlags::BASIC_STATS).map(|stat| Self::from(&stat))
    }

    /// Of a path; symbolic links are followed. Nothing is opened: closing a file would drop this process's own
    /// locks on it.
    pub(crate) fn of_path(path: &Path) -> Result<Self, Errno> {
        let flags = AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(CWD, path, flags, StatxFlags::BASIC_STATS).map(|stat| Self::from(&stat))
    }

    /// The type in the mode.
    pub(crate) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Device and inode.
    pub(crate) const fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether a write could have followed hashing, which began at `started`, without changing this stamp.
    ///
    /// True where the last change is within one tick of the start or after it, and always where the file
    /// system keeps whole milliseconds or less: ext3, small-inode ext4, FAT.
    pub(crate) fn racy(&self, started: UnixTime) -> bool {
        let (secs, nanos) = self.changed;
        let coarse = nanos.is_multiple_of(1_000_000);
        let changed_ms =
            u64::try_from(secs).unwrap_or(0).saturating_mul(1_000) + u64::from(nanos / 1_000_000);
        coarse || changed_ms + RACY_MS >= started.as_ms()
    }
}

impl From<&Statx> for Stamp {
    fn from(stat: &Statx) -> Self {
        Self {
            device: u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor),
            inode: stat.stx_ino,
            size: stat.stx_size,
            mode: u32::from(stat.stx_mode),
            links: stat.stx_nlink,
            modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(secs: i64, nanos: u32) -> Stamp {
        Stamp { device: 1, inode: 2, size: 3, mode: 0, links: 1, modified: (0, 0), changed: (secs, nanos) }
    }

    #[test]
    fn a_change_within_a_tick_of_hashing_is_racy() {
        let stamp = changed_at(100, 500_000_001);
        assert!(stamp.racy(UnixTime::from_ms(100_500)));
        assert!(stamp.racy(UnixTime::from_ms(100_500 + RACY_MS)));
        assert!(!stamp.racy(UnixTime::from_ms(100_501 + RACY_MS)));
        assert!(stamp.racy(UnixTime::from_ms(99_000)), "a clock that was set back trusts nothing");
    }

    #[test]
    fn whole_seconds_are_never_trusted() {
        assert!(changed_at(100, 0).racy(UnixTime::from_secs(1_000_000)));
        assert!(changed_at(100, 10_000_000).racy(UnixTime::from_secs(1_000_000)));
    }
}
