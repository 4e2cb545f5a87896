use proptest::prelude::*;

use super::*;
use crate::note::{SignedNote, SignerKey, VerifierKey};
use crate::proof::ConsistencyProof;
use crate::testing::{self, MemoryLog, Seeded, signer};
use crate::tree::{prove_consistency, prove_inclusion};

/// A head of Go's checksum database, and the key that every Go toolchain holds.
const GO_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const GO_HEAD: &str = "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n\n\
    — sum.golang.org \
    Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n";

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn origin(text: &str) -> Origin {
    Origin::new(text).unwrap()
}

/// A signed head of a log in memory.
fn sign(log: &MemoryLog, key: &SignerKey) -> SignedCheckpoint {
    let origin = key.verifier_key().name().into();
    let checkpoint = Checkpoint::new(origin, log.frontier.size(), log.frontier.root()).unwrap();
    SignedCheckpoint::sign(checkpoint, key).unwrap()
}

#[test]
fn a_log_that_is_in_use() {
    let signed = SignedCheckpoint::parse(GO_HEAD.as_bytes()).unwrap();
    let key: VerifierKey = GO_KEY.parse().unwrap();
    let verified = signed.verify_as(&origin("go.sum database tree"), &key).unwrap();
    assert_eq!(verified.checkpoint().size().get(), 6_476_701);
    assert_eq!(verified.signed().as_bytes(), GO_HEAD.as_bytes());
    let other = CheckpointError::OtherLog {
        expected: origin("sum.golang.org"),
        found: origin("go.sum database tree"),
    };
    assert_eq!(signed.verify(&key), Err(other));
}

/// C2SP tlog-checkpoint v1.0.0: the text of the specification's example.
#[test]
fn the_specifications_example() {
    let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    assert_eq!(checkpoint.origin().as_str(), "example.com/behind-the-sofa");
    assert_eq!((checkpoint.size().get(), checkpoint.root().to_string()), (20_852_163, ROOT.to_owned()));
    assert_eq!(checkpoint.to_string(), text);
}

/// C2SP tlog-checkpoint v1.0.0, Note text.
#[test]
fn what_is_no_checkpoint() {
    let check = |text: &str, expected: CheckpointError| {
        assert_eq!(Checkpoint::parse(text), Err(expected), "{text:?}");
    };
    let missing = |part, offset| CheckpointError::Missing { part, offset };
    check("", missing(Part::Origin, 0));
    check("o", missing(Part::Origin, 0));
    check("o\n", missing(Part::Size, 2));
    check("o\n1\n", missing(Part::Root, 4));
    check(&format!("o\n1\n{ROOT}"), missing(Part::Root, 4));
    check(&format!("o\n1\n{ROOT}\n\n"), CheckpointError::Extension { offset: 49 });
    check(&format!("o\n1\n{ROOT}\nextension\n"), CheckpointError::Extension { offset: 49 });
    check(&format!("o\n1\n{ROOT}\nx"), CheckpointError::Extension { offset: 49 });
    let origin = |reason| CheckpointError::Origin { offset: 0, reason };
    check(&format!("\n1\n{ROOT}\n"), origin(OriginError::Length { found: 0 }));
    check(&format!("{}\n1\n{ROOT}\n", "o".repeat(256)), origin(OriginError::Length { found: 256 }));
    check(&format!("a\rb\n1\n{ROOT}\n"), origin(OriginError::ControlCharacter { offset: 1 }));
    for size in ["", "01", "00", "+1", "-1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"] {
        check(&format!("o\n{size}\n{ROOT}\n"), CheckpointError::Size { offset: 2 });
    }
    let size = 1 << 63;
    check(&format!("o\n{size}\n{ROOT}\n"), CheckpointError::SizeRange(TreeError::SizeTooLarge { size }));
    for root in ["", "AAAA", &ROOT[..43], &format!("{ROOT}="), &format!(" {ROOT}")] {
        check(&format!("o\n1\n{root}\n"), CheckpointError::Root { offset: 4, reason: HashError::Base64 });
    }
    check(&format!("o\n0\n{ROOT}\n"), CheckpointError::EmptyRoot);
    assert!(Checkpoint::parse(&format!("o\n0\n{}\n", Hash::empty_root())).is_ok());
}

#[test]
fn a_checkpoint_is_one_logs_and_signed_by_its_key() {
    let (key, log) = (signer("example.com/log", 1), MemoryLog::of(5));
    let signed = sign(&log, &key);
    assert_eq!(SignedCheckpoint::parse(signed.as_bytes()), Ok(signed.clone()));
    assert_eq!(signed.verify(key.verifier_key()).unwrap().checkpoint(), signed.claim());
    let stranger = signer("example.com/log", 2);
    assert_eq!(
        signed.verify(stranger.verifier_key()),
        Err(CheckpointError::Note(NoteError::NoKnownKey)),
        "the name alone is not enough"
    );
    let other = CheckpointError::OtherLog { expected: origin("other"), found: origin("example.com/log") };
    let other_key = signer("other", 1);
    assert_eq!(signed.verify(other_key.verifier_key()), Err(other.clone()));
    assert_eq!(SignedCheckpoint::sign(signed.claim().clone(), &other_key), Err(other));
}

