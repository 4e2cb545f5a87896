//! Every maximum of this crate, each with its reason.

/// A subject as it is written: the longest is a path, in which each byte may be escaped by nobody.
pub const SUBJECT_BYTES: usize = 4_096;
/// A package's name or version; Debian's longest name has 80 bytes.
pub const PACKAGE_BYTES: usize = 256;
/// Facts of one boot. Real ones have 300 with a full dbx, which lists 400 hashes and grows by some 50 a year.
pub const PROFILE_FACTS: usize = 16_384;
