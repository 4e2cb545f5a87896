//! Algorithm identifiers and public keys of certificates and signatures.
//!
//! In: `AlgorithmIdentifier` and `SubjectPublicKeyInfo`. Out: hashes, signature schemes with all that their parameters
//! fix, the kind and size of a key. An algorithm that nothing is known of is shown by its number; nothing here says
//! that one is strong.

use std::fmt;

use crate::asn1::{Asn1Error, Oid, Value, oid, tag, unsigned};
use crate::digest::{HashAlg, Sha256Digest};

/// `AlgorithmIdentifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmId<'a> {
    oid: Oid<'a>,
    parameters: Option<Value<'a>>,
}

/// A signature's scheme and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(HashAlg),
    /// RSASSA-PSS whose mask is made with the hash of the message.
    Pss {
        /// The hash.
        hash: HashAlg,
        /// The salt's length in bytes.
        salt: usize,
    },
    /// ECDSA.
    Ecdsa(HashAlg),
}

impl<'a> AlgorithmId<'a> {
    /// Reads an `AlgorithmIdentifier`.
    pub fn parse(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let oid = reader.expect(tag::OID)?.oid()?;
        let parameters = if reader.is_empty() { None } else { Some(reader.value()?) };
        Ok(Self { oid, parameters })
    }

    /// Its object identifier.
    pub const fn oid(&self) -> Oid<'a> {
        self.oid
    }

    /// Its parameters.
    pub const fn parameters(&self) -> Option<Value<'a>> {
        self.parameters
    }

    /// The hash that it is.
    pub fn hash(&self) -> Option<HashAlg> {
        HASHES.iter().find_map(|(oid, hash)| (*oid == self.oid).then_some(*hash))
    }

    /// The scheme that it is; `None` where the hash is not part of it, or nothing is known of it.
    pub fn signature_scheme(&self) -> Option<SignatureScheme> {
        if self.oid == oid::RSASSA_PSS {
            return pss(self.parameters.as_ref());
        }
        SCHEMES.iter().find_map(|(oid, scheme)| (*oid == self.oid).then_some(*scheme))
    }
}

impl fmt::Display for AlgorithmId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.oid.algorithm_name() {
            Some(name) => f.write_str(name),
            None => self.oid.fmt(f),
        }
    }
}

impl SignatureScheme {
    /// The hash.
    pub const fn hash(self) -> HashAlg {
        match self {
            Self::Pkcs1(hash) | Self::Pss { hash, .. } | Self::Ecdsa(hash) => hash,
        }
    }
}

/// PSS whose mask is made by MGF1 with the very hash of the message; nobody signs otherwise.
//= RFC 4055 §3.1: RSASSA-PSS-params, each with a default
fn pss(parameters: Option<&Value<'_>>) -> Option<SignatureScheme> {
    let (mut hash, mut mask, mut salt) = (HashAlg::Sha1, HashAlg::Sha1, 20);
    let mut reader = parameters?.expect(tag::SEQUENCE).ok()?.reader();
    if let Some(field) = reader.optional(tag::context_constructed(0)).ok()? {
        hash = AlgorithmId::parse(&field.only().ok()?).ok()?.hash()?;
    }
    if let Some(field) = reader.optional(tag::context_constructed(1)).ok()? {
        let generator = AlgorithmId::parse(&field.only().ok()?).ok()?;
        if generator.oid != oid::MGF1 {
            return None;
        }
        mask = AlgorithmId::parse(&generator.parameters?).ok()?.hash()?;
    }
    if let Some(field) = reader.optional(tag::context_constructed(2)).ok()? {
        salt = usize::try_from(field.only().ok()?.small().ok()?).ok()?;
    }
    (hash == mask).then_some(SignatureScheme::Pss { hash, salt })
}

