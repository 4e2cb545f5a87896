//! What the leaves of a log are, as far as anybody can see it: how many of each kind, and which of them anchor archived
//! checkpoints.

use std::collections::BTreeMap;

use evidence::digest::Sha256Digest;
use ledger::leaf::{Leaf, LeafKind, Salt};
use ledger::tree::LeafIndex;

use super::entries::EntryWriter;

/// What was seen on the way through a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaves {
    /// How many there are of each kind, by its number.
    pub(super) kinds: BTreeMap<u8, u64>,
    /// The anchors, by their places.
    pub(super) anchors: BTreeMap<u64, [u8; Leaf::SIZE]>,
    /// The first entry that is no leaf of a kind that is known, and why.
    pub(super) unknown: Option<(u64, String)>,
    /// Where the entries are kept, if they are.
    pub(super) kept: Option<EntryWriter>,
}

impl Leaves {
    /// None yet, of the same kind.
    pub(super) fn another(&self) -> Self {
        Self { kept: self.kept.as_ref().map(EntryWriter::another), ..Self::default() }
    }

    pub(super) fn see(&mut self, index: LeafIndex, entry: &[u8]) {
        if let Some(kept) = &mut self.kept {
            kept.put(index.get(), entry);
        }
        match Leaf::from_bytes(entry) {
            Ok(leaf) => {
                *self.kinds.entry(leaf.kind().code()).or_default() += 1;
                if leaf.kind() == LeafKind::Anchor {
                    self.anchors.insert(index.get(), leaf.to_bytes());
                }
            }
            Err(error) if self.unknown.is_none() => self.unknown = Some((index.get(), error.to_string())),
            Err(_) => {}
        }
    }

    /// Adds what was seen later.
    pub(super) fn merge(&mut self, later: Self) {
        for (kind, count) in later.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.anchors.extend(later.anchors);
        self.unknown = self.unknown.take().or(later.unknown);
        if let (Some(kept), Some(later)) = (&mut self.kept, later.kept) {
            kept.merge(later);
        }
    }
}

/// The leaf that anchors an archived checkpoint. Its salt is all zeroes, since the record is public.
pub(super) fn anchor(note: &[u8]) -> Leaf {
    Leaf::anchor(&Salt::from_bytes([0; 32]), Sha256Digest::of(&[note]).as_bytes())
}

/// A kind of leaf in words.
pub(super) const fn kind_name(kind: u8) -> &'static str {
    match kind {
        1 => "attestations",
        2 => "enrolments",
        3 => "index roots",
        4 => "operator actions",
        5 => "anchors",
        _ => "unknown",
    }
}
