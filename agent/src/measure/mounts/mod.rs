//! Which mounted file systems are watched, and by what; those that come and go.
//!
//! In: configured roots, excluded trees, the kernel's table of mounts. Out: roots for the walk, each on one mount, and
//! words for every mount below them that is not walked. The table is that of this process; what other namespaces of
//! mounts have beside it is found through their processes (`elsewhere`). Nothing here holds a mount: the table is read by
//! path, and only the table's own descriptor stays open.

mod elsewhere;
mod kinds;
mod limits;
mod plan;
mod table;
mod tree;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use evidence::body::Coverage;

use self::limits::TABLE_BYTES;

pub(crate) use self::elsewhere::{Foreign, elsewhere};
pub(crate) use self::plan::{Plan, Root};
pub(crate) use self::table::{Device, TableError};

/// The watched mounts, kept up to date.
#[derive(Debug)]
pub(crate) struct Mounts {
    configured: Vec<Arc<[u8]>>,
    excluded: Vec<Box<[u8]>>,
    /// `/proc/self/mountinfo`: `POLLPRI` when mounts come or go.
    signal: Option<File>,
    plan: Plan,
    devices: Vec<Device>,
}

/// What a reading of the table found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Roots that are new, or on another mount than before.
    pub(crate) added: Vec<Root>,
    /// Roots that are no more, or on another mount by now: these are in both.
    pub(crate) gone: Vec<Root>,
}

impl Mounts {
    /// Knows no mount before the first `refresh`. Paths are absolute and without symbolic links; excluded trees are left out
    /// in silence, as they were configured to be.
    pub(crate) fn new(configured: Vec<Arc<[u8]>>, excluded: Vec<Box<[u8]>>) -> Self {
        let signal = File::open(TABLE)
            .inspect_err(|error| tracing::warn!(%error, "new mounts are found by walks only"))
            .ok();
        Self { configured, excluded, signal, plan: Plan::default(), devices: Vec::new() }
    }

    /// Has `POLLPRI` (and `POLLERR`) when mounts came or went since it was read last; it is always readable.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.signal.as_ref().map(AsFd::as_fd)
    }

    /// Reads the table anew. Where it cannot be read, what was known stands.
    pub(crate) fn refresh(&mut self) -> Result<Changes, TableError> {
        // Reading through the polled descriptor is not what resets it; polling is. A new one starts at the beginning.
        let bytes = read(TABLE).map_err(TableError::Read)?;
        self.take(&bytes)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Changes, TableError> {
        let table = table::parse(bytes)?;
        let excluded = |path: &[u8]| self.excluded.iter().any(|tree| super::place::within(path, tree));
        let plan = plan::plan(&table, &self.configured, excluded, real);
        let old = std::mem::replace(&mut self.plan, plan);
        self.devices = devices(&table);
        let missing = |of: &[Root], from: &[Root]| -> Vec<Root> {
            of.iter().filter(|root| !from.contains(root)).cloned().collect()
        };
        Ok(Changes {
            added: missing(&self.plan.roots, &old.roots),
            gone: missing(&old.roots, &self.plan.roots),
        })
    }

    /// The roots as of the last reading.
    #[cfg(test)]
    pub(crate) fn roots(&self) -> &[Root] {
        &self.plan.roots
    }

    /// Mounts below the configured roots that are not walked, with the reason.
    pub(crate) fn not_walked(&self) -> &[Coverage] {
        &self.plan.not_walked
    }

    /// File systems that other namespaces have mounted and this one has not. It looks at every process: not to be asked more
    /// often than every few seconds.
    pub(crate) fn elsewhere(&self) -> Vec<Foreign> {
        // The kernel gives a device's number again as soon as its file system is gone, so what was ours a second ago may be
        // another namespace's now: the table is read for this question. Where it cannot be, the last reading has to do.
        let now = read(TABLE).map_err(TableError::Read).and_then(|bytes| Ok(devices(&table::parse(&bytes)?)));
        match now {
            Ok(now) => elsewhere(&now),
            Err(error) => {
                tracing::warn!(%error, "other namespaces are compared with mounts of before");
                elsewhere(&self.devices)
            }
        }
    }
}

/// Sorted, each once.
fn devices(table: &[table::Mount]) -> Vec<Device> {
    let mut devices: Vec<Device> = table.iter().map(|mount| mount.device).collect();
    devices.sort_unstable();
    devices.dedup();
    devices
}

fn real(path: &[u8]) -> Option<Box<[u8]>> {
    let path = std::fs::canonicalize(std::ffi::OsStr::from_bytes(path)).ok()?;
    Some(super::place::bytes(&path))
}

fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(TABLE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const TABLE: &str = "/proc/self/mountinfo";

#[cfg(test)]
mod tests;
