use proptest::prelude::*;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::note::SignerKey;
use crate::testing::{self, MemoryLog, Seeded, signer};
use crate::tree::prove_inclusion;

fn key() -> SignerKey {
    signer("example.com/log", 1)
}

/// The proof file of one leaf of a log in memory.
fn file(log: &MemoryLog, leaf: usize) -> ProofFile {
    let (index, size) = (testing::index(leaf), log.frontier.size());
    let origin = key().verifier_key().name().into();
    let checkpoint = Checkpoint::new(origin, size, log.frontier.root()).unwrap();
    let signed = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
    ProofFile::new(index, prove_inclusion(log, index, size).unwrap(), signed)
}

/// C2SP tlog-proof, Format: the lines in their order.
#[test]
fn the_layout_of_a_file() {
    let log = MemoryLog::of(3);
    let file = file(&log, 0);
    let note = file.checkpoint().note().as_str().to_owned();
    let sibling = log.leaves[1];
    let last = log.leaves[2];
    let expected = format!("c2sp.org/tlog-proof@v1\nindex 0\n{sibling}\n{last}\n\n{note}");
    assert_eq!(file.to_string(), expected);
    let file = file.with_extra(b"salt".to_vec()).unwrap();
    let expected = format!("c2sp.org/tlog-proof@v1\nextra c2FsdA==\nindex 0\n{sibling}\n{last}\n\n{note}");
    assert_eq!(file.to_string(), expected);
    assert_eq!(file.unauthenticated_extra(), Some(&b"salt"[..]));
}

#[test]
fn every_leaf_of_a_log_verifies_from_its_file() {
    for leaves in 1..=20 {
        let log = MemoryLog::of(leaves);
        for leaf in 0..leaves {
            let file = file(&log, leaf);
            let read = ProofFile::parse(file.to_string().as_bytes()).unwrap();
            assert_eq!(read, file);
            let verified = read.verify(&log.leaves[leaf], key().verifier_key()).unwrap();
            assert_eq!(verified.checkpoint().size(), testing::size(leaves));
        }
    }
}

#[test]
fn a_file_is_for_one_leaf_and_one_log() {
    let log = MemoryLog::of(7);
    let file = file(&log, 2);
    let refused = Err(ProofFileError::Proof(ProofError::RootMismatch));
    assert_eq!(file.verify(&log.leaves[3], key().verifier_key()), refused);
    let stranger = signer("example.com/log", 2);
    let error = file.verify(&log.leaves[2], stranger.verifier_key()).unwrap_err();
    assert!(matches!(error, ProofFileError::NotVerified(_)), "{error}");
    let moved = file.to_string().replace("index 2\n", "index 7\n");
    let moved = ProofFile::parse(moved.as_bytes()).unwrap();
    let (index, size) = (testing::index(7), testing::size(7));
    let refused = Err(ProofFileError::Proof(ProofError::IndexBeyondTree { index, size }));
    assert_eq!(moved.verify(&log.leaves[2], key().verifier_key()), refused);
}

#[test]
fn what_is_no_proof_file() {
    let good = file(&MemoryLog::of(2), 1).to_string();
    let hash = MemoryLog::of(2).leaves[0].to_string();
    let check = |text: &str, expected: ProofFileError| {
        assert_eq!(ProofFile::parse(text.as_bytes()), Err(expected), "{text}");
    };
    check("", ProofFileError::Truncated { offset: 0 });
    check("c2sp.org/tlog-proof@v1", ProofFileError::Truncated { offset: 0 });
    check("c2sp.org/tlog-proof@v1\nindex 1\n", ProofFileError::Truncated { offset: 31 });
    check("c2sp.org/tlog-proof@v1\nextra AA==\n", ProofFileError::Truncated { offset: 34 });
    check(&good.replace("@v1", "@v2"), ProofFileError::Header);
    check(&good[23..], ProofFileError::Header);
    for index in ["", "01", "+1", "-1", "1 ", "x", "18446744073709551616"] {
        let text = good.replace("index 1\n", &format!("index {index}\n"));
        check(&text, ProofFileError::Index { offset: 23 });
    }
    check(&good.replace("index 1\n", ""), ProofFileError::Index { offset: 23 });
    check(
        &good.replace("index 1\n", "extra AA==\nextra AA==\nindex 1\n"),
        ProofFileError::Index { offset: 34 },
    );
    check(&good.replace("index", "extra AA=\nindex"), ProofFileError::Extra { offset: 23 });
    let index = i64::MAX.cast_unsigned();
    let text = good.replace("index 1\n", &format!("index {index}\n"));
    check(&text, ProofFileError::IndexRange(TreeError::IndexTooLarge { index }));
    let reason = HashError::Base64;
    check(&good.replace(&hash, &hash[1..]), ProofFileError::Hash { offset: 31, reason });
    // Without the empty line, the checkpoint's origin is taken for a hash.
    check(&good.replacen("\n\n", "\n", 1), ProofFileError::Hash { offset: 76, reason });
    let mut not_utf8 = good.clone().into_bytes();
    not_utf8[5] = 0xff;
    assert_eq!(ProofFile::parse(&not_utf8), Err(ProofFileError::NotUtf8 { offset: 5 }));
    let unsigned = good.split_once('\u{2014}').unwrap().0;
    let error = ProofFile::parse(unsigned.as_bytes()).unwrap_err();
    assert!(matches!(error, ProofFileError::Checkpoint { offset: 77, .. }), "{error}");
}

