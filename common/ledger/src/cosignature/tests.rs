//! Cosignatures that hold, and every way in which one is passed off as another.

use super::*;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::hash::Hash;
use crate::note::{KeyError, SignerKey};
use crate::testing::{signer, size};

fn cosigner(name: &str, seed: u8) -> CosignerSecret {
    CosignerSecret::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
}

fn checkpoint(log: &SignerKey, leaves: usize, root: &[u8]) -> SignedCheckpoint {
    let origin = log.verifier_key().name().into();
    SignedCheckpoint::sign(Checkpoint::new(origin, size(leaves), Hash::leaf(root)).unwrap(), log).unwrap()
}

fn cosigned(by: &CosignerSecret, log: &SignerKey, leaves: usize, root: &[u8], time: u64) -> SignedCheckpoint {
    let mut signed = checkpoint(log, leaves, root);
    let line = by.cosign(&signed.verify(log.verifier_key()).unwrap(), time).unwrap();
    signed.add_signature(line).unwrap();
    signed
}

/// Puts the last signature line of one checkpoint under another.
fn moved(from: &SignedCheckpoint, mut to: SignedCheckpoint) -> SignedCheckpoint {
    to.add_signature(from.note().signatures().last().unwrap().clone()).unwrap();
    to
}

fn bad(result: &Result<Option<u64>, CosignatureError>) -> bool {
    matches!(result, Err(CosignatureError::Bad { .. }))
}

#[test]
fn a_cosignature_tells_its_time() {
    let (log, witness) = (signer("log.example/1", 1), cosigner("witness.example/w", 2));
    let signed = cosigned(&witness, &log, 7, b"root", 1_679_315_147);
    let again = SignedCheckpoint::parse(signed.as_bytes()).unwrap();
    assert_eq!(witness.cosigner_key().verify(&again), Ok(Some(1_679_315_147)));
    // The log's own signature still verifies beside it.
    again.verify(log.verifier_key()).unwrap();
    let line = again.note().signatures().last().unwrap();
    assert_eq!(line.as_bytes().len(), 72);
    assert_eq!(line.as_bytes()[..8], 1_679_315_147_u64.to_be_bytes());
}

/// C2SP tlog-cosignature v1.0.1, Ed25519 signed message: byte for byte.
#[test]
fn the_signed_message() {
    let text = "log.example/1\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let expected =
        "cosignature/v1\ntime 1679315147\nlog.example/1\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(message(1_679_315_147, text), expected);
}

/// C2SP signed-note v1.0.0, Signatures: the type is in the key's id, so one key has two ids.
#[test]
fn the_id_of_a_cosigner_is_not_that_of_a_note_key() {
    let (note, witness) = (signer("example.com/w", 2), cosigner("example.com/w", 2));
    assert_eq!(note.verifier_key().as_bytes(), witness.cosigner_key().as_bytes());
    assert_ne!(note.verifier_key().id(), witness.cosigner_key().id());
    let text = witness.cosigner_key().to_string();
    assert_eq!(text.parse(), Ok(witness.cosigner_key().clone()));
    let refused = text.parse::<crate::note::VerifierKey>();
    assert_eq!(refused, Err(KeyError::SignatureType { expected: 1, found: 4 }));
    let refused = note.verifier_key().to_string().parse::<CosignerKey>();
    assert_eq!(refused, Err(KeyError::SignatureType { expected: 4, found: 1 }));
}

#[test]
fn a_secret_round_trips_and_is_not_shown() {
    let witness = cosigner("example.com/w", 2);
    let text = witness.to_secret_text();
    let again = CosignerSecret::from_secret_text(&text).unwrap();
    assert_eq!(again.cosigner_key(), witness.cosigner_key());
    assert!(!format!("{witness:?}").contains(&text));
    let note = signer("example.com/w", 2).to_secret_text();
    assert!(matches!(CosignerSecret::from_secret_text(&note), Err(KeyError::SignatureType { .. })));
}

