//! Every maximum of watching, each with its reason.

/// Directories whose place is remembered: some 200 bytes each. More are looked up again, at some 10 µs each.
pub(super) const PLACES: usize = 4_096;
/// Names that one directory's hints carry; a directory with more is touched as a whole, and its walk is one listing.
pub(super) const NAMES_PER_DIRECTORY: usize = 256;
/// Different things that are gathered before they are told: some 100 bytes each.
pub(super) const GATHERED: usize = 16_384;
/// Pieces of the queue that one draining reads, of some 600 events each: a storm without end must not keep the thread
/// from all else.
pub(super) const READS: usize = 512;
