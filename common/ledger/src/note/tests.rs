use proptest::prelude::*;

use super::*;
use crate::limits::MAX_KEY_TEXT_BYTES;
use crate::testing::{Seeded, signer};

// Published with Go's golang.org/x/mod/sumdb/note. EnochRoot's seed is 32 zero bytes.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
const PETER_LINE: &str = "— PeterNeumann \
    x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
const ENOCH_LINE: &str = "— EnochRoot \
    rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=";

// The example of the C2SP signed-note specification.
const C2SP: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n— example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn go_note() -> String {
    format!("{GO_TEXT}\n{PETER_LINE}\n{ENOCH_LINE}\n")
}

fn names(note: &OpenedNote<'_>) -> Vec<String> {
    note.signers().iter().map(|key| key.name().to_string()).collect()
}

/// C2SP signed-note v1.0.0, Signatures: other implementations' notes open, and ours are byte for byte theirs.
#[test]
fn notes_of_other_implementations() {
    let note = SignedNote::parse(go_note().as_bytes()).unwrap();
    let opened = note.open(&[key(PETER), key(ENOCH)]).unwrap();
    assert_eq!((opened.text(), names(&opened)), (GO_TEXT, vec!["PeterNeumann".into(), "EnochRoot".into()]));

    let peter = SignerKey::from_secret_text(PETER_SECRET).unwrap();
    let ours = SignedNote::sign(GO_TEXT, &[&peter, &signer("EnochRoot", 0)]).unwrap();
    assert_eq!(ours.as_str(), go_note());
    assert_eq!(ours, note);

    let note = SignedNote::parse(C2SP_NOTE.as_bytes()).unwrap();
    assert_eq!(note.open(&[key(C2SP)]).unwrap().text(), "This is an example message.\n");
}

#[test]
fn keys_of_other_implementations() {
    for text in [PETER, ENOCH, C2SP] {
        assert_eq!(key(text).to_string(), text);
    }
    assert_eq!(signer("EnochRoot", 0).verifier_key(), &key(ENOCH));
    let peter = SignerKey::from_secret_text(PETER_SECRET).unwrap();
    assert_eq!((peter.verifier_key(), peter.to_secret_text().as_str()), (&key(PETER), PETER_SECRET));
    assert_eq!(format!("{peter:?}"), format!("SecretKey({PETER})"), "the secret stays out of debug output");
}

#[test]
fn unknown_keys_are_ignored_and_one_known_key_is_needed() {
    let note = SignedNote::parse(go_note().as_bytes()).unwrap();
    assert_eq!(names(&note.open(&[key(ENOCH)]).unwrap()), ["EnochRoot"]);
    assert_eq!(note.open(&[key(C2SP)]), Err(NoteError::NoKnownKey));
    assert_eq!(note.open(&[]), Err(NoteError::NoKnownKey));
    // The same name with another key, and the same key under another name, are other keys.
    let same_name = signer("PeterNeumann", 9).verifier_key().clone();
    let same_key = VerifierKey::new(KeyName::new("Peter").unwrap(), key(PETER).as_bytes()).unwrap();
    assert_eq!(note.open(&[same_name, same_key]), Err(NoteError::NoKnownKey));
}

/// C2SP signed-note v1.0.0, Signatures: keys that share a name or an id, but not both, are unknown.
#[test]
fn a_strangers_line_with_a_known_id_or_name_is_ignored() {
    for stranger in ["— Stranger x08gowE=", "— PeterNeumann AAAAAAE="] {
        let text = format!("{GO_TEXT}\n{stranger}\n{PETER_LINE}\n");
        let note = SignedNote::parse(text.as_bytes()).unwrap();
        assert_eq!(names(&note.open(&[key(PETER)]).unwrap()), ["PeterNeumann"], "{stranger}");
        let alone = SignedNote::parse(format!("{GO_TEXT}\n{stranger}\n").as_bytes()).unwrap();
        assert_eq!(alone.open(&[key(PETER)]), Err(NoteError::NoKnownKey), "{stranger}");
    }
}

