//! Keys and signatures as they lie in files: the forms that TPMs do not use, and what is none of them.

use p256::pkcs8::EncodePublicKey as _;
use rsa::pkcs8::LineEnding;
use rsa::traits::PublicKeyParts as _;

use super::*;
use crate::crypto::{KeyFile, KeyFileError, KeySize, SchemeHint, SignatureFileError, parse_signature_file};

fn hint(key: Option<&VerifyingKey>) -> SchemeHint<'_> {
    SchemeHint { stated: None, key, hash: HashAlg::Sha256 }
}

/// The `SubjectPublicKeyInfo` of a key of a TPM.
fn spki(public: &Public) -> Vec<u8> {
    let der = match PublicKey::of_tpm(public.key()).unwrap() {
        PublicKey::Rsa(key) => key.to_public_key_der(),
        PublicKey::P256(key) => key.to_public_key_der(),
        PublicKey::P384(key) => key.to_public_key_der(),
        PublicKey::P521(key) => key.to_public_key_der(),
    };
    der.unwrap().into_vec()
}

#[test]
fn a_key_is_the_same_in_every_form() {
    for (what, quote) in good() {
        let der = spki(&quote.public);
        let pem =
            der::Document::try_from(der.as_slice()).unwrap().to_pem("PUBLIC KEY", LineEnding::LF).unwrap();
        let area = KeyFile::Area(quote.public.clone());
        assert_eq!(KeyFile::parse(&quote.public.to_tpm2b().unwrap()).as_ref(), Ok(&area), "{what}");
        assert_eq!(KeyFile::parse(quote.public.raw()).as_ref(), Ok(&area), "{what}");
        for bare in [der.as_slice(), pem.as_bytes()] {
            let key = KeyFile::parse(bare).unwrap().verifying_key().unwrap();
            assert_eq!(
                (key.bound(), key.size()),
                (Scheme::Null, area.verifying_key().unwrap().size()),
                "{what}"
            );
            assert_eq!(key.verify(HashPolicy::Modern, &quote.signature, &quote.message), Ok(()), "{what}");
        }
    }
}

#[test]
fn files_that_hold_no_key_are_refused() {
    let der = spki(&quote!("boot-ecc").public);
    for cut in 0..der.len() {
        assert!(KeyFile::parse(&der[..cut]).is_err(), "{cut}");
    }
    assert!(matches!(KeyFile::parse(&[&der, &[0][..]].concat()), Err(KeyFileError::Der(_))));
    // An Ed25519 key, a curve with another name, and PEM of something else.
    let ed25519 = [&hex::decode("302a300506032b6570032100").unwrap(), &[7; 32][..]].concat();
    assert!(matches!(KeyFile::parse(&ed25519), Err(KeyFileError::Algorithm(_))));
    let mut other = der.clone();
    other[22] ^= 1;
    assert!(matches!(KeyFile::parse(&other), Err(KeyFileError::Curve(_))), "{:?}", KeyFile::parse(&other));
    let pem = der::Document::try_from(der.as_slice()).unwrap().to_pem("CERTIFICATE", LineEnding::LF).unwrap();
    assert_eq!(KeyFile::parse(pem.as_bytes()), Err(KeyFileError::Label));
    assert!(matches!(KeyFile::parse(b"-----BEGIN"), Err(KeyFileError::Pem(_))));
    assert!(matches!(KeyFile::parse(b""), Err(KeyFileError::Structure(_))));
    let mut off_the_curve = der;
    *off_the_curve.last_mut().unwrap() ^= 1;
    assert_eq!(KeyFile::parse(&off_the_curve), Err(KeyFileError::Key(SignatureError::MalformedKey)));
}

/// The signature without its frame: RSA's number, or ECDSA's two as DER and one behind the other.
fn bare_forms(signature: &Signature, key: &VerifyingKey) -> Vec<Vec<u8>> {
    let integer = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let pad: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
        [&[2, u8::try_from(digits.len() + pad.len()).unwrap()], pad, &digits].concat()
    };
    match signature {
        Signature::RsaSsa { signature, .. } | Signature::RsaPss { signature, .. } => vec![signature.clone()],
        Signature::Ecdsa { r, s, .. } => {
            let KeySize::Ecc(curve) = key.size() else { panic!("not ECC") };
            let size = curve.coordinate_bytes().unwrap();
            let padded = |number: &[u8]| [vec![0; size - number.len()], number.to_vec()].concat();
            let numbers = [integer(r), integer(s)].concat();
            let head = match numbers.len() {
                short @ ..0x80 => vec![0x30, u8::try_from(short).unwrap()],
                long => vec![0x30, 0x81, u8::try_from(long).unwrap()],
            };
            vec![[head, numbers].concat(), [padded(r), padded(s)].concat()]
        }
        Signature::Other { .. } => panic!("none of these"),
    }
}

