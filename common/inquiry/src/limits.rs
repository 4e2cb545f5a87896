//! Every maximum of this crate, each with its reason.

/// A subject as it is written: the longest is a path, in which each byte may be escaped by nobody.
pub const SUBJECT_BYTES: usize = 4_096;
/// A package's name or version; Debian's longest name has 80 bytes.
pub const PACKAGE_BYTES: usize = 256;
/// Facts of one boot. Real ones have 300 with a full dbx, which lists 400 hashes and grows by some 50 a year.
pub const PROFILE_FACTS: usize = 16_384;
/// Pieces of evidence that may have been sealed before an agent noticed that it had been blind: a day and a half of heartbeats, in which every
/// hour fifty changes. One that is older is taken to be as old as the host.
pub const GAP_NOTICED_LATE: usize = 2_000;
/// Bytes of a label that is known to be whole: longer ones are cut at 256, where a character begins.
pub const LABEL_BYTES_WHOLE: usize = 252;
/// Signatures and keys of components in one replay, of some 200 bytes each: those of a hundred thousand packages with forty programs.
pub const REPLAY_EDGES: usize = 4_000_000;
/// A label's key: what people write by hand.
pub const LABEL_KEY_BYTES: usize = 64;
/// The same of its value.
pub const LABEL_VALUE_BYTES: usize = 128;
/// Labels of one host.
pub const LABELS: usize = 32;
/// Signers of boot images in one manifest that are checked, each with its chain: a component has a few images, of one to three signers.
pub const SIGNERS_CHECKED: usize = 64;
/// Keys that one slice of the kernel's list tells of: those of its keyrings, and the signers of files.
pub const KERNEL_KEYS: usize = 4_096;
