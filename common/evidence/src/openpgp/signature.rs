//! Signatures: versions 3, 4, 5 and 6.
//!
//! In: a signature packet's body. Out: what it says of itself, and the bytes that are hashed with what it is over. Only
//! hashed subpackets are believed once the signature was verified; from the others comes no more than a hint at the
//! signer.
//= RFC 9580 §5.2

use super::algorithm::{self, Algorithm};
use super::key::mpi;
use super::packet::{Packet, long};
use super::subpacket::{Subpacket, Subpackets};
use super::{KeyId, Seconds};
use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::limits::OPENPGP_SIGNATURE_BYTES;

/// What a signature is over, and what it says of it.
//= RFC 9580 §5.2.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignatureType(pub u8);

impl SignatureType {
    /// Binds a subkey to its primary key.
    pub const SUBKEY_BINDING: Self = Self(0x18);
    /// A subkey's consent to be bound.
    pub const PRIMARY_KEY_BINDING: Self = Self(0x19);
    /// Over a key alone.
    pub const DIRECT_KEY: Self = Self(0x1f);
    /// Revokes a primary key.
    pub const KEY_REVOCATION: Self = Self(0x20);
    /// Revokes a subkey.
    pub const SUBKEY_REVOCATION: Self = Self(0x28);
    /// Revokes what was said of a user id or key.
    pub const CERTIFICATION_REVOCATION: Self = Self(0x30);

    /// Whether it says that a user id belongs to a key.
    pub const fn is_certification(self) -> bool {
        matches!(self.0, 0x10..=0x13)
    }
}

/// A signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Where its packet starts.
    pub offset: usize,
    /// Version of the packet: 3 to 6.
    pub version: u8,
    /// What it is.
    pub signature_type: SignatureType,
    /// The key's algorithm.
    pub algorithm: Algorithm,
    /// Number of the hash.
    pub hash_id: u8,
    /// What is hashed of the signature itself.
    pub hashed_part: &'a [u8],
    /// Version 6: hashed before everything else.
    pub salt: &'a [u8],
    /// The first two bytes of the digest.
    pub digest_start: [u8; 2],
    /// The signature's numbers, as they stand there.
    pub numbers: &'a [u8],
    hashed: &'a [u8],
    unhashed: &'a [u8],
    version_3: Option<(Seconds, KeyId)>,
}

/// Why a packet is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The packet ends early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The version is not known.
    #[error("at byte {offset}: signatures of version {found} are not known")]
    Version {
        /// Where.
        offset: usize,
        /// What is there.
        found: u8,
    },
    /// The packet is longer than signatures are, or its body comes in parts.
    #[error("at byte {offset}: a signature packet of more than {limit} bytes")]
    Limit {
        /// Where it starts.
        offset: usize,
        /// The most that is read.
        limit: usize,
    },
}

impl<'a> Signature<'a> {
    /// Reads a signature packet.
    pub fn parse(packet: &Packet<'a>) -> Result<Self, SignatureError> {
        let too_long = SignatureError::Limit { offset: packet.offset, limit: OPENPGP_SIGNATURE_BYTES };
        let body = packet.body.filter(|body| body.len() <= OPENPGP_SIGNATURE_BYTES).ok_or(too_long)?;
        Self::of_body(body, packet.offset, packet.body_offset)
    }

    fn of_body(body: &'a [u8], offset: usize, body_offset: usize) -> Result<Self, SignatureError> {
        let mut cursor = Cursor::at(body, body_offset);
        match cursor.u8()? {
            2 | 3 => Ok(Self::version_3(&mut cursor, offset)?),
            version @ 4..=6 => Ok(Self::with_subpackets(&mut cursor, body, version, offset)?),
            found => Err(SignatureError::Version { offset: body_offset, found }),
        }
    }

    //= RFC 9580 §5.2.2
    fn version_3(cursor: &mut Cursor<'a>, offset: usize) -> Result<Self, Truncated> {
        let _length = cursor.u8()?;
        let hashed_part = cursor.take(5)?;
        let mut hashed = Cursor::new(hashed_part);
        let (signature_type, created) = (hashed.u8()?, hashed.u32_be()?);
        let issuer = KeyId(cursor.array()?);
        Ok(Self {
            offset,
            version: 3,
            signature_type: SignatureType(signature_type),
            algorithm: Algorithm(cursor.u8()?),
            hash_id: cursor.u8()?,
            hashed_part,
            salt: &[],
            digest_start: cursor.array()?,
            numbers: cursor.rest(),
            hashed: &[],
            unhashed: &[],
            version_3: Some((created, issuer)),
        })
    }

    //= RFC 9580 §5.2.3
    fn with_subpackets(
        cursor: &mut Cursor<'a>,
        body: &'a [u8],
        version: u8,
        offset: usize,
    ) -> Result<Self, Truncated> {
        let start = cursor.left();
        let signature_type = SignatureType(cursor.u8()?);
        let algorithm = Algorithm(cursor.u8()?);
        let hash_id = cursor.u8()?;
        let hashed = area(cursor, version)?;
        let hashed_length = 1 + start.saturating_sub(cursor.left());
        let unhashed = area(cursor, version)?;
        let digest_start = cursor.array()?;
        let salt = if version == 6 {
            let size = cursor.u8()?;
            cursor.take(usize::from(size))?
        } else {
            &[]
        };
        Ok(Self {
            offset,
            version,
            signature_type,
            algorithm,
            hash_id,
            hashed_part: body.get(..hashed_length).unwrap_or(body),
            salt,
            digest_start,
            numbers: cursor.rest(),
            hashed,
            unhashed,
            version_3: None,
        })
    }

