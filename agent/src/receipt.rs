//! Verification of what the verifier says it has recorded.
//!
//! In: a receipt, what it must be for, the log's pinned key and the newest checkpoint that this host verified. Out: the
//! new checkpoint and the components whose manifests are wanted. A receipt that does not hold is an alarm: either the
//! verifier is broken, or somebody shows this host another log than he showed before.

use evidence::digest::Sha256Digest;
use evidence::envelope::Evidence;
use ledger::checkpoint::{CheckpointError, SignedCheckpoint, VerifiedCheckpoint};
use ledger::hash::Hash;
use ledger::leaf::{Leaf, LeafError, LeafKind, Salt};
use ledger::note::VerifierKey;
use ledger::proof::{ConsistencyProof, InclusionProof, ProofError};
use ledger::tree::{LeafIndex, TreeError};
use wire::Base64Bytes;
use wire::submit::Receipt;

/// What a receipt must be for.
#[derive(Clone, Copy, Debug)]
pub enum Recorded<'e> {
    /// This evidence.
    Evidence(&'e Evidence),
    /// An enrolment: its record is the verifier's, so that only its kind can be checked.
    Enrolment,
}

/// What a receipt that holds says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The log's head, which contains the record and all that the head before contained.
    pub checkpoint: VerifiedCheckpoint,
    /// The record's place in the log.
    pub index: u64,
    /// Components whose manifests the verifier lacks.
    pub wanted: Vec<Sha256Digest>,
    /// What the verifier made of the host.
    pub status: String,
}

/// Verifies a receipt.
pub fn verify(
    receipt: &Receipt,
    recorded: Recorded<'_>,
    log_key: &VerifierKey,
    newest: Option<&VerifiedCheckpoint>,
) -> Result<VerifiedReceipt, ReceiptError> {
    let checkpoint = SignedCheckpoint::parse(receipt.checkpoint.as_bytes())?.verify(log_key)?;
    let leaf = Leaf::from_bytes(&receipt.leaf.0)?;
    check_leaf(&leaf, recorded)?;
    let inclusion = InclusionProof::new(hashes(&receipt.inclusion)?).map_err(ReceiptError::Inclusion)?;
    checkpoint
        .verify_inclusion(&leaf.hash(), LeafIndex::new(receipt.index)?, &inclusion)
        .map_err(ReceiptError::Inclusion)?;
    if let Some(newest) = newest {
        check_growth(receipt, newest, &checkpoint)?;
    }
    let wanted = receipt.wanted.iter().map(|text| text.parse().map_err(|_| ReceiptError::Wanted));
    Ok(VerifiedReceipt {
        wanted: wanted.collect::<Result<_, _>>()?,
        index: receipt.index,
        status: receipt.status.clone(),
        checkpoint,
    })
}

fn check_leaf(leaf: &Leaf, recorded: Recorded<'_>) -> Result<(), ReceiptError> {
    match recorded {
        Recorded::Evidence(evidence) => {
            let salt = Salt::from_bytes(evidence.body().salt);
            let ours = Leaf::attestation(&salt, evidence.digest().as_bytes());
            if *leaf == ours { Ok(()) } else { Err(ReceiptError::OtherRecord) }
        }
        Recorded::Enrolment if leaf.kind() == LeafKind::Enrol => Ok(()),
        Recorded::Enrolment => Err(ReceiptError::OtherRecord),
    }
}

fn check_growth(
    receipt: &Receipt,
    newest: &VerifiedCheckpoint,
    checkpoint: &VerifiedCheckpoint,
) -> Result<(), ReceiptError> {
    let (before, after) = (newest.checkpoint().size().get(), checkpoint.checkpoint().size().get());
    if after < before {
        return Err(ReceiptError::Shrunk { before, after });
    }
    if receipt.from_size != before {
        return Err(ReceiptError::OtherStart { asked: before, found: receipt.from_size });
    }
    let consistency =
        ConsistencyProof::new(hashes(&receipt.consistency)?).map_err(ReceiptError::Inclusion)?;
    Ok(checkpoint.verify_follows(newest, &consistency)?)
}

fn hashes(received: &[Base64Bytes]) -> Result<Vec<Hash>, ReceiptError> {
    // `ledger` limits how many a proof may have; more than that are not converted first.
    let some = received.iter().take(ledger::limits::MAX_PROOF_HASHES + 1);
    some.map(|bytes| Hash::from_slice(&bytes.0).map_err(|_| ReceiptError::Hash)).collect()
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The checkpoint, its signature, or its consistency with the one before.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The leaf is no leaf.
    #[error("leaf: {0}")]
    Leaf(#[from] LeafError),
    /// An index that no log has.
    #[error("index: {0}")]
    Index(#[from] TreeError),
    /// The leaf is another record's.
    #[error("the leaf is not the one for what was sent")]
    OtherRecord,
    /// A hash of another length.
    #[error("a proof holds something that is no hash")]
    Hash,
    /// The leaf is not in the tree of the checkpoint, or a proof is too long.
    #[error("proof: {0}")]
    Inclusion(ProofError),
    /// The log has fewer leaves than before.
    #[error("the log had {before} leaves and now has {after}")]
    Shrunk {
        /// Then.
        before: u64,
        /// Now.
        after: u64,
    },
    /// The consistency proof starts from another size than the one that this host holds.
    #[error("the consistency proof starts from {found} leaves where {asked} were asked for")]
    OtherStart {
        /// The size asked for.
        asked: u64,
        /// The size in the receipt.
        found: u64,
    },
    /// A wanted component that is no digest.
    #[error("a wanted component is not a digest in hex")]
    Wanted,
}

#[cfg(test)]
mod tests;
