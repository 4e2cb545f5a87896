//! Policies as they are written, and checkpoints that they believe.

use std::fmt::Write as _;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::CosignerSecret;
use crate::hash::Hash;
use crate::note::{KeyError, KeyName};
use crate::testing::{signer, size};

fn witness(number: u8) -> CosignerSecret {
    CosignerSecret::from_seed(KeyName::new(format!("w{number}.example")).unwrap(), &[number; 32])
}

fn vkey(number: u8) -> String {
    witness(number).cosigner_key().to_string()
}

fn log_key() -> String {
    signer("log.example", 100).verifier_key().to_string()
}

fn cosigned(by: &[u8]) -> SignedCheckpoint {
    let log = signer("log.example", 100);
    let origin = log.verifier_key().name().into();
    let claim = Checkpoint::new(origin, size(9), Hash::leaf(b"root")).unwrap();
    let mut signed = SignedCheckpoint::sign(claim, &log).unwrap();
    let verified = signed.verify(log.verifier_key()).unwrap();
    for number in by {
        signed.add_signature(witness(*number).cosign(&verified, u64::from(*number)).unwrap()).unwrap();
    }
    signed
}

fn two_levels() -> Policy {
    let text = format!(
        "# comment\n\tlog {} \thttps://log.example\n\nwitness X1 {} https://w1.example\nwitness X2 {}\nwitness X3 {}\n  \
         group X 2 X1 X2 X3\nwitness Y1 {}\nwitness Y2 {}\ngroup Y any Y1 Y2\ngroup both all X Y\nquorum both\n",
        log_key(),
        vkey(1),
        vkey(2),
        vkey(3),
        vkey(4),
        vkey(5)
    );
    Policy::parse(text.as_bytes()).unwrap()
}

fn believes(policy: &Policy, by: &[u8]) -> bool {
    match policy.check(&cosigned(by)) {
        Ok(witnessed) => {
            assert_eq!(witnessed.cosigned().len(), by.len());
            true
        }
        Err(UnwitnessedError::Quorum { cosigned, witnesses: 5 }) if cosigned == by.len() => false,
        Err(error) => panic!("{error}"),
    }
}

/// C2SP tlog-policy, Example policy: two of the X and one of the Y.
#[test]
fn a_quorum_of_two_groups() {
    let policy = two_levels();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example"));
    assert_eq!(
        (policy.witnesses()[0].url.as_deref(), policy.witnesses()[1].url.as_deref()),
        (Some("https://w1.example"), None)
    );
    for by in [&[1, 2, 4][..], &[1, 3, 5], &[3, 2, 4, 5], &[1, 2, 3, 4, 5]] {
        assert!(believes(&policy, by), "{by:?}");
    }
    for by in [&[][..], &[1, 2], &[1, 4], &[4, 5], &[1, 4, 5], &[1, 2, 3]] {
        assert!(!believes(&policy, by), "{by:?}");
    }
    assert!((0..5).all(|place| policy.counts(place)) && !policy.counts(5));
}

#[test]
fn who_cosigned_and_when() {
    let witnessed = two_levels().check(&cosigned(&[5, 1, 2])).unwrap();
    assert_eq!(witnessed.cosigned(), [(0, 1), (1, 2), (4, 5)]);
}

#[test]
fn the_log_alone_is_believed_only_where_the_policy_says_so() {
    let none = Policy::parse(format!("log {}\nquorum none\n", log_key()).as_bytes()).unwrap();
    assert_eq!(none.quorum(), Quorum::DangerNone);
    assert!(none.check(&cosigned(&[])).is_ok());
    let single = format!("witness w {}\nquorum w\n", vkey(1));
    let single = Policy::parse(single.as_bytes()).unwrap();
    assert_eq!(single.check(&cosigned(&[1])), Err(UnwitnessedError::UnknownLog));
    let log = signer("log.example", 100);
    assert!(single.check_log(&cosigned(&[1]), log.verifier_key()).is_ok());
    assert!(single.check_log(&cosigned(&[2]), log.verifier_key()).is_err());
    let other = signer("log.example", 101);
    assert!(single.check_log(&cosigned(&[1]), other.verifier_key()).is_err());
}

/// C2SP tlog-policy, Defining a log: any one of the listed logs will do, also where two keys have one name.
#[test]
fn a_log_may_have_two_keys() {
    let second = signer("log.example", 101).verifier_key().to_string();
    for keys in [[log_key(), second.clone()], [second, log_key()]] {
        let text = format!("log {}\nlog {}\nquorum none\n", keys[0], keys[1]);
        assert!(Policy::parse(text.as_bytes()).unwrap().check(&cosigned(&[])).is_ok());
    }
}

