//! Signatures as TPMs write them.
//!
//! In: the bytes of a `TPMT_SIGNATURE`. Out: its scheme, hash and numbers. Every scheme of the specification is read; those that
//! nothing here can verify are kept apart, so that they are called by their name. Whether a signature holds is for
//! `appraisal` to say.
//= TPM 2.0 Library Part 2 §11.3.4: TPMT_SIGNATURE

use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits::{ECC_COORDINATE_BYTES, RSA_MODULUS_BYTES, SIGNATURE_BYTES};

use super::scheme::Scheme;
use super::wire::{TpmError, Writer, hash_alg, sized, whole};

const NULL: u16 = 0x0010;
const HMAC: u16 = 0x0005;
const RSASSA: u16 = 0x0014;
const RSAPSS: u16 = 0x0016;
const ECDSA: u16 = 0x0018;
const ECDAA: u16 = 0x001a;
const SM2: u16 = 0x001b;
const EC_SCHNORR: u16 = 0x001c;

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
    /// Another scheme: carried, not verified.
    Other {
        /// The scheme.
        scheme: OtherScheme,
        /// The hash over the message.
        hash: HashAlg,
        /// The first number, or the HMAC.
        r: Vec<u8>,
        /// The second number; empty for an HMAC.
        s: Vec<u8>,
    },
}

/// A scheme that is known by name and verified by nobody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherScheme {
    /// Anonymous attestation: it names a group, not a key.
    Ecdaa,
    /// SM2.
    Sm2,
    /// Schnorr signatures on a curve.
    EcSchnorr,
    /// A keyed hash: whoever can check it can also make it.
    Hmac,
}

impl OtherScheme {
    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecdaa => "ecdaa",
            Self::Sm2 => "sm2",
            Self::EcSchnorr => "ecschnorr",
            Self::Hmac => "hmac",
        }
    }

    const fn id(self) -> u16 {
        match self {
            Self::Ecdaa => ECDAA,
            Self::Sm2 => SM2,
            Self::EcSchnorr => EC_SCHNORR,
            Self::Hmac => HMAC,
        }
    }
}

impl Signature {
    /// Reads a `TPMT_SIGNATURE`.
    pub fn parse(tpmt_signature: &[u8]) -> Result<Self, TpmError> {
        whole(tpmt_signature, "signature", SIGNATURE_BYTES, Self::read)
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        match cursor.u16_be()? {
            RSASSA => rsa(cursor).map(|(hash, signature)| Self::RsaSsa { hash, signature }),
            RSAPSS => rsa(cursor).map(|(hash, signature)| Self::RsaPss { hash, signature }),
            ECDSA => numbers(cursor).map(|(hash, r, s)| Self::Ecdsa { hash, r, s }),
            ECDAA => other(OtherScheme::Ecdaa, cursor),
            SM2 => other(OtherScheme::Sm2, cursor),
            EC_SCHNORR => other(OtherScheme::EcSchnorr, cursor),
            //= TPM 2.0 Library Part 2 §10.3.2: TPMT_HA, a digest of the algorithm's size without a size of its own
            HMAC => {
                let hash = hash_alg(cursor)?;
                let r = cursor.take(hash.size())?.to_vec();
                Ok(Self::Other { scheme: OtherScheme::Hmac, hash, r, s: Vec::new() })
            }
            NULL => Err(TpmError::Unsigned { offset }),
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
            Self::Other { scheme: OtherScheme::Hmac, hash, r, .. } => {
                out.u16(HMAC).u16(hash.tpm_id()).bytes(r);
            }
            Self::Other { scheme, hash, r, s } => {
                out.u16(scheme.id()).u16(hash.tpm_id());
                out.sized(r, "signature's number", ECC_COORDINATE_BYTES)?;
                out.sized(s, "signature's number", ECC_COORDINATE_BYTES)?;
            }
        }
        Ok(out.finish())
    }

    /// The hash over the message, which is also the one over a quote's PCR values.
    pub const fn hash(&self) -> HashAlg {
        match self {
            Self::RsaSsa { hash, .. }
            | Self::RsaPss { hash, .. }
            | Self::Ecdsa { hash, .. }
            | Self::Other { hash, .. } => *hash,
        }
    }

    /// The scheme with its hash, as a key that is bound to it names it; `None` for a scheme that no key of a pair has.
    pub const fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::RsaSsa { hash, .. } => Some(Scheme::RsaSsa(*hash)),
            Self::RsaPss { hash, .. } => Some(Scheme::RsaPss(*hash)),
            Self::Ecdsa { hash, .. } => Some(Scheme::Ecdsa(*hash)),
            Self::Other { .. } => None,
        }
    }

    /// The word for answers; it never changes.
    pub const fn scheme_name(&self) -> &'static str {
        match self {
            Self::RsaSsa { .. } => "rsassa",
            Self::RsaPss { .. } => "rsapss",
            Self::Ecdsa { .. } => "ecdsa",
            Self::Other { scheme, .. } => scheme.name(),
        }
    }
}

fn rsa(cursor: &mut Cursor<'_>) -> Result<(HashAlg, Vec<u8>), TpmError> {
    Ok((hash_alg(cursor)?, sized(cursor, "RSA signature", RSA_MODULUS_BYTES)?.to_vec()))
}

fn numbers(cursor: &mut Cursor<'_>) -> Result<(HashAlg, Vec<u8>, Vec<u8>), TpmError> {
    let hash = hash_alg(cursor)?;
    let r = sized(cursor, "signature's number", ECC_COORDINATE_BYTES)?.to_vec();
    let s = sized(cursor, "signature's number", ECC_COORDINATE_BYTES)?.to_vec();
    Ok((hash, r, s))
}

fn other(scheme: OtherScheme, cursor: &mut Cursor<'_>) -> Result<Signature, TpmError> {
    numbers(cursor).map(|(hash, r, s)| Signature::Other { scheme, hash, r, s })
}