#[test]
fn a_bare_signature_is_read_by_the_key_or_by_what_is_stated() {
    for (what, quote) in good() {
        let key = VerifyingKey::of_public(&quote.public).unwrap();
        for bare in bare_forms(&quote.signature, &key) {
            let read = parse_signature_file(&bare, &hint(Some(&key))).unwrap();
            assert_eq!(read.scheme(), quote.signature.scheme(), "{what}");
            assert_eq!(key.verify(HashPolicy::Modern, &read, &quote.message), Ok(()), "{what}");
            let stated = SchemeHint { stated: quote.signature.scheme(), ..hint(None) };
            assert_eq!(parse_signature_file(&bare, &stated), Ok(read), "{what}");
            // A bare key says no more than its kind.
            let unbound = VerifyingKey::from_spki(&spki(&quote.public)).unwrap();
            let guess = parse_signature_file(&bare, &hint(Some(&unbound))).unwrap();
            let kind = |signature: &Signature| matches!(signature, Signature::Ecdsa { .. });
            assert_eq!(kind(&guess), kind(&quote.signature), "{what}");
            assert!(parse_signature_file(&bare, &hint(None)).is_ok(), "{what}: by its length alone");
        }
        let framed = quote.signature.encode().unwrap();
        assert_eq!(parse_signature_file(&framed, &hint(None)), Ok(quote.signature.clone()), "{what}");
    }
}

#[test]
fn a_frame_that_is_cut_is_no_bare_signature() {
    let (rsa, ecc) = (quote!("boot-rsa"), quote!("boot-ecc"));
    for quote in [&rsa, &ecc] {
        let key = VerifyingKey::of_public(&quote.public).unwrap();
        let framed = quote.signature.encode().unwrap();
        for cut in 4..framed.len() {
            let error = parse_signature_file(&framed[..cut], &hint(Some(&key))).unwrap_err();
            assert!(matches!(error, SignatureFileError::Structure(TpmError::Truncated(_))), "{cut}: {error}");
        }
        let longer = [framed.as_slice(), &[0]].concat();
        assert!(matches!(
            parse_signature_file(&longer, &hint(Some(&key))),
            Err(SignatureFileError::Structure(TpmError::Trailing { left: 1, .. }))
        ));
        let stated = SchemeHint { stated: Some(Scheme::RsaPss(HashAlg::Sha256)), ..hint(None) };
        let other = parse_signature_file(&framed, &stated);
        assert!(matches!(other, Err(SignatureFileError::OtherScheme { .. })), "{other:?}");
    }
    assert!(parse_signature_file(&[1; 3000], &hint(None)).is_err(), "over the limit");
    assert!(parse_signature_file(&[1; 100], &hint(None)).is_err(), "of no length that fits");
}

/// What is not verified is told from what is not known, and from what does not hold.
#[test]
fn schemes_that_are_not_supported_are_named() {
    for (id, scheme) in [(0x1a, OtherScheme::Ecdaa), (0x1b, OtherScheme::Sm2), (0x1c, OtherScheme::EcSchnorr)]
    {
        let quote = quote!("boot-ecc");
        let mut encoded = quote.signature.encode().unwrap();
        encoded[1] = id;
        let signature = Signature::parse(&encoded).unwrap();
        let verdict = verify_signature(&quote.public, &signature, &quote.message);
        assert_eq!(verdict, Err(SignatureError::SchemeUnsupported(scheme)));
    }
}

/// A number and its sum with the modulus are the same to whoever only computes with them.
#[test]
fn an_rsa_signature_is_below_its_modulus() {
    let quote = quote!("boot-rsa");
    let (Key::Rsa(key), Signature::RsaSsa { hash, signature }) = (quote.public.key(), &quote.signature)
    else {
        panic!("not RSA")
    };
    let number = rsa::BigUint::from_bytes_be(signature);
    let modulus = rsa::BigUint::from_bytes_be(&key.modulus);
    let sum = (number + modulus).to_bytes_be();
    // Where the sum has one byte more, its length tells; so the key must be one where it can have the same.
    let found =
        verify_signature(&quote.public, &Signature::RsaSsa { hash: *hash, signature: sum }, &quote.message);
    assert_eq!(found, Err(SignatureError::MalformedSignature));
    let PublicKey::Rsa(public) = PublicKey::of_tpm(quote.public.key()).unwrap() else { panic!("not RSA") };
    let above = Signature::RsaSsa { hash: *hash, signature: (public.n() + 1_u32).to_bytes_be() };
    let found = verify_signature(&quote.public, &above, &quote.message);
    assert_eq!(found, Err(SignatureError::MalformedSignature));
}
