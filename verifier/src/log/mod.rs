//! The log as files: kept durable on a disk or in an object store, read for proofs, and published.
//!
//! In: what the recorder has committed. Out: C2SP tlog-tiles that anybody can fetch and audit without this program. The
//! database is the commit point; these files are made from it, and after a crash made again. `docs/protocol.md` says
//! what each file is.

pub(crate) mod bucket;
pub(crate) mod disk;
pub(crate) mod local;
pub(crate) mod objects;
pub(crate) mod reader;
pub(crate) mod sequence;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use objects::{ObjectError, Objects};
pub(crate) use reader::LogReader;

/// The published checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Archived checkpoints are below it, by their numbers.
pub(crate) const ARCHIVE: &str = "archive";

/// The path of an archived checkpoint.
pub(crate) fn archive_path(number: u64) -> String {
    format!("{ARCHIVE}/{}", ledger::tile::indexed_path(number))
}
