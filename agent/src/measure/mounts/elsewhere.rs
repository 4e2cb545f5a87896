//! File systems that other namespaces of mounts have and ours has not: a container's tmpfs, a service's private one.
//!
//! In: the devices of our own table, and `/proc`. Out: such file systems, each with a path that leads to it through one of
//! the processes there. The path is good as long as that process lives and its number is not taken by another: whoever
//! opens it checks the device. A namespace without processes is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use super::kinds::Kind;
use super::limits::{FOREIGN, NAMESPACES, PROCESSES, TABLE_BYTES};
use super::table::{Device, Mount, parse};
use super::tree::MountTree;

/// A file system of another namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// Its device; nothing of it is mounted in our namespace.
    pub(crate) device: Device,
    /// Its type.
    pub(crate) kind: Box<[u8]>,
    /// Where it is, through a process there: `/proc/PID/root/…`.
    pub(crate) path: Arc<[u8]>,
    /// Where it is for those in the namespace.
    pub(crate) point: Box<[u8]>,
    /// The namespace, by the kernel's number of it.
    pub(crate) namespace: Box<[u8]>,
}

/// Those that our own table does not have; `ours` is sorted.
pub(crate) fn elsewhere(ours: &[Device]) -> Vec<Foreign> {
    let mut found = BTreeMap::new();
    let mut seen: BTreeSet<Box<[u8]>> = namespace("self").into_iter().collect();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    for process in processes.take(PROCESSES).flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else {
            continue;
        };
        let Some(namespace) = namespace(pid) else { continue };
        if seen.len() > NAMESPACES || found.len() >= FOREIGN {
            tracing::warn!("more namespaces of mounts than are looked at");
            break;
        }
        if seen.contains(&namespace) {
            continue;
        }
        // A process that has just ended gives nothing: another of its namespace may.
        if let Some(mounts) = table(pid) {
            take(&mounts, ours, pid, &namespace, &mut found);
            seen.insert(namespace);
        }
    }
    found.into_values().collect()
}

fn take(
    mounts: &[Mount],
    ours: &[Device],
    pid: &str,
    namespace: &[u8],
    found: &mut BTreeMap<Device, Foreign>,
) {
    let tree = MountTree::new(mounts);
    let mut all: Vec<&Mount> = tree
        .seen()
        .filter(|mount| ours.binary_search(&mount.device).is_err())
        .filter(|mount| matches!(Kind::of(mount), Kind::Local | Kind::Overlay))
        .collect();
    all.sort_by_key(|mount| (mount.root.len(), mount.point.len()));
    for mount in all {
        found.entry(mount.device).or_insert_with(|| {
            let point = mount.point.strip_suffix(b"/").unwrap_or(&mount.point);
            Foreign {
                device: mount.device,
                kind: mount.kind.clone(),
                path: [b"/proc/", pid.as_bytes(), b"/root", point].concat().into(),
                point: mount.point.clone(),
                namespace: namespace.into(),
            }
        });
    }
}

fn namespace(pid: &str) -> Option<Box<[u8]>> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok()?;
    Some(link.as_os_str().as_bytes().into())
}

fn table(pid: &str) -> Option<Vec<Mount>> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{pid}/mountinfo")).ok()?.take(TABLE_BYTES + 1).read_to_end(&mut bytes).ok()?;
    let mounts =
        parse(&bytes).inspect_err(|error| tracing::warn!(%error, pid, "mounts of another namespace")).ok()?;
    (!mounts.is_empty()).then_some(mounts)
}
