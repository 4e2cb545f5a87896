//! Signed notes, checkpoints, keys and proof files: what parses is written back to the same text.

use ledger::checkpoint::SignedCheckpoint;
use ledger::note::{SignedNote, VerifierKey};
use ledger::proof_file::ProofFile;

/// The target's body.
pub fn notes(bytes: &[u8]) {
    if let Ok(note) = SignedNote::parse(bytes) {
        assert_eq!(note.as_bytes(), bytes);
    }
    let _checkpoint = SignedCheckpoint::parse(bytes);
    if let Ok(proof) = ProofFile::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes);
    }
    if let Some(key) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<VerifierKey>().ok()) {
        assert_eq!(key.to_string().as_bytes(), bytes);
    }
}
