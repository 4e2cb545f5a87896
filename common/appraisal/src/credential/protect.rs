//! The outer wrap of a credential: encryption, then an HMAC that binds it to a key's name.
//!
//! In: a seed, a name, and a credential or its wrapped form. Out: the other one. The seed's secrecy is what all of it
//! rests on, and is not this module's business.
//= TPM 2.0 Library Part 1 §24.4: symmetric encryption; §24.5: HMAC

use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use evidence::cursor::Cursor;
use evidence::digest::HashAlg;
use evidence::tpm::{BlockCipher, CipherMode, IdObject, Key, KeyName, Symmetric, SymmetricCipher};
use zeroize::Zeroizing;

use super::{CredentialError, kdf, symmetric};

/// AES in CFB mode, with a key of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AesCfb {
    Aes128,
    Aes192,
    Aes256,
}

impl AesCfb {
    /// The cipher of a storage key.
    pub(super) fn of(key: &Key) -> Result<Self, CredentialError> {
        let found = symmetric(key);
        match found {
            Symmetric::Cipher(SymmetricCipher { cipher: BlockCipher::Aes, bits, mode: CipherMode::Cfb }) => {
                match bits {
                    128 => Ok(Self::Aes128),
                    192 => Ok(Self::Aes192),
                    256 => Ok(Self::Aes256),
                    _ => Err(CredentialError::Cipher(found)),
                }
            }
            _ => Err(CredentialError::Cipher(found)),
        }
    }

    const fn key_bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }

    fn encrypt_block(self, key: &[u8], block: [u8; 16]) -> Result<[u8; 16], CredentialError> {
        let wrong = |_| CredentialError::Content;
        let mut block = aes::Block::from(block);
        match self {
            Self::Aes128 => aes::Aes128::new_from_slice(key).map_err(wrong)?.encrypt_block(&mut block),
            Self::Aes192 => aes::Aes192::new_from_slice(key).map_err(wrong)?.encrypt_block(&mut block),
            Self::Aes256 => aes::Aes256::new_from_slice(key).map_err(wrong)?.encrypt_block(&mut block),
        }
        Ok(block.into())
    }

    /// Cipher feedback from an all-zero start; `direction` says which side of the xor is fed back.
    fn run(
        self,
        direction: Direction,
        key: &[u8],
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
        let mut out = Zeroizing::new(Vec::with_capacity(data.len()));
        let mut feedback = [0; 16];
        for chunk in data.chunks(16) {
            feedback = self.encrypt_block(key, feedback)?;
            for (stream, byte) in feedback.iter_mut().zip(chunk) {
                let result = *stream ^ byte;
                out.push(result);
                *stream = match direction {
                    Direction::Encrypt => result,
                    Direction::Decrypt => *byte,
                };
            }
        }
        Ok(out)
    }
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Encrypt,
    Decrypt,
}

/// Wraps a credential.
pub(super) fn protect(
    hash: HashAlg,
    cipher: AesCfb,
    seed: &[u8],
    name: &KeyName,
    credential: &[u8],
) -> Result<IdObject, CredentialError> {
    let size = u16::try_from(credential.len()).map_err(|_| CredentialError::Content)?;
    let plain = Zeroizing::new([&size.to_be_bytes(), credential].concat());
    let key = storage_key(hash, cipher, seed, name)?;
    let encrypted_identity = cipher.run(Direction::Encrypt, &key, &plain)?.to_vec();
    let integrity_hmac = integrity(hash, seed, name, &encrypted_identity)?;
    Ok(IdObject { integrity_hmac, encrypted_identity })
}

/// Unwraps a credential.
pub(super) fn unprotect(
    hash: HashAlg,
    cipher: AesCfb,
    seed: &[u8],
    name: &KeyName,
    object: &IdObject,
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    // A TPM compares in constant time; here the key is a test's, and nothing is gained by timing it.
    if integrity(hash, seed, name, &object.encrypted_identity)? != object.integrity_hmac {
        return Err(CredentialError::Integrity);
    }
    let key = storage_key(hash, cipher, seed, name)?;
    let plain = cipher.run(Direction::Decrypt, &key, &object.encrypted_identity)?;
    let mut cursor = Cursor::new(&plain);
    let credential = cursor.tpm2b().map_err(|_| CredentialError::Content)?;
    if !cursor.is_empty() {
        return Err(CredentialError::Content);
    }
    Ok(Zeroizing::new(credential.to_vec()))
}

fn storage_key(
    hash: HashAlg,
    cipher: AesCfb,
    seed: &[u8],
    name: &KeyName,
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    kdf::kdfa(hash, seed, "STORAGE", &name.to_bytes(), cipher.key_bits())
}

fn integrity(
    hash: HashAlg,
    seed: &[u8],
    name: &KeyName,
    encrypted: &[u8],
) -> Result<Vec<u8>, CredentialError> {
    let bits = u16::try_from(hash.size() * 8).map_err(|_| CredentialError::Hash(hash))?;
    let key = kdf::kdfa(hash, seed, "INTEGRITY", &[], bits)?;
    Ok(kdf::hmac(hash, &key, &[encrypted, &name.to_bytes()])?.to_vec())
}
