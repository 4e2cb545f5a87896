//! Every maximum of the measuring half, each with its reason.

use std::time::Duration;

use evidence::limits::{BODY_GAPS, MANIFEST_BYTES};

/// How often a file that changes under the hash is hashed again before it is recorded as raced.
pub(crate) const HASH_ATTEMPTS: u32 = 3;
/// What one thread reads at once: what was copied is still in the first-level cache when it is hashed.
pub(crate) const READ_BYTES: usize = 32 << 10;
/// What is read of a file to see what it is: most are none of ours, and copying more of them would cost more
/// than hashing the rest.
pub(crate) const HEAD_BYTES: usize = 4 << 10;
/// Directory entries are read in pieces of this size: some 500 names.
pub(crate) const LISTING_BYTES: usize = 16 << 10;
/// Inotify events are read in pieces of this size: some 300.
pub(crate) const EVENT_BYTES: usize = 16 << 10;
/// A time stamp this close to the start of hashing may not change with the next write. The coarsest tick of
/// Linux is 10 ms (HZ=100); twice that, and the clock's own rounding.
pub(crate) const RACY_MS: u64 = 25;
/// Files in one job for the hashing threads; more than one, since most are small.
pub(crate) const BATCH_FILES: usize = 64;
/// Bytes in one job, so that large files spread over the threads.
pub(crate) const BATCH_BYTES: u64 = 4 << 20;
/// Jobs that are done on the walking thread before it is worth starting others.
pub(crate) const INLINE_BATCHES: usize = 4;
/// New cache entries that are held in memory before they are written: 100 bytes each.
pub(crate) const CACHE_PENDING: usize = 8_192;
/// Memory for pages of the digest cache while a walk runs; redb's default is a GiB.
pub(crate) const CACHE_MEMORY: usize = 2 << 20;
/// Stale cache entries are dropped when the cache has more than twice the files seen and this many more.
pub(crate) const CACHE_SLACK: u64 = 4_096;
/// Each reconciling walk hashes one of this many parts anew whatever the cache says, so that with a walk an
/// hour nothing is believed for more than a day.
pub(crate) const REHASH_PARTS: u64 = 24;
/// Gaps of one cause that one directory opens; more become one for the directory.
pub(crate) const GAPS_PER_DIRECTORY: usize = 16;
/// Gaps that are open at once; more become one for everything. Half of what a body carries.
pub(crate) const GAPS_OPEN: usize = BODY_GAPS / 2;
/// Closed gaps that wait to be reported; more are folded by cause. Leaves room for the agent's own.
pub(crate) const GAPS_CLOSED: usize = BODY_GAPS / 4;
/// Bytes of entries in one manifest; half of what is accepted, since the estimate is rough.
pub(crate) const COMPONENT_BYTES: usize = MANIFEST_BYTES / 2;
/// Longest wait for a run of dpkg to end before files are attributed as the database has them.
pub(crate) const DPKG_WAIT: Duration = Duration::from_mins(1);
/// How often the lock is looked at meanwhile.
pub(crate) const DPKG_LOOK: Duration = Duration::from_millis(500);
/// How often directories that cannot be watched are walked.
pub(crate) const UNWATCHED_EVERY: Duration = Duration::from_mins(1);
/// Longest pause between two attempts at files that changed at every attempt.
pub(crate) const RACED_EVERY: Duration = Duration::from_mins(5);
/// How often a snapshot is offered again while the receiver is full.
pub(crate) const OFFER_EVERY: Duration = Duration::from_millis(200);
/// A line of a dpkg file list or database field; longer ones are not read.
pub(crate) const DPKG_LINE_BYTES: u64 = 64 << 10;
/// Components ever sent that are remembered beside the current ones.
pub(crate) const KNOWN_SLACK: usize = 16_384;
/// Directories whose links were followed and that are remembered while databases are read: some 200 bytes each.
pub(crate) const DIRECTORIES_KEPT: usize = 16_384;
/// Links in one path; the kernel's limit.
pub(crate) const LINKS_FOLLOWED: u32 = 40;
/// How often a database of rpm is read that changes meanwhile.
pub(crate) const RPM_ATTEMPTS: u32 = 3;
