//! A public key that is ready to check signatures, from a TPM's structure or from a file without one.
//!
//! In: a [`Public`], a `SubjectPublicKeyInfo` in DER or PEM, or a file that holds any of them. Out: a key with the scheme that it
//! is bound to. A key that came without its public area has no attributes and no name: what it may sign cannot be
//! checked, and who asks is told so by the type.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, pem};
use evidence::limits::PUBLIC_BYTES;
use evidence::tpm::{Curve, Key, Public, Scheme, Signature, TpmError};
use rsa::traits::PublicKeyParts as _;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{HashPolicy, PublicKey, SignatureError, allowed, signature_bytes};

/// A public key of a supported kind, and the scheme that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    key: PublicKey,
    bound: Scheme,
}

/// A key's kind and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySize {
    /// RSA, with the modulus's bits.
    Rsa(usize),
    /// A key on a curve.
    Ecc(Curve),
}

/// What a key's file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFile {
    /// A TPM's public area: attributes, name and all.
    Area(Public),
    /// A key alone: nothing says what it may sign, or whether a TPM has it.
    Bare(VerifyingKey),
}

/// Why a file holds no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Neither `TPM2B_PUBLIC` nor `TPMT_PUBLIC`; the error is that of the first.
    #[error("not a TPM2B_PUBLIC, TPMT_PUBLIC, PEM or DER key: {0}")]
    Structure(#[from] TpmError),
    /// Not PEM.
    #[error("not a PEM file: {0}")]
    Pem(pem::Error),
    /// PEM of something else.
    #[error("the PEM file holds no public key")]
    Label,
    /// Not a `SubjectPublicKeyInfo`.
    #[error("not a public key: {0}")]
    Der(der::Error),
    /// A key of another kind.
    #[error("keys of the algorithm {0} are not supported")]
    Algorithm(ObjectIdentifier),
    /// A curve that is not supported.
    #[error("keys on the curve {0} are not supported")]
    Curve(ObjectIdentifier),
    /// The key is none that can be used.
    #[error(transparent)]
    Key(#[from] SignatureError),
}

impl VerifyingKey {
    /// The key of a public area.
    pub fn of_public(public: &Public) -> Result<Self, SignatureError> {
        let bound = match public.key() {
            Key::Rsa(rsa) => rsa.scheme,
            Key::Ecc(ecc) => ecc.scheme,
            Key::Opaque { object_type, .. } => {
                return Err(SignatureError::NotAKey { object_type: *object_type });
            }
        };
        Ok(Self { key: PublicKey::of_tpm(public.key())?, bound })
    }

    /// The key of a `SubjectPublicKeyInfo` in DER; it is bound to no scheme.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyFileError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(KeyFileError::Der)?;
        let bits = info.subject_public_key.as_bytes().ok_or(SignatureError::MalformedKey)?;
        let key = match info.algorithm.oid {
            RSA_ENCRYPTION => {
                let key = rsa::pkcs1::RsaPublicKey::from_der(bits).map_err(KeyFileError::Der)?;
                PublicKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes())?
            }
            EC_PUBLIC_KEY => match info.algorithm.parameters_oid() {
                Ok(P256) => PublicKey::p256(bits)?,
                Ok(P384) => PublicKey::p384(bits)?,
                Ok(P521) => PublicKey::p521(bits)?,
                Ok(other) => return Err(KeyFileError::Curve(other)),
                Err(_) => return Err(SignatureError::MalformedKey.into()),
            },
            other => return Err(KeyFileError::Algorithm(other)),
        };
        Ok(Self { key, bound: Scheme::Null })
    }

    /// The key of a PEM file.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFileError> {
        let (label, der) = pem::decode_vec(pem).map_err(KeyFileError::Pem)?;
        if label == "PUBLIC KEY" { Self::from_spki(&der) } else { Err(KeyFileError::Label) }
    }

    /// The scheme that the key is bound to; `Null` where each use names its own.
    pub const fn bound(&self) -> Scheme {
        self.bound
    }

    /// The key's kind and size.
    pub fn size(&self) -> KeySize {
        match &self.key {
            PublicKey::Rsa(key) => KeySize::Rsa(key.n().bits()),
            PublicKey::P256(_) => KeySize::Ecc(Curve::NistP256),
            PublicKey::P384(_) => KeySize::Ecc(Curve::NistP384),
            PublicKey::P521(_) => KeySize::Ecc(Curve::NistP521),
        }
    }

    /// Checks that `signature` is over `message` by this key.
    pub fn verify(
        &self,
        policy: HashPolicy,
        signature: &Signature,
        message: &[u8],
    ) -> Result<(), SignatureError> {
        let bytes = signature_bytes(signature)?;
        self.agrees(bytes.scheme())?;
        allowed(policy, signature.hash())?;
        self.key.verify(&bytes, message)
    }

    /// A key that names a scheme signs by that scheme alone.
    //= TPM 2.0 Library Part 1 §B.2, §C.3: a restricted signing key shall have a scheme, and uses no other
    fn agrees(&self, signature: Scheme) -> Result<(), SignatureError> {
        if self.bound == Scheme::Null || self.bound == signature {
            Ok(())
        } else {
            Err(SignatureError::BoundScheme { key: self.bound, signature })
        }
    }
}

impl KeyFile {
    /// Reads a `TPM2B_PUBLIC`, a `TPMT_PUBLIC`, or a `SubjectPublicKeyInfo` in DER or PEM.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyFileError> {
        match bytes {
            [b'-', ..] => VerifyingKey::from_pem(bytes).map(Self::Bare),
            // No structure of a TPM starts so: as a size it is over the limit, as an object's type it is unknown.
            [SEQUENCE, ..] => VerifyingKey::from_spki(bytes).map(Self::Bare),
            _ => {
                let area = Public::parse_tpm2b(bytes);
                Ok(area.or_else(|error| Public::parse(bytes).map_err(|_| error)).map(Self::Area)?)
            }
        }
    }

    /// The key, ready to check signatures.
    pub fn verifying_key(&self) -> Result<VerifyingKey, SignatureError> {
        match self {
            Self::Area(public) => VerifyingKey::of_public(public),
            Self::Bare(key) => Ok(key.clone()),
        }
    }
}

/// The longest key file: a public area, or as much DER in PEM's four characters for three bytes.
pub const KEY_FILE_BYTES: usize = 2 * PUBLIC_BYTES;

const SEQUENCE: u8 = 0x30;
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
