//! What the witness remembers: for each log the newest checkpoint that it has cosigned.
//!
//! In: checkpoints that were judged good. Out: that they are on the disk before anybody hears of it. One file for each log,
//! replaced whole, which monitors are shown. A file that does not verify is damage: to forget what was cosigned is to allow
//! a fork.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use ledger::checkpoint::{Origin, SignedCheckpoint, VerifiedCheckpoint};
use ledger::limits::MAX_NOTE_BYTES;
use ledger::note::VerifierKey;
use ledger::witness::{AddCheckpoint, Suspicion};

use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::limits::FORKS_KEPT;

/// The witness's memory.
#[derive(Debug)]
pub(super) struct Book {
    dir: PathBuf,
    logs: BTreeMap<Origin, Watched>,
    forks: usize,
    doubts: usize,
}

/// One log.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) keys: Vec<VerifierKey>,
    /// What was cosigned last.
    pub(super) latest: Option<VerifiedCheckpoint>,
}

impl Book {
    /// Reads what was cosigned of the configured logs. Others that it finds are kept, and not served.
    pub(super) fn open(
        state_dir: &Path,
        configured: &BTreeMap<Origin, Vec<VerifierKey>>,
    ) -> Result<Self, Failure> {
        let mut logs = BTreeMap::new();
        for dir in [LOGS, FORKS, DOUBTS] {
            crate::serve::make_state_dir(&state_dir.join(dir))?;
        }
        for (origin, keys) in configured {
            let path = state_dir.join(LOGS).join(name_of(origin));
            let latest = if path.exists() { Some(read(&path, origin, keys)?) } else { None };
            logs.insert(origin.clone(), Watched { keys: keys.clone(), latest });
        }
        let count = |dir: &str| {
            let files = fs::read_dir(state_dir.join(dir)).map_err(|error| Failure::io(dir, &error))?;
            Ok::<_, Failure>(files.count())
        };
        Ok(Self { dir: state_dir.to_owned(), logs, forks: count(FORKS)?, doubts: count(DOUBTS)? })
    }

    pub(super) fn log(&self, origin: &Origin) -> Option<&Watched> {
        self.logs.get(origin)
    }

    /// The newest cosigned checkpoint of the log with this name.
    pub(super) fn by_name(&self, name: &str) -> Option<&VerifiedCheckpoint> {
        let (_, watched) = self.logs.iter().find(|(origin, _)| name_of(origin) == name)?;
        watched.latest.as_ref()
    }

    /// Remembers what was cosigned, with the cosignature; when this returns it is on the disk, and may be told.
    pub(super) fn remember(&mut self, cosigned: VerifiedCheckpoint) -> Result<(), Failure> {
        let origin = cosigned.checkpoint().origin().clone();
        let path = self.dir.join(LOGS).join(name_of(&origin));
        files::write_whole(&path, cosigned.signed().as_bytes(), Audience::Everybody)?;
        if let Some(watched) = self.logs.get_mut(&origin) {
            watched.latest = Some(cosigned);
        }
        Ok(())
    }

    /// Keeps what a log's key has signed beside what it contradicts, once for each checkpoint: two roots at one size apart
    /// from what may be a genuine checkpoint with a junk proof, of which strangers can send many.
    pub(super) fn keep(
        &mut self,
        suspicion: Suspicion,
        request: &AddCheckpoint,
    ) -> Result<Option<PathBuf>, Failure> {
        let (dir, kept) = match suspicion {
            Suspicion::None => return Ok(None),
            Suspicion::Doubt => (DOUBTS, &mut self.doubts),
            Suspicion::Fork => (FORKS, &mut self.forks),
        };
        let claim = request.checkpoint().claim();
        let path = self.dir.join(dir).join(Sha256Digest::of(&[claim.to_string().as_bytes()]).to_string());
        if path.exists() {
            return Ok(Some(path));
        }
        if *kept >= FORKS_KEPT {
            return Ok(None);
        }
        let latest = self.logs.get(claim.origin()).and_then(|watched| watched.latest.as_ref());
        let cosigned = latest.map_or("", |latest| latest.signed().note().as_str());
        files::write_whole(&path, format!("{cosigned}\n{request}").as_bytes(), Audience::Owner)?;
        *kept += 1;
        Ok(Some(path))
    }
}

/// The name of a log in paths and files.
//= C2SP tlog-witness, monitoring: the SHA-256 of the origin in hex
pub(super) fn name_of(origin: &Origin) -> String {
    Sha256Digest::of(&[origin.as_str().as_bytes()]).to_string()
}

fn read(path: &Path, origin: &Origin, keys: &[VerifierKey]) -> Result<VerifiedCheckpoint, Failure> {
    let damaged = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Software, format_args!("{}: {error}", path.display())).hint(
            "it is what this witness has cosigned: restore it, or take the log out of the configuration and begin \
             to witness it under another name",
        )
    };
    let bytes = files::read_trusted(path, MAX_NOTE_BYTES as u64)?;
    let signed = SignedCheckpoint::parse(&bytes).map_err(|error| damaged(&error))?;
    signed.verify_by_any(origin, keys).map_err(|error| damaged(&error))
}

const LOGS: &str = "logs";
const FORKS: &str = "forks";
const DOUBTS: &str = "doubts";
