//! Whether a package manager is at work, by the lock that it holds.
//!
//! In: lock files. Out: whether anybody holds a write lock on one. Nothing is opened or locked: closing such a file
//! would drop this process's own locks. It is a hint: what holds no lock is not waited for.

use std::path::{Path, PathBuf};

use super::dpkg::locked_file;
use super::stamp::Stamp;

/// Files that package managers lock.
#[derive(Debug)]
pub(crate) struct Locks {
    files: Vec<PathBuf>,
}

impl Locks {
    /// Those of rpm and of what stands on it, below the directory that stands for `/`.
    //= rpm, lib/rpmlock.cc: a write lock by fcntl on .rpm.lock beside the database
    pub(crate) fn of_rpm(prefix: &Path) -> Self {
        let places = ["var/lib/rpm", "usr/lib/sysimage/rpm"];
        Self { files: places.map(|place| prefix.join(place).join(".rpm.lock")).to_vec() }
    }

    /// Whether one of them is held.
    pub(crate) fn busy(&self) -> bool {
        let stamps: Vec<Stamp> = self.files.iter().filter_map(|path| Stamp::of_path(path).ok()).collect();
        if stamps.is_empty() {
            return false;
        }
        let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        // Some file systems (btrfs, overlayfs) show files another device than their locks.
        let is = |file: &Stamp, device: u64, inode: u64| {
            file.inode == inode && (file.device == device || file.device >> 32 == 0)
        };
        let mut held = locks.lines().filter_map(locked_file);
        held.any(|(device, inode)| stamps.iter().any(|file| is(file, device, inode)))
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{FlockOperation, fcntl_lock};

    use super::*;

    #[test]
    fn a_held_lock_of_rpm_shows() {
        let dir = tempfile::tempdir().unwrap();
        let locks = Locks::of_rpm(dir.path());
        assert!(!locks.busy(), "there is no rpm");
        let home = dir.path().join("usr/lib/sysimage/rpm");
        std::fs::create_dir_all(&home).unwrap();
        let file = std::fs::File::create(home.join(".rpm.lock")).unwrap();
        assert!(!locks.busy());
        fcntl_lock(&file, FlockOperation::LockExclusive).unwrap();
        assert!(locks.busy());
        drop(file);
        assert!(!locks.busy());
    }
}
