//! Subpackets of signatures.
//!
//! In: an area of subpackets. Out: each with its type and bytes, up to the place where they stop making sense.
//= RFC 9580 §5.2.3.7

use super::packet::long;
use crate::cursor::Cursor;

/// One subpacket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subpacket<'a> {
    /// Its type, without the bit that makes it critical.
    pub kind: u8,
    /// Whether whoever does not understand it shall not accept the signature.
    pub critical: bool,
    /// Its bytes.
    pub body: &'a [u8],
}

impl Subpacket<'_> {
    /// When the signature was made.
    pub const CREATED: u8 = 2;
    /// Seconds after which the signature expires.
    pub const SIGNATURE_EXPIRES: u8 = 3;
    /// Seconds after the key's creation at which it expires.
    pub const KEY_EXPIRES: u8 = 9;
    /// Somebody who may revoke the key.
    pub const REVOCATION_KEY: u8 = 12;
    /// Key id of the signer.
    pub const ISSUER: u8 = 16;
    /// Something that is said by its name; a critical one names a rule.
    pub const NOTATION: u8 = 20;
    /// Whether this is the user id to show first.
    pub const PRIMARY_USER_ID: u8 = 25;
    /// What the key may be used for.
    pub const KEY_FLAGS: u8 = 27;
    /// Why something was revoked.
    pub const REVOCATION_REASON: u8 = 29;
    /// A signature by the subkey.
    pub const EMBEDDED: u8 = 32;
    /// Fingerprint of the signer, behind the version of his key.
    pub const ISSUER_FINGERPRINT: u8 = 33;

    /// Whether Lydian knows what it means for a certificate.
    pub const fn is_known(&self) -> bool {
        matches!(self.kind, 2..=7 | 9 | 11 | 12 | 16 | 21..=35 | 37..=39)
    }
}

/// Subpackets, one by one.
#[derive(Clone, Debug)]
pub struct Subpackets<'a>(Cursor<'a>);

impl<'a> Subpackets<'a> {
    pub(super) const fn new(area: &'a [u8]) -> Self {
        Self(Cursor::new(area))
    }

    /// Whether all of the area was read.
    pub const fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn read(&mut self) -> Option<Subpacket<'a>> {
        let mut cursor = self.0.clone();
        let length = match cursor.u8().ok()? {
            first @ ..=191 => usize::from(first),
            first @ 192..=254 => (usize::from(first) - 192) * 256 + usize::from(cursor.u8().ok()?) + 192,
            255 => long(&mut cursor).ok()?,
        };
        let (kind, body) = cursor.take(length).ok()?.split_first()?;
        self.0 = cursor;
        Some(Subpacket { kind: kind & 0x7f, critical: kind & 0x80 != 0, body })
    }
}

impl<'a> Iterator for Subpackets<'a> {
    type Item = Subpacket<'a>;

    fn next(&mut self) -> Option<Subpacket<'a>> {
        self.read()
    }
}
