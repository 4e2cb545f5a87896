//! Credentials that one TPM alone can open, for one key alone.
//!
//! In: an endorsement key's public area, another key's name, a secret, and randomness. Out: the blob for
//! `TPM2_ActivateCredential`. Whoever answers with the secret has that endorsement key in a TPM beside a key of that
//! name; that the endorsement key is a real TPM's is the certificate's to prove.
//= TPM 2.0 Library Part 1 §24: Credential Protection

mod kdf;
mod open;
mod protect;

use evidence::digest::HashAlg;
use evidence::tpm::{
    CredentialBlob, EccKey, EncryptedSecret, KdfScheme, Key, KeyName, ObjectAttributes, Public, RsaKey,
    Scheme, Symmetric, TpmError,
};
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rand_core::{CryptoRng, RngCore};
use rsa::RsaPublicKey;
use zeroize::Zeroizing;

pub use open::{SoftwareEndorsementKey, activate_credential};

use crate::crypto::{PublicKey, SignatureError};

/// Why a credential cannot be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The endorsement key's public value is none that can be used.
    #[error("the endorsement key cannot be used: {0}")]
    EndorsementKey(SignatureError),
    /// The key is not restricted to decryption inside one TPM: it would open a credential for any name.
    #[error("not an endorsement key: it lacks {missing}")]
    NotAnEndorsementKey {
        /// The attributes that it lacks.
        missing: ObjectAttributes,
    },
    /// The endorsement key names a scheme or key derivation of its own, which storage keys do not.
    #[error("the endorsement key is bound to a scheme")]
    Scheme,
    /// The endorsement key is no storage key: it lacks a cipher that is supported (AES in CFB mode).
    #[error("the endorsement key has no cipher that is supported: {0:?}")]
    Cipher(Symmetric),
    /// The endorsement key's hash cannot be computed or is too weak.
    #[error("an endorsement key with {0} is not supported")]
    Hash(HashAlg),
    /// The secret is empty or longer than the endorsement key's hash.
    #[error("a credential of {found} bytes cannot be sent (1 to {limit})")]
    Size {
        /// The longest.
        limit: usize,
        /// What was given.
        found: usize,
    },
    /// A structure could not be written or read.
    #[error("credential blob: {0}")]
    Structure(#[from] TpmError),
    /// The encryption of the seed failed.
    #[error("the seed cannot be encrypted to the endorsement key")]
    Encrypt,
    /// The private key is not the one of the public area.
    #[error("the private key does not belong to this endorsement key")]
    WrongPrivateKey,
    /// The seed cannot be decrypted: it is for another endorsement key, or was changed.
    #[error("the seed is not for this endorsement key")]
    Seed,
    /// The HMAC is another: the credential is for another key's name, or was changed.
    #[error("the credential is not for this key, or was changed")]
    Integrity,
    /// The credential's inner size is wrong.
    #[error("the credential's content is malformed")]
    Content,
}

