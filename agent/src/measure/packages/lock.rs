//! Whether somebody holds a package manager's lock.
//!
//! In: lock files, and the kernel's list of locks. Out: yes or no. No lock is taken, no lock file opened.

use std::path::PathBuf;

use crate::measure::stamp::Stamp;

pub(super) fn is_held(files: impl Iterator<Item = PathBuf>) -> bool {
    let held: Vec<_> = files.filter_map(|file| Stamp::of_path(&file).ok()).collect();
    let locks = if held.is_empty() {
        String::new()
    } else {
        std::fs::read_to_string("/proc/locks").unwrap_or_default()
    };
    locks.lines().filter_map(locked_file).any(|(device, inode)| {
        // Some file systems (btrfs, overlayfs) show files another device than their locks.
        held.iter().any(|file| file.inode == inode && (file.device == device || file.device >> 32 == 0))
    })
}

/// Device and inode of the file of a line of `/proc/locks` that tells of a POSIX write lock.
//= proc_locks(5): the fields are number, type, mode, access, PID, major:minor:inode, start, end
fn locked_file(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_whitespace().skip(1);
    let (class, _, access, _) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if class != "POSIX" || access != "WRITE" {
        return None;
    }
    let mut file = fields.next()?.split(':');
    let major = u64::from_str_radix(file.next()?, 16).ok()?;
    let minor = u64::from_str_radix(file.next()?, 16).ok()?;
    Some((major << 32 | minor, file.next()?.parse().ok()?))
}
