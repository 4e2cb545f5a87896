//! The hashes of a Merkle tree.
//!
//! In: entries and child hashes. Out: leaf, node and empty-tree hashes, with the prefixes that keep a leaf from
//! being passed off as a node. A hash says nothing of who vouches for it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::text;

/// A SHA-256 hash in a Merkle tree. It is shown, and read, in base64, as in C2SP texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::SIZE]);

impl Hash {
    /// Length in bytes.
    pub const SIZE: usize = 32;

    /// A hash that was computed or stored earlier.
    pub const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    /// A hash from a slice, which must hold exactly 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError::Length { found: bytes.len() })
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// The hash of a log entry.
    //= RFC 6962 §2.1: MTH({d(0)}) = SHA-256(0x00 || d(0))
    pub fn leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
    }

    /// The hash of an inner node.
    //= RFC 6962 §2.1: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    pub fn node(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// The root of the tree without leaves.
    //= RFC 6962 §2.1: MTH({}) = SHA-256()
    pub fn empty_root() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::base64_encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(base64: &str) -> Result<Self, HashError> {
        // 44 characters are what 32 bytes take: longer text is refused before it is decoded.
        if base64.len() != 44 {
            return Err(HashError::Base64);
        }
        Self::from_slice(&text::base64_decode(base64).ok_or(HashError::Base64)?)
    }
}

/// Why bytes or text are no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not 32 bytes.
    #[error("a hash has 32 bytes, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// Not the canonical base64 of 32 bytes.
    #[error("not the base64 of a hash")]
    Base64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hash: Hash, expected: &str) {
        assert_eq!(hex::encode(hash.as_bytes()), expected);
    }

    /// RFC 6962 §2.1: the roots that Certificate Transparency's own tests pin.
    #[test]
    fn known_hashes() {
        check(Hash::empty_root(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(Hash::leaf(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        check(
            Hash::node(&Hash::leaf(b""), &Hash::leaf(&[0])),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        );
    }

    #[test]
    fn text_round_trip() {
        let hash = Hash::leaf(b"entry");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("".parse::<Hash>(), Err(HashError::Base64));
        // 31 and 33 bytes take 44 characters as well.
        let short = text::base64_encode(&[7; 31]);
        assert_eq!((short.len(), short.parse::<Hash>()), (44, Err(HashError::Length { found: 31 })));
        let long = text::base64_encode(&[7; 33]);
        assert_eq!((long.len(), long.parse::<Hash>()), (44, Err(HashError::Length { found: 33 })));
        assert_eq!(Hash::from_slice(&[0; 31]), Err(HashError::Length { found: 31 }));
    }
}
