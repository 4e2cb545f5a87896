//! Signatures without the TPM's frame, as clouds and some libraries keep them.
//!
//! In: a file that holds a `TPMT_SIGNATURE`, an RSA signature's number, or ECDSA's two numbers as DER or one behind the other;
//! and what is known of the key. Out: the signature in the TPM's terms. A scheme that the file does not name is guessed
//! from the key and the length: a guess that is wrong does not verify.

use der::Decode as _;
use der::asn1::UintRef;
use evidence::digest::HashAlg;
use evidence::limits::SIGNATURE_BYTES;
use evidence::tpm::{Curve, Scheme, Signature, TpmError};

use super::verifying::{KeySize, VerifyingKey};

/// What is known of a signature whose file does not name its scheme.
#[derive(Clone, Copy, Debug)]
pub struct SchemeHint<'k> {
    /// What the user says; a framed signature must then be of this scheme as well.
    pub stated: Option<Scheme>,
    /// The key that is said to have signed.
    pub key: Option<&'k VerifyingKey>,
    /// The hash where neither says one.
    pub hash: HashAlg,
}

/// Why a file holds no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFileError {
    /// Not a `TPMT_SIGNATURE`, and no bare signature either.
    #[error("not a TPMT_SIGNATURE ({0}), nor a bare signature that fits the key")]
    Structure(#[from] TpmError),
    /// The file names another scheme than was stated.
    #[error("the signature is {found:?}, not {stated:?}")]
    OtherScheme {
        /// What was stated.
        stated: Scheme,
        /// What the file says.
        found: Option<Scheme>,
    },
}

/// `Ecdsa-Sig-Value`.
#[derive(Clone, Copy, Debug, der::Sequence)]
struct EcdsaNumbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Reads a signature from a file of any form.
pub fn parse_signature_file(bytes: &[u8], hint: &SchemeHint<'_>) -> Result<Signature, SignatureFileError> {
    let error = match (Signature::parse(bytes), hint.stated) {
        (Ok(signature), Some(stated)) if signature.scheme() != Some(stated) => {
            return Err(SignatureFileError::OtherScheme { stated, found: signature.scheme() });
        }
        (Ok(signature), _) => return Ok(signature),
        (Err(error), _) => error,
    };
    if bytes.len() > SIGNATURE_BYTES || framed(bytes) {
        return Err(error.into());
    }
    let scheme = hint.stated.or_else(|| guess(bytes, hint)).ok_or(error)?;
    bare(bytes, scheme).ok_or(SignatureFileError::Structure(error))
}

/// Whether the bytes start as a `TPMT_SIGNATURE` does: one that is cut is no number of its own.
fn framed(bytes: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = bytes.first_chunk() else { return false };
    let schemes = [0x0005, 0x0014, 0x0016, 0x0018, 0x001a, 0x001b, 0x001c];
    schemes.contains(&u16::from_be_bytes([a, b]))
        && HashAlg::from_tpm_id(u16::from_be_bytes([c, d])).is_some()
}

fn guess(bytes: &[u8], hint: &SchemeHint<'_>) -> Option<Scheme> {
    let (rsa, ecdsa) = (Some(Scheme::RsaSsa(hint.hash)), Some(Scheme::Ecdsa(hint.hash)));
    match hint.key.map(|key| (key.bound(), key.size())) {
        Some((Scheme::Null, KeySize::Rsa(bits))) if bytes.len() == bits.div_ceil(8) => rsa,
        Some((Scheme::Null, KeySize::Ecc(curve))) if der_or_pair(bytes, curve) => ecdsa,
        Some((Scheme::Null, _)) => None,
        Some((bound, _)) => Some(bound),
        None if EcdsaNumbers::from_der(bytes).is_ok() => ecdsa,
        None => match bytes.len() {
            64 | 96 | 132 => ecdsa,
            256 | 384 | 512 => rsa,
            _ => None,
        },
    }
}

fn der_or_pair(bytes: &[u8], curve: Curve) -> bool {
    let pair = curve.coordinate_bytes().and_then(|bytes| bytes.checked_mul(2));
    EcdsaNumbers::from_der(bytes).is_ok() || pair == Some(bytes.len())
}

fn bare(bytes: &[u8], scheme: Scheme) -> Option<Signature> {
    let signature = bytes.to_vec();
    match scheme {
        Scheme::RsaSsa(hash) => Some(Signature::RsaSsa { hash, signature }),
        Scheme::RsaPss(hash) => Some(Signature::RsaPss { hash, signature }),
        Scheme::Ecdsa(hash) => {
            let (r, s) = match EcdsaNumbers::from_der(bytes) {
                Ok(numbers) => (numbers.r.as_bytes(), numbers.s.as_bytes()),
                Err(_) if bytes.len().is_multiple_of(2) => bytes.split_at_checked(bytes.len() / 2)?,
                Err(_) => return None,
            };
            Some(Signature::Ecdsa { hash, r: r.to_vec(), s: s.to_vec() })
        }
        _ => None,
    }
}
