//! Public keys: versions 3 to 6.
//!
//! In: a key packet's body. Out: its numbers, fingerprint and key id as GnuPG writes them. A fingerprint names these
//! very bytes and nothing else; whose key it is, is not known from them.
//= RFC 9580 §5.5.2, §5.5.4; RFC 4880 §12.2 for version 3; draft-koch-librepgp for version 5

use std::fmt;

use md5::Digest as _;

use super::Seconds;
use super::algorithm::{Algorithm, Curve};
use super::packet::{Packet, Tag, long};
use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::limits::OPENPGP_KEY_BYTES;

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Where its packet starts.
    pub offset: usize,
    /// Version of the packet: 3 to 6.
    pub version: u8,
    /// When it was made, as its maker says.
    pub created: Seconds,
    /// Version 3: days that it is valid, 0 for ever.
    pub valid_days: Option<u16>,
    /// What it is for.
    pub algorithm: Algorithm,
    /// Its numbers.
    pub material: Material<'a>,
    /// The public part of the packet's body, which the fingerprint is over.
    pub body: &'a [u8],
    /// Whether the packet holds the secret, too.
    pub has_secret: bool,
}

/// The numbers of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Material<'a> {
    /// RSA.
    Rsa {
        /// The modulus.
        n: &'a [u8],
        /// The exponent.
        e: &'a [u8],
    },
    /// DSA or Elgamal: the prime is what their size is counted by.
    Discrete {
        /// The prime.
        p: &'a [u8],
    },
    /// ECDSA, ECDH or `EdDSA` on a curve that is named.
    Curve {
        /// The curve.
        curve: Curve<'a>,
        /// The point.
        point: &'a [u8],
    },
    /// X25519, X448, Ed25519 and Ed448 as RFC 9580 has them.
    Native(&'a [u8]),
    /// An algorithm that is not known.
    Unknown(&'a [u8]),
}

/// Why a packet is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The packet ends early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The version is not known.
    #[error("at byte {offset}: keys of version {found} are not known")]
    Version {
        /// Where.
        offset: usize,
        /// What is there.
        found: u8,
    },
    /// The packet is longer than keys are, or its body comes in parts.
    #[error("at byte {offset}: a key packet of more than {limit} bytes")]
    Limit {
        /// Where it starts.
        offset: usize,
        /// The most that is read.
        limit: usize,
    },
    /// There is more behind the key's numbers.
    #[error("at byte {offset}: {left} bytes behind the key")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many there are.
        left: usize,
    },
    /// The length of the numbers is not what the packet says.
    #[error("at byte {offset}: the key's numbers are not as long as it says")]
    MaterialLength {
        /// Where they start.
        offset: usize,
    },
}

impl<'a> Key<'a> {
    /// Reads a key packet, with or without a secret.
    pub fn parse(packet: &Packet<'a>) -> Result<Self, KeyError> {
        let too_long = KeyError::Limit { offset: packet.offset, limit: OPENPGP_KEY_BYTES };
        let body = packet.body.filter(|body| body.len() <= OPENPGP_KEY_BYTES).ok_or(too_long)?;
        let has_secret = matches!(packet.tag, Tag::SECRET_KEY | Tag::SECRET_SUBKEY);
        let mut cursor = Cursor::at(body, packet.body_offset);
        let version_at = cursor.offset();
        let version = cursor.u8()?;
        if !matches!(version, 3..=6) {
            return Err(KeyError::Version { offset: version_at, found: version });
        }
        let created = cursor.u32_be()?;
        let valid_days = if version == 3 { Some(cursor.u16_be()?) } else { None };
        let algorithm = Algorithm(cursor.u8()?);
        let length = if version >= 5 { Some(long(&mut cursor)?) } else { None };
        let start = cursor.offset();
        let material = material(&mut cursor, algorithm, length)?;
        if length.is_some_and(|length| cursor.offset().saturating_sub(start) != length) {
            return Err(KeyError::MaterialLength { offset: start });
        }
        if !has_secret && !cursor.is_empty() {
            return Err(KeyError::Trailing { offset: cursor.offset(), left: cursor.left() });
        }
        let public = body.len().saturating_sub(cursor.left());
        let body = body.get(..public).unwrap_or(body);
        Ok(Self {
            offset: packet.offset,
            version,
            created,
            valid_days,
            algorithm,
            material,
            body,
            has_secret,
        })
    }

