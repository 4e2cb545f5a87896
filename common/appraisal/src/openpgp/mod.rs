//! Whether what an `OpenPGP` certificate says of itself is true, and still valid.
//!
//! In: a parsed certificate and a time. Out: its state at that time, with its user ids and subkeys, out of nothing but
//! signatures that were verified; what cannot be verified reads as unverified, never as valid. What other people signed
//! is counted and not verified: whose key it is, is for whoever put it into the ring to know.

mod assess;
mod finding;
mod verify;

pub use assess::assess;
pub use finding::{Finding, FindingCode};
pub use verify::Unverified;

use evidence::openpgp::{Key, Seconds};

/// The state of a key, subkey or user id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Bound by a signature that holds, neither expired nor revoked.
    Valid,
    /// Its time is over.
    Expired,
    /// Its owner took it back.
    Revoked,
    /// Nothing that binds it could be verified.
    Unverified,
}

impl Status {
    /// The word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unverified => "unverified",
        }
    }
}

/// What a certificate comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment<'a> {
    /// State of the primary key.
    pub status: Status,
    /// When the primary key expires.
    pub expires: Option<Seconds>,
    /// What the primary key may be used for.
    pub flags: Option<u8>,
    /// Its user ids and attributes, in their order.
    pub user_ids: Vec<UserId<'a>>,
    /// Its subkeys, in their order.
    pub subkeys: Vec<Subkey<'a>>,
    /// Signatures by others, which were not verified.
    pub signatures_by_others: usize,
    /// What is out of order.
    pub findings: Vec<Finding>,
}

/// A user id or attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserId<'a> {
    /// Its bytes: text by custom, a picture if it is an attribute.
    pub bytes: &'a [u8],
    /// Whether it is an attribute.
    pub is_attribute: bool,
    /// Its state, that of the key apart.
    pub status: Status,
    /// When the newest signature that binds it was made.
    pub signed: Option<Seconds>,
    /// Whether its owner wants it to be shown first.
    pub is_primary: bool,
}

/// A subkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subkey<'a> {
    /// The key.
    pub key: Key<'a>,
    /// Its state; it is never better than that of the primary key.
    pub status: Status,
    /// When it expires.
    pub expires: Option<Seconds>,
    /// What it may be used for.
    pub flags: Option<u8>,
}
