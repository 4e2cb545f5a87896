//! Every maximum of reading mounts, each with its reason.

/// Bytes of one table: `fs.mount-max` is 100,000 by default, but a host with 16,384 mounts of 250 bytes has 4 MiB.
pub(super) const TABLE_BYTES: u64 = 16 << 20;
/// Mounts in one table; some 500 bytes each.
pub(super) const MOUNTS: usize = 32_768;
/// Roots that are walked; each may need descriptors for a moment, and an entry of the coverage.
pub(super) const ROOTS: usize = 1_024;
/// Namespaces of mounts that are looked at: one for each container or hardened service.
pub(super) const NAMESPACES: usize = 512;
/// Processes that are asked for theirs: at 2 µs each.
pub(super) const PROCESSES: usize = 65_536;
/// File systems of other namespaces that are told.
pub(super) const FOREIGN: usize = 1_024;
