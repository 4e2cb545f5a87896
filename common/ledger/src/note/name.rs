//! What a key is called: its name and its id.
//!
//! In: text from keys and signature lines. Out: names of which signature lines can be made, and ids. Two keys
//! may share a name or an id; both together tell keys apart, but prove nothing: the signature does.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::limits::MAX_KEY_NAME_BYTES;

use super::key::KeyError;

/// The name of a key: not empty, and without white space, plus signs or control characters.
//= C2SP signed-note v1.0.0, Format: key names
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// A name from text. Names should be URLs without their scheme, such as `example.com/log`.
    pub fn new(name: impl Into<String>) -> Result<Self, KeyError> {
        let name = name.into();
        if name.is_empty() || name.len() > MAX_KEY_NAME_BYTES {
            return Err(KeyError::NameLength { found: name.len() });
        }
        let forbidden = |character: char| character.is_whitespace() || character < ' ' || character == '+';
        match name.find(forbidden) {
            Some(offset) => Err(KeyError::NameCharacter { offset }),
            None => Ok(Self(name)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::new(name)
    }
}

/// Four bytes that tell keys of one name apart. Short on purpose: an identifier, not a fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KeyId::SIZE]);

impl KeyId {
    /// Length in bytes.
    pub const SIZE: usize = 4;

    /// An id as it stands before a signature.
    pub const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order in which they stand before a signature.
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    pub(super) fn from_hex(digits: &str) -> Option<Self> {
        let lower_hex = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 2 * Self::SIZE || !digits.bytes().all(lower_hex) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok().map(|id| Self(id.to_be_bytes()))
    }

    //= C2SP signed-note v1.0.0, Signatures:
    //= key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]
    pub(crate) fn of(name: &KeyName, signature_type: u8, key: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', signature_type])
            .chain_update(key)
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
