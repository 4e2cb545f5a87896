//! An audit that was interrupted, in a file.
//!
//! In: how far an audit came and what it saw. Out: a small JSON file of the auditor's own. It saves time and proves nothing:
//! the root at the end is computed through the hashes in it, and false ones lead nowhere.

use std::path::Path;

use ledger::audit::{Auditor, Mark};
use ledger::leaf::Leaf;
use serde::{Deserialize, Serialize};

use super::leaves::Leaves;
use crate::error::CliError;
use crate::files;
use crate::limits::AUDIT_STATE_BYTES;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    origin: String,
    auditor: String,
    kinds: std::collections::BTreeMap<u8, u64>,
    anchors: std::collections::BTreeMap<u64, String>,
    unknown: Option<(u64, String)>,
}

/// Writes how far an audit came, whole or not at all.
pub(super) fn save(path: &Path, origin: &str, auditor: &Auditor, leaves: &Leaves) -> Result<(), CliError> {
    let saved = Saved {
        version: VERSION,
        origin: origin.to_owned(),
        auditor: hex::encode(auditor.to_bytes()),
        kinds: leaves.kinds.clone(),
        anchors: leaves.anchors.iter().map(|(index, leaf)| (*index, hex::encode(leaf))).collect(),
        unknown: leaves.unknown.clone(),
    };
    let text = serde_json::to_vec(&saved).map_err(|error| CliError::output(&error))?;
    let temporary = path.with_extension("new");
    files::write(&temporary, &text)?;
    std::fs::rename(&temporary, path).map_err(|error| CliError::file(path, &error))
}

/// Goes on from a file; `Err` with the reason where it is of another audit, which begins anew then.
pub(super) fn load(
    path: &Path,
    origin: &str,
    end: Mark,
    marks: Vec<Mark>,
) -> Result<Result<(Auditor, Leaves), String>, CliError> {
    if !path.exists() {
        return Ok(Err(String::new()));
    }
    let bytes = files::read(path, AUDIT_STATE_BYTES)?;
    Ok(read(&bytes, origin, end, marks))
}

fn read(bytes: &[u8], origin: &str, end: Mark, marks: Vec<Mark>) -> Result<(Auditor, Leaves), String> {
    let saved: Saved = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if saved.version != VERSION || saved.origin != origin {
        return Err("it is of another log or version".to_owned());
    }
    let state = hex::decode(&saved.auditor).map_err(|error| error.to_string())?;
    let auditor = Auditor::resume(end, marks, &state).map_err(|error| error.to_string())?;
    let leaf = |(index, text): (u64, String)| {
        let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; Leaf::SIZE]>::try_from(bytes).ok());
        bytes.map(|bytes| (index, bytes)).ok_or_else(|| "an anchor in it is no leaf".to_owned())
    };
    let anchors = saved.anchors.into_iter().map(leaf).collect::<Result<_, _>>()?;
    Ok((auditor, Leaves { kinds: saved.kinds, anchors, unknown: saved.unknown, kept: None }))
}

const VERSION: u32 = 2;
