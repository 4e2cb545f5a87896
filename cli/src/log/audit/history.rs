//! The log that was hashed, for those who compare something with it.
//!
//! In: places, sizes and times that evidence and records claim. Out: whether the log has it so.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use evidence::body::CheckpointView;
use evidence::time::UnixTime;
use ledger::checkpoint::SignedCheckpoint;
use ledger::hash::Hash;
use ledger::leaf::Leaf;
use ledger::tile::TileReader;
use ledger::tree::{HashReader as _, LeafIndex, LogSize, NodeId, load_frontier};

use crate::error::{CliError, Kind};
use crate::log::entries::Entries;
use crate::log::source::Source;

/// What all threads share.
#[derive(Debug)]
pub(in crate::log) struct Hashed<'a> {
    source: &'a Source,
    /// Every leaf, where all were hashed; else each is looked up in the tiles that lead to it.
    entries: Option<&'a Entries>,
    published: &'a SignedCheckpoint,
    /// Sizes at which a witness has seen the log, and when, rising.
    sightings: Vec<(u64, u64)>,
    /// Roots at sizes that hosts have named; hosts of a fleet name the same ones.
    roots: Mutex<HashMap<u64, Hash>>,
}

impl<'a> Hashed<'a> {
    pub(in crate::log) fn new(
        source: &'a Source,
        entries: Option<&'a Entries>,
        published: &'a SignedCheckpoint,
        mut sightings: Vec<(u64, u64)>,
    ) -> Self {
        sightings.sort_unstable();
        Self { source, entries, published, sightings, roots: Mutex::default() }
    }

    /// For one thread.
    pub(in crate::log) fn history(&'a self) -> Result<History<'a>, CliError> {
        let claim = self.published.claim();
        let reader = TileReader::new(self.source, claim.size(), claim.root());
        Ok(History { hashed: self, reader: reader.map_err(|error| self.damaged(&error))? })
    }
}

impl Hashed<'_> {
    fn damaged(&self, error: &dyn std::fmt::Display) -> CliError {
        if self.entries.is_none() {
            return CliError::new(Kind::Input, format!("the log's files: {error}"));
        }
        CliError::new(Kind::Input, format!("the log changed while it was audited: {error}"))
            .hint("audit a copy of it")
    }
}

/// The log for one thread, which keeps the tiles that it read.
#[derive(Debug)]
pub(in crate::log) struct History<'a> {
    hashed: &'a Hashed<'a>,
    reader: TileReader<&'a Source>,
}

impl History<'_> {
    /// Whether the published log reaches so far.
    pub(super) fn has(&self, index: u64) -> bool {
        index < self.reader.size().get()
    }

    /// The log has this leaf at this place; from now on it is known what is behind it.
    pub(in crate::log) fn committed(&self, index: u64, leaf: &Leaf) -> Result<Result<(), String>, CliError> {
        let Some(entries) = self.hashed.entries else { return self.hashes_to(index, leaf) };
        if entries.get(index).map_err(|error| kept(&error))?.as_ref() != Some(leaf) {
            return Ok(Err(format!("leaf {index} of the log commits to something else")));
        }
        entries.mark(index).map_err(|error| kept(&error))?;
        Ok(Ok(()))
    }

    /// The log's tree has the hash of this leaf at this place.
    fn hashes_to(&self, index: u64, leaf: &Leaf) -> Result<Result<(), String>, CliError> {
        let node = LeafIndex::new(index).map(NodeId::leaf).map_err(|error| self.hashed.damaged(&error))?;
        let found = self.reader.read(&[node]).map_err(|error| self.hashed.damaged(&error))?;
        if found.first() == Some(&leaf.hash()) {
            return Ok(Ok(()));
        }
        Ok(Err(format!("leaf {index} of the log commits to something else")))
    }

    /// Tells each entry from one index to another, by the bundles that have the hashes of the log's tree.
    pub(in crate::log) fn each(
        &self,
        begin: u64,
        end: u64,
        mut told: impl FnMut(u64, &[u8]),
    ) -> Result<(), CliError> {
        let mut next = begin;
        while next < end {
            let index = LeafIndex::new(next).map_err(|error| self.hashed.damaged(&error))?;
            let bundle = self.reader.entries_with(index).map_err(|error| self.hashed.damaged(&error))?;
            let first = next & !u64::from(u8::MAX);
            for (at, entry) in (first..end).zip(bundle.bundle().entries()) {
                if at >= begin {
                    told(at, entry);
                    next = at.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    /// The checkpoint that a host names is of this log.
    pub(super) fn seen(&self, view: &CheckpointView, own: u64) -> Result<Result<(), String>, CliError> {
        if view.size > own {
            return Ok(Err(format!(
                "the host names a checkpoint of {} leaves, which has its own",
                view.size
            )));
        }
        let found = self.root_at(view.size)?;
        if found.as_bytes() == view.root.as_bytes() {
            return Ok(Ok(()));
        }
        let (size, root) = (view.size, view.root);
        Ok(Err(format!(
            "the host was shown another log: of {size} leaves with root {root}, where this one has {found}; its own \
             signature proves it"
        )))
    }

    pub(super) fn root_at(&self, size: u64) -> Result<Hash, CliError> {
        if let Some(found) = self.hashed.roots.lock().unwrap_or_else(PoisonError::into_inner).get(&size) {
            return Ok(*found);
        }
        let at = LogSize::new(size).map_err(|error| self.hashed.damaged(&error))?;
        let found = load_frontier(&self.reader, at).map_err(|error| self.hashed.damaged(&error))?.root();
        let mut roots = self.hashed.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if roots.len() >= ROOTS {
            roots.clear();
        }
        roots.insert(size, found);
        Ok(found)
    }

    /// A time of the verifier's clock is one at which the log can have got this leaf, by the clocks of its witnesses.
    pub(super) fn timely(&self, leaf: u64, at_ms: u64) -> Result<(), String> {
        let sightings = &self.hashed.sightings;
        let with = sightings.partition_point(|(size, _)| *size <= leaf);
        let told = |secs: u64| UnixTime::from_secs(secs);
        let at = at_ms / 1_000;
        if let Some((size, secs)) = sightings.get(with)
            && at > secs.saturating_add(TOLERANCE_SECS)
        {
            let (at, seen) = (told(at), told(*secs));
            return Err(format!(
                "it is said to be of {at}, but a witness saw the log with it ({size} leaves) at {seen}"
            ));
        }
        if let Some((size, secs)) = with.checked_sub(1).and_then(|before| sightings.get(before))
            && at.saturating_add(TOLERANCE_SECS) < *secs
        {
            let (at, seen) = (told(at), told(*secs));
            return Err(format!(
                "it is said to be of {at}, but a witness saw the log without it ({size} leaves) at {seen}"
            ));
        }
        Ok(())
    }
}

/// Reading or writing the kept entries failed.
pub(super) fn kept(error: &io::Error) -> CliError {
    CliError::new(Kind::File, format!("the kept entries: {error}"))
}

/// 100 bytes each.
const ROOTS: usize = 1 << 20;
/// Clocks differ, and a witness may be asked a while after the leaf.
const TOLERANCE_SECS: u64 = 600;
