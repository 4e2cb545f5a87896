//! What the witness remembers: for each log the newest checkpoint that it has cosigned.
//!
//! In: checkpoints that were judged good. Out: that they are on the disk before anybody hears of it. One file for each log,
//! replaced whole. A file that does not verify is damage: to forget what was cosigned is to allow a fork.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use ledger::checkpoint::{Origin, SignedCheckpoint, VerifiedCheckpoint};
use ledger::limits::MAX_NOTE_BYTES;
use ledger::note::VerifierKey;
use ledger::witness::AddCheckpoint;

use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::limits::FORKS_KEPT;

/// The witness's memory.
#[derive(Debug)]
pub(super) struct Book {
    dir: PathBuf,
    logs: BTreeMap<Origin, Watched>,
    forks: usize,
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
        for dir in [LOGS, FORKS] {
            crate::serve::make_state_dir(&state_dir.join(dir))?;
        }
        for (origin, keys) in configured {
            let path = state_dir.join(LOGS).join(name_of(origin));
            let latest = if path.exists() { Some(read(&path, origin, keys)?) } else { None };
            logs.insert(origin.clone(), Watched { keys: keys.clone(), latest });
        }
        let forks = fs::read_dir(state_dir.join(FORKS)).map_err(|error| Failure::io(FORKS, &error))?.count();
        Ok(Self { dir: state_dir.to_owned(), logs, forks })
    }

    pub(super) fn log(&self, origin: &Origin) -> Option<&Watched> {
        self.logs.get(origin)
    }

    /// The newest cosigned checkpoint of the log with this name.
    pub(super) fn by_name(&self, name: &str) -> Option<&VerifiedCheckpoint> {
        let (_, watched) = self.logs.iter().find(|(origin, _)| name_of(origin) == name)?;
        watched.latest.as_ref()
    }

    /// Remembers what is about to be cosigned; when this returns it is on the disk.
    pub(super) fn remember(&mut self, cosigned: VerifiedCheckpoint) -> Result<(), Failure> {
        let origin = cosigned.checkpoint().origin().clone();
        let path = self.dir.join(LOGS).join(name_of(&origin));
        files::write_whole(&path, cosigned.signed().as_bytes(), Audience::Everybody)?;
        if let Some(watched) = self.logs.get_mut(&origin) {
            watched.latest = Some(cosigned);
        }
        Ok(())
    }

    /// Keeps a request that the log's key has signed, and that does not follow from what was cosigned.
    pub(super) fn keep_fork(&mut self, request: &AddCheckpoint) -> Result<Option<PathBuf>, Failure> {
        if self.forks >= FORKS_KEPT {
            return Ok(None);
        }
        let text = request.to_string();
        let name = Sha256Digest::of(&[text.as_bytes()]).to_string();
        let path = self.dir.join(FORKS).join(name);
        if !path.exists() {
            files::write_whole(&path, text.as_bytes(), Audience::Owner)?;
            self.forks += 1;
        }
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
    let verified = keys.iter().find_map(|key| signed.verify_as(origin, key).ok());
    verified.ok_or_else(|| damaged(&"no configured key of this log has signed it"))
}

const LOGS: &str = "logs";
const FORKS: &str = "forks";
