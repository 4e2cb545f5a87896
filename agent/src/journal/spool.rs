//! Sealed evidence on disk until the verifier has it: one file each, named by its place in the chain.
//!
//! In: submissions, compressed as they will be sent. Out: the same bytes, oldest first. A piece is sealed when its file
//! is durable, and taken away when the verifier's receipt is. What the verifier refuses for good is moved aside, where the
//! newest [`REFUSED_KEPT`] are kept for whoever investigates.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use wire::limits::EVIDENCE_REQUEST_BYTES;

use super::JournalError;
use crate::durable;

/// Evidence that waits, by place in the chain, with its size.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    refused: PathBuf,
    acknowledged: PathBuf,
    pending: BTreeMap<u64, u64>,
}

impl Spool {
    /// Opens the spool, and clears away what a killed writer left.
    pub(super) fn open(state_dir: &Path) -> Result<Self, JournalError> {
        let mut spool = Self {
            dir: state_dir.join("spool"),
            refused: state_dir.join("refused"),
            acknowledged: state_dir.join("acknowledged.evidence"),
            pending: BTreeMap::new(),
        };
        for dir in [&spool.dir, &spool.refused] {
            fs::create_dir_all(dir).map_err(|error| JournalError::io(dir, error))?;
        }
        let listing = |error| JournalError::io(&spool.dir, error);
        for entry in fs::read_dir(&spool.dir).map_err(listing)? {
            let entry = entry.map_err(listing)?;
            let path = entry.path();
            if path.extension().is_some_and(|ending| ending == durable::TEMPORARY) {
                durable::remove(&path).map_err(|error| JournalError::io(&path, error))?;
            } else if let Some(seq) = seq_of(&path) {
                spool.pending.insert(seq, entry.metadata().map_err(listing)?.len());
            }
        }
        Ok(spool)
    }

    /// Makes a piece of evidence durable.
    pub(super) fn put(&mut self, seq: u64, submission: &[u8]) -> Result<(), JournalError> {
        let path = self.path(seq);
        durable::write(&path, submission).map_err(|error| JournalError::io(&path, error))?;
        self.pending.insert(seq, submission.len() as u64);
        Ok(())
    }

    /// The bytes of a piece, compressed.
    pub(super) fn read(&self, seq: u64) -> Result<Vec<u8>, JournalError> {
        let path = self.path(seq);
        read(&path).map_err(|error| JournalError::io(&path, error))
    }

    /// Takes away a piece that the verifier has; the newest of these is what the next is compressed against.
    pub(super) fn retire(&mut self, seq: u64) -> Result<(), JournalError> {
        let path = self.path(seq);
        match fs::rename(&path, &self.acknowledged) {
            // Where a crash undoes this, the database knows that it is confirmed, and it is done again.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(JournalError::io(&path, error));
            }
            _ => {}
        }
        self.pending.remove(&seq);
        Ok(())
    }

    /// The bytes of the newest piece that the verifier has, compressed; `None` where they are not here.
    pub(super) fn acknowledged(&self) -> Option<Vec<u8>> {
        read(&self.acknowledged).ok()
    }

    /// Moves a piece out of the way, with a word that says why.
    pub(super) fn set_aside(&mut self, seq: u64, why: &str) -> Result<(), JournalError> {
        let from = self.path(seq);
        let why: String = why.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        // A place in the chain can be refused more than once.
        let to = (0..=REFUSED_KEPT)
            .map(|turn| self.refused.join(format!("{seq:020}.{turn}.{why}.{ENDING}")))
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.refused.join(format!("{seq:020}.{why}.{ENDING}")));
        durable::rename(&from, &to).map_err(|error| JournalError::io(&from, error))?;
        self.pending.remove(&seq);
        self.forget_oldest_refused()
    }

    fn forget_oldest_refused(&self) -> Result<(), JournalError> {
        let failed = |error| JournalError::io(&self.refused, error);
        let mut kept: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.refused).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            kept.push((entry.metadata().and_then(|meta| meta.modified()).map_err(failed)?, entry.path()));
        }
        kept.sort_unstable();
        let surplus = kept.len().saturating_sub(REFUSED_KEPT);
        kept.iter().take(surplus).try_for_each(|(_, path)| durable::remove(path)).map_err(failed)
    }

    /// Places of what waits, rising.
    pub(super) fn seqs(&self) -> Vec<u64> {
        self.pending.keys().copied().collect()
    }

    /// The place of the oldest piece that waits.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.pending.keys().next().copied()
    }

    /// How many pieces wait.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.pending.values().sum()
    }

    fn path(&self, seq: u64) -> PathBuf {
        self.dir.join(format!("{seq:020}.{ENDING}"))
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(EVIDENCE_REQUEST_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn seq_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_suffix(ENDING)?.strip_suffix('.')?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

const ENDING: &str = "evidence";
/// Refused evidence is for people to look at; a verifier that refuses all of it must not fill the disk.
pub(super) const REFUSED_KEPT: usize = 64;