    /// The hash, where Lydian computes it.
    pub const fn hash(&self) -> Option<HashAlg> {
        algorithm::hash(self.hash_id)
    }

    /// The hash's name, where it has one.
    pub const fn hash_name(&self) -> Option<&'static str> {
        algorithm::hash_name(self.hash_id)
    }

    /// Subpackets that the signature is over.
    pub const fn hashed(&self) -> Subpackets<'a> {
        Subpackets::new(self.hashed)
    }

    /// The last hashed subpacket of this type.
    //= RFC 9580 §5.2.3.9: the last subpacket SHOULD be preferred
    fn last(&self, kind: u8) -> Option<&'a [u8]> {
        self.hashed().filter(|subpacket| subpacket.kind == kind).last().map(|subpacket| subpacket.body)
    }

    fn seconds(&self, kind: u8) -> Option<Seconds> {
        self.last(kind)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// When it was made, as the signer says.
    pub fn created(&self) -> Option<Seconds> {
        match self.version_3 {
            Some((created, _)) => Some(created),
            None => self.seconds(Subpacket::CREATED),
        }
    }

    /// When the signature itself expires; `None` for never.
    pub fn expires(&self) -> Option<Seconds> {
        let after = self.seconds(Subpacket::SIGNATURE_EXPIRES).filter(|after| *after != 0)?;
        Some(self.created()?.saturating_add(after))
    }

    /// Seconds from the key's creation to its expiry; `None` where nothing is said, 0 for never.
    pub fn key_expires_after(&self) -> Option<Seconds> {
        self.seconds(Subpacket::KEY_EXPIRES)
    }

    /// What the key may be used for.
    pub fn key_flags(&self) -> Option<u8> {
        self.last(Subpacket::KEY_FLAGS)?.first().copied()
    }

    /// Whether the user id is to be shown first.
    pub fn is_primary_user_id(&self) -> bool {
        self.last(Subpacket::PRIMARY_USER_ID).and_then(|body| body.first()).is_some_and(|first| *first != 0)
    }

    /// Code of the reason for a revocation.
    //= RFC 9580 §5.2.3.31
    pub fn revocation_reason(&self) -> Option<u8> {
        self.last(Subpacket::REVOCATION_REASON)?.first().copied()
    }

    /// Fingerprints of those who may revoke the key, too.
    pub fn revocation_keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let keys = self.hashed().filter(|subpacket| subpacket.kind == Subpacket::REVOCATION_KEY);
        keys.filter_map(|subpacket| subpacket.body.get(2..))
    }

    /// A critical subpacket that is not known: the signature then does not count.
    //= RFC 9580 §5.2.3.7: the evaluator SHOULD consider the signature to be in error
    pub fn unknown_critical(&self) -> Option<u8> {
        let mut unknown = self.hashed().filter(|subpacket| subpacket.critical && !subpacket.is_known());
        unknown.next().map(|subpacket| subpacket.kind)
    }

    /// The key ids that are given for the signer: hints, since two keys can have the same, and they may stand outside what
    /// is signed. What is signed goes first.
    pub fn issuers(&self) -> impl Iterator<Item = KeyId> {
        let of_version_3 = self.version_3.map(|(_, issuer)| issuer);
        let of_subpackets =
            self.hashed().chain(Subpackets::new(self.unhashed)).filter_map(|subpacket| {
                match (subpacket.kind, subpacket.body) {
                    (Subpacket::ISSUER, id) => id.try_into().ok().map(KeyId),
                    (Subpacket::ISSUER_FINGERPRINT, [version, fingerprint @ ..]) => {
                        let id =
                            if *version >= 5 { fingerprint.first_chunk() } else { fingerprint.last_chunk() };
                        id.copied().map(KeyId)
                    }
                    _ => None,
                }
            });
        of_version_3.into_iter().chain(of_subpackets)
    }

    /// The fingerprints that are given for the signer: hints, as its key ids are. What is signed goes first.
    pub fn issuer_fingerprints(&self) -> impl Iterator<Item = &'a [u8]> {
        let all = self.hashed().chain(Subpackets::new(self.unhashed));
        let fingerprints = all.filter(|subpacket| subpacket.kind == Subpacket::ISSUER_FINGERPRINT);
        fingerprints.filter_map(|subpacket| subpacket.body.get(1..))
    }

    /// The signature by the subkey that is embedded in one over it; it may stand outside what is signed.
    pub fn embedded(&self) -> Option<Signature<'a>> {
        let mut all = self.hashed().chain(Subpackets::new(self.unhashed));
        let found = all.find(|subpacket| subpacket.kind == Subpacket::EMBEDDED)?;
        Self::of_body(found.body, self.offset, self.offset).ok()
    }

    /// What is hashed last.
    //= RFC 9580 §5.2.4: the trailer
    pub fn trailer(&self) -> [u8; 6] {
        let [a, b, c, d] = u32::try_from(self.hashed_part.len()).unwrap_or(u32::MAX).to_be_bytes();
        [self.version, 0xff, a, b, c, d]
    }

    /// The numbers of a signature that has `N` of them.
    pub fn mpis<const N: usize>(&self) -> Option<[&'a [u8]; N]> {
        let mut cursor = Cursor::new(self.numbers);
        let mut out: [&[u8]; N] = [&[]; N];
        for number in &mut out {
            *number = mpi(&mut cursor).ok()?;
        }
        cursor.is_empty().then_some(out)
    }
}

fn area<'a>(cursor: &mut Cursor<'a>, version: u8) -> Result<&'a [u8], Truncated> {
    let size = if version == 6 { long(cursor)? } else { usize::from(cursor.u16_be()?) };
    cursor.take(size)
}
