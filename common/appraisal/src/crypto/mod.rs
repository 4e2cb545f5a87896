//! Whether a TPM's signature holds.
//!
//! In: a key's public area, a signature and the bytes that it is said to be over. Out: nothing, or why not. Signature
//! mathematics is the libraries'; here it is decided which keys, schemes and hashes are let near it. A signature that
//! holds says nothing of whose key it was or what the key may sign.

mod bare;
mod key;
mod verifying;

use evidence::digest::HashAlg;
use evidence::tpm::{Curve, OtherScheme, Public, Scheme, Signature};

pub use bare::{SchemeHint, SignatureFileError, parse_signature_file};
pub(crate) use key::{PublicKey, Salt, SignatureBytes, field};
pub use verifying::{KEY_FILE_BYTES, KeyFile, KeyFileError, KeySize, VerifyingKey};

/// Which hashes a signature may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashPolicy {
    /// SHA-2, SHA-3 and SM3: no two messages with one hash are known.
    Modern,
    /// SHA-1 too: whoever can make two messages with one SHA-1 can make one signature serve both.
    DangerAllowSha1,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The object is no RSA or ECC key.
    #[error("an object of type {object_type:#06x} does not sign")]
    NotAKey {
        /// Its `TPM_ALG_ID`.
        object_type: u16,
    },
    /// The scheme is known, but nothing here verifies it.
    #[error("signature scheme not supported: {}", .0.name())]
    SchemeUnsupported(OtherScheme),
    /// The key is of one kind and the signature of another.
    #[error("the signature's scheme {0:?} is not one for this key")]
    KeyKind(Scheme),
    /// The key is bound to another scheme or hash.
    #[error("the key is bound to {key:?}, the signature is {signature:?}")]
    BoundScheme {
        /// The key's scheme.
        key: Scheme,
        /// The signature's.
        signature: Scheme,
    },
    /// The hash is not allowed.
    #[error("signatures over {0} are not accepted")]
    Hash(HashAlg),
    /// The curve is not supported.
    #[error("signatures on the curve {0:?} are not supported")]
    Curve(Curve),
    /// The RSA key is too small or too large.
    #[error("an RSA key of {bits} bits is not accepted (2048 to 4096)")]
    RsaSize {
        /// Its size.
        bits: usize,
    },
    /// The key is of a kind that is not supported.
    #[error("keys of this algorithm are not supported")]
    KeyAlgorithm,
    /// The public value is no key: a modulus or exponent that cannot be, or a point off the curve.
    #[error("the public value is not a key")]
    MalformedKey,
    /// The signature's numbers have a wrong length or range.
    #[error("the signature is malformed")]
    MalformedSignature,
    /// The signature is not over these bytes by this key.
    #[error("the signature does not hold")]
    DoesNotHold,
}

/// Checks that `signature` is over `message` by the key of `public`; SHA-1 is refused.
pub fn verify_signature(
    public: &Public,
    signature: &Signature,
    message: &[u8],
) -> Result<(), SignatureError> {
    verify_signature_under(HashPolicy::Modern, public, signature, message)
}

/// Checks that `signature` is over `message` by the key of `public`.
pub fn verify_signature_under(
    policy: HashPolicy,
    public: &Public,
    signature: &Signature,
    message: &[u8],
) -> Result<(), SignatureError> {
    VerifyingKey::of_public(public)?.verify(policy, signature, message)
}

pub(crate) fn allowed(policy: HashPolicy, hash: HashAlg) -> Result<(), SignatureError> {
    match (hash, policy) {
        (HashAlg::Sha1, HashPolicy::Modern) => Err(SignatureError::Hash(hash)),
        _ => Ok(()),
    }
}

fn signature_bytes(signature: &Signature) -> Result<SignatureBytes<'_>, SignatureError> {
    Ok(match signature {
        Signature::RsaSsa { hash, signature } => SignatureBytes::Pkcs1 { hash: *hash, signature },
        Signature::RsaPss { hash, signature } => {
            SignatureBytes::Pss { hash: *hash, salt: Salt::DigestOrLongest, signature }
        }
        Signature::Ecdsa { hash, r, s } => SignatureBytes::Ecdsa { hash: *hash, r, s },
        Signature::Other { scheme, .. } => return Err(SignatureError::SchemeUnsupported(*scheme)),
    })
}

#[cfg(test)]
mod tests;
