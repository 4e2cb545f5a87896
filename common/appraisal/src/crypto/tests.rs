//! Signatures that TPMs made, and what happens when anything about them is changed.

use evidence::tpm::{Attest, Key, Public, PublicArea, Scheme, Signature, TpmError};

use super::*;

/// A key, a signature and the signed bytes, as a TPM wrote them.
struct Quote {
    public: Public,
    message: Vec<u8>,
    signature: Signature,
}

macro_rules! quote {
    // The quotes of a measured boot lie with its logs.
    ("boot-rsa") => {
        quote!("/../../tests/vectors/direct/", "ak_rsa", "quote_rsa")
    };
    ("boot-ecc") => {
        quote!("/../../tests/vectors/direct/", "ak_ecc", "quote_ecc")
    };
    ($name:literal) => {
        quote!("/tests/data/", concat!("ak-", $name), concat!("quote-", $name))
    };
    ($dir:literal, $key:expr, $quote:expr) => {
        Quote {
            public: Public::parse_tpm2b(include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                $dir,
                $key,
                ".tpm2b"
            )))
            .unwrap(),
            message: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), $dir, $quote, ".msg")).to_vec(),
            signature: Signature::parse(include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                $dir,
                $quote,
                ".sig"
            )))
            .unwrap(),
        }
    };
}

mod files;
mod hashes;

impl Quote {
    fn verify(&self) -> Result<(), SignatureError> {
        verify_signature(&self.public, &self.signature, &self.message)
    }

    fn with_area(mut self, change: impl FnOnce(&mut PublicArea)) -> Self {
        let mut area = self.public.area().clone();
        change(&mut area);
        self.public = Public::new(&area).unwrap();
        self
    }
}