#[test]
fn limits_of_a_file() {
    let file = file(&MemoryLog::of(1), 0);
    let head = "c2sp.org/tlog-proof@v1\nindex 0\n";
    let with_hashes = |count: usize| {
        let hashes = format!("{}\n", Hash::empty_root()).repeat(count);
        format!("{head}{hashes}\n{}", file.checkpoint().note().as_str())
    };
    assert!(ProofFile::parse(with_hashes(64).as_bytes()).is_ok());
    let error = ProofFileError::Proof(ProofError::TooManyHashes { found: 65 });
    assert_eq!(ProofFile::parse(with_hashes(65).as_bytes()), Err(error));

    let full = file.clone().with_extra(vec![7; MAX_EXTRA_BYTES]).unwrap();
    assert_eq!(ProofFile::parse(full.to_string().as_bytes()), Ok(full.clone()));
    let found = MAX_EXTRA_BYTES + 1;
    let error = ProofFileError::ExtraTooLarge { found };
    assert_eq!(file.clone().with_extra(vec![7; found]), Err(error.clone()));
    let extra = |bytes: usize| {
        let line = text::base64_encode(&vec![7; bytes]);
        file.to_string().replace("index", &format!("extra {line}\nindex"))
    };
    assert_eq!(ProofFile::parse(extra(found).as_bytes()), Err(error));
    let error = ProofFile::parse(extra(MAX_EXTRA_BYTES + 100).as_bytes()).unwrap_err();
    assert!(matches!(error, ProofFileError::ExtraTooLarge { .. }), "{error}");
    let found = MAX_PROOF_FILE_BYTES + 1;
    assert_eq!(ProofFile::parse(&vec![b'\n'; found]), Err(ProofFileError::TooLarge { found }));
}

/// Whatever parses is written back as it was; whatever verifies says what the genuine file says.
#[test]
fn damaged_files() {
    let log = MemoryLog::of(11);
    let genuine = file(&log, 4).with_extra(b"some extra data".to_vec()).unwrap();
    let text = genuine.to_string();
    let (mut seeded, mut parsed, mut verified) = (Seeded(4), 0, 0);
    for _ in 0..20_000 {
        let damaged = seeded.damage(text.as_bytes());
        let Ok(file) = ProofFile::parse(&damaged) else { continue };
        parsed += 1;
        assert_eq!(file.to_string().as_bytes(), damaged);
        if file.verify(&log.leaves[4], key().verifier_key()).is_ok() {
            verified += 1;
            assert_eq!((file.index(), file.proof()), (genuine.index(), genuine.proof()));
            assert_eq!(file.checkpoint().claim(), genuine.checkpoint().claim());
        }
    }
    // The extra data is all that can be damaged and still verify, but for repeated signatures.
    assert!(parsed > 1000 && verified > 10 && verified < parsed, "{parsed} parsed, {verified} verified");
}

proptest! {
    #[test]
    fn nothing_that_is_thrown_at_the_parser_panics(tail in "[a-z0-9 =\n\u{2014}+/]{0,200}") {
        for head in ["", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 0\n"] {
            let text = format!("{head}{tail}");
            if let Ok(file) = ProofFile::parse(text.as_bytes()) {
                prop_assert_eq!(file.to_string(), text);
            }
        }
    }
}