#[test]
fn the_cosignature_of_an_older_checkpoint_does_not_count() {
    let (log, witness) = (signer("log.example/1", 1), cosigner("witness.example/w", 2));
    let old = cosigned(&witness, &log, 7, b"root", 10);
    assert!(bad(&witness.cosigner_key().verify(&moved(&old, checkpoint(&log, 8, b"root")))));
    assert!(bad(&witness.cosigner_key().verify(&moved(&old, checkpoint(&log, 7, b"other")))));
}

#[test]
fn the_cosignature_of_another_log_does_not_count() {
    let (log, other) = (signer("log.example/1", 1), signer("log.example/2", 1));
    let witness = cosigner("witness.example/w", 2);
    let elsewhere = cosigned(&witness, &other, 7, b"root", 10);
    assert!(bad(&witness.cosigner_key().verify(&moved(&elsewhere, checkpoint(&log, 7, b"root")))));
}

#[test]
fn the_time_is_signed() {
    let (log, witness) = (signer("log.example/1", 1), cosigner("witness.example/w", 2));
    let signed = cosigned(&witness, &log, 7, b"root", 10);
    let line = signed.note().signatures().last().unwrap();
    let mut bytes = line.as_bytes().to_vec();
    bytes[7] = 11;
    let later = NoteSignature::made(line.name().clone(), line.id(), bytes);
    assert!(witness.cosigner_key().verify_line(&signed, &later).is_err());
    assert_eq!(witness.cosigner_key().verify_line(&signed, line), Ok(10));
}

#[test]
fn times_beyond_the_specification_are_refused() {
    let (log, witness) = (signer("log.example/1", 1), cosigner("witness.example/w", 2));
    let verified = checkpoint(&log, 7, b"root").verify(log.verifier_key()).unwrap();
    assert!(witness.cosign(&verified, MAX_TIME).is_ok());
    assert_eq!(witness.cosign(&verified, MAX_TIME + 1), Err(CosignatureError::Time { found: MAX_TIME + 1 }));
    let mut forged = checkpoint(&log, 7, b"root");
    let key = witness.cosigner_key();
    forged.add_signature(NoteSignature::made(key.name().clone(), key.id(), vec![0xff; 72])).unwrap();
    assert_eq!(key.verify(&forged), Err(CosignatureError::Time { found: u64::MAX }));
    let mut short = checkpoint(&log, 7, b"root");
    short.add_signature(NoteSignature::made(key.name().clone(), key.id(), vec![0; 71])).unwrap();
    assert_eq!(key.verify(&short), Err(CosignatureError::Length { found: 71 }));
}

/// A stranger's line with the same id, or the same name, is not the witness's; his key under the witness's name and id
/// is a bad signature.
#[test]
fn a_key_of_the_same_name_does_not_count() {
    let (log, witness) = (signer("log.example/1", 1), cosigner("witness.example/w", 2));
    let impostor = cosigner("witness.example/w", 3);
    let signed = cosigned(&impostor, &log, 7, b"root", 10);
    assert_eq!(witness.cosigner_key().verify(&signed), Ok(None));
    let line = signed.note().signatures().last().unwrap();
    let named =
        NoteSignature::made(line.name().clone(), witness.cosigner_key().id(), line.as_bytes().to_vec());
    let mut forged = checkpoint(&log, 7, b"root");
    forged.add_signature(named.clone()).unwrap();
    assert!(bad(&witness.cosigner_key().verify(&forged)));
    // A good one beside it does not save the note.
    let good = cosigned(&witness, &log, 7, b"root", 10);
    let mut both = good.clone();
    both.add_signature(named).unwrap();
    assert!(bad(&witness.cosigner_key().verify(&both)));
    let other = cosigner("another.example/w", 2);
    assert_eq!(other.cosigner_key().verify(&good), Ok(None));
}
