//! What the log says that its verifier's index was, computed again from the evidence.
//!
//! In: the file of roots of an export; what each chain came to at each of their sizes. Out: how many follow from what was exported. A root
//! that does not was made by an index that had a host, a piece of evidence or a fact more, less or otherwise: answers that were given from
//! it prove nothing.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::export::Item;
use evidence::record::IndexRootRecord;
use inquiry::profile::EXTRACTOR;
use inquiry::root::{Chain, ChainFacts, RootBuilder};
use serde::Serialize;
use wire::export::{INDEX_ROOTS, ItemReader};

use super::chain::{self, ChainReport};
use super::history::History;
use crate::error::CliError;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct RootsReport {
    /// Those that follow from the evidence.
    pub(super) agree: u64,
    /// The leaves of those that do not.
    pub(super) differ: Vec<u64>,
    /// By another version of the extractor than this program's.
    pub(super) other_extractor: u64,
    /// Not every host was exported.
    pub(super) partial: u64,
    /// Their leaves are not published yet.
    pub(super) beyond: u64,
}

/// Reads the roots, in the order of the log.
pub(super) fn read(
    dir: &Path,
    history: &History<'_>,
    (report, findings): (&mut RootsReport, &mut Vec<String>),
) -> Result<Vec<IndexRootRecord>, CliError> {
    let path = dir.join(INDEX_ROOTS);
    let mut roots = Vec::new();
    // Exports of earlier versions, and those of some hosts, have none.
    if !path.exists() {
        return Ok(roots);
    }
    let file = File::open(&path).map_err(|error| CliError::file(&path, &error))?;
    let mut reader = match ItemReader::new(BufReader::new(file)) {
        Ok(reader) => reader,
        Err(error) => {
            findings.push(format!("{INDEX_ROOTS}: {error}"));
            return Ok(roots);
        }
    };
    loop {
        let item = match reader.next_item() {
            Ok(Some(item)) => item,
            Ok(None) => return Ok(roots),
            Err(error) => {
                findings.push(format!("{INDEX_ROOTS}: {error}"));
                return Ok(roots);
            }
        };
        let leaf = item.leaf();
        if !history.has(leaf) {
            report.beyond += 1;
            continue;
        }
        match root(&item, history)? {
            Ok(record) if record.extractor == EXTRACTOR => roots.push(record),
            Ok(_) => report.other_extractor += 1,
            Err(why) => findings.push(format!("{INDEX_ROOTS}: leaf {leaf}: {why}")),
        }
        // So many are no export's.
        if roots.len() > ROOTS {
            findings.push(format!("{INDEX_ROOTS}: over {ROOTS} roots"));
            return Ok(roots);
        }
    }
}

fn root(item: &Item, history: &History<'_>) -> Result<Result<IndexRootRecord, String>, CliError> {
    let Item::IndexRoot(committed) = item else { return Ok(Err("not a root of the index".to_owned())) };
    if let Err(why) = history.committed(committed.leaf, &chain::leaf_of(item))? {
        return Ok(Err(why));
    }
    let record = match IndexRootRecord::decode(&committed.record) {
        Ok(record) => record,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if record.size != committed.leaf {
        return Ok(Err(format!("it says that it is of {} leaves", record.size)));
    }
    Ok(history.timely(committed.leaf, record.at_ms).map(|()| record))
}

/// What a chain came to at each of some sizes, as it is read.
#[derive(Debug)]
pub(super) struct AtSizes<'a> {
    sizes: &'a [u64],
    found: Vec<ChainFacts>,
    facts: ChainFacts,
}

impl<'a> AtSizes<'a> {
    pub(super) const fn new(sizes: &'a [u64]) -> Self {
        Self { sizes, found: Vec::new(), facts: ChainFacts::kept(None) }
    }

    /// Evidence with this leaf comes next, and these are the facts with it.
    pub(super) fn next(&mut self, leaf: u64, with: impl FnOnce(ChainFacts) -> ChainFacts) {
        let reached = self.sizes.partition_point(|size| *size <= leaf);
        self.found.resize(reached.max(self.found.len()), self.facts);
        self.facts = with(self.facts);
    }

    /// In hex, and nothing where there was no evidence yet.
    pub(super) fn end(mut self) -> Vec<String> {
        self.found.resize(self.sizes.len(), self.facts);
        let text = |facts: &ChainFacts| facts.digest().map(|digest| digest.to_string()).unwrap_or_default();
        self.found.iter().map(text).collect()
    }
}

/// Compares the roots with what the chains came to.
pub(super) fn compare(
    roots: &[IndexRootRecord],
    chains: &[ChainReport],
    (report, findings): (&mut RootsReport, &mut Vec<String>),
) {
    for (number, root) in roots.iter().enumerate() {
        let mut builder = RootBuilder::default();
        // The chains come in the order of the log.
        let built: Option<()> = chains.iter().filter(|chain| chain.leaf < root.size).try_for_each(|chain| {
            let facts = chain.facts.get(number)?;
            let digest = if facts.is_empty() { None } else { Some(facts.parse::<Sha256Digest>().ok()?) };
            let retired = chain.retired.as_ref().map(|retired| retired.leaf);
            let entry = Chain {
                host: chain.host.parse::<HostId>().ok()?,
                chain: chain.chain.parse::<ChainId>().ok()?,
                enrolled: chain.leaf,
                retired: retired.filter(|leaf| *leaf < root.size),
                facts: ChainFacts::kept(digest),
            };
            builder.push(&entry).ok()
        });
        if built.is_some() && (builder.chains(), builder.root()) == (root.chains, root.root) {
            report.agree += 1;
        } else {
            report.differ.push(root.size);
        }
    }
    if let Some(first) = report.differ.first() {
        let count = report.differ.len();
        findings.push(format!(
            "{count} roots of the index, the first of them leaf {first}, do not follow from what was exported: answers came from \
             something else"
        ));
    }
}

/// One a day for 200 years; an export that has more holds nothing up.
const ROOTS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_those_of_the_evidence_in_front_of_a_size() {
        let digest = |n: u8| ChainFacts::kept(Some(Sha256Digest::new([n; 32])));
        let mut at = AtSizes::new(&[3, 5, 6, 9]);
        at.next(4, |facts| {
            assert_eq!(facts, ChainFacts::default());
            digest(1)
        });
        at.next(6, |facts| {
            assert_eq!(facts, digest(1));
            digest(2)
        });
        let text = |n: u8| Sha256Digest::new([n; 32]).to_string();
        assert_eq!(at.end(), [String::new(), text(1), text(1), text(2)]);
        assert_eq!(AtSizes::new(&[3]).end(), [String::new()]);
    }
}
