//! What else a file's content says: who signed it, what it was built from.
//!
//! In: an open file that was just hashed. Out: bytes for the cache, and what a manifest's entry has of them. Nothing is
//! read so far.

use std::fs::File;

use evidence::body::Claim;
use evidence::principal::Edge;

use super::content::Content;

/// What a file's content says of itself; `None` where that is nothing.
pub(crate) fn of(_file: &File, _content: Content, _name: &[u8], _size: u64) -> Option<Box<[u8]>> {
    None
}

/// The same as a manifest has it.
pub(crate) fn read(_details: &[u8]) -> (Vec<Edge>, Vec<Claim>) {
    (Vec::new(), Vec::new())
}