/// C2SP signed-note v1.0.0, Signatures: a bad signature of a known key refuses the whole note.
#[test]
fn a_bad_signature_of_a_known_key_refuses_the_note() {
    let bad = Err(NoteError::BadSignature { name: key(PETER).name().clone(), id: key(PETER).id() });
    let forged = go_note().replace("x08go/ZJ", "x08go/ZK");
    let note = SignedNote::parse(forged.as_bytes()).unwrap();
    assert_eq!(note.open(&[key(ENOCH), key(PETER)]), bad);
    assert_eq!(names(&note.open(&[key(ENOCH)]).unwrap()), ["EnochRoot"]);
    // A good signature of the same key does not make up for it, in either order.
    let short = "— PeterNeumann x08gowE=";
    for lines in [[PETER_LINE, short], [short, PETER_LINE]] {
        let text = format!("{GO_TEXT}\n{}\n{}\n", lines[0], lines[1]);
        assert_eq!(SignedNote::parse(text.as_bytes()).unwrap().open(&[key(PETER)]), bad);
    }
    let other_text = go_note().replace("answer", "Answer");
    assert_eq!(SignedNote::parse(other_text.as_bytes()).unwrap().open(&[key(PETER)]), bad);
}

#[test]
fn a_signer_counts_once() {
    let text = format!("{GO_TEXT}\n{PETER_LINE}\n{PETER_LINE}\n");
    let note = SignedNote::parse(text.as_bytes()).unwrap();
    assert_eq!(names(&note.open(&[key(PETER), key(PETER)]).unwrap()), ["PeterNeumann"]);
}

/// C2SP signed-note v1.0.0, Format: the text may contain empty lines.
#[test]
fn the_last_empty_line_separates() {
    let signer = signer("example.com/log", 1);
    for text in ["\n", "\n\n", "a\n", "a\n\n", "a\n\nb\n", "a\n\n— example.com/log AAAAAAA=\n"] {
        let note = SignedNote::sign(text, &[&signer]).unwrap();
        let parsed = SignedNote::parse(note.as_bytes()).unwrap();
        assert_eq!(parsed.open(&[signer.verifier_key().clone()]).unwrap().text(), text, "{text:?}");
        assert_eq!((parsed.signatures().len(), parsed), (1, note));
    }
}

#[test]
fn what_is_no_note() {
    let check = |bytes: &[u8], expected: NoteError| {
        assert_eq!(SignedNote::parse(bytes), Err(expected), "{}", String::from_utf8_lossy(bytes));
    };
    let line = |offset, reason| NoteError::SignatureLine { offset, reason };
    check(b"", NoteError::NoSignatures);
    check(b"a\n", NoteError::NoSignatures);
    check(b"a\n\n", NoteError::NoSignatures);
    check("a\n— n AAAAAAA=\n".as_bytes(), NoteError::NoSignatures);
    check("\n— n AAAAAAA=\n".as_bytes(), NoteError::NoSignatures);
    check(b"a\xff\n\n", NoteError::NotUtf8 { offset: 1 });
    check(b"a\r\n\n", NoteError::ControlCharacter { offset: 1 });
    check(b"\ta\n\n", NoteError::ControlCharacter { offset: 0 });
    check(b"a\n\n\0", NoteError::ControlCharacter { offset: 3 });
    check("a\n\n— n AAAAAAA=".as_bytes(), NoteError::Unterminated { offset: 3 });
    check("a\n\n— n AAAAAAA=\n— m".as_bytes(), NoteError::Unterminated { offset: 18 });
    check(b"a\n\n- n AAAAAAA=\n", line(3, SignatureLineError::Prefix));
    check("a\n\n—n AAAAAAA=\n".as_bytes(), line(3, SignatureLineError::Prefix));
    check("a\n\n— n\n".as_bytes(), line(3, SignatureLineError::Fields));
    check(
        "a\n\n—  AAAAAAA=\n".as_bytes(),
        line(3, SignatureLineError::Name(KeyError::NameLength { found: 0 })),
    );
    let plus = SignatureLineError::Name(KeyError::NameCharacter { offset: 1 });
    check("a\n\n— n+m AAAAAAA=\n".as_bytes(), line(3, plus));
    check("a\n\n— n\u{a0}m AAAAAAA=\n".as_bytes(), line(3, plus));
    check("a\n\n— n AAAAAAA\n".as_bytes(), line(3, SignatureLineError::Base64));
    check("a\n\n— n AAAAAAA= \n".as_bytes(), line(3, SignatureLineError::Base64));
    check("a\n\n— n AAAAAAB=\n".as_bytes(), line(3, SignatureLineError::Base64));
    check("a\n\n— n AAAAAA==\n".as_bytes(), line(3, SignatureLineError::Length { found: 4 }));
    check("a\n\n— n \n".as_bytes(), line(3, SignatureLineError::Length { found: 0 }));
    check("a\n\n— n AAAAAAA=\nb\n".as_bytes(), line(18, SignatureLineError::Prefix));
}