    /// What names the key.
    pub fn fingerprint(&self) -> Fingerprint {
        let body = self.body;
        let mut out = Fingerprint { bytes: [0; 32], length: 20 };
        match (self.version, self.material) {
            (3, Material::Rsa { n, e }) => {
                let digest = md5::Md5::new().chain_update(n).chain_update(e).finalize();
                out.fill(&digest);
            }
            (3, _) => out.fill(&[0; 16]),
            (version, _) => {
                let alg = if version == 4 { HashAlg::Sha1 } else { HashAlg::Sha256 };
                out.fill(alg.hash(&[self.frame().as_ref(), body]).as_bytes());
            }
        }
        out
    }

    /// What stands before a key's body where it is hashed.
    pub fn frame(&self) -> Frame {
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX).to_be_bytes();
        let [_, _, high, low] = length;
        match self.version {
            3 | 4 => Frame { bytes: [0x99, high, low, 0, 0], length: 3 },
            version => {
                let [a, b, c, d] = length;
                Frame { bytes: [if version == 5 { 0x9a } else { 0x9b }, a, b, c, d], length: 5 }
            }
        }
    }

    /// The short form of the fingerprint; for version 3 the end of the modulus.
    pub fn key_id(&self) -> KeyId {
        let fingerprint = self.fingerprint();
        let from = match (self.version, self.material) {
            (3, Material::Rsa { n, .. }) => n.last_chunk(),
            (5 | 6, _) => fingerprint.as_bytes().first_chunk(),
            _ => fingerprint.as_bytes().last_chunk(),
        };
        KeyId(from.copied().unwrap_or_default())
    }

    /// Its size as GnuPG counts it.
    pub fn bits(&self) -> Option<usize> {
        match self.material {
            Material::Rsa { n, .. } => Some(bits(n)),
            Material::Discrete { p } => Some(bits(p)),
            Material::Curve { curve, .. } => curve.bits(),
            Material::Native(key) if key.len() == 32 => Some(255),
            Material::Native(_) => Some(448),
            Material::Unknown(_) => None,
        }
    }

    /// The name of its curve.
    pub fn curve(&self) -> Option<&'static str> {
        match self.material {
            Material::Curve { curve, .. } => curve.name(),
            Material::Native(_) => self.algorithm.name(),
            _ => None,
        }
    }
}

fn material<'a>(
    cursor: &mut Cursor<'a>,
    algorithm: Algorithm,
    length: Option<usize>,
) -> Result<Material<'a>, Truncated> {
    Ok(match algorithm.0 {
        1..=3 => Material::Rsa { n: mpi(cursor)?, e: mpi(cursor)? },
        16 | 20 => {
            let p = mpi(cursor)?;
            mpi(cursor)?;
            mpi(cursor)?;
            Material::Discrete { p }
        }
        17 => {
            let p = mpi(cursor)?;
            for _ in 0..3 {
                mpi(cursor)?;
            }
            Material::Discrete { p }
        }
        kind @ (18 | 19 | 22) => {
            let size = cursor.u8()?;
            let curve = Curve { oid: cursor.take(usize::from(size))? };
            let point = mpi(cursor)?;
            if kind == 18 {
                // Which hash and cipher wrap a session key.
                let size = cursor.u8()?;
                cursor.take(usize::from(size))?;
            }
            Material::Curve { curve, point }
        }
        25 | 27 => Material::Native(cursor.take(32)?),
        26 => Material::Native(cursor.take(56)?),
        28 => Material::Native(cursor.take(57)?),
        _ => Material::Unknown(cursor.take(length.unwrap_or(cursor.left()))?),
    })
}

/// A number: its length in bits, then its bytes; zeros in front are dropped.
//= RFC 9580 §3.2
pub(super) fn mpi<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Truncated> {
    let bits = cursor.u16_be()?;
    let bytes = cursor.take(usize::from(bits).div_ceil(8))?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes.get(zeros..).unwrap_or_default())
}

/// Bits of a number without zeros in front.
fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

/// What stands before something that is hashed: a tag and a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; 5],
    length: usize,
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }
}

/// A key's fingerprint: 16 bytes of MD5 (version 3), 20 of SHA-1 (version 4), or 32 of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    bytes: [u8; 32],
    length: usize,
}

impl Fingerprint {
    fn fill(&mut self, digest: &[u8]) {
        self.length = digest.len().min(self.bytes.len());
        for (to, from) in self.bytes.iter_mut().zip(digest) {
            *to = *from;
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The short form of a fingerprint; two keys can have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