const HASHES: &[(Oid<'static>, HashAlg)] = &[
    (oid::SHA1, HashAlg::Sha1),
    (oid::SHA256, HashAlg::Sha256),
    (oid::SHA384, HashAlg::Sha384),
    (oid::SHA512, HashAlg::Sha512),
    (oid::SHA3_256, HashAlg::Sha3_256),
    (oid::SHA3_384, HashAlg::Sha3_384),
    (oid::SHA3_512, HashAlg::Sha3_512),
    (oid::SM3, HashAlg::Sm3),
];

const SCHEMES: &[(Oid<'static>, SignatureScheme)] = &[
    (oid::SHA1_WITH_RSA, SignatureScheme::Pkcs1(HashAlg::Sha1)),
    (oid::SHA1_WITH_RSA_OIW, SignatureScheme::Pkcs1(HashAlg::Sha1)),
    (oid::SHA256_WITH_RSA, SignatureScheme::Pkcs1(HashAlg::Sha256)),
    (oid::SHA384_WITH_RSA, SignatureScheme::Pkcs1(HashAlg::Sha384)),
    (oid::SHA512_WITH_RSA, SignatureScheme::Pkcs1(HashAlg::Sha512)),
    (oid::ECDSA_WITH_SHA1, SignatureScheme::Ecdsa(HashAlg::Sha1)),
    (oid::ECDSA_WITH_SHA256, SignatureScheme::Ecdsa(HashAlg::Sha256)),
    (oid::ECDSA_WITH_SHA384, SignatureScheme::Ecdsa(HashAlg::Sha384)),
    (oid::ECDSA_WITH_SHA512, SignatureScheme::Ecdsa(HashAlg::Sha512)),
];

/// `SubjectPublicKeyInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyInfo<'a> {
    raw: &'a [u8],
    algorithm: AlgorithmId<'a>,
    key: &'a [u8],
}

/// The kind and size of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind<'a> {
    /// RSA: modulus and exponent, without zeros in front.
    Rsa {
        /// The modulus.
        modulus: &'a [u8],
        /// The public exponent.
        exponent: &'a [u8],
    },
    /// A point on the curve of this name.
    Ec {
        /// The curve's object identifier.
        curve: Oid<'a>,
        /// SEC1 form.
        point: &'a [u8],
    },
    /// Something else.
    Other,
}

impl<'a> PublicKeyInfo<'a> {
    /// Reads a `SubjectPublicKeyInfo`.
    pub fn parse(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let algorithm = AlgorithmId::parse(&reader.value()?)?;
        let key = reader.expect(tag::BIT_STRING)?.bits()?;
        Ok(Self { raw: value.raw(), algorithm, key })
    }

    /// The whole of it, as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// SHA-256 over the whole of it.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&[self.raw])
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> AlgorithmId<'a> {
        self.algorithm
    }

    /// The content of the bit string.
    pub const fn key_bits(&self) -> &'a [u8] {
        self.key
    }

    /// The kind of key; one whose bits are not of its kind is `Other`.
    pub fn kind(&self) -> KeyKind<'a> {
        if self.algorithm.oid == oid::EC_PUBLIC_KEY {
            let curve = self.algorithm.parameters.and_then(|parameters| parameters.oid().ok());
            return curve.map_or(KeyKind::Other, |curve| KeyKind::Ec { curve, point: self.key });
        }
        let rsa = [oid::RSA_ENCRYPTION, oid::RSAES_OAEP, oid::RSASSA_PSS].contains(&self.algorithm.oid);
        rsa.then(|| self.rsa()).flatten().unwrap_or(KeyKind::Other)
    }

    fn rsa(&self) -> Option<KeyKind<'a>> {
        let mut reader = Value::first(self.key).ok()?.expect(tag::SEQUENCE).ok()?.reader();
        let modulus = unsigned(reader.expect(tag::INTEGER).ok()?.content());
        let exponent = unsigned(reader.expect(tag::INTEGER).ok()?.content());
        Some(KeyKind::Rsa { modulus, exponent })
    }

    /// The algorithm in one word: `rsa`, `p256`, `p384`, `p521`, `sm2`, `ed25519`, or the object identifier.
    pub fn name(&self) -> String {
        match self.kind() {
            KeyKind::Rsa { .. } => "rsa".to_owned(),
            KeyKind::Ec { curve, .. } => CURVES
                .iter()
                .find_map(|(oid, name, _)| (*oid == curve).then(|| (*name).to_owned()))
                .unwrap_or_else(|| curve.to_string()),
            KeyKind::Other => self.algorithm.to_string(),
        }
    }

    /// The key's size in bits, where it is known.
    pub fn bits(&self) -> Option<usize> {
        match self.kind() {
            KeyKind::Rsa { modulus, .. } => {
                let unused = modulus.first()?.leading_zeros();
                modulus.len().checked_mul(8)?.checked_sub(usize::try_from(unused).ok()?)
            }
            KeyKind::Ec { curve, .. } => {
                CURVES.iter().find_map(|(oid, _, bits)| (*oid == curve).then_some(*bits))
            }
            KeyKind::Other => (self.algorithm.oid == oid::ED25519).then_some(256),
        }
    }
}

const CURVES: [(Oid<'static>, &str, usize); 4] =
    [(oid::P256, "p256", 256), (oid::P384, "p384", 384), (oid::P521, "p521", 521), (oid::SM2, "sm2", 256)];