/// C2SP signed-note v1.0.0, Format: at least 16 signatures must be accepted.
#[test]
fn limits_of_a_note() {
    let note = |count: usize| format!("a\n\n{}", "— n AAAAAAA=\n".repeat(count));
    assert_eq!(SignedNote::parse(note(64).as_bytes()).unwrap().signatures().len(), 64);
    let too_many = NoteError::TooManySignatures { limit: 64 };
    assert_eq!(SignedNote::parse(note(65).as_bytes()), Err(too_many.clone()));
    let mut full = SignedNote::parse(note(64).as_bytes()).unwrap();
    let line = full.signatures()[0].clone();
    assert_eq!((full.add_signature(line), full.as_str()), (Err(too_many), note(64).as_str()));

    let long = |bytes: usize| {
        let tail = "\n\n— n AAAAAAA=\n";
        format!("{}{tail}", "a".repeat(bytes - tail.len()))
    };
    assert!(SignedNote::parse(long(MAX_NOTE_BYTES).as_bytes()).is_ok());
    let too_large = NoteError::TooLarge { found: MAX_NOTE_BYTES + 1 };
    assert_eq!(SignedNote::parse(long(MAX_NOTE_BYTES + 1).as_bytes()), Err(too_large));
    let text = format!("{}\n", "a".repeat(MAX_NOTE_BYTES));
    assert!(matches!(SignedNote::sign(&text, &[&signer("n", 1)]), Err(NoteError::TooLarge { .. })));
}

#[test]
fn what_cannot_be_signed() {
    let signer = signer("n", 1);
    assert_eq!(SignedNote::sign("", &[&signer]), Err(NoteError::TextWithoutNewline));
    assert_eq!(SignedNote::sign("a", &[&signer]), Err(NoteError::TextWithoutNewline));
    assert_eq!(SignedNote::sign("a\r\n", &[&signer]), Err(NoteError::ControlCharacter { offset: 1 }));
    assert_eq!(SignedNote::sign("a\n", &[]), Err(NoteError::NoSignatures));
}

#[test]
fn a_signature_from_elsewhere_is_appended() {
    let (log, witness) = (signer("log", 1), signer("witness", 2));
    let both = SignedNote::sign("a\n", &[&log, &witness]).unwrap();
    let mut one = SignedNote::sign("a\n", &[&log]).unwrap();
    let line = both.signatures()[1].to_line();
    one.add_signature(NoteSignature::from_line(&line).unwrap()).unwrap();
    assert_eq!(one, both);
    let known = [witness.verifier_key().clone(), log.verifier_key().clone()];
    assert_eq!(names(&one.open(&known).unwrap()), ["log", "witness"]);
}

#[test]
fn what_is_no_key() {
    let check = |text: &str, expected: KeyError| {
        assert_eq!(text.parse::<VerifierKey>(), Err(expected), "{text}");
    };
    let body = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    check("", KeyError::Fields);
    check("PeterNeumann+c74f20a3", KeyError::Fields);
    check(&format!("+c74f20a3+{body}"), KeyError::NameLength { found: 0 });
    check(&format!("Peter Neumann+c74f20a3+{body}"), KeyError::NameCharacter { offset: 5 });
    for id in ["", "c74f20a", "c74f20a3a", "C74F20A3", "+74f20a3", "c74f20ag"] {
        check(&format!("PeterNeumann+{id}+{body}"), KeyError::IdDigits);
    }
    let (expected, found) = (key(PETER).id(), KeyId::from_bytes([0xc7, 0x4f, 0x20, 0xa4]));
    check(&format!("PeterNeumann+c74f20a4+{body}"), KeyError::Id { expected, found });
    let other_name = VerifierKey::new(KeyName::new("Peter").unwrap(), key(PETER).as_bytes()).unwrap().id();
    check(&format!("Peter+c74f20a3+{body}"), KeyError::Id { expected: other_name, found: expected });
    check(&format!("PeterNeumann+c74f20a3+{body}="), KeyError::Base64);
    check(&format!("PeterNeumann+c74f20a3+{body}\n"), KeyError::Base64);
    check("PeterNeumann+c74f20a3+", KeyError::KeyLength { found: 0 });
    check("PeterNeumann+c74f20a3+AQ==", KeyError::KeyLength { found: 0 });
    check("PeterNeumann+c74f20a3+BBpc2Q==", KeyError::SignatureType { expected: 1, found: 4 });
    check(&format!("PeterNeumann+c74f20a3+{body}AAAA"), KeyError::KeyLength { found: 35 });
    check(&"n".repeat(MAX_KEY_TEXT_BYTES + 1), KeyError::TextLength { found: MAX_KEY_TEXT_BYTES + 1 });
    assert_eq!(SignerKey::from_secret_text(PETER).err(), Some(KeyError::NotPrivate));
    let renamed = PETER_SECRET.replace("PeterNeumann", "Peter");
    assert!(matches!(SignerKey::from_secret_text(&renamed), Err(KeyError::Id { .. })));
}

