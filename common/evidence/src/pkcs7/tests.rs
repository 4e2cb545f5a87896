use super::*;
use crate::digest::HashAlg;

const LEAF: &[u8] = include_bytes!("../../../../tests/vectors/signing/leaf.der");
const DETACHED: &[u8] = include_bytes!("../../../../tests/vectors/signing/detached.p7");
const ATTACHED: &[u8] = include_bytes!("../../../../tests/vectors/signing/attached-noattr.p7");
const KEY_ID: &[u8] = include_bytes!("../../../../tests/vectors/signing/pss-keyid.p7");
const NO_CERTIFICATES: &[u8] = include_bytes!("../../../../tests/vectors/signing/ec-nocerts.p7");
const INDEFINITE: &[u8] = include_bytes!("../../../../tests/vectors/signing/ber.p7");
const CONTENT: &[u8] = include_bytes!("../../../../tests/vectors/signing/content");
const ALL: [&[u8]; 5] = [DETACHED, ATTACHED, KEY_ID, NO_CERTIFICATES, INDEFINITE];

fn only_signer(bytes: &[u8]) -> SignerInfo<'_> {
    let signers: Vec<_> = SignedData::parse(bytes).unwrap().signers().collect();
    assert_eq!(signers.len(), 1);
    signers[0].unwrap()
}

#[test]
fn a_detached_signature_is_read() {
    let signed = SignedData::parse(DETACHED).unwrap();
    assert_eq!((signed.version(), signed.content_type()), (1, oid::DATA));
    assert!(signed.content().is_none() && signed.content_octets().is_none());
    let algorithms: Vec<_> = signed.digest_algorithms().map(|id| id.unwrap().hash()).collect();
    assert_eq!(algorithms, [Some(HashAlg::Sha256)]);
    assert_eq!(signed.certificates().flatten().count(), 3);
    let signer = only_signer(DETACHED);
    let leaf = Certificate::parse(LEAF).unwrap();
    assert!(signer.id().names(&leaf));
    assert_eq!(signed.certificates().filter(|found| signer.id().names(&found.unwrap())).count(), 1);
    assert_eq!(signer.message_digest(), Some(HashAlg::Sha256.hash(&[CONTENT]).as_bytes()));
    assert_eq!(signer.content_type(), Some(oid::DATA));
    assert_eq!(signer.signing_time().unwrap().to_string(), "2026-11-26T01:01:23.000Z");
    assert_eq!(signer.signature_algorithm().oid(), oid::RSA_ENCRYPTION);
    assert_eq!(signer.signature().len(), 256);
    assert_eq!(signer.unsigned_attributes().count(), 0);
    assert_eq!(signer.countersignature_time(), None);
}

#[test]
fn content_without_attributes_is_read() {
    let signed = SignedData::parse(ATTACHED).unwrap();
    assert_eq!(signed.content_octets().as_deref(), Some(CONTENT));
    let signer = only_signer(ATTACHED);
    assert!(signer.signed_attributes().is_none() && signer.message_digest().is_none());
}

#[test]
fn signers_are_named_by_their_key_too() {
    let signer = only_signer(KEY_ID);
    assert!(matches!(signer.id(), SignerId::KeyId(_)));
    assert!(signer.id().names(&Certificate::parse(LEAF).unwrap()));
    assert_eq!(signer.signature_algorithm().oid(), oid::RSASSA_PSS);
    assert_eq!(SignedData::parse(NO_CERTIFICATES).unwrap().certificates().count(), 0);
}

/// `openssl cms -stream` writes indefinite lengths and the content in pieces.
#[test]
fn indefinite_lengths_and_content_in_pieces_are_read() {
    let signed = SignedData::parse(INDEFINITE).unwrap();
    assert_eq!(signed.content().unwrap().tag(), tag::OCTET_STRING_PIECES);
    assert_eq!(signed.content_octets().as_deref(), Some(CONTENT));
    let signer = only_signer(INDEFINITE);
    assert_eq!(signer.message_digest(), Some(HashAlg::Sha256.hash(&[CONTENT]).as_bytes()));
}

#[test]
fn the_bare_form_and_padding_are_read() {
    let inner = Value::first(DETACHED).unwrap().reader().nth(1).unwrap().unwrap().only().unwrap();
    let bare = SignedData::parse(inner.raw()).unwrap();
    assert_eq!(bare.signers().next().unwrap().unwrap().signature(), only_signer(DETACHED).signature());
    let padded = [inner.raw(), &[0; 5]].concat();
    assert_eq!(SignedData::parse_prefix(&padded).unwrap().1, [0; 5]);
    assert!(matches!(SignedData::parse(&padded), Err(Asn1Error::Trailing { left: 5, .. })));
}

#[test]
fn what_is_cut_off_is_an_error() {
    for whole in ALL {
        for length in 0..whole.len() {
            assert!(matches!(SignedData::parse(&whole[..length]), Err(Asn1Error::Truncated(_))), "{length}");
        }
    }
}

/// An attribute that occurs twice counts as absent: two readers could take one each.
#[test]
fn a_repeated_attribute_is_absent() {
    let mut twice = DETACHED.to_vec();
    // signingTime (…9.5) becomes a second messageDigest (…9.4).
    let at = twice.windows(9).position(|window| window == oid::SIGNING_TIME.as_bytes()).unwrap();
    twice[at + 8] = 4;
    assert_eq!(only_signer(&twice).message_digest(), None);
}
