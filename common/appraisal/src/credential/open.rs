//! The TPM's half of a credential's way, for a TPM made of software.
//!
//! In: a blob, and an endorsement key whose private part is at hand. Out: the secret. Lydian's own programs never hold
//! such a key; tests do, and so the maker can be checked against something that follows the same specification.

use evidence::digest::HashAlg;
use evidence::tpm::{CredentialBlob, EncryptedSecret, KeyName, Public};
use rsa::RsaPrivateKey;
use zeroize::Zeroizing;

use super::{CredentialError, IDENTITY, Seed, kdf, name_hash, oaep, protect};
use crate::crypto::{PublicKey, field};

/// An endorsement key's private part, outside any TPM.
#[derive(Clone, Debug)]
pub enum SoftwareEndorsementKey {
    /// An RSA key.
    Rsa(Box<RsaPrivateKey>),
    /// A key on P-256.
    P256(p256::SecretKey),
    /// A key on P-384.
    P384(p384::SecretKey),
    /// ECC P-521.
    P521(p521::SecretKey),
}

/// Opens a credential as `TPM2_ActivateCredential` does, for a TPM that holds the key called `name`.
pub fn activate_credential(
    ek: &Public,
    private: &SoftwareEndorsementKey,
    name: &KeyName,
    blob: &CredentialBlob,
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let hash = name_hash(ek)?;
    let cipher = protect::AesCfb::of(ek.key())?;
    let public = PublicKey::of_tpm(ek.key()).map_err(CredentialError::EndorsementKey)?;
    if public != private.public_key() {
        return Err(CredentialError::WrongPrivateKey);
    }
    let seed = private.open_seed(hash, &public, &blob.secret)?;
    protect::unprotect(hash, cipher, &seed, name, &blob.id_object)
}

impl SoftwareEndorsementKey {
    fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.to_public_key()),
            Self::P256(key) => PublicKey::P256(key.public_key()),
            Self::P384(key) => PublicKey::P384(key.public_key()),
            Self::P521(key) => PublicKey::P521(key.public_key()),
        }
    }

    fn open_seed(
        &self,
        hash: HashAlg,
        ek: &PublicKey,
        secret: &EncryptedSecret,
    ) -> Result<Seed, CredentialError> {
        match self {
            Self::Rsa(key) => {
                let seed = key.decrypt(oaep(hash)?, secret.as_bytes());
                seed.map(Zeroizing::new).map_err(|_| CredentialError::Seed)
            }
            Self::P256(key) => {
                let (x, point) = ephemeral::<32>(secret)?;
                let point = p256::PublicKey::from_sec1_bytes(&point).map_err(|_| CredentialError::Seed)?;
                let product = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), point.as_affine());
                derive(hash, product.raw_secret_bytes(), &x, ek)
            }
            Self::P384(key) => {
                let (x, point) = ephemeral::<48>(secret)?;
                let point = p384::PublicKey::from_sec1_bytes(&point).map_err(|_| CredentialError::Seed)?;
                let product = p384::ecdh::diffie_hellman(key.to_nonzero_scalar(), point.as_affine());
                derive(hash, product.raw_secret_bytes(), &x, ek)
            }
            Self::P521(key) => {
                let (x, point) = ephemeral::<66>(secret)?;
                let point = p521::PublicKey::from_sec1_bytes(&point).map_err(|_| CredentialError::Seed)?;
                let product = p521::ecdh::diffie_hellman(key.to_nonzero_scalar(), point.as_affine());
                derive(hash, product.raw_secret_bytes(), &x, ek)
            }
        }
    }
}

/// The ephemeral point's first coordinate, and the whole of it as SEC1.
fn ephemeral<const N: usize>(secret: &EncryptedSecret) -> Result<([u8; N], Vec<u8>), CredentialError> {
    let (x, y) = secret.point()?;
    let x = field::<N>(x).ok_or(CredentialError::Seed)?;
    let y = field::<N>(y).ok_or(CredentialError::Seed)?;
    Ok((x, [&[4], x.as_slice(), &y].concat()))
}

fn derive(hash: HashAlg, product: &[u8], x: &[u8], ek: &PublicKey) -> Result<Seed, CredentialError> {
    let ek_x = ek.x_coordinate().ok_or(CredentialError::WrongPrivateKey)?;
    Ok(kdf::kdfe(hash, product, IDENTITY, x, &ek_x))
}