fn good() -> [(&'static str, Quote); 6] {
    [
        ("RSASSA with SHA-256 on RSA-2048", quote!("boot-rsa")),
        ("ECDSA with SHA-256 on P-256", quote!("boot-ecc")),
        ("ECDSA with SHA-384 on P-384", quote!("p384")),
        ("ECDSA with SHA-512 on P-521", quote!("p521")),
        ("PSS with SHA-256 on RSA-2048", quote!("rsapss")),
        ("PSS with SHA-384 on RSA-3072", quote!("rsapss-3072-sha384")),
    ]
}

#[test]
fn signatures_of_tpms_hold_for_every_scheme() {
    for (what, quote) in good() {
        assert_eq!(quote.verify(), Ok(()), "{what}");
        assert!(Attest::parse(&quote.message).unwrap().quote().is_some(), "{what}");
    }
}

#[test]
fn every_changed_bit_of_a_message_is_noticed() {
    for (what, mut quote) in good() {
        for at in [0, 40, quote.message.len() - 1] {
            quote.message[at] ^= 1;
            assert_eq!(quote.verify(), Err(SignatureError::DoesNotHold), "{what}, byte {at}");
            quote.message[at] ^= 1;
        }
        quote.message.push(0);
        assert_eq!(quote.verify(), Err(SignatureError::DoesNotHold), "{what}, one byte more");
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_signature_is_noticed() {
    for (what, quote) in good() {
        let encoded = quote.signature.encode().unwrap();
        // The first four bytes name the scheme and the hash, which the key fixes.
        for at in (4..encoded.len()).step_by(encoded.len().div_ceil(40)) {
            let mut changed = encoded.clone();
            changed[at] ^= 0x10;
            let Ok(signature) = Signature::parse(&changed) else { continue };
            let found = verify_signature(&quote.public, &signature, &quote.message).unwrap_err();
            let expected = [SignatureError::DoesNotHold, SignatureError::MalformedSignature];
            assert!(expected.contains(&found), "{what}, byte {at}: {found}");
        }
    }
}

#[test]
fn another_key_of_the_same_kind_does_not_do() {
    let rsa = Quote { public: quote!("rsassa-sha1").public, ..quote!("boot-rsa") };
    let unbound = rsa.with_area(|area| match &mut area.key {
        Key::Rsa(key) => key.scheme = Scheme::Null,
        _ => panic!("not RSA"),
    });
    assert_eq!(unbound.verify(), Err(SignatureError::DoesNotHold));
}

#[test]
fn a_key_signs_by_its_own_scheme_and_hash_alone() {
    let bound = Quote { public: quote!("rsapss").public, ..quote!("boot-rsa") };
    let (key, signature) = (Scheme::RsaPss(HashAlg::Sha256), Scheme::RsaSsa(HashAlg::Sha256));
    assert_eq!(bound.verify(), Err(SignatureError::BoundScheme { key, signature }));
    let quote = quote!("boot-ecc").with_area(|area| match &mut area.key {
        Key::Ecc(key) => key.scheme = Scheme::Ecdsa(HashAlg::Sha384),
        _ => panic!("not ECC"),
    });
    let (key, signature) = (Scheme::Ecdsa(HashAlg::Sha384), Scheme::Ecdsa(HashAlg::Sha256));
    assert_eq!(quote.verify(), Err(SignatureError::BoundScheme { key, signature }));
}

#[test]
fn a_key_of_another_kind_is_named() {
    let unbound = quote!("boot-ecc").with_area(|area| match &mut area.key {
        Key::Ecc(key) => key.scheme = Scheme::Null,
        _ => panic!("not ECC"),
    });
    let crossed = Quote { signature: quote!("boot-rsa").signature, ..unbound };
    assert_eq!(crossed.verify(), Err(SignatureError::KeyKind(Scheme::RsaSsa(HashAlg::Sha256))));
    let opaque = quote!("boot-ecc").with_area(|area| {
        area.key = Key::Opaque { object_type: 8, rest: Vec::new() };
    });
    assert_eq!(opaque.verify(), Err(SignatureError::NotAKey { object_type: 8 }));
}

#[test]
fn sha1_counts_only_where_it_is_asked_for_by_name() {
    let quote = quote!("rsassa-sha1");
    assert_eq!(quote.verify(), Err(SignatureError::Hash(HashAlg::Sha1)));
    let under = |message: &[u8]| {
        verify_signature_under(HashPolicy::DangerAllowSha1, &quote.public, &quote.signature, message)
    };
    assert_eq!(under(&quote.message), Ok(()));
    assert_eq!(under(&quote.message[1..]), Err(SignatureError::DoesNotHold));
}

#[test]
fn keys_that_are_no_good_are_refused_with_their_reason() {
    let strange = quote!("p521").with_area(|area| match &mut area.key {
        Key::Ecc(key) => key.curve = Curve::Other(0x10),
        _ => panic!("not ECC"),
    });
    assert_eq!(strange.verify(), Err(SignatureError::Curve(Curve::Other(0x10))));
    let rsa = |change: fn(&mut evidence::tpm::RsaKey)| {
        let changed = quote!("boot-rsa").with_area(|area| match &mut area.key {
            Key::Rsa(key) => change(key),
            _ => panic!("not RSA"),
        });
        changed.verify()
    };
    let small = SignatureError::RsaSize { bits: 1024 };
    assert_eq!(rsa(|key| key.modulus = vec![0xff; 128]), Err(small));
    assert_eq!(rsa(|key| key.modulus.clear()), Err(SignatureError::RsaSize { bits: 0 }));
    assert_eq!(rsa(|key| key.bits = 3072), Err(SignatureError::MalformedKey));
    assert_eq!(rsa(|key| key.exponent = 4), Err(SignatureError::MalformedKey));
    assert_eq!(rsa(|key| key.exponent = 1), Err(SignatureError::MalformedKey));
    assert_eq!(rsa(|key| key.modulus[255] &= 0xfe), Err(SignatureError::MalformedKey));
    let off_the_curve = quote!("boot-ecc").with_area(|area| match &mut area.key {
        Key::Ecc(key) => key.y[31] ^= 1,
        _ => panic!("not ECC"),
    });
    assert_eq!(off_the_curve.verify(), Err(SignatureError::MalformedKey));
}

#[test]
fn malformed_numbers_are_told_from_wrong_ones() {
    let ecdsa = |r: Vec<u8>, s: Vec<u8>| {
        let signature = Signature::Ecdsa { hash: HashAlg::Sha256, r, s };
        Quote { signature, ..quote!("boot-ecc") }.verify()
    };
    for bad in [vec![0; 32], Vec::new(), vec![0xff; 32], vec![1; 33]] {
        assert_eq!(ecdsa(bad.clone(), vec![1; 32]), Err(SignatureError::MalformedSignature));
        assert_eq!(ecdsa(vec![1; 32], bad), Err(SignatureError::MalformedSignature));
    }
    let short = Signature::RsaSsa { hash: HashAlg::Sha256, signature: vec![1; 255] };
    let quote = Quote { signature: short, ..quote!("boot-rsa") };
    assert_eq!(quote.verify(), Err(SignatureError::MalformedSignature));
}

#[test]
fn leading_zeros_of_a_number_may_be_left_out_or_added() {
    let Quote { public, message, signature } = quote!("boot-ecc");
    let Signature::Ecdsa { hash, r, s } = signature else { panic!("not ECDSA") };
    let padded = Signature::Ecdsa { hash, r: [&[0], r.as_slice()].concat(), s };
    assert_eq!(verify_signature(&public, &padded, &message), Ok(()));
    assert_eq!(field::<4>(&[1, 2]), Some([0, 0, 1, 2]));
    assert_eq!(field::<2>(&[0, 0, 1, 2]), Some([1, 2]));
    assert_eq!(field::<2>(&[1, 2, 3]), None);
    assert_eq!(field::<2>(&[]), Some([0, 0]));
}
