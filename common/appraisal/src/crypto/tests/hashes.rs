//! Every hash with every scheme, signed by software: hardware that has them all is not at hand.

use evidence::tpm::{Curve, EccKey, KdfScheme, RsaKey, Symmetric, Template};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsa::traits::{PublicKeyParts as _, SignatureScheme};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey};

use super::*;

fn public(key: Key) -> Public {
    Public::new(&PublicArea { key, ..Template::AkRsa2048.area() }).unwrap()
}

fn rsa_public(private: &RsaPrivateKey) -> Public {
    let bits = u16::try_from(private.n().bits()).unwrap();
    let (symmetric, scheme) = (Symmetric::Null, Scheme::Null);
    public(Key::Rsa(RsaKey { symmetric, scheme, bits, exponent: 0, modulus: private.n().to_bytes_be() }))
}

fn ecc_public(curve: Curve, x: &[u8], y: &[u8]) -> Public {
    let (symmetric, scheme, kdf) = (Symmetric::Null, Scheme::Null, KdfScheme::Null);
    public(Key::Ecc(EccKey { symmetric, scheme, curve, kdf, x: x.to_vec(), y: y.to_vec() }))
}

/// `DigestInfo`'s start as the standards print it, apart from the code that is tested.
fn digest_info(hash: HashAlg) -> Vec<u8> {
    hex::decode(match hash {
        HashAlg::Sha1 => "3021300906052b0e03021a05000414",
        HashAlg::Sha256 => "3031300d060960864801650304020105000420",
        HashAlg::Sha384 => "3041300d060960864801650304020205000430",
        HashAlg::Sha512 => "3051300d060960864801650304020305000440",
        HashAlg::Sha3_256 => "3031300d060960864801650304020805000420",
        HashAlg::Sha3_384 => "3041300d060960864801650304020905000430",
        HashAlg::Sha3_512 => "3051300d060960864801650304020a05000440",
        HashAlg::Sm3 => "3030300c06082a811ccf5501831105000420",
    })
    .unwrap()
}

fn pss(hash: HashAlg) -> Pss {
    match hash {
        HashAlg::Sha1 => Pss::new::<sha1::Sha1>(),
        HashAlg::Sha256 => Pss::new::<sha2::Sha256>(),
        HashAlg::Sha384 => Pss::new::<sha2::Sha384>(),
        HashAlg::Sha512 => Pss::new::<sha2::Sha512>(),
        HashAlg::Sha3_256 => Pss::new::<sha3::Sha3_256>(),
        HashAlg::Sha3_384 => Pss::new::<sha3::Sha3_384>(),
        HashAlg::Sha3_512 => Pss::new::<sha3::Sha3_512>(),
        HashAlg::Sm3 => Pss::new::<sm3::Sm3>(),
    }
}

const MESSAGE: &[u8] = b"what a TPM attests";

fn check(public: &Public, signature: &Signature) {
    let hash = signature.hash();
    let under = |policy, message: &[u8]| verify_signature_under(policy, public, signature, message);
    let modern = if hash == HashAlg::Sha1 { Err(SignatureError::Hash(hash)) } else { Ok(()) };
    assert_eq!(under(HashPolicy::Modern, MESSAGE), modern, "{hash}");
    assert_eq!(under(HashPolicy::DangerAllowSha1, MESSAGE), Ok(()), "{hash}");
    let other = under(HashPolicy::DangerAllowSha1, b"what nobody attests");
    assert_eq!(other, Err(SignatureError::DoesNotHold), "{hash}");
}

fn sign(scheme: impl SignatureScheme, private: &RsaPrivateKey, digest: &[u8]) -> Vec<u8> {
    scheme.sign(Some(&mut ChaCha20Rng::seed_from_u64(5)), private, digest).unwrap()
}

fn rsa_with(bits: usize) {
    let private = RsaPrivateKey::new(&mut ChaCha20Rng::seed_from_u64(bits as u64), bits).unwrap();
    let public = rsa_public(&private);
    for hash in HashAlg::ALL {
        let digest = hash.hash(&[MESSAGE]);
        let prefix = digest_info(hash).into_boxed_slice();
        let pkcs1 = Pkcs1v15Sign { hash_len: Some(hash.size()), prefix };
        check(&public, &Signature::RsaSsa { hash, signature: sign(pkcs1, &private, digest.as_bytes()) });
        check(&public, &Signature::RsaPss { hash, signature: sign(pss(hash), &private, digest.as_bytes()) });
    }
}

#[test]
fn rsa_2048_with_every_hash() {
    rsa_with(2048);
}

#[test]
fn rsa_3072_with_every_hash() {
    rsa_with(3072);
}

#[test]
fn rsa_4096_with_every_hash() {
    rsa_with(4096);
}

#[test]
fn ecdsa_with_every_hash_on_every_curve() {
    for hash in HashAlg::ALL {
        let digest = hash.hash(&[MESSAGE]);
        // The library signs no digest below half the field's size as it is; padded, it is the same number.
        let padded =
            |size: usize| [vec![0; size.saturating_sub(hash.size())], digest.as_bytes().to_vec()].concat();
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        let signed: p256::ecdsa::Signature = key.sign_prehash(&padded(32)).unwrap();
        let (r, s) = signed.split_bytes();
        let public = ecc_public(Curve::NistP256, point.x().unwrap(), point.y().unwrap());
        check(&public, &Signature::Ecdsa { hash, r: r.to_vec(), s: s.to_vec() });
        let key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        let signed: p384::ecdsa::Signature = key.sign_prehash(&padded(48)).unwrap();
        let (r, s) = signed.split_bytes();
        let public = ecc_public(Curve::NistP384, point.x().unwrap(), point.y().unwrap());
        check(&public, &Signature::Ecdsa { hash, r: r.to_vec(), s: s.to_vec() });
        let mut secret = [7; 66];
        secret[0] = 0;
        let key = p521::ecdsa::SigningKey::from_slice(&secret).unwrap();
        let point = p521::SecretKey::from_slice(&secret).unwrap().public_key().to_encoded_point(false);
        let signed: p521::ecdsa::Signature = key.sign_prehash(&padded(66)).unwrap();
        let (r, s) = signed.split_bytes();
        let public = ecc_public(Curve::NistP521, point.x().unwrap(), point.y().unwrap());
        check(&public, &Signature::Ecdsa { hash, r: r.to_vec(), s: s.to_vec() });
    }
}
