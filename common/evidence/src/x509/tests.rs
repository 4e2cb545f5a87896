use super::*;
use crate::asn1::oid;

const LEAF: &[u8] = include_bytes!("../../../../tests/vectors/signing/leaf.der");
const P256: &[u8] = include_bytes!("../../../../tests/vectors/signing/p256.der");
const ROOT: &[u8] = include_bytes!("../../../../tests/vectors/signing/root.der");

/// What `openssl x509 -text -fingerprint -sha256` says of the same file.
#[test]
fn a_certificate_is_read_as_openssl_reads_it() {
    let leaf = Certificate::parse(LEAF).unwrap();
    assert_eq!(leaf.version(), 3);
    assert_eq!(leaf.serial_hex(), "085778d46ea12da1323d12565dccd0070dbda334");
    assert_eq!(leaf.subject().to_string(), "CN=Lydian test signer\\ ,OU=one,O=Lydian\\, tests");
    assert_eq!(leaf.issuer().to_string(), "CN=Lydian test intermediate,O=Lydian\\, tests");
    assert_eq!(leaf.subject().common_name().as_deref(), Some("Lydian test signer "));
    assert_eq!(leaf.not_before().unwrap().to_string(), "2026-11-26T01:01:02.000Z");
    assert_eq!(leaf.not_after().unwrap().to_string(), "2126-11-02T01:01:02.000Z");
    assert_eq!(leaf.is_valid_at(UnixTime::from_ms(0)), Some(false));
    assert_eq!(leaf.sha256().to_string(), "5870edce0a5c233c41b66add6b41e74df899b211424a2be601dfe9b4380e8b30");
    assert_eq!(
        leaf.spki_sha256().to_string(),
        "09b47b141472f38a2b7f977b9e157e897b0f770851f2a98d9773723d441b6814"
    );
    assert_eq!(leaf.signature_algorithm().to_string(), "sha256WithRSAEncryption");
    assert_eq!((leaf.public_key().name().as_str(), leaf.public_key().bits()), ("rsa", Some(2048)));
    assert_eq!(hex::encode(leaf.subject_key_id().unwrap()), "cef88352ac134c8e941fa06c49894ab47e595166");
    assert_eq!(hex::encode(leaf.authority_key_id().unwrap()), "732244fff72e0c0075065409be257fbe42be5141");
    assert_eq!(leaf.is_ca(), Some(false));
    assert_eq!(leaf.key_usage().unwrap().names().collect::<Vec<_>>(), ["digitalSignature"]);
    let purposes: Vec<_> = leaf.extended_key_usages().map(|oid| oid.to_string()).collect();
    assert_eq!(purposes, ["1.3.6.1.5.5.7.3.3"]);
    assert!(leaf.is_signature_algorithm_signed() && !leaf.is_self_issued());
    assert_eq!(leaf.tbs_hash(HashAlg::Sha384), HashAlg::Sha384.hash(&[leaf.tbs()]));
}

#[test]
fn authorities_and_curves_are_recognised() {
    let root = Certificate::parse(ROOT).unwrap();
    assert!(root.is_self_issued());
    assert_eq!(root.is_ca(), Some(true));
    let usage = root.key_usage().unwrap();
    assert_eq!(usage.names().collect::<Vec<_>>(), ["keyCertSign", "cRLSign"]);
    assert!(usage.may_sign_certificates() && !usage.may_sign());
    let p256 = Certificate::parse(P256).unwrap();
    assert_eq!((p256.public_key().name().as_str(), p256.public_key().bits()), ("p256", Some(256)));
    assert!(matches!(p256.public_key().kind(), KeyKind::Ec { curve: oid::P256, point: [4, ..] }));
}

#[test]
fn what_follows_is_an_error_or_is_given_back() {
    let padded = [LEAF, &[0, 0, 0]].concat();
    assert_eq!(Certificate::parse(&padded).unwrap_err(), Asn1Error::Trailing { offset: LEAF.len(), left: 3 });
    let (leaf, rest) = Certificate::parse_prefix(&padded).unwrap();
    assert_eq!((leaf.der(), rest), (LEAF, &[0, 0, 0][..]));
}

#[test]
fn a_certificate_that_is_cut_off_is_an_error_at_its_end() {
    for length in 0..LEAF.len() {
        let error = Certificate::parse(&LEAF[..length]).unwrap_err();
        let Asn1Error::Truncated(truncated) = error else { panic!("at {length}: {error}") };
        assert!(truncated.offset + truncated.left == length, "at {length}: {error}");
    }
}

/// Firmware takes a serial number that is negative, and one that is too long.
#[test]
fn any_serial_number_is_read() {
    let mut odd = LEAF.to_vec();
    let at = odd.windows(6).position(|window| window == [2, 20, 8, 0x57, 0x78, 0xd4]).unwrap();
    odd[at + 2] = 0xff;
    assert!(Certificate::parse(&odd).unwrap().serial_hex().starts_with("ff5778d4"));
}

#[test]
fn names_and_times_that_are_none_do_not_hide_the_fingerprints() {
    let mut odd = LEAF.to_vec();
    let at = odd.windows(13).position(|window| window == b"261126010102Z").unwrap();
    odd[at] = b'x';
    let odd = Certificate::parse(&odd).unwrap();
    assert_eq!((odd.not_before(), odd.is_valid_at(UnixTime::from_ms(0))), (None, None));
    assert_eq!(odd.spki_sha256(), Certificate::parse(LEAF).unwrap().spki_sha256());
}