#[test]
fn a_witness_cannot_stand_in_for_the_log() {
    let (key, witness) = (signer("example.com/log", 1), signer("witness.example", 2));
    let claim = sign(&MemoryLog::of(5), &key).claim().clone();
    let forged = SignedNote::sign(&claim.to_string(), &[&witness]).unwrap();
    let forged = SignedCheckpoint::parse(forged.as_bytes()).unwrap();
    let refused = Err(CheckpointError::Note(NoteError::NoKnownKey));
    assert_eq!(forged.verify(key.verifier_key()), refused);
}

#[test]
fn a_witness_is_added_beside_the_log() {
    let (key, witness) = (signer("example.com/log", 1), signer("witness.example", 2));
    let mut signed = sign(&MemoryLog::of(5), &key);
    let both = SignedNote::sign(&signed.claim().to_string(), &[&key, &witness]).unwrap();
    signed.add_signature(both.signatures()[1].clone()).unwrap();
    assert_eq!(signed.as_bytes(), both.as_bytes());
    assert!(signed.verify(key.verifier_key()).is_ok());
    let known = [key.verifier_key().clone(), witness.verifier_key().clone()];
    assert_eq!(signed.note().open(&known).unwrap().signers(), known);
}

#[test]
fn a_log_that_grows_and_one_that_was_rewritten() {
    let key = signer("example.com/log", 1);
    let (old_log, new_log) = (MemoryLog::of(5), MemoryLog::of(9));
    let verify = |signed: SignedCheckpoint| signed.verify(key.verifier_key()).unwrap();
    let (old, new) = (verify(sign(&old_log, &key)), verify(sign(&new_log, &key)));
    let proof = prove_consistency(&new_log, testing::size(5), testing::size(9)).unwrap();
    assert_eq!(new.verify_follows(&old, &proof), Ok(()));
    let shrinks = ProofError::Shrinks { old: testing::size(9), new: testing::size(5) };
    assert_eq!(old.verify_follows(&new, &proof), Err(shrinks.into()));

    let index = testing::index(3);
    let proof = prove_inclusion(&new_log, index, testing::size(9)).unwrap();
    assert_eq!(new.verify_inclusion(&new_log.leaves[3], index, &proof), Ok(()));
    let refused = Err(ProofError::RootMismatch);
    assert_eq!(new.verify_inclusion(&new_log.leaves[2], index, &proof), refused);

    let mut forked = MemoryLog::of(4);
    forked.push(Hash::leaf(b"rewritten"));
    let same_size = verify(sign(&forked, &key));
    let forked_at = ProofError::Forked { size: testing::size(5) };
    assert_eq!(same_size.verify_follows(&old, &ConsistencyProof::default()), Err(forked_at.into()));

    let other_key = signer("example.com/other", 1);
    let other = sign(&old_log, &other_key).verify(other_key.verifier_key()).unwrap();
    let error = new.verify_follows(&other, &ConsistencyProof::default()).unwrap_err();
    assert!(matches!(error, CheckpointError::OtherLog { .. }), "{error}");
}

#[test]
fn damaged_checkpoints() {
    let key: VerifierKey = GO_KEY.parse().unwrap();
    let (go, genuine) =
        (origin("go.sum database tree"), SignedCheckpoint::parse(GO_HEAD.as_bytes()).unwrap());
    let (mut seeded, mut parsed, mut refused) = (Seeded(3), 0, 0);
    for _ in 0..20_000 {
        let damaged = seeded.damage(GO_HEAD.as_bytes());
        let Ok(signed) = SignedCheckpoint::parse(&damaged) else {
            refused += 1;
            continue;
        };
        parsed += 1;
        assert_eq!(signed.as_bytes(), damaged);
        assert_eq!(signed.claim().to_string(), signed.note().text());
        if signed.verify_as(&go, &key).is_ok() {
            assert_eq!(signed.claim(), genuine.claim());
        }
    }
    assert!(parsed > 500 && refused > 500, "{parsed} parsed, {refused} refused");
}

proptest! {
    #[test]
    fn text_round_trip(name in "[^\\x00-\\x1f]{1,60}", leaves in 1..=LogSize::MAX.get(), root: [u8; 32]) {
        let size = LogSize::new(leaves).unwrap();
        let checkpoint = Checkpoint::new(origin(&name), size, Hash::from_bytes(root)).unwrap();
        prop_assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
    }

    #[test]
    fn whatever_parses_is_written_back_as_it_was(text in "[a-z ]{0,3}\n{0,2}[0-9]{0,20}\n[A-Za-z0-9+/]{42,44}=?\n{0,2}") {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
