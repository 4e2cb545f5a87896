//! The schemes and ciphers that a key is bound to.
//!
//! In: `TPMT_SYM_DEF_OBJECT`, `TPMT_RSA_SCHEME`, `TPMT_ECC_SCHEME` and `TPMT_KDF_SCHEME`. Out: enums, and back. Schemes are
//! named here that nothing in this workspace computes, so that any key's public area can be read.
//= TPM 2.0 Library Part 2 §11.1: symmetric; §11.2: asymmetric schemes

use crate::cursor::Cursor;
use crate::digest::HashAlg;

use super::wire::{TpmError, Writer, hash_alg};

/// `TPMT_SYM_DEF_OBJECT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetric {
    /// No symmetric algorithm: the key is not a storage key.
    Null,
    /// A block cipher.
    Cipher(SymmetricCipher),
}

/// A block cipher with its key size and mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymmetricCipher {
    /// The cipher.
    pub cipher: BlockCipher,
    /// Its key size.
    pub bits: u16,
    /// Its mode of operation.
    pub mode: CipherMode,
}

/// A block cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockCipher {
    /// AES.
    Aes,
    /// Triple DES.
    Tdes,
    /// SM4.
    Sm4,
    /// Camellia.
    Camellia,
}

/// A block cipher's mode of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherMode {
    /// Cipher feedback: the one that storage keys use.
    Cfb,
    /// Left open.
    Null,
    /// Counter.
    Ctr,
    /// Output feedback.
    Ofb,
    /// Cipher block chaining.
    Cbc,
    /// Electronic codebook.
    Ecb,
}

/// `TPMT_RSA_SCHEME` or `TPMT_ECC_SCHEME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Left open: each use names its scheme.
    Null,
    /// PKCS #1 v1.5 signatures.
    RsaSsa(HashAlg),
    /// PSS signatures.
    RsaPss(HashAlg),
    /// ECDSA signatures.
    Ecdsa(HashAlg),
    /// PKCS #1 v1.5 encryption.
    RsaEs,
    /// OAEP encryption.
    Oaep(HashAlg),
    /// Diffie-Hellman on a curve.
    Ecdh(HashAlg),
    /// Anonymous attestation; the number counts commits.
    Ecdaa(HashAlg, u16),
    /// SM2.
    Sm2(HashAlg),
    /// Schnorr signatures on a curve.
    EcSchnorr(HashAlg),
    /// Menezes-Qu-Vanstone.
    EcMqv(HashAlg),
}

/// `TPMT_KDF_SCHEME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfScheme {
    /// Left open.
    Null,
    /// MGF1.
    Mgf1(HashAlg),
    /// The construction of `KDFe`.
    Kdf1Sp80056a(HashAlg),
    /// KDF2 of IEEE 1363a.
    Kdf2(HashAlg),
    /// The construction of `KDFa`.
    Kdf1Sp800108(HashAlg),
}

const NULL: u16 = 0x0010;

impl Symmetric {
    /// AES in CFB mode with a key of this many bits: what storage and endorsement keys use.
    pub const fn aes_cfb(bits: u16) -> Self {
        Self::Cipher(SymmetricCipher { cipher: BlockCipher::Aes, bits, mode: CipherMode::Cfb })
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        let cipher = match cursor.u16_be()? {
            NULL => return Ok(Self::Null),
            found => BlockCipher::from_id(offset, found)?,
        };
        let bits = cursor.u16_be()?;
        let offset = cursor.offset();
        let mode = CipherMode::from_id(offset, cursor.u16_be()?)?;
        Ok(Self::Cipher(SymmetricCipher { cipher, bits, mode }))
    }

    pub(super) fn write(self, out: &mut Writer) {
        match self {
            Self::Null => out.u16(NULL),
            Self::Cipher(SymmetricCipher { cipher, bits, mode }) => {
                out.u16(cipher.id()).u16(bits).u16(mode.id())
            }
        };
    }
}

impl BlockCipher {
    const fn id(self) -> u16 {
        match self {
            Self::Tdes => 0x0003,
            Self::Aes => 0x0006,
            Self::Sm4 => 0x0013,
            Self::Camellia => 0x0026,
        }
    }

    fn from_id(offset: usize, found: u16) -> Result<Self, TpmError> {
        [Self::Tdes, Self::Aes, Self::Sm4, Self::Camellia]
            .into_iter()
            .find(|cipher| cipher.id() == found)
            .ok_or(TpmError::Unknown { offset, what: "block cipher", found })
    }
}

