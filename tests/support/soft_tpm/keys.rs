//! The keys of a TPM that is made of software.
//!
//! In: a seed. Out: key pairs with the public areas of Lydian's templates, the same for the same seed. Their private parts are
//! in the test's memory and their seeds in its source: nothing must ever trust them.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use appraisal::credential::SoftwareEndorsementKey;
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::tpm::{Key, ObjectAttributes, Public, Signature, Template};
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::EncodePublicKey as _;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rsa::signature::SignatureEncoding as _;
use rsa::traits::PublicKeyParts as _;

/// What kind of key a TPM has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECC on NIST P-256; signs by ECDSA with SHA-256.
    EccP256,
    /// RSA with 2048 bits; signs by PKCS #1 v1.5 with SHA-256.
    Rsa2048,
}

/// An endorsement key.
#[derive(Clone, Debug)]
pub(super) struct Endorser {
    pub(super) public: Public,
    pub(super) private: SoftwareEndorsementKey,
}

impl Endorser {
    pub(super) fn new(kind: KeyKind, seed: u64) -> Result<Self> {
        let template = match kind {
            KeyKind::EccP256 => Template::EkEccP256,
            KeyKind::Rsa2048 => Template::EkRsa2048,
        };
        let pair = Pair::new(kind, "endorsement", seed)?;
        let public = pair.public(template, template.area().attributes)?;
        let private = match pair {
            Pair::P256(key) => SoftwareEndorsementKey::P256(key),
            Pair::Rsa(key) => SoftwareEndorsementKey::Rsa(key),
        };
        Ok(Self { public, private })
    }

    /// The key's `SubjectPublicKeyInfo`, for its certificate.
    pub(super) fn spki_der(&self) -> Result<Vec<u8>> {
        let der = match &self.private {
            SoftwareEndorsementKey::P256(key) => key.public_key().to_public_key_der(),
            SoftwareEndorsementKey::P384(key) => key.public_key().to_public_key_der(),
            SoftwareEndorsementKey::P521(key) => key.public_key().to_public_key_der(),
            SoftwareEndorsementKey::Rsa(key) => key.to_public_key().to_public_key_der(),
        };
        Ok(der.context("encode the endorsement key")?.into_vec())
    }
}

/// An attestation key with its private part.
#[derive(Clone, Debug)]
pub struct Signatory {
    pub(super) public: Public,
    pair: Pair,
}

impl Signatory {
    /// `attributes` are those of the template, unless a test wants a key that must be refused.
    pub(super) fn new(kind: KeyKind, seed: u64, attributes: Option<ObjectAttributes>) -> Result<Self> {
        let template = match kind {
            KeyKind::EccP256 => Template::AkEccP256,
            KeyKind::Rsa2048 => Template::AkRsa2048,
        };
        let pair = Pair::new(kind, "attestation", seed)?;
        let public = pair.public(template, attributes.unwrap_or(template.area().attributes))?;
        Ok(Self { public, pair })
    }

    /// The hash of the key's scheme, which is also the one over quoted PCRs.
    pub(super) const HASH: HashAlg = HashAlg::Sha256;

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        match &self.pair {
            Pair::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(key).sign(message);
                let (r, s) = signature.split_bytes();
                Signature::Ecdsa { hash: Self::HASH, r: r.to_vec(), s: s.to_vec() }
            }
            Pair::Rsa(key) => {
                let signer = rsa::pkcs1v15::SigningKey::<sha2::Sha256>::new(key.as_ref().clone());
                Signature::RsaSsa { hash: Self::HASH, signature: signer.sign(message).to_vec() }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Pair {
    P256(p256::SecretKey),
    Rsa(Box<rsa::RsaPrivateKey>),
}

impl Pair {
    fn new(kind: KeyKind, role: &str, seed: u64) -> Result<Self> {
        match kind {
            KeyKind::EccP256 => Ok(Self::P256(p256::SecretKey::random(&mut rng(role, seed)))),
            KeyKind::Rsa2048 => rsa_key(role, seed).map(|key| Self::Rsa(Box::new(key))),
        }
    }

    fn public(&self, template: Template, attributes: ObjectAttributes) -> Result<Public> {
        let mut area = template.area();
        area.attributes = attributes;
        match (&mut area.key, self) {
            (Key::Ecc(ecc), Self::P256(key)) => {
                let point = key.public_key().to_encoded_point(false);
                ecc.x = point.x().context("a point has coordinates")?.to_vec();
                ecc.y = point.y().context("a point has coordinates")?.to_vec();
            }
            (Key::Rsa(rsa), Self::Rsa(key)) => rsa.modulus = key.n().to_bytes_be(),
            _ => anyhow::bail!("{template:?} is for another kind of key"),
        }
        Ok(Public::new(&area)?)
    }
}

/// Everything that is drawn comes from the seed and its role.
pub(crate) fn rng(role: &str, seed: u64) -> ChaCha20Rng {
    let seed = Sha256Digest::of(&[b"lydian tests\0", role.as_bytes(), b"\0", &seed.to_be_bytes()]);
    ChaCha20Rng::from_seed(*seed.as_bytes())
}

/// RSA keys take a noticeable time to make, so each is made once in a process.
fn rsa_key(role: &str, seed: u64) -> Result<rsa::RsaPrivateKey> {
    static MADE: OnceLock<Mutex<BTreeMap<(String, u64), rsa::RsaPrivateKey>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let name = (role.to_owned(), seed);
    if let Some(key) = made.get(&name) {
        return Ok(key.clone());
    }
    let key = rsa::RsaPrivateKey::new(&mut rng(role, seed), 2048).context("make an RSA key")?;
    made.insert(name, key.clone());
    Ok(key)
}
