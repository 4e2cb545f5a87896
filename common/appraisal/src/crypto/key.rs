//! Public keys from TPM structures and certificates in one form, and the check of a signature by one.
//!
//! In: a [`Key`] or a `SubjectPublicKeyInfo`. Out: a key of a kind and size that is supported, with a sound public
//! value; two of them are equal if they are the same key, wherever each came from.

use evidence::asn1::oid;
use evidence::digest::{Digest, HashAlg};
use evidence::tpm::{Curve, EccKey, Key, RsaKey, Scheme};
use evidence::x509::{KeyKind, PublicKeyInfo};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};

use super::SignatureError;

/// A public key of a supported kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa(RsaPublicKey),
    P256(p256::PublicKey),
    P384(p384::PublicKey),
    P521(p521::PublicKey),
}

/// A signature's scheme and numbers, wherever they came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SignatureBytes<'a> {
    Pkcs1 { hash: HashAlg, signature: &'a [u8] },
    Pss { hash: HashAlg, salt: Salt, signature: &'a [u8] },
    Ecdsa { hash: HashAlg, r: &'a [u8], s: &'a [u8] },
}

/// The smallest RSA key that ever signed a program: the digest of a signature must fit.
const SMALLEST_RSA_BITS: usize = 512;

/// How long a PSS signature's salt is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Salt {
    /// As a certificate's parameters say.
    Bytes(usize),
    /// As TPMs do it: the digest's length where FIPS 186 rules, else the longest that fits.
    //= TPM 2.0 Library Part 1 §B.7: RSASSA_PSS
    DigestOrLongest,
}

impl PublicKey {
    pub(crate) fn of_tpm(key: &Key) -> Result<Self, SignatureError> {
        match key {
            Key::Rsa(key) => Self::of_tpm_rsa(key),
            Key::Ecc(key) => Self::of_tpm_ecc(key),
            Key::Opaque { object_type, .. } => Err(SignatureError::NotAKey { object_type: *object_type }),
        }
    }

    fn of_tpm_rsa(key: &RsaKey) -> Result<Self, SignatureError> {
        let found = Self::rsa(&key.modulus, &key.public_exponent().to_be_bytes())?;
        if let Self::Rsa(rsa) = &found
            && rsa.n().bits() != usize::from(key.bits)
        {
            return Err(SignatureError::MalformedKey);
        }
        Ok(found)
    }

    fn of_tpm_ecc(key: &EccKey) -> Result<Self, SignatureError> {
        match key.curve {
            Curve::NistP256 => Self::p256(&sec1::<32>(&key.x, &key.y)?),
            Curve::NistP384 => Self::p384(&sec1::<48>(&key.x, &key.y)?),
            Curve::NistP521 => Self::p521(&sec1::<66>(&key.x, &key.y)?),
            Curve::Other(_) => Err(SignatureError::Curve(key.curve)),
        }
    }

    /// From a certificate, whatever the key's size: what has long been in use is reported as weak, not refused.
    pub(crate) fn of_certificate(info: &PublicKeyInfo<'_>) -> Result<Self, SignatureError> {
        match info.kind() {
            KeyKind::Rsa { modulus, exponent } => Self::rsa_of_any_size(modulus, exponent),
            KeyKind::Ec { curve: oid::P256, point } => Self::p256(point),
            KeyKind::Ec { curve: oid::P384, point } => Self::p384(point),
            KeyKind::Ec { curve: oid::P521, point } => Self::p521(point),
            KeyKind::Ec { .. } | KeyKind::Other => Err(SignatureError::KeyAlgorithm),
        }
    }

    fn rsa_of_any_size(modulus: &[u8], exponent: &[u8]) -> Result<Self, SignatureError> {
        let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        let bits = n.bits();
        if bits > RsaPublicKey::MAX_SIZE {
            return Err(SignatureError::RsaSize { bits });
        }
        if bits < SMALLEST_RSA_BITS {
            return Err(SignatureError::MalformedKey);
        }
        RsaPublicKey::new(n, e).map(Self::Rsa).map_err(|_| SignatureError::MalformedKey)
    }

