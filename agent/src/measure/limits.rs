//! Every maximum of the measuring half, each with its reason.

use std::time::Duration;

use evidence::limits::{BODY_GAPS, MANIFEST_BYTES};

/// How often a file that changes under the hash is hashed again before it is recorded as raced.
pub(crate) const HASH_ATTEMPTS: u32 = 3;
/// What one thread reads at once: what was copied is still in the first-level cache when it is hashed.
pub(crate) const READ_BYTES: usize = 32 << 10;
/// What is read of a file to see what it is: the longest magic number, and where PE has the offset of its own.
pub(crate) const HEAD_BYTES: usize = 64;
/// From this size on the kernel is told that a file is read in order, so that it reads further ahead: a system call
/// more than most files are worth.
pub(crate) const SEQUENTIAL_BYTES: u64 = 512 << 10;
/// Unused allowance of the byte budget that is saved up: a burst of a quarter second's bytes.
pub(crate) const BUDGET_BURST: Duration = Duration::from_millis(250);
/// Rests of a hashing thread are gathered until they are this long: shorter sleeps cost more than they give.
pub(crate) const REST_LEAST: Duration = Duration::from_millis(10);
/// Longest sleep between two looks at whether measuring is to end.
pub(crate) const REST_SLICE: Duration = Duration::from_millis(50);
/// Bytes a second when nothing else is configured, after the first scan: a tenth of what one core hashes and of what
/// a slow disk reads.
pub(crate) const BYTES_PER_SECOND: u64 = 64 << 20;
/// Percent of a core for each hashing thread when nothing else is configured, after the first scan.
pub(crate) const CPU_PERCENT: u8 = 50;
/// Nice value of the measuring threads: whoever works on the host goes before.
pub(crate) const NICE: i32 = 10;
/// The thread promises to come to the event queue within this time; later is a gap.
pub(crate) const STALL: Duration = Duration::from_mins(1);
/// A clock that differs this much from what it should show was set, and not only corrected.
pub(crate) const CLOCK_STEP: Duration = Duration::from_secs(5);
/// Files of which executions are counted between two seals; more are counted together only.
pub(crate) const EXECUTED: usize = 16_384;
/// How long a seal waits for the measuring thread to say what was executed; it may be in the middle of a walk.
pub(crate) const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How often a package manager's lock is looked at once it was waited for in vain.
pub(crate) const PACKAGE_MANAGER_LOOK: Duration = Duration::from_secs(5);
/// Directory entries are read in pieces of this size: some 500 names.
pub(crate) const LISTING_BYTES: usize = 16 << 10;
/// Inotify events are read in pieces of this size: some 300.
pub(crate) const EVENT_BYTES: usize = 16 << 10;
/// A time stamp this close to the start of hashing may not change with the next write. The coarsest tick of
/// Linux is 10 ms (HZ=100); twice that, and the clock's own rounding.
pub(crate) const RACY_MS: u64 = 25;
/// Bytes of what a file's content says of itself that are kept for it.
pub(crate) const DETAILS_BYTES: usize = 256 << 10;
/// Files in one job for the hashing threads; more than one, since most are small.
pub(crate) const BATCH_FILES: usize = 64;
/// Bytes in one job, so that large files spread over the threads.
pub(crate) const BATCH_BYTES: u64 = 4 << 20;
/// Jobs that are done on the walking thread before it is worth starting others.
pub(crate) const INLINE_BATCHES: usize = 4;
/// Bytes in those together; more would keep the walking thread from the event queue.
pub(crate) const INLINE_BYTES: u64 = 16 << 20;
/// While threads hash, the walking thread comes to the event queue at least this often.
pub(crate) const ROUND: Duration = Duration::from_secs(1);
/// Files of packages that are gathered at once to make manifests of them: 40 bytes each.
pub(crate) const GATHERED_FILES: usize = 65_536;
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
/// Directories that are hashed anew at once: some 1,000 files are looked at for them.
pub(crate) const REHASH_DIRECTORIES: usize = 128;
/// Bytes that are hashed anew at once, about: an eighth of a second's share.
pub(crate) const REHASH_BYTES: u64 = 8 << 20;
/// The pause between two such pieces, in which changes go before.
pub(crate) const REHASH_PAUSE: Duration = Duration::from_millis(50);
/// How often hints are read at most: to be woken at each start of a program would cost those who start them. The queue of
/// directories holds 16,384 events, which a storm makes in about a second.
pub(crate) const HINTS_EVERY: Duration = Duration::from_millis(50);
/// How often a change of a file that no walk met may lead to a walk of everything: backups make many such files.
pub(crate) const STRANGERS_EVERY: Duration = Duration::from_mins(1);
/// MD5s that wait to be compared: 100 bytes each. What is too much comes with the next part that is hashed anew.
pub(crate) const COMPARISONS: usize = 65_536;
/// How often trust stores are looked at: some of them (firmware's variables, the kernel's keys) tell nobody of a change.
pub(crate) const ANCHORS_EVERY: Duration = Duration::from_secs(30);
/// How often mounts of other namespaces are looked for where a program was started since; a new container starts one.
pub(crate) const NAMESPACES_EVERY: Duration = Duration::from_secs(5);
/// And where none was.
pub(crate) const NAMESPACES_IDLE: Duration = Duration::from_mins(1);
/// Longest pause between two attempts at files that changed at every attempt.
pub(crate) const RACED_EVERY: Duration = Duration::from_mins(5);
/// How often a snapshot is offered again while the receiver is full.
pub(crate) const OFFER_EVERY: Duration = Duration::from_millis(200);
/// How often a manifest is offered again while the receiver is full: it only writes them to its disk.
pub(crate) const MANIFEST_EVERY: Duration = Duration::from_millis(2);
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
