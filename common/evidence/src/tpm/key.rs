//! A key's type, parameters and public value: the part of a public area that its type decides.
//!
//! In: `TPMU_PUBLIC_PARMS` and `TPMU_PUBLIC_ID`. Out: RSA and ECC keys in full, other objects as their bytes.
//! That a modulus or a point is mathematically sound is not checked here, but where the key is used.
//= TPM 2.0 Library Part 2 §12.2.3: TPMU_PUBLIC_PARMS; §12.2.3.5, §12.2.3.6: parameters

use crate::cursor::Cursor;
use crate::limits::{ECC_COORDINATE_BYTES, PUBLIC_BYTES, RSA_MODULUS_BYTES};

use super::scheme::{KdfScheme, Scheme, Symmetric};
use super::wire::{TpmError, Writer, sized};

/// What kind of object it is, its parameters and its public value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// An RSA key.
    Rsa(RsaKey),
    /// A key on an elliptic curve.
    Ecc(EccKey),
    /// A keyed hash, sealed data or a symmetric key: carried, not understood.
    Opaque {
        /// The `TPM_ALG_ID` of its type.
        object_type: u16,
        /// Its parameters and unique value, as they were read.
        rest: Vec<u8>,
    },
}

/// `TPMS_RSA_PARMS` and the modulus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// How a storage key wraps its children; `Null` for other keys.
    pub symmetric: Symmetric,
    /// The scheme that the key is bound to.
    pub scheme: Scheme,
    /// Size of the modulus in bits.
    pub bits: u16,
    /// The exponent as written; zero stands for 65,537.
    pub exponent: u32,
    /// The modulus, most significant byte first; empty or zero in a template.
    pub modulus: Vec<u8>,
}

impl RsaKey {
    /// The exponent that is meant.
    //= TPM 2.0 Library Part 2 §12.2.3.5: an exponent of zero indicates that it is the default of 2^16 + 1
    pub const fn public_exponent(&self) -> u32 {
        if self.exponent == 0 { 65_537 } else { self.exponent }
    }
}

/// `TPMS_ECC_PARMS` and the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EccKey {
    /// How a storage key wraps its children; `Null` for other keys.
    pub symmetric: Symmetric,
    /// The scheme that the key is bound to.
    pub scheme: Scheme,
    /// The curve.
    pub curve: Curve,
    /// The key derivation that the key is bound to.
    pub kdf: KdfScheme,
    /// The point's first coordinate, most significant byte first; empty or zero in a template.
    pub x: Vec<u8>,
    /// The point's second coordinate.
    pub y: Vec<u8>,
}

/// An elliptic curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    NistP256,
    /// NIST P-384.
    NistP384,
    /// NIST P-521.
    NistP521,
    /// Another `TPM_ECC_CURVE`: carried, not computed.
    Other(u16),
}

impl Curve {
    /// The curve of this `TPM_ECC_CURVE`.
    pub const fn from_id(id: u16) -> Self {
        match id {
            0x0003 => Self::NistP256,
            0x0004 => Self::NistP384,
            0x0005 => Self::NistP521,
            other => Self::Other(other),
        }
    }

    /// The `TPM_ECC_CURVE`.
    pub const fn id(self) -> u16 {
        match self {
            Self::NistP256 => 0x0003,
            Self::NistP384 => 0x0004,
            Self::NistP521 => 0x0005,
            Self::Other(other) => other,
        }
    }

    /// Bytes of a coordinate, where the curve is known.
    pub const fn coordinate_bytes(self) -> Option<usize> {
        match self {
            Self::NistP256 => Some(32),
            Self::NistP384 => Some(48),
            Self::NistP521 => Some(66),
            Self::Other(_) => None,
        }
    }
}

const RSA: u16 = 0x0001;
const ECC: u16 = 0x0023;

impl Key {
    /// The `TPMI_ALG_PUBLIC` of the object.
    pub const fn object_type(&self) -> u16 {
        match self {
            Self::Rsa(_) => RSA,
            Self::Ecc(_) => ECC,
            Self::Opaque { object_type, .. } => *object_type,
        }
    }

    pub(super) fn read(object_type: u16, cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        match object_type {
            RSA => RsaKey::read(cursor).map(Self::Rsa),
            ECC => EccKey::read(cursor).map(Self::Ecc),
            _ => {
                let left = cursor.left();
                Ok(Self::Opaque { object_type, rest: cursor.take(left)?.to_vec() })
            }
        }
    }

    pub(super) fn write(&self, out: &mut Writer) -> Result<(), TpmError> {
        match self {
            Self::Rsa(key) => key.write(out),
            Self::Ecc(key) => key.write(out),
            Self::Opaque { object_type, rest } => {
                opaque_type(*object_type)?;
                limited(rest)?;
                out.bytes(rest);
                Ok(())
            }
        }
    }
}

/// An opaque object that calls itself RSA or ECC would read back as something else.
fn opaque_type(found: u16) -> Result<(), TpmError> {
    match found {
        RSA | ECC => Err(TpmError::Unknown { offset: 0, what: "opaque object type", found }),
        _ => Ok(()),
    }
}

fn limited(rest: &[u8]) -> Result<(), TpmError> {
    let (limit, found) = (PUBLIC_BYTES, rest.len());
    if found > limit {
        return Err(TpmError::Limit { offset: 0, what: "opaque object", limit, found });
    }
    Ok(())
}

impl RsaKey {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        Ok(Self {
            symmetric: Symmetric::read(cursor)?,
            scheme: Scheme::read(cursor)?,
            bits: cursor.u16_be()?,
            exponent: cursor.u32_be()?,
            modulus: sized(cursor, "RSA modulus", RSA_MODULUS_BYTES)?.to_vec(),
        })
    }

    fn write(&self, out: &mut Writer) -> Result<(), TpmError> {
        self.symmetric.write(out);
        self.scheme.write(out);
        out.u16(self.bits).u32(self.exponent);
        out.sized(&self.modulus, "RSA modulus", RSA_MODULUS_BYTES)?;
        Ok(())
    }
}

impl EccKey {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        Ok(Self {
            symmetric: Symmetric::read(cursor)?,
            scheme: Scheme::read(cursor)?,
            curve: Curve::from_id(cursor.u16_be()?),
            kdf: KdfScheme::read(cursor)?,
            x: sized(cursor, "ECC coordinate", ECC_COORDINATE_BYTES)?.to_vec(),
            y: sized(cursor, "ECC coordinate", ECC_COORDINATE_BYTES)?.to_vec(),
        })
    }

    fn write(&self, out: &mut Writer) -> Result<(), TpmError> {
        self.symmetric.write(out);
        self.scheme.write(out);
        out.u16(self.curve.id());
        self.kdf.write(out);
        out.sized(&self.x, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        out.sized(&self.y, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        Ok(())
    }
}
