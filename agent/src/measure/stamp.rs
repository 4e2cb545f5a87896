//! What the file system says of a file: identity, size, mode and time stamps.
//!
//! In: a descriptor, or a name in an open directory. Out: a `Stamp`. Two equal stamps do not prove equal
//! content: `racy` says when they may not even hint at it.

use std::ffi::CStr;
use std::os::fd::AsFd;
use std::path::Path;

use evidence::time::UnixTime;
use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::limits::RACY_MS;

/// Device, inode, and when the inode was made, in nanoseconds.
///
/// File systems give a freed inode's number to the next file; its birth tells the two apart. The generation
/// number would too, but costs an open and an ioctl for each file. Where a file system keeps no birth it is 0,
/// and a reused number is told by its change time alone.
pub(crate) type Identity = (u64, u64, i64);

/// One answer of `statx`, reduced to what changes when content, mode or attributes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) born: i64,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// Names that the file has.
    pub(crate) links: u32,
    pub(crate) modified: (i64, u32),
    pub(crate) changed: (i64, u32),
    pub(crate) verity: Verity,
}

/// Whether the kernel lets nobody write to the file any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verity {
    Off,
    On,
}

impl Stamp {
    /// Of what a descriptor has open.
    pub(crate) fn of(fd: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, WANTED).map(|stat| Self::from(&stat))
    }

    /// Of a name in a directory; a symbolic link is not followed.
    pub(crate) fn at(dir: impl AsFd, name: &CStr) -> Result<Self, Errno> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        rustix::fs::statx(dir, name, flags, WANTED).map(|stat| Self::from(&stat))
    }

    /// Of a path; symbolic links are followed. Nothing is opened: closing a file would drop this process's own
    /// locks on it.
    pub(crate) fn of_path(path: &Path) -> Result<Self, Errno> {
        rustix::fs::statx(CWD, path, AtFlags::NO_AUTOMOUNT, WANTED).map(|stat| Self::from(&stat))
    }

    /// The type in the mode.
    pub(crate) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Which file it is, whatever became of it.
    pub(crate) const fn identity(&self) -> Identity {
        (self.device, self.inode, self.born)
    }

    /// Whether a write could have followed hashing, which began at `started`, without changing this stamp.
    ///
    /// True where the last change is within one tick of the start or after it, and always where the file
    /// system keeps whole milliseconds or less: ext3, small-inode ext4, FAT.
    pub(crate) fn racy(&self, started: UnixTime, steps: Steps) -> bool {
        let coarse = steps == Steps::Coarse && self.steps() == Steps::Coarse;
        coarse || self.changed_ms() + RACY_MS >= started.as_ms()
    }

    /// What this stamp tells of its file system: one that keeps no fine times cannot have given a fine one. A coarse
    /// one proves nothing: images are often made with whole seconds.
    pub(crate) const fn steps(&self) -> Steps {
        let fine = !self.changed.1.is_multiple_of(1_000_000) || !self.modified.1.is_multiple_of(1_000_000);
        if fine { Steps::Fine } else { Steps::Coarse }
    }

    /// The last change, in milliseconds since 1970.
    pub(crate) fn changed_ms(&self) -> u64 {
        let (secs, nanos) = self.changed;
        u64::try_from(secs).unwrap_or(0).saturating_mul(1_000) + u64::from(nanos / 1_000_000)
    }

    /// Appends all of it, for fingerprints and the cache.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for number in [self.device, self.inode, self.size] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.born.to_be_bytes());
        out.extend_from_slice(&self.mode.to_be_bytes());
        out.extend_from_slice(&self.links.to_be_bytes());
        for (secs, nanos) in [self.modified, self.changed] {
            out.extend_from_slice(&secs.to_be_bytes());
            out.extend_from_slice(&nanos.to_be_bytes());
        }
        out.push(u8::from(self.verity == Verity::On));
    }
}

/// In which steps a file system keeps times, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// Whole milliseconds, or larger ones: no file has shown otherwise.
    Coarse,
    /// Less than a millisecond.
    Fine,
}

const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

impl From<&Statx> for Stamp {
    fn from(stat: &Statx) -> Self {
        let has_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
        let (secs, nanos) = (stat.stx_btime.tv_sec, i64::from(stat.stx_btime.tv_nsec));
        let verity = stat.stx_attributes.contains(StatxAttributes::VERITY);
        Self {
            device: u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor),
            inode: stat.stx_ino,
            born: if has_birth { secs.wrapping_mul(1_000_000_000).wrapping_add(nanos) } else { 0 },
            size: stat.stx_size,
            mode: u32::from(stat.stx_mode),
            links: stat.stx_nlink,
            modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
            verity: if verity { Verity::On } else { Verity::Off },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(secs: i64, nanos: u32) -> Stamp {
        Stamp {
            device: 1,
            inode: 2,
            born: 3,
            size: 3,
            mode: 0,
            links: 1,
            modified: (0, 0),
            changed: (secs, nanos),
            verity: Verity::Off,
        }
    }

    #[test]
    fn a_change_within_a_tick_of_hashing_is_racy() {
        let stamp = changed_at(100, 500_000_001);
        assert!(stamp.racy(UnixTime::from_ms(100_500), Steps::Coarse));
        assert!(stamp.racy(UnixTime::from_ms(100_500 + RACY_MS), Steps::Coarse));
        assert!(!stamp.racy(UnixTime::from_ms(100_501 + RACY_MS), Steps::Coarse));
        let early = UnixTime::from_ms(99_000);
        assert!(stamp.racy(early, Steps::Fine), "a clock that was set back trusts nothing");
    }

    #[test]
    fn whole_seconds_are_never_trusted() {
        let later = UnixTime::from_secs(1_000_000);
        assert!(changed_at(100, 0).racy(later, Steps::Coarse));
        assert!(changed_at(100, 10_000_000).racy(later, Steps::Coarse));
        assert!(
            !changed_at(100, 0).racy(later, Steps::Fine),
            "but where others show that it keeps finer ones"
        );
        assert!(changed_at(999_999, 999_000_000).racy(later, Steps::Fine));
    }
}
