//! Names of algorithms and curves.
//!
//! In: numbers and object identifiers. Out: names as people know them, and sizes as GnuPG counts them.

use std::fmt;

use crate::digest::HashAlg;

/// A public-key algorithm.
//= RFC 9580 §9.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm(pub u8);

impl Algorithm {
    /// Its name, where it is known.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1..=3 => "rsa",
            16 | 20 => "elgamal",
            17 => "dsa",
            18 => "ecdh",
            19 => "ecdsa",
            22 => "eddsa",
            25 => "x25519",
            26 => "x448",
            27 => "ed25519",
            28 => "ed448",
            _ => return None,
        })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "algorithm-{}", self.0),
        }
    }
}

/// A curve, by its object identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Curve<'a> {
    /// The identifier's bytes, without tag and length.
    pub oid: &'a [u8],
}

/// Identifier, name, size.
//= RFC 9580 §9.2
const CURVES: [(&[u8], &str, usize); 11] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "nistp256", 256),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "nistp384", 384),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "nistp521", 521),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07], "brainpoolP256r1", 256),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b], "brainpoolP384r1", 384),
    (&[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d], "brainpoolP512r1", 512),
    (&[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01], "ed25519", 255),
    (&[0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01], "cv25519", 255),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1", 256),
    (&[0x2b, 0x65, 0x71], "ed448", 448),
    (&[0x2b, 0x65, 0x6f], "x448", 448),
];

impl Curve<'_> {
    /// Its name as GnuPG writes it.
    pub fn name(&self) -> Option<&'static str> {
        CURVES.into_iter().find_map(|(oid, name, _)| (oid == self.oid).then_some(name))
    }

    /// Its size as GnuPG counts it.
    pub fn bits(&self) -> Option<usize> {
        CURVES.into_iter().find_map(|(oid, _, bits)| (oid == self.oid).then_some(bits))
    }
}

/// The hash of this number, where Lydian computes it.
//= RFC 9580 §9.5
pub(super) const fn hash(id: u8) -> Option<HashAlg> {
    Some(match id {
        2 => HashAlg::Sha1,
        8 => HashAlg::Sha256,
        9 => HashAlg::Sha384,
        10 => HashAlg::Sha512,
        12 => HashAlg::Sha3_256,
        14 => HashAlg::Sha3_512,
        _ => return None,
    })
}

/// The name of the hash of this number.
pub(super) const fn hash_name(id: u8) -> Option<&'static str> {
    Some(match id {
        1 => "md5",
        2 => "sha1",
        3 => "ripemd160",
        8 => "sha256",
        9 => "sha384",
        10 => "sha512",
        11 => "sha224",
        12 => "sha3_256",
        14 => "sha3_512",
        _ => return None,
    })
}