impl CipherMode {
    const fn id(self) -> u16 {
        match self {
            Self::Null => NULL,
            Self::Ctr => 0x0040,
            Self::Ofb => 0x0041,
            Self::Cbc => 0x0042,
            Self::Cfb => 0x0043,
            Self::Ecb => 0x0044,
        }
    }

    fn from_id(offset: usize, found: u16) -> Result<Self, TpmError> {
        [Self::Null, Self::Ctr, Self::Ofb, Self::Cbc, Self::Cfb, Self::Ecb]
            .into_iter()
            .find(|mode| mode.id() == found)
            .ok_or(TpmError::Unknown { offset, what: "cipher mode", found })
    }
}

impl Scheme {
    /// The scheme's hash, where it has one.
    pub const fn hash(self) -> Option<HashAlg> {
        match self {
            Self::Null | Self::RsaEs => None,
            Self::RsaSsa(hash)
            | Self::RsaPss(hash)
            | Self::Ecdsa(hash)
            | Self::Oaep(hash)
            | Self::Ecdh(hash)
            | Self::Ecdaa(hash, _)
            | Self::Sm2(hash)
            | Self::EcSchnorr(hash)
            | Self::EcMqv(hash) => Some(hash),
        }
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        Ok(match cursor.u16_be()? {
            NULL => Self::Null,
            0x0014 => Self::RsaSsa(hash_alg(cursor)?),
            0x0015 => Self::RsaEs,
            0x0016 => Self::RsaPss(hash_alg(cursor)?),
            0x0017 => Self::Oaep(hash_alg(cursor)?),
            0x0018 => Self::Ecdsa(hash_alg(cursor)?),
            0x0019 => Self::Ecdh(hash_alg(cursor)?),
            0x001a => Self::Ecdaa(hash_alg(cursor)?, cursor.u16_be()?),
            0x001b => Self::Sm2(hash_alg(cursor)?),
            0x001c => Self::EcSchnorr(hash_alg(cursor)?),
            0x001d => Self::EcMqv(hash_alg(cursor)?),
            found => return Err(TpmError::Unknown { offset, what: "key scheme", found }),
        })
    }

    pub(super) fn write(self, out: &mut Writer) {
        match self {
            Self::Null => out.u16(NULL),
            Self::RsaEs => out.u16(0x0015),
            Self::RsaSsa(hash) => out.u16(0x0014).u16(hash.tpm_id()),
            Self::RsaPss(hash) => out.u16(0x0016).u16(hash.tpm_id()),
            Self::Oaep(hash) => out.u16(0x0017).u16(hash.tpm_id()),
            Self::Ecdsa(hash) => out.u16(0x0018).u16(hash.tpm_id()),
            Self::Ecdh(hash) => out.u16(0x0019).u16(hash.tpm_id()),
            Self::Ecdaa(hash, count) => out.u16(0x001a).u16(hash.tpm_id()).u16(count),
            Self::Sm2(hash) => out.u16(0x001b).u16(hash.tpm_id()),
            Self::EcSchnorr(hash) => out.u16(0x001c).u16(hash.tpm_id()),
            Self::EcMqv(hash) => out.u16(0x001d).u16(hash.tpm_id()),
        };
    }
}

impl KdfScheme {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        Ok(match cursor.u16_be()? {
            NULL => Self::Null,
            0x0007 => Self::Mgf1(hash_alg(cursor)?),
            0x0020 => Self::Kdf1Sp80056a(hash_alg(cursor)?),
            0x0021 => Self::Kdf2(hash_alg(cursor)?),
            0x0022 => Self::Kdf1Sp800108(hash_alg(cursor)?),
            found => return Err(TpmError::Unknown { offset, what: "key derivation scheme", found }),
        })
    }

    pub(super) fn write(self, out: &mut Writer) {
        match self {
            Self::Null => out.u16(NULL),
            Self::Mgf1(hash) => out.u16(0x0007).u16(hash.tpm_id()),
            Self::Kdf1Sp80056a(hash) => out.u16(0x0020).u16(hash.tpm_id()),
            Self::Kdf2(hash) => out.u16(0x0021).u16(hash.tpm_id()),
            Self::Kdf1Sp800108(hash) => out.u16(0x0022).u16(hash.tpm_id()),
        };
    }
}
