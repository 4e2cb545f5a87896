//! The leaves of Lydian's log: salted commitments of 34 bytes.
//!
//! In: what kind of record it is, a salt that its author drew, and the SHA-256 of the record. Out: the entry that
//! the log hashes. The leaf gives nothing away of the record, not even to those who can guess it, as long as the
//! salt is kept with the record; erasing both leaves a valid log. It does not establish that the record is true.
//!
//! ```text
//! entry      = version (1 byte, 0x01) || kind (1 byte) || commitment (32 bytes)
//! commitment = SHA-256("lydian/leaf/v1\0" || kind || salt (32 bytes) || SHA-256(record) (32 bytes))
//! ```

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// What a leaf stands for. The numbers are part of the format and are never used again for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LeafKind {
    /// 1: evidence that a host sealed.
    Attestation = 1,
    /// 2: a host enrolled, changed its key, or was retired.
    Enrol = 2,
    /// 3: the root of the history index at a size of the log.
    IndexRoot = 3,
    /// 4: something that an operator did: a policy, a waiver, a query, an export.
    OperatorAction = 4,
    /// 5: an earlier checkpoint with its witnesses' signatures, which are not in the tree themselves.
    Anchor = 5,
}

impl LeafKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Attestation, Self::Enrol, Self::IndexRoot, Self::OperatorAction, Self::Anchor];

    /// The number in the entry.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Result<Self, LeafError> {
        Self::ALL.into_iter().find(|kind| kind.code() == code).ok_or(LeafError::Kind { found: code })
    }
}

/// 32 random bytes, drawn for one leaf by the record's author, and kept as secret as the record.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt from the caller's randomness, or from the record that carries it.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// Keeps the salt out of logs: who has it can guess the record.
impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

/// An entry of Lydian's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    kind: LeafKind,
    commitment: [u8; 32],
}

impl Leaf {
    /// Length of an entry in bytes.
    pub const SIZE: usize = 34;

    /// The version of the entry's layout.
    pub const VERSION: u8 = 1;

    /// Commits to the record with this SHA-256.
    pub fn commit(kind: LeafKind, salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        let commitment = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update([kind.code()])
            .chain_update(salt.0)
            .chain_update(record_sha256)
            .finalize()
            .into();
        Self { kind, commitment }
    }

    /// Commits to evidence that a host sealed.
    pub fn attestation(salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        Self::commit(LeafKind::Attestation, salt, record_sha256)
    }

    /// Commits to an enrolment, a change of key, or a retirement.
    pub fn enrol(salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        Self::commit(LeafKind::Enrol, salt, record_sha256)
    }

    /// Commits to a root of the history index.
    pub fn index_root(salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        Self::commit(LeafKind::IndexRoot, salt, record_sha256)
    }

    /// Commits to something that an operator did.
    pub fn operator_action(salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        Self::commit(LeafKind::OperatorAction, salt, record_sha256)
    }

    /// Commits to an earlier checkpoint with its signatures.
    pub fn anchor(salt: &Salt, record_sha256: &[u8; 32]) -> Self {
        Self::commit(LeafKind::Anchor, salt, record_sha256)
    }

    /// What the leaf stands for.
    pub const fn kind(&self) -> LeafKind {
        self.kind
    }

    /// Verifies that this leaf commits to the record with this SHA-256 under this salt.
    pub fn verify_record(&self, salt: &Salt, record_sha256: &[u8; 32]) -> Result<(), LeafError> {
        if Self::commit(self.kind, salt, record_sha256) == *self { Ok(()) } else { Err(LeafError::Record) }
    }

    /// The entry.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let head = [Self::VERSION, self.kind.code()];
        for (to, from) in bytes.iter_mut().zip(head.iter().chain(&self.commitment)) {
            *to = *from;
        }
        bytes
    }

    /// Reads an entry: exactly 34 bytes, of a version and kind that are known.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let entry: &[u8; Self::SIZE] =
            bytes.try_into().map_err(|_| LeafError::Length { found: bytes.len() })?;
        let [version, kind, commitment @ ..] = *entry;
        if version != Self::VERSION {
            return Err(LeafError::Version { found: version });
        }
        Ok(Self { kind: LeafKind::from_code(kind)?, commitment })
    }

    /// The leaf hash of the entry.
    pub fn hash(&self) -> Hash {
        Hash::leaf(&self.to_bytes())
    }
}

/// Why bytes are no leaf, or the leaf is another record's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Not 34 bytes.
    #[error("a leaf has 34 bytes, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A layout of the future.
    #[error("leaf version {found} is not known (byte 0)")]
    Version {
        /// The version found.
        found: u8,
    },
    /// A kind of the future.
    #[error("leaf kind {found} is not known (byte 1)")]
    Kind {
        /// The number found.
        found: u8,
    },
    /// The leaf does not commit to this record and salt.
    #[error("the leaf commits to another record or salt")]
    Record,
}

/// Keeps the commitment apart from every other hash that is made of a salt and a digest.
const DOMAIN: &[u8] = b"lydian/leaf/v1\0";

#[cfg(test)]
mod tests;