    /// From a modulus and an exponent.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, SignatureError> {
        Self::rsa_up_to(RsaPublicKey::MAX_SIZE, modulus, exponent)
    }

    /// From a modulus of at most `max_bits` and an exponent.
    pub(crate) fn rsa_up_to(
        max_bits: usize,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, SignatureError> {
        let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
        let bits = n.bits();
        if !(2048..=max_bits).contains(&bits) {
            return Err(SignatureError::RsaSize { bits });
        }
        let key = RsaPublicKey::new_with_max_size(n, e, max_bits);
        key.map(Self::Rsa).map_err(|_| SignatureError::MalformedKey)
    }

    /// From a SEC1 point on P-256, which must lie on the curve.
    pub(crate) fn p256(sec1: &[u8]) -> Result<Self, SignatureError> {
        let key = p256::PublicKey::from_sec1_bytes(sec1);
        key.map(Self::P256).map_err(|_| SignatureError::MalformedKey)
    }

    /// From a SEC1 point on P-384, which must lie on the curve.
    pub(crate) fn p384(sec1: &[u8]) -> Result<Self, SignatureError> {
        let key = p384::PublicKey::from_sec1_bytes(sec1);
        key.map(Self::P384).map_err(|_| SignatureError::MalformedKey)
    }

    /// From a SEC1 point on P-521, which must lie on the curve.
    pub(crate) fn p521(sec1: &[u8]) -> Result<Self, SignatureError> {
        let key = p521::PublicKey::from_sec1_bytes(sec1);
        key.map(Self::P521).map_err(|_| SignatureError::MalformedKey)
    }

    /// Checks a signature; which hashes are fit for one is the caller's to say.
    pub(crate) fn verify(
        &self,
        signature: &SignatureBytes<'_>,
        message: &[u8],
    ) -> Result<(), SignatureError> {
        self.verify_digest(signature, &signature.hash().hash(&[message]))
    }

    /// Checks a signature over what has this digest, which must be of the signature's hash.
    pub(crate) fn verify_digest(
        &self,
        signature: &SignatureBytes<'_>,
        digest: &Digest,
    ) -> Result<(), SignatureError> {
        let hash = signature.hash();
        if digest.alg() != hash {
            return Err(SignatureError::Hash(digest.alg()));
        }
        match (self, *signature) {
            (Self::Rsa(key), SignatureBytes::Pkcs1 { signature, .. }) => {
                rsa_range(key, signature)?;
                held(key.verify(pkcs1(hash), digest.as_bytes(), signature))
            }
            (Self::Rsa(key), SignatureBytes::Pss { salt, signature, .. }) => {
                rsa_range(key, signature)?;
                verify_pss(key, hash, salt, digest.as_bytes(), signature)
            }
            (Self::P256(key), SignatureBytes::Ecdsa { r, s, .. }) => {
                let signature = in_range(p256::ecdsa::Signature::from_slice(&numbers::<32>(r, s)?))?;
                held(p256::ecdsa::VerifyingKey::from(key).verify_prehash(&padded::<32>(digest), &signature))
            }
            (Self::P384(key), SignatureBytes::Ecdsa { r, s, .. }) => {
                let signature = in_range(p384::ecdsa::Signature::from_slice(&numbers::<48>(r, s)?))?;
                held(p384::ecdsa::VerifyingKey::from(key).verify_prehash(&padded::<48>(digest), &signature))
            }
            (Self::P521(key), SignatureBytes::Ecdsa { r, s, .. }) => {
                let signature = in_range(p521::ecdsa::Signature::from_slice(&numbers::<66>(r, s)?))?;
                let key = p521::ecdsa::VerifyingKey::from_affine(*key.as_affine())
                    .map_err(|_| SignatureError::MalformedKey)?;
                held(key.verify_prehash(&padded::<66>(digest), &signature))
            }
            (_, signature) => Err(SignatureError::KeyKind(signature.scheme())),
        }
    }

    /// The first coordinate of a key on a curve, in the field's full length.
    pub(crate) fn x_coordinate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(_) => None,
            Self::P256(key) => key.to_encoded_point(false).x().map(|x| x.to_vec()),
            Self::P384(key) => key.to_encoded_point(false).x().map(|x| x.to_vec()),
            Self::P521(key) => key.to_encoded_point(false).x().map(|x| x.to_vec()),
        }
    }
}

impl SignatureBytes<'_> {
    const fn hash(&self) -> HashAlg {
        match self {
            Self::Pkcs1 { hash, .. } | Self::Pss { hash, .. } | Self::Ecdsa { hash, .. } => *hash,
        }
    }

    pub(super) const fn scheme(&self) -> Scheme {
        match self {
            Self::Pkcs1 { hash, .. } => Scheme::RsaSsa(*hash),
            Self::Pss { hash, .. } => Scheme::RsaPss(*hash),
            Self::Ecdsa { hash, .. } => Scheme::Ecdsa(*hash),
        }
    }
}

fn held<E>(result: Result<(), E>) -> Result<(), SignatureError> {
    result.map_err(|_| SignatureError::DoesNotHold)
}

