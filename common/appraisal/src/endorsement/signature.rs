//! Whether one certificate is signed by the key of another.
//!
//! In: two certificates. Out: nothing, or why not. The signature is checked over the bytes as they came, by an algorithm
//! from a short list; SHA-1 is not on it.

use der::Decode as _;
use der::asn1::{ObjectIdentifier, UintRef};
use evidence::digest::HashAlg;
use rsa::pkcs1::RsaPssParams;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificate::{Certificate, whole_octets};
use super::{EndorsementError, Which};
use crate::crypto::{HashPolicy, Salt, SignatureBytes, allowed};

const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// A signature algorithm with all that its parameters fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Pkcs1(HashAlg),
    Pss { hash: HashAlg, salt: usize },
    Ecdsa(HashAlg),
}

/// `Ecdsa-Sig-Value`.
#[derive(Clone, Copy, Debug, der::Sequence)]
struct EcdsaNumbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Checks the signature of `child` by the key of `issuer`.
pub(super) fn verify(child: &Certificate, issuer: &Certificate) -> Result<(), EndorsementError> {
    let which = child.which();
    let malformed = |error| EndorsementError::Malformed { which, error };
    let parsed = child.parsed();
    //= RFC 5280 §4.1.1.2: this field MUST contain the same algorithm identifier as the signature field
    if parsed.signature_algorithm != parsed.tbs_certificate.signature {
        return Err(EndorsementError::TwoAlgorithms { which });
    }
    let signature = whole_octets(&parsed.signature).map_err(malformed)?;
    let failed = |error| EndorsementError::Signature { which, issuer: issuer.which(), error };
    let algorithm = Algorithm::of(which, &parsed.signature_algorithm)?;
    allowed(HashPolicy::Modern, algorithm.hash()).map_err(failed)?;
    let bytes = match algorithm {
        Algorithm::Pkcs1(hash) => SignatureBytes::Pkcs1 { hash, signature },
        Algorithm::Pss { hash, salt } => SignatureBytes::Pss { hash, salt: Salt::Bytes(salt), signature },
        Algorithm::Ecdsa(hash) => {
            let numbers = EcdsaNumbers::from_der(signature).map_err(malformed)?;
            SignatureBytes::Ecdsa { hash, r: numbers.r.as_bytes(), s: numbers.s.as_bytes() }
        }
    };
    issuer.public_key()?.verify(&bytes, child.tbs()).map_err(failed)
}

impl Algorithm {
    fn of(which: Which, identifier: &AlgorithmIdentifierOwned) -> Result<Self, EndorsementError> {
        let oid = identifier.oid;
        KNOWN
            .into_iter()
            .find_map(|(known, algorithm)| (known == oid).then_some(algorithm))
            .or_else(|| if oid == RSASSA_PSS { pss(identifier) } else { None })
            .ok_or(EndorsementError::Algorithm { which, oid })
    }

    const fn hash(self) -> HashAlg {
        match self {
            Self::Pkcs1(hash) | Self::Pss { hash, .. } | Self::Ecdsa(hash) => hash,
        }
    }
}

/// PSS whose mask is made by MGF1 with the very hash of the message; nobody signs certificates otherwise.
fn pss(identifier: &AlgorithmIdentifierOwned) -> Option<Algorithm> {
    let parameters = identifier.parameters.as_ref()?;
    let parameters: RsaPssParams<'_> = parameters.decode_as().ok()?;
    let hash = HASHES.into_iter().find_map(|(oid, hash)| (oid == parameters.hash.oid).then_some(hash))?;
    let mask = parameters.mask_gen;
    if mask.oid != MGF1 || mask.parameters?.oid != parameters.hash.oid {
        return None;
    }
    Some(Algorithm::Pss { hash, salt: usize::from(parameters.salt_len) })
}

const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// SHA-1 is known by name, so that its refusal says why.
const KNOWN: [(ObjectIdentifier, Algorithm); 8] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), Algorithm::Pkcs1(HashAlg::Sha1)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), Algorithm::Pkcs1(HashAlg::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), Algorithm::Pkcs1(HashAlg::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), Algorithm::Pkcs1(HashAlg::Sha512)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), Algorithm::Ecdsa(HashAlg::Sha1)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), Algorithm::Ecdsa(HashAlg::Sha256)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"), Algorithm::Ecdsa(HashAlg::Sha384)),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"), Algorithm::Ecdsa(HashAlg::Sha512)),
];

const HASHES: [(ObjectIdentifier, HashAlg); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), HashAlg::Sha1),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), HashAlg::Sha256),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), HashAlg::Sha384),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), HashAlg::Sha512),
];