#[test]
fn a_bad_cosignature_of_a_known_witness_refuses_the_checkpoint() {
    let policy = two_levels();
    let mut forged = cosigned(&[1, 2, 4]);
    let third = witness(3);
    let line = format!(
        "\u{2014} {} {}",
        third.cosigner_key().name(),
        base64_of(third.cosigner_key().id().as_bytes())
    );
    forged.add_signature(crate::note::NoteSignature::from_line(&line).unwrap()).unwrap();
    assert!(matches!(policy.check(&forged), Err(UnwitnessedError::Cosignature(_))));
}

fn base64_of(id: &[u8]) -> String {
    crate::text::base64_encode(&[id, &[0; 72]].concat())
}

fn refused(lines: &str) -> PolicyLineError {
    let text = lines.replace("{log}", &log_key());
    let text = (1..=5).fold(text, |text, number| text.replace(&format!("{{{number}}}"), &vkey(number)));
    match Policy::parse(text.as_bytes()) {
        Err(PolicyError::Line { line, reason }) => {
            assert_eq!(line, text.trim_end().lines().count(), "{text}");
            reason
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn what_is_no_policy() {
    use PolicyLineError::*;
    for (lines, reason) in [
        ("logs {log}", Form),
        ("log", Form),
        ("log {log} https://a https://b", Form),
        ("witness w", Form),
        ("quorum", Form),
        ("quorum none none", Form),
        ("log x", Key(KeyError::Fields)),
        ("log {1}", Key(KeyError::SignatureType { expected: 1, found: 4 })),
        ("witness w {log}", Key(KeyError::SignatureType { expected: 4, found: 1 })),
        ("log {log}\nlog {log}", DuplicateKey),
        ("witness a {1}\nwitness b {1}", DuplicateKey),
        ("witness a {1}\nwitness a {2}", DuplicateName),
        ("witness none {1}", DuplicateName),
        ("witness a {1}\ngroup a any a", DuplicateName),
        ("quorum a", Undefined),
        ("group g any a", Undefined),
        ("group g any g", Undefined),
        ("witness a {1}\ngroup g any none", Undefined),
        ("witness a {1}\ngroup g all a a", MemberTwice),
        ("witness a {1}\nwitness b {2}\ngroup g all a b\ngroup h any b", MemberTwice),
        ("witness a {1}\ngroup g 0 a", Threshold { members: 1 }),
        ("witness a {1}\ngroup g 2 a", Threshold { members: 1 }),
        ("witness a {1}\ngroup g 01 a", Threshold { members: 1 }),
        ("witness a {1}\ngroup g most a", Threshold { members: 1 }),
        ("witness a {1}\ngroup g all", Threshold { members: 0 }),
        ("quorum none\nquorum none", SecondQuorum),
    ] {
        assert_eq!(refused(lines), reason, "{lines}");
    }
    assert_eq!(Policy::parse(b""), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse(b"quorum none\r\n"), Err(PolicyError::ControlCharacter { offset: 11 }));
    assert_eq!(Policy::parse(b"\x7f"), Err(PolicyError::ControlCharacter { offset: 0 }));
    let long = vec![b' '; crate::limits::MAX_POLICY_BYTES + 1];
    assert_eq!(Policy::parse(&long), Err(PolicyError::TooLarge { found: long.len() }));
}

/// One key under another name is the same key: it would count twice.
#[test]
fn the_same_key_under_two_names_is_found() {
    let twin = CosignerSecret::from_seed(KeyName::new("twin.example").unwrap(), &[1; 32]);
    let text = format!("witness a {}\nwitness b {}\nquorum none\n", vkey(1), twin.cosigner_key());
    let refused = Policy::parse(text.as_bytes()).unwrap_err();
    assert_eq!(refused, PolicyError::Line { line: 2, reason: PolicyLineError::DuplicateKey });
}

/// C2SP tlog-policy, Character set: names are octets, and the last line need not end.
#[test]
fn names_need_not_be_text() {
    let mut text = b"witness K\xff ".to_vec();
    text.extend_from_slice(vkey(1).as_bytes());
    text.extend_from_slice(b"\nquorum K\xff");
    assert_eq!(Policy::parse(&text).unwrap().witnesses()[0].name, b"K\xff");
}

#[test]
fn limits_are_errors() {
    let mut lines = String::new();
    for number in 0..=MAX_GROUPS {
        writeln!(lines, "witness w{number} {}\ngroup g{number} any w{number}", unique(number)).unwrap();
    }
    let refused = Policy::parse(lines.as_bytes()).unwrap_err();
    assert!(matches!(
        refused,
        PolicyError::Line { reason: PolicyLineError::TooMany { limit: MAX_GROUPS }, .. }
    ));
}

fn unique(number: usize) -> String {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    CosignerSecret::from_seed(KeyName::new("w").unwrap(), &seed).cosigner_key().to_string()
}

const MAX_GROUPS: usize = crate::limits::MAX_POLICY_GROUPS;