/// The number has the modulus's length and is below it; the library asks for the length alone, and would take a number
/// and its sum with the modulus for the same signature.
//= RFC 8017 §5.2.2: if s is not between 0 and n - 1, "signature representative out of range"
fn rsa_range(key: &RsaPublicKey, signature: &[u8]) -> Result<(), SignatureError> {
    let fits = signature.len() == key.size() && BigUint::from_bytes_be(signature) < *key.n();
    if fits { Ok(()) } else { Err(SignatureError::MalformedSignature) }
}

/// The DER of `DigestInfo`'s start: the library makes it for the hashes that it knows by their object identifier.
//= RFC 8017 §9.2 note 1: the DER of DigestInfo's start; NIST CSOR: SHA-3; GM/T 0006: SM3
fn pkcs1(hash: HashAlg) -> Pkcs1v15Sign {
    let oid: &[u8] = match hash {
        HashAlg::Sha1 => &[0x2b, 0x0e, 0x03, 0x02, 0x1a],
        HashAlg::Sha256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        HashAlg::Sha384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        HashAlg::Sha512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        HashAlg::Sha3_256 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x08],
        HashAlg::Sha3_384 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x09],
        HashAlg::Sha3_512 => &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0a],
        HashAlg::Sm3 => &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11],
    };
    // Every length is below 128, so each takes one byte.
    let short = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
    let algorithm = [&[0x06, short(oid.len())], oid, &[0x05, 0x00]].concat();
    let whole = algorithm.len().saturating_add(hash.size()).saturating_add(4);
    let head = [0x30, short(whole), 0x30, short(algorithm.len())];
    let prefix = [head.as_slice(), &algorithm, &[0x04, short(hash.size())]].concat();
    Pkcs1v15Sign { hash_len: Some(hash.size()), prefix: prefix.into_boxed_slice() }
}

fn verify_pss(
    key: &RsaPublicKey,
    hash: HashAlg,
    salt: Salt,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let attempt =
        |salt: usize| -> Result<(), SignatureError> { held(key.verify(pss(hash, salt), digest, signature)) };
    match salt {
        Salt::Bytes(salt) => attempt(salt),
        Salt::DigestOrLongest => {
            //= RFC 8017 §9.1.1: emLen < hLen + sLen + 2 is an error
            let longest = key.n().bits().saturating_sub(1).div_ceil(8).saturating_sub(hash.size() + 2);
            attempt(hash.size()).or_else(|_| attempt(longest))
        }
    }
}

fn pss(hash: HashAlg, salt: usize) -> Pss {
    match hash {
        HashAlg::Sha1 => Pss::new_with_salt::<sha1::Sha1>(salt),
        HashAlg::Sha256 => Pss::new_with_salt::<sha2::Sha256>(salt),
        HashAlg::Sha384 => Pss::new_with_salt::<sha2::Sha384>(salt),
        HashAlg::Sha512 => Pss::new_with_salt::<sha2::Sha512>(salt),
        HashAlg::Sm3 => Pss::new_with_salt::<sm3::Sm3>(salt),
        HashAlg::Sha3_256 => Pss::new_with_salt::<sha3::Sha3_256>(salt),
        HashAlg::Sha3_384 => Pss::new_with_salt::<sha3::Sha3_384>(salt),
        HashAlg::Sha3_512 => Pss::new_with_salt::<sha3::Sha3_512>(salt),
    }
}

/// A digest as the number that ECDSA takes it for; the library refuses one of less than half the field's length.
//= FIPS 186-5 §6.4.1: the leftmost bits of the hash, or all of it where it is shorter
fn padded<const N: usize>(digest: &Digest) -> Vec<u8> {
    let zeros = N.saturating_sub(digest.as_bytes().len());
    [vec![0; zeros].as_slice(), digest.as_bytes()].concat()
}

/// A number of exactly `N` bytes: some TPMs leave out leading zeros, and DER adds one.
pub(crate) fn field<const N: usize>(number: &[u8]) -> Option<[u8; N]> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..)?;
    let mut out = [0; N];
    let to = out.get_mut(N.checked_sub(digits.len())?..)?;
    to.copy_from_slice(digits);
    Some(out)
}

/// Both numbers of an ECDSA signature, in the field's full length.
fn numbers<const N: usize>(r: &[u8], s: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let number = |bytes| field::<N>(bytes).ok_or(SignatureError::MalformedSignature);
    Ok([number(r)?, number(s)?].concat())
}

fn in_range<T, E>(signature: Result<T, E>) -> Result<T, SignatureError> {
    signature.map_err(|_| SignatureError::MalformedSignature)
}

/// An uncompressed SEC1 point.
fn sec1<const N: usize>(x: &[u8], y: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let x = field::<N>(x).ok_or(SignatureError::MalformedKey)?;
    let y = field::<N>(y).ok_or(SignatureError::MalformedKey)?;
    Ok([&[4], x.as_slice(), &y].concat())
}
