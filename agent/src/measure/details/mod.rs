//! What a file says of itself beside its bytes: who signed it, and what it was built from.
//!
//! In: an open file whose content was just hashed. Out: edges and facts of its manifest entry, in a form that the cache
//! keeps. Nothing is verified; only parts of the file are read.

use std::fs::File;

use evidence::body::{Claim, read_claims, write_claims};
use evidence::cbor::{CborError, Reader, Writer};
use evidence::limits::ENTRY_FACTS;
use evidence::manifest::EntryFlags;
use evidence::principal::{Edge, read_edges, write_edges};

use super::content::Content;
use super::packages::OnDisk;

/// Edges and facts of a file, sorted, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) edges: Vec<Edge>,
    pub(crate) facts: Vec<Claim>,
}

/// A file and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) file: &'a File,
    pub(crate) content: Content,
    pub(crate) name: &'a [u8],
    pub(crate) size: u64,
    pub(crate) flags: EntryFlags,
}

/// Everything that looks at a file. Keys of facts must differ between them.
const READERS: [fn(&Subject<'_>) -> Details; 2] = [build_info, signers];

/// The details of a file, as the cache keeps them; `None` where there are none.
pub(crate) fn of(subject: &Subject<'_>) -> Option<Box<[u8]>> {
    let details = Details::of(subject);
    (!details.is_empty()).then(|| details.encode().into())
}

/// The same as a manifest has it; nothing where the cache gave other bytes than were put there.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Edge>, Vec<Claim>) {
    let Details { edges, facts } = Details::decode(bytes).unwrap_or_default();
    (edges, facts)
}

fn signers(subject: &Subject<'_>) -> Details {
    let Subject { file, name, size, flags, .. } = *subject;
    super::signers::of(file, name, size, flags)
}

fn collect(subject: &Subject<'_>) -> Details {
    let mut all = Details::default();
    for read in READERS {
        let Details { edges, facts } = read(subject);
        all.edges.extend(edges);
        all.facts.extend(facts);
    }
    all.edges.sort_unstable();
    all.edges.dedup();
    all.facts.sort_unstable();
    all.facts.dedup_by(|later, kept| later.key == kept.key);
    all.facts.truncate(ENTRY_FACTS);
    all
}

fn build_info(subject: &Subject<'_>) -> Details {
    if subject.content != Content::Elf {
        return Details::default();
    }
    let source = OnDisk { file: subject.file, length: subject.size };
    Details { edges: Vec::new(), facts: evidence::buildinfo::read(&source) }
}

impl Details {
    pub(crate) fn of(subject: &Subject<'_>) -> Self {
        collect(subject)
    }

    /// Whether there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.edges.is_empty() && self.facts.is_empty()
    }

    /// The canonical bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(2);
        write_edges(&mut w, &self.edges);
        write_claims(&mut w, &self.facts);
        w.finish()
    }

    /// Reads canonical bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of(2)?;
        let edges = read_edges(&mut r)?;
        let facts = read_claims(&mut r, ENTRY_FACTS)?;
        r.end()?;
        Ok(Self { edges, facts })
    }
}

#[cfg(test)]
mod tests;
