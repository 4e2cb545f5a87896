//! Every maximum of the sightings, each with its reason.

/// Memory for pages of the database; redb's default is a GiB. A scan writes artefacts in order of their digests, so that
/// more would help little.
pub(super) const CACHE_BYTES: usize = 1 << 20;
/// Manifests that are held before they are written: a commit waits for the disk, and a first scan has thousands.
pub(super) const PENDING_BYTES: usize = 1 << 20;
/// How long a component that went is remembered: a year and a month, so that a yearly release is seen against the last.
pub(super) const ABSENT_MS: u64 = 400 * 24 * 60 * 60 * 1_000;
/// Components that went and are remembered: on a server with daily upgrades some years' worth.
pub(super) const ABSENT_COMPONENTS: usize = 20_000;
/// Bytes of their manifests, so that a directory of ten thousand files that changes each minute does not fill the disk.
pub(super) const ABSENT_BYTES: u64 = 64 << 20;
