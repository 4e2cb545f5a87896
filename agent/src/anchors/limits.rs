//! Every maximum of what is read of trust stores, each with its reason.

/// A file of keys or settings that is parsed. The largest, an authority bundle or a distribution's key ring, have some
/// hundred KiB; one developers' ring has 35 MiB and is only hashed.
pub(crate) const PARSED_BYTES: usize = 8 << 20;
/// A file that is hashed whole: beyond it, the file is reported as not read.
pub(crate) const HASHED_BYTES: u64 = 256 << 20;
/// Names of one directory. `/etc/ssl/certs` has some 300.
pub(crate) const DIRECTORY_NAMES: usize = 8_192;
/// Directories below one that is read with what lies in it.
pub(crate) const DIRECTORY_DEPTH: usize = 4;
/// Files that one store looks at: users' files on a machine of many users are the most.
pub(crate) const STORE_FILES: usize = 16_384;
/// What could not be read and is named; more are counted.
pub(crate) const UNREAD_NAMED: usize = 256;
/// Accounts whose files are looked for. Machines with a directory service list only local ones in `passwd`.
pub(crate) const ACCOUNTS: usize = 4_096;
/// Includes within includes of `sshd_config`, as sshd allows.
pub(crate) const INCLUDE_DEPTH: usize = 16;
/// How often a file that changes while it is read is read again.
pub(crate) const READ_ATTEMPTS: u32 = 3;
/// A cheap look believes stamps; one in so many reads everything anew, as a write through a mapping changes none at once.
pub(crate) const REREAD_EVERY: u32 = 64;
/// Snap assertions that are read: a machine has one for each account and key.
pub(crate) const ASSERTIONS: usize = 4_096;
/// What is read at once of a file that is only hashed.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
