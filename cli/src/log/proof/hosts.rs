//! Whether an answer leaves no host out.
//!
//! In: the leaves by which the hosts of a proof enrolled and were retired, and the newest root of the index before the answer. Out: whether
//! the log knows of others. How many chains there were at the root is in the log, where `lydian log audit` sees that it is true; every
//! leaf behind it shows its kind.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use evidence::export::Item;
use evidence::record::IndexRootRecord;
use ledger::leaf::{Leaf, LeafKind};
use serde::Serialize;
use wire::export::{INDEX_ROOTS, ItemReader};

use crate::error::CliError;
use crate::limits::LEAVES_LOOKED_THROUGH;
use crate::log::audit::chain::leaf_of;
use crate::log::audit::history::History;

/// Whether an answer is about every host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Denominator {
    /// The log knows of no other host.
    Proved,
    /// Hosts were chosen by their names: that no other has such a name is the verifier's word.
    Chosen,
    /// Too many leaves lie behind the newest root of the index, or too much of the evidence does not hold.
    #[default]
    NotChecked,
}

/// Looks for enrolments that the proof does not have, in the log up to a size.
pub(super) fn complete(
    evidence: &Path,
    log: &History<'_>,
    (known, size): (&Known, u64),
    findings: &mut Vec<String>,
) -> Result<Denominator, CliError> {
    let root = match newest_root(&evidence.join(INDEX_ROOTS), log, size)? {
        Ok(root) => root,
        Err(why) => {
            findings.push(format!("{INDEX_ROOTS}: {why}"));
            return Ok(Denominator::NotChecked);
        }
    };
    let (begin, chains) = root.map_or((0, 0), |root| (root.size, root.chains));
    if size.saturating_sub(begin) > LEAVES_LOOKED_THROUGH {
        return Ok(Denominator::NotChecked);
    }
    let before = known.enrolments.range(..begin).count() as u64;
    if before != chains {
        findings.push(format!(
            "by leaf {begin} of the log there were {chains} chains of evidence then, and of the hosts of the answer {before}: \
             hosts were left out"
        ));
    }
    let mut strange = Vec::new();
    log.each(begin, size, |index, entry| {
        let is_enrol = Leaf::from_bytes(entry).is_ok_and(|leaf| leaf.kind() == LeafKind::Enrol);
        if is_enrol && !known.enrolments.contains(&index) && !known.retirements.contains(&index) {
            strange.push(index);
        }
    })?;
    if let Some(first) = strange.first() {
        findings.push(format!(
            "{} leaves of the log, the first of them {first}, enrol or retire hosts that the answer leaves out",
            strange.len()
        ));
    }
    Ok(Denominator::Proved)
}

/// Leaves that the proof's chains begin and end with.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) enrolments: BTreeSet<u64>,
    pub(super) retirements: BTreeSet<u64>,
}

/// The root of the index that the proof has; none where none was in the log yet.
fn newest_root(
    path: &Path,
    log: &History<'_>,
    size: u64,
) -> Result<Result<Option<IndexRootRecord>, String>, CliError> {
    if !path.exists() {
        return Ok(Ok(None));
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    let item = ItemReader::new(BufReader::new(file)).and_then(|mut reader| reader.next_item());
    let item = match item {
        Ok(Some(item)) => item,
        Ok(None) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Item::IndexRoot(committed) = &item else { return Ok(Err("not a root of the index".to_owned())) };
    if committed.leaf >= size {
        return Ok(Err(format!("leaf {} is not in front of the answer", committed.leaf)));
    }
    if let Err(why) = log.committed(committed.leaf, &leaf_of(&item))? {
        return Ok(Err(why));
    }
    match IndexRootRecord::decode(&committed.record) {
        Ok(root) if root.size == committed.leaf => Ok(Ok(Some(root))),
        Ok(root) => Ok(Err(format!("it says that it is of {} leaves", root.size))),
        Err(error) => Ok(Err(error.to_string())),
    }
}
