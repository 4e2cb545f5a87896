//! Whether one `OpenPGP` signature holds.
//!
//! In: the signer's key, the signature, and what it is over. Out: nothing, or why not: what cannot be verified is told
//! apart from what does not hold. RSA (PKCS #1), ECDSA on P-256, P-384 and P-521 and Ed25519 are verified.
//= RFC 9580 §5.2.4

use evidence::digest::{Digest, HashAlg};
use evidence::openpgp::{Key, Material, Signature};

use crate::crypto::{PublicKey, SignatureBytes, SignatureError, field};

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// It is not by this key, or not over this.
    #[error("the signature does not hold")]
    DoesNotHold,
    /// Its numbers are none.
    #[error("the signature is malformed")]
    Malformed,
    /// Lydian does not verify keys of this kind.
    #[error("signatures by keys of algorithm {algorithm} are not verified")]
    Algorithm {
        /// Number of the key's algorithm.
        algorithm: u8,
    },
    /// Lydian does not compute this hash: MD5 and RIPEMD-160 prove nothing any more.
    #[error("signatures over hash {hash} are not verified")]
    Hash {
        /// Number of the hash.
        hash: u8,
    },
    /// The key is too small or large, or on another curve, or no key.
    #[error("by this key nothing is verified: {0}")]
    Key(SignatureError),
    /// Signatures of this version are not verified.
    #[error("signatures of version {version} are not verified")]
    Version {
        /// Which it is.
        version: u8,
    },
    /// It has a critical subpacket that is not known.
    #[error("subpacket {kind} is critical and not known")]
    Critical {
        /// The subpacket's type.
        kind: u8,
    },
    /// What it is over is longer than what is hashed for it.
    #[error("what it is over is too long")]
    Length,
    /// So many of the certificate's signatures were verified that no more are.
    #[error("the certificate has more signatures than are verified")]
    TooMany,
}

impl Unverified {
    /// Whether it was verified and is wrong, rather than left unverified.
    pub const fn is_wrong(&self) -> bool {
        matches!(self, Self::DoesNotHold | Self::Malformed)
    }
}

/// What a signature is over, in the order in which it is hashed.
pub(super) type Over<'a> = &'a [&'a [u8]];

/// Checks that `signature` is by `signer` over `over`.
pub(super) fn verify(signer: &Key<'_>, signature: &Signature<'_>, over: Over<'_>) -> Result<(), Unverified> {
    let hash = signature.hash().ok_or(Unverified::Hash { hash: signature.hash_id })?;
    if let Some(kind) = signature.unknown_critical() {
        return Err(Unverified::Critical { kind });
    }
    if signer.algorithm != signature.algorithm {
        return Err(Unverified::DoesNotHold);
    }
    let trailer = signature.trailer();
    // Keys of versions 3 and 4 make signatures of versions 3 and 4, those of version 6 of version 6.
    let end: &[u8] = match (signer.version, signature.version) {
        (3 | 4, 3) => &[],
        (3 | 4, 4) | (6, 6) => &trailer,
        (_, version) => return Err(Unverified::Version { version }),
    };
    if signature.version == 6 && signature.salt.len() != salt_bytes(hash) {
        return Err(Unverified::Malformed);
    }
    let digest = hash.hash(&[&[signature.salt], over, &[signature.hashed_part, end]].concat());
    if !digest.as_bytes().starts_with(&signature.digest_start) {
        return Err(Unverified::DoesNotHold);
    }
    match signer.material {
        Material::Rsa { n, e } => rsa(n, e, signature, &digest),
        Material::Curve { curve, point } => match curve.name() {
            Some("ed25519") => {
                let point = point.strip_prefix(&[0x40]).ok_or(MALFORMED_KEY)?;
                ed25519(point, &legacy_numbers(signature)?, digest.as_bytes())
            }
            Some(name) => ecdsa(name, point, signature, &digest),
            None => Err(Unverified::Algorithm { algorithm: signature.algorithm.0 }),
        },
        Material::Native(point) if signer.algorithm.0 == ED25519 => {
            ed25519(point, signature.numbers, digest.as_bytes())
        }
        _ => Err(Unverified::Algorithm { algorithm: signature.algorithm.0 }),
    }
}

const ED25519: u8 = 27;
const MALFORMED_KEY: Unverified = Unverified::Key(SignatureError::MalformedKey);

/// Length of a salt.
//= RFC 9580 §9.5: V6 signature salt size
const fn salt_bytes(hash: HashAlg) -> usize {
    match hash {
        HashAlg::Sha384 => 24,
        HashAlg::Sha512 | HashAlg::Sha3_512 => 32,
        _ => 16,
    }
}

fn rsa(n: &[u8], e: &[u8], signature: &Signature<'_>, digest: &Digest) -> Result<(), Unverified> {
    let key = PublicKey::rsa_up_to(RSA_BITS, n, e).map_err(Unverified::Key)?;
    let [number] = signature.mpis().ok_or(Unverified::Malformed)?;
    // A number loses the zeros in front of it; a signature has the modulus's length.
    let zeros = n.len().checked_sub(number.len()).ok_or(Unverified::Malformed)?;
    let signature = [vec![0; zeros].as_slice(), number].concat();
    let bytes = SignatureBytes::Pkcs1 { hash: digest.alg(), signature: &signature };
    key.verify_digest(&bytes, digest).map_err(of_error)
}

/// The largest RSA key that is computed with: some people have them.
const RSA_BITS: usize = 8192;

fn ecdsa(curve: &str, point: &[u8], signature: &Signature<'_>, digest: &Digest) -> Result<(), Unverified> {
    let key = match curve {
        "nistp256" => PublicKey::p256(point),
        "nistp384" => PublicKey::p384(point),
        "nistp521" => PublicKey::p521(point),
        _ => return Err(Unverified::Algorithm { algorithm: signature.algorithm.0 }),
    };
    let [r, s] = signature.mpis().ok_or(Unverified::Malformed)?;
    let bytes = SignatureBytes::Ecdsa { hash: digest.alg(), r, s };
    key.map_err(Unverified::Key)?.verify_digest(&bytes, digest).map_err(of_error)
}

/// R and S of an `EdDSA` signature as numbers.
//= RFC 9580 §5.2.3.3.1
fn legacy_numbers(signature: &Signature<'_>) -> Result<[u8; 64], Unverified> {
    let [r, s] = signature.mpis().ok_or(Unverified::Malformed)?;
    let (r, s) = (field::<32>(r).ok_or(Unverified::Malformed)?, field::<32>(s).ok_or(Unverified::Malformed)?);
    let mut out = [0; 64];
    for (to, from) in out.iter_mut().zip(r.into_iter().chain(s)) {
        *to = from;
    }
    Ok(out)
}

fn ed25519(point: &[u8], numbers: &[u8], digest: &[u8]) -> Result<(), Unverified> {
    let point = point.try_into().map_err(|_| MALFORMED_KEY)?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| MALFORMED_KEY)?;
    let signature = ed25519_dalek::Signature::from_slice(numbers).map_err(|_| Unverified::Malformed)?;
    key.verify_strict(digest, &signature).map_err(|_| Unverified::DoesNotHold)
}

fn of_error(error: SignatureError) -> Unverified {
    match error {
        SignatureError::DoesNotHold => Unverified::DoesNotHold,
        SignatureError::MalformedSignature => Unverified::Malformed,
        error => Unverified::Key(error),
    }
}