/// Protects `credential` so that only the TPM with the endorsement key `ek` gives it out, and only if it also
/// holds the key that is called `name`.
pub fn make_credential(
    ek: &Public,
    name: &KeyName,
    credential: &[u8],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<CredentialBlob, CredentialError> {
    is_endorsement_key(ek)?;
    let hash = name_hash(ek)?;
    let limit = hash.size();
    let found = credential.len();
    //= TPM 2.0 Library Part 3 §12.6: TPM_RC_SIZE, credential is larger than the digest size of handle's nameAlg
    if found == 0 || found > limit {
        return Err(CredentialError::Size { limit, found });
    }
    let cipher = protect::AesCfb::of(ek.key())?;
    let (seed, secret) = match PublicKey::of_tpm(ek.key()).map_err(CredentialError::EndorsementKey)? {
        PublicKey::Rsa(key) => seed_for_rsa(hash, &key, rng)?,
        PublicKey::P256(key) => seed_for_p256(hash, &key, rng)?,
        PublicKey::P384(key) => seed_for_p384(hash, &key, rng)?,
        PublicKey::P521(key) => seed_for_p521(hash, &key, rng)?,
    };
    let id_object = protect::protect(hash, cipher, &seed, name, credential)?;
    Ok(CredentialBlob { id_object, secret })
}

type Seed = Zeroizing<Vec<u8>>;

/// What the seed of a credential is bound to, with its closing NUL where the scheme asks for one.
const IDENTITY: &str = "IDENTITY";

//= TPM 2.0 Library Part 2 §12.2.3.5, §12.2.3.6: for a restricted decryption key, scheme shall be TPM_ALG_NULL
fn is_endorsement_key(ek: &Public) -> Result<(), CredentialError> {
    let missing = ek.attributes().missing(ObjectAttributes::ENDORSEMENT_KEY);
    if missing != ObjectAttributes::from_bits(0) {
        return Err(CredentialError::NotAnEndorsementKey { missing });
    }
    match ek.key() {
        Key::Rsa(RsaKey { scheme: Scheme::Null, .. })
        | Key::Ecc(EccKey { scheme: Scheme::Null, kdf: KdfScheme::Null, .. })
        | Key::Opaque { .. } => Ok(()),
        Key::Rsa(_) | Key::Ecc(_) => Err(CredentialError::Scheme),
    }
}

fn name_hash(ek: &Public) -> Result<HashAlg, CredentialError> {
    match ek.area().name_alg {
        hash @ (HashAlg::Sha256 | HashAlg::Sha384 | HashAlg::Sha512) => Ok(hash),
        hash => Err(CredentialError::Hash(hash)),
    }
}

//= TPM 2.0 Library Part 1 §B.10.4: the seed is OAEP-encrypted with the label "IDENTITY", its NUL included
fn seed_for_rsa(
    hash: HashAlg,
    key: &RsaPublicKey,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Seed, EncryptedSecret), CredentialError> {
    let mut seed = Zeroizing::new(vec![0; hash.size()]);
    rng.fill_bytes(&mut seed);
    let sealed = key.encrypt(rng, oaep(hash)?, &seed).map_err(|_| CredentialError::Encrypt)?;
    Ok((seed, EncryptedSecret::new(&sealed)?))
}

fn oaep(hash: HashAlg) -> Result<rsa::Oaep, CredentialError> {
    const LABEL: &str = "IDENTITY\0";
    match hash {
        HashAlg::Sha256 => Ok(rsa::Oaep::new_with_label::<sha2::Sha256, _>(LABEL)),
        HashAlg::Sha384 => Ok(rsa::Oaep::new_with_label::<sha2::Sha384, _>(LABEL)),
        HashAlg::Sha512 => Ok(rsa::Oaep::new_with_label::<sha2::Sha512, _>(LABEL)),
        _ => Err(CredentialError::Hash(hash)),
    }
}

//= TPM 2.0 Library Part 1 §C.6.1: KDFe over the x-coordinates of the product, the ephemeral and the static key
fn seed_for_p256(
    hash: HashAlg,
    key: &p256::PublicKey,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Seed, EncryptedSecret), CredentialError> {
    let ephemeral = p256::ecdh::EphemeralSecret::random(rng);
    let point = ephemeral.public_key().to_encoded_point(false);
    let product = ephemeral.diffie_hellman(key);
    seed_from_point(hash, product.raw_secret_bytes(), point.x().zip(point.y()), &PublicKey::P256(*key))
}

fn seed_for_p384(
    hash: HashAlg,
    key: &p384::PublicKey,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Seed, EncryptedSecret), CredentialError> {
    let ephemeral = p384::ecdh::EphemeralSecret::random(rng);
    let point = ephemeral.public_key().to_encoded_point(false);
    let product = ephemeral.diffie_hellman(key);
    seed_from_point(hash, product.raw_secret_bytes(), point.x().zip(point.y()), &PublicKey::P384(*key))
}

fn seed_for_p521(
    hash: HashAlg,
    key: &p521::PublicKey,
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(Seed, EncryptedSecret), CredentialError> {
    let ephemeral = p521::ecdh::EphemeralSecret::random(rng);
    let point = ephemeral.public_key().to_encoded_point(false);
    let product = ephemeral.diffie_hellman(key);
    seed_from_point(hash, product.raw_secret_bytes(), point.x().zip(point.y()), &PublicKey::P521(*key))
}

fn seed_from_point<F: AsRef<[u8]>>(
    hash: HashAlg,
    product: &[u8],
    ephemeral: Option<(F, F)>,
    ek: &PublicKey,
) -> Result<(Seed, EncryptedSecret), CredentialError> {
    let (x, y) = ephemeral.ok_or(CredentialError::Encrypt)?;
    let (x, y) = (x.as_ref(), y.as_ref());
    let ek_x = ek.x_coordinate().ok_or(CredentialError::Encrypt)?;
    let seed = kdf::kdfe(hash, product, IDENTITY, x, &ek_x);
    Ok((seed, EncryptedSecret::from_point(x, y)?))
}

/// The key's cipher parameters, wherever its type keeps them.
const fn symmetric(key: &Key) -> Symmetric {
    match key {
        Key::Rsa(key) => key.symmetric,
        Key::Ecc(key) => key.symmetric,
        Key::Opaque { .. } => Symmetric::Null,
    }
}

#[cfg(test)]
mod tests;