/// A key of small order would verify signatures that nobody made.
#[test]
fn weak_keys_are_refused() {
    let name = || KeyName::new("n").unwrap();
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(VerifierKey::new(name(), &identity), Err(KeyError::Weak));
    assert_eq!(VerifierKey::new(name(), &[0; 32]), Err(KeyError::Weak));
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert_eq!(VerifierKey::new(name(), &no_point), Err(KeyError::NotAPoint));
}

#[test]
fn limits_of_a_name() {
    assert!(KeyName::new("n".repeat(MAX_NAME)).is_ok());
    assert_eq!(KeyName::new("n".repeat(MAX_NAME + 1)), Err(KeyError::NameLength { found: MAX_NAME + 1 }));
    for name in ["a b", "a+b", "a\tb", "a\nb", "a\u{2003}b", "a\u{3000}b", "a\0b"] {
        assert_eq!(KeyName::new(name), Err(KeyError::NameCharacter { offset: 1 }), "{name:?}");
    }
    // The longest name still fits the limit of a key's text, public and private.
    let signer = signer(&"n".repeat(MAX_NAME), 3);
    assert_eq!(key(&signer.verifier_key().to_string()), *signer.verifier_key());
    assert!(SignerKey::from_secret_text(&signer.to_secret_text()).is_ok());
}

/// Whatever parses is exactly what its parts write, and no damage to the text goes unnoticed.
#[test]
fn damaged_notes() {
    let original = go_note();
    let (mut seeded, mut parsed, mut opened) = (Seeded(1), 0, 0);
    for _ in 0..20_000 {
        let damaged = seeded.damage(original.as_bytes());
        let Ok(note) = SignedNote::parse(&damaged) else { continue };
        parsed += 1;
        let mut rebuilt = format!("{}\n", note.text());
        for signature in note.signatures() {
            rebuilt.push_str(&signature.to_line());
            rebuilt.push('\n');
        }
        assert_eq!((rebuilt.as_bytes(), note.as_bytes()), (&damaged[..], &damaged[..]));
        if let Ok(note) = note.open(&[key(PETER), key(ENOCH)]) {
            opened += 1;
            assert_eq!(note.text(), GO_TEXT);
        }
    }
    // Damage to the text parses; damage that drops one of two signatures, or turns it into a stranger's, opens.
    assert!(parsed > 1000 && opened > 10 && opened < parsed, "{parsed} parsed, {opened} opened");
}

#[test]
fn damaged_keys() {
    let mut seeded = Seeded(2);
    for _ in 0..20_000 {
        let damaged = seeded.damage(PETER.as_bytes());
        if let Ok(text) = std::str::from_utf8(&damaged) {
            // The id binds name and key, so that no small damage passes.
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
        let damaged = seeded.damage(PETER_SECRET.as_bytes());
        if let Ok(text) = std::str::from_utf8(&damaged) {
            assert!(SignerKey::from_secret_text(text).is_err(), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_opens(text in "[^\\x00-\\x1f]{0,40}(\n[^\\x00-\\x1f]{0,20}){0,4}\n", seed: u8) {
        let signer = signer("example.com/log", seed);
        let note = SignedNote::sign(&text, &[&signer]).unwrap();
        let parsed = SignedNote::parse(note.as_bytes()).unwrap();
        let known = [signer.verifier_key().clone()];
        prop_assert_eq!(parsed.open(&known).unwrap().text(), text);
    }

    #[test]
    fn nothing_that_is_thrown_at_the_parsers_panics(bytes: Vec<u8>, text in "\\PC{0,200}") {
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert_eq!(note.as_bytes(), bytes);
        }
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn keys_round_trip(seed: [u8; 32], name in "[a-z./-]{1,40}") {
        let signer = SignerKey::from_seed(KeyName::new(name).unwrap(), &seed);
        let read = SignerKey::from_secret_text(&signer.to_secret_text()).unwrap();
        prop_assert_eq!(read.verifier_key(), signer.verifier_key());
        prop_assert_eq!(&key(&signer.verifier_key().to_string()), signer.verifier_key());
    }
}

const MAX_NAME: usize = crate::limits::MAX_KEY_NAME_BYTES;
