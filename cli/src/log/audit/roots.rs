//! What the log says that its verifier's index was, computed again from the evidence.
//!
//! In: the file of roots of an export; what each chain came to at each of their sizes. Out: how many follow from what was exported. A root
//! that does not was made by an index that had a host, a piece of evidence or a fact more, less or otherwise: answers that were given from
//! it prove nothing.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use evidence::digest::{ChainId, HostId};
use evidence::export::Item;
use evidence::record::IndexRootRecord;
use inquiry::profile::EXTRACTOR;
use inquiry::root::{Chain, ChainFacts, RootBuilder};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wire::export::{INDEX_ROOTS, ItemReader};

use super::chain::{self, ChainReport};
use super::history::History;
use crate::error::CliError;
use crate::limits;

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
        if roots.len() > limits::INDEX_ROOTS {
            findings.push(format!("{INDEX_ROOTS}: over {} roots", limits::INDEX_ROOTS));
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

    pub(super) fn end(mut self) -> Facts {
        self.found.resize(self.sizes.len(), self.facts);
        Facts(self.found)
    }
}

/// What a chain came to at each root of the index. In files it is a text of digests in hex, `-` where there was no evidence yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(Vec<ChainFacts>);

impl Facts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text =
            |facts: &ChainFacts| facts.digest().map_or_else(|| "-".to_owned(), |digest| digest.to_string());
        to.serialize_str(&self.0.iter().map(text).collect::<Vec<_>>().join(" "))
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let facts = |word: &str| match word {
            "-" => Ok(ChainFacts::kept(None)),
            digest => digest.parse().map(|digest| ChainFacts::kept(Some(digest))),
        };
        let text = String::deserialize(from)?;
        text.split_whitespace().map(facts).collect::<Result<_, _>>().map(Self).map_err(D::Error::custom)
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
            let retired = chain.retired.as_ref().map(|retired| retired.leaf);
            let entry = Chain {
                host: chain.host.parse::<HostId>().ok()?,
                chain: chain.chain.parse::<ChainId>().ok()?,
                enrolled: chain.leaf,
                retired: retired.filter(|leaf| *leaf < root.size),
                facts: *chain.facts.0.get(number)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::digest::Sha256Digest;

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
        let found = at.end();
        assert_eq!(found, Facts(vec![ChainFacts::default(), digest(1), digest(1), digest(2)]));
        assert_eq!(AtSizes::new(&[3]).end(), Facts(vec![ChainFacts::default()]));
        let kept = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&kept).unwrap(), found);
        assert!(serde_json::from_str::<Facts>("\"- 00\"").is_err());
    }
}
