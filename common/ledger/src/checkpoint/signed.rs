//! Checkpoints in their notes: received or signed, and then verified.
//!
//! In: a log's note, and its key. Out: witness types: only a [`VerifiedCheckpoint`] answers whether a leaf is in
//! the log, or whether the log only grew. It does not establish that others are shown the same checkpoint.

use crate::hash::Hash;
use crate::note::{NoteSignature, SignedNote, SignerKey, VerifierKey};
use crate::proof::{ConsistencyProof, InclusionProof, ProofError, verify_consistency, verify_inclusion};
use crate::tree::LeafIndex;

use super::{Checkpoint, CheckpointError, Origin};

/// A checkpoint as received or signed, with its raw note. Not to be believed before it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: SignedNote,
    checkpoint: Checkpoint,
}

impl SignedCheckpoint {
    /// Reads a checkpoint; no signature is verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(bytes)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { note, checkpoint })
    }

    /// Signs a checkpoint with its log's key, whose name must be the origin.
    ///
    /// A log must never sign two checkpoints between which there is no consistency proof: that is the caller's
    /// to keep, by storing the head before it signs the next.
    pub fn sign(checkpoint: Checkpoint, key: &SignerKey) -> Result<Self, CheckpointError> {
        check_origin(&checkpoint, &key.verifier_key().name().into())?;
        let note = SignedNote::sign(&checkpoint.to_string(), &[key])?;
        Ok(Self { note, checkpoint })
    }

    /// Appends a signature that was made elsewhere, such as a witness's. Nothing is verified here.
    pub fn add_signature(&mut self, signature: NoteSignature) -> Result<(), CheckpointError> {
        Ok(self.note.add_signature(signature)?)
    }

    /// Verifies that the checkpoint is of the log with this key, whose name is the origin, and signed by it.
    //= C2SP tlog-checkpoint v1.0.0, Signatures: the key name should match the origin line
    pub fn verify(&self, log: &VerifierKey) -> Result<VerifiedCheckpoint, CheckpointError> {
        self.verify_as(&log.name().into(), log)
    }

    /// Verifies that the checkpoint is of the log with this origin, and signed by this key of another name.
    pub fn verify_as(
        &self,
        origin: &Origin,
        log: &VerifierKey,
    ) -> Result<VerifiedCheckpoint, CheckpointError> {
        self.verify_by_any(origin, std::slice::from_ref(log))
    }

    /// Verifies that the checkpoint is of the log with this origin, and signed by one of its keys. A bad signature in the
    /// name of any of them refuses it.
    pub fn verify_by_any(
        &self,
        origin: &Origin,
        keys: &[VerifierKey],
    ) -> Result<VerifiedCheckpoint, CheckpointError> {
        check_origin(&self.checkpoint, origin)?;
        self.note.open(keys)?;
        Ok(VerifiedCheckpoint { signed: self.clone() })
    }

    /// What the checkpoint claims.
    pub const fn claim(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note, byte for byte as it was read or signed.
    pub const fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The bytes of the note.
    pub fn as_bytes(&self) -> &[u8] {
        self.note.as_bytes()
    }
}

/// A checkpoint that its log's key has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    signed: SignedCheckpoint,
}

impl VerifiedCheckpoint {
    /// What the log says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.signed.checkpoint
    }

    /// The checkpoint with its note, to store or to pass on.
    pub const fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Verifies that the log has `leaf` at `index`.
    pub fn verify_inclusion(
        &self,
        leaf: &Hash,
        index: LeafIndex,
        proof: &InclusionProof,
    ) -> Result<(), ProofError> {
        let checkpoint = self.checkpoint();
        verify_inclusion(leaf, index, checkpoint.size(), proof, checkpoint.root())
    }

    /// Verifies that this log only grew since `old`, which must be a checkpoint of the same log.
    pub fn verify_follows(
        &self,
        old: &VerifiedCheckpoint,
        proof: &ConsistencyProof,
    ) -> Result<(), CheckpointError> {
        let (new, old) = (self.checkpoint(), old.checkpoint());
        if new.origin() != old.origin() {
            return Err(CheckpointError::OtherLog {
                expected: old.origin().clone(),
                found: new.origin().clone(),
            });
        }
        Ok(verify_consistency(old.size(), old.root(), new.size(), new.root(), proof)?)
    }
}

fn check_origin(checkpoint: &Checkpoint, expected: &Origin) -> Result<(), CheckpointError> {
    if checkpoint.origin() == expected {
        return Ok(());
    }
    Err(CheckpointError::OtherLog { expected: expected.clone(), found: checkpoint.origin().clone() })
}
