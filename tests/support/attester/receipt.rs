//! What an attester has seen of the log, and how it checks what it is shown.
//!
//! In: the log's pinned key and receipts. Out: a view that only grows, or an error. It does not compare its view with
//! anybody else's.

use anyhow::{Context as _, Result, bail, ensure};
use evidence::body::CheckpointView;
use evidence::digest::Sha256Digest;
use evidence::envelope::Evidence;
use ledger::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use ledger::hash::Hash;
use ledger::leaf::{Leaf, LeafKind, Salt};
use ledger::note::VerifierKey;
use ledger::proof::{ConsistencyProof, InclusionProof};
use ledger::tree::LeafIndex;
use wire::Base64Bytes;
use wire::submit::Receipt;

/// How much of the log is known.
#[derive(Debug)]
pub(super) enum LogView {
    /// Not enrolled.
    Unknown,
    /// A key, and the newest checkpoint that was verified.
    Pinned { key: Box<VerifierKey>, seen: Option<Box<VerifiedCheckpoint>> },
}

impl LogView {
    pub(super) fn pin(vkey: &str) -> Result<Self> {
        Ok(Self::Pinned { key: Box::new(vkey.parse().context("the log's key")?), seen: None })
    }

    /// As the next body names it.
    pub(super) fn checkpoint(&self) -> CheckpointView {
        match self {
            Self::Pinned { seen: Some(seen), .. } => CheckpointView {
                size: seen.checkpoint().size().get(),
                root: Sha256Digest::new(*seen.checkpoint().root().as_bytes()),
            },
            Self::Unknown | Self::Pinned { seen: None, .. } => CheckpointView::none(),
        }
    }

    /// Checks a receipt's proofs and moves on to its checkpoint; gives the leaf.
    pub(super) fn accept(&mut self, receipt: &Receipt) -> Result<Leaf> {
        let from = self.checkpoint().size;
        let Self::Pinned { key, seen } = self else { bail!("a receipt before an enrolment") };
        let new = SignedCheckpoint::parse(receipt.checkpoint.as_bytes())?.verify(key)?;
        let leaf = Leaf::from_bytes(&receipt.leaf.0)?;
        let inclusion = InclusionProof::new(hashes(&receipt.inclusion)?)?;
        new.verify_inclusion(&leaf.hash(), LeafIndex::new(receipt.index)?, &inclusion)?;
        ensure!(receipt.from_size == from, "proven from {}, asked from {from}", receipt.from_size);
        if let Some(old) = seen {
            new.verify_follows(old, &ConsistencyProof::new(hashes(&receipt.consistency)?)?)?;
        }
        *seen = Some(Box::new(new));
        Ok(leaf)
    }

    /// As [`Self::accept`], and the leaf must be that of the evidence.
    pub(super) fn accept_evidence(&mut self, evidence: &Evidence, receipt: &Receipt) -> Result<()> {
        let leaf = self.accept(receipt)?;
        ensure!(leaf.kind() == LeafKind::Attestation, "a leaf of another kind: {:?}", leaf.kind());
        leaf.verify_record(&Salt::from_bytes(evidence.body().salt), evidence.digest().as_bytes())?;
        Ok(())
    }
}

fn hashes(list: &[Base64Bytes]) -> Result<Vec<Hash>> {
    list.iter().map(|hash| Hash::from_slice(&hash.0).context("a proof's hash")).collect()
}
