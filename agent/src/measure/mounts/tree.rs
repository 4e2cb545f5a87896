//! Which mount is seen at a path.
//!
//! In: the mounts of one table. Out: for a path, the mount that a process finds there: mounts hide what they are put on,
//! and mounts below that.

use std::collections::HashMap;

use super::table::Mount;
use crate::measure::place::within;

/// A table's mounts, by where they are.
pub(super) struct MountTree<'a> {
    mounts: &'a [Mount],
    /// By the mount that it is on, and where; the last of several.
    on: HashMap<(u64, &'a [u8]), usize>,
    first: Option<usize>,
}

impl<'a> MountTree<'a> {
    pub(super) fn new(mounts: &'a [Mount]) -> Self {
        let ids: std::collections::HashSet<u64> = mounts.iter().map(|mount| mount.id).collect();
        let root = |mount: &Mount| {
            *mount.point == *b"/" && (!ids.contains(&mount.parent) || mount.parent == mount.id)
        };
        let first = mounts.iter().position(root);
        let own = |at: &usize, mount: &Mount| first == Some(*at) || mount.parent == mount.id;
        let on = mounts.iter().enumerate().filter(|(at, mount)| !own(at, mount));
        let on = on.map(|(at, mount)| ((mount.parent, &*mount.point), at)).collect();
        Self { mounts, on, first }
    }

    /// The mount that is seen at an absolute path.
    pub(super) fn at(&self, path: &[u8]) -> Option<&'a Mount> {
        let mut mount = self.mounts.get(self.first?)?;
        for end in ends(path) {
            let prefix = path.get(..end).filter(|prefix| !prefix.is_empty()).unwrap_or(b"/");
            // Each step goes to a child, of which a table has no circles; one that had would end here too.
            for _ in 0..self.mounts.len() {
                match self.on.get(&(mount.id, prefix)).and_then(|at| self.mounts.get(*at)) {
                    Some(over) => mount = over,
                    None => break,
                }
            }
        }
        Some(mount)
    }

    /// Mounts that are seen where they are mounted, in the table's order.
    pub(super) fn seen(&self) -> impl Iterator<Item = &'a Mount> {
        self.mounts.iter().filter(|mount| self.at(&mount.point).is_some_and(|seen| seen.id == mount.id))
    }

    /// Whether other mounts hide a part of a tree.
    pub(super) fn is_hidden_below(&self, path: &[u8]) -> bool {
        self.mounts.iter().any(|mount| *mount.point != *path && within(&mount.point, path))
    }
}

/// Where each prefix of a path ends: at 0 for the root.
fn ends(path: &[u8]) -> impl Iterator<Item = usize> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    slashes.chain((path.len() > 1).then_some(path.len()))
}
