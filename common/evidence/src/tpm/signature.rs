//! Signatures as TPMs write them.
//!
//! In: the bytes of a `TPMT_SIGNATURE`. Out: its scheme, hash and numbers. Only the schemes that attestation keys use
//! are known; whether the signature holds is for `appraisal` to say.
//= TPM 2.0 Library Part 2 §11.3.4: TPMT_SIGNATURE

use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits::{ECC_COORDINATE_BYTES, RSA_MODULUS_BYTES, SIGNATURE_BYTES};

use super::scheme::Scheme;
use super::wire::{TpmError, Writer, hash_alg, sized, whole};

const RSASSA: u16 = 0x0014;
const RSAPSS: u16 = 0x0016;
const ECDSA: u16 = 0x0018;

/// A signature by an attestation key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// PKCS #1 v1.5.
    RsaSsa {
        /// The hash over the message.
        hash: HashAlg,
        /// The signature's number, most significant byte first.
        signature: Vec<u8>,
    },
    /// PSS.
    RsaPss {
        /// The hash over the message.
        hash: HashAlg,
        /// The signature's number, most significant byte first.
        signature: Vec<u8>,
    },
    /// ECDSA.
    Ecdsa {
        /// The hash over the message.
        hash: HashAlg,
        /// The first number, most significant byte first.
        r: Vec<u8>,
        /// The second number.
        s: Vec<u8>,
    },
}

impl Signature {
    /// Reads a `TPMT_SIGNATURE`.
    pub fn parse(tpmt_signature: &[u8]) -> Result<Self, TpmError> {
        whole(tpmt_signature, "signature", SIGNATURE_BYTES, Self::read)
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        let scheme = cursor.u16_be()?;
        let rsa = |cursor: &mut Cursor<'_>| -> Result<_, TpmError> {
            Ok((hash_alg(cursor)?, sized(cursor, "RSA signature", RSA_MODULUS_BYTES)?.to_vec()))
        };
        match scheme {
            RSASSA => rsa(cursor).map(|(hash, signature)| Self::RsaSsa { hash, signature }),
            RSAPSS => rsa(cursor).map(|(hash, signature)| Self::RsaPss { hash, signature }),
            ECDSA => Ok(Self::Ecdsa {
                hash: hash_alg(cursor)?,
                r: sized(cursor, "ECDSA number", ECC_COORDINATE_BYTES)?.to_vec(),
                s: sized(cursor, "ECDSA number", ECC_COORDINATE_BYTES)?.to_vec(),
            }),
            found => Err(TpmError::Unknown { offset, what: "signature scheme", found }),
        }
    }

    /// The `TPMT_SIGNATURE`.
    pub fn encode(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        match self {
            Self::RsaSsa { hash, signature } => {
                out.u16(RSASSA).u16(hash.tpm_id());
                out.sized(signature, "RSA signature", RSA_MODULUS_BYTES)?;
            }
            Self::RsaPss { hash, signature } => {
                out.u16(RSAPSS).u16(hash.tpm_id());
                out.sized(signature, "RSA signature", RSA_MODULUS_BYTES)?;
            }
            Self::Ecdsa { hash, r, s } => {
                out.u16(ECDSA).u16(hash.tpm_id());
                out.sized(r, "ECDSA number", ECC_COORDINATE_BYTES)?;
                out.sized(s, "ECDSA number", ECC_COORDINATE_BYTES)?;
            }
        }
        Ok(out.finish())
    }

    /// The hash over the message, which is also the one over a quote's PCR values.
    pub const fn hash(&self) -> HashAlg {
        match self {
            Self::RsaSsa { hash, .. } | Self::RsaPss { hash, .. } | Self::Ecdsa { hash, .. } => *hash,
        }
    }

    /// The scheme with its hash, as a key that is bound to it names it.
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::RsaSsa { hash, .. } => Scheme::RsaSsa(*hash),
            Self::RsaPss { hash, .. } => Scheme::RsaPss(*hash),
            Self::Ecdsa { hash, .. } => Scheme::Ecdsa(*hash),
        }
    }
}
