//! `OpenPGP` key rings: the keys that apt, rpm and people trust.
//!
//! In: a file as those programs keep it: packets one behind the other, ASCII armour around them, or a keybox of GnuPG.
//! Out: lazily its certificates, each a primary key with user ids, subkeys and the signatures that bind them. Nothing is
//! verified here: until a signature was, a user id, an expiry and a subkey are what somebody wrote into the file.
//= RFC 9580, RFC 4880; GnuPG doc/DETAILS and kbx/keybox-blob.c for keyboxes

mod algorithm;
mod armor;
mod certificate;
mod key;
mod keybox;
mod packet;
mod ring;
mod signature;
mod subpacket;

pub use algorithm::{Algorithm, Curve};
pub use armor::ArmorError;
pub(crate) use armor::radix64;
pub use certificate::{
    Certificate, CertificateError, Certificates, Component, ComponentKind, Components, Signatures,
};
pub use key::{Fingerprint, Frame, Key, KeyError, KeyId, Material};
pub use keybox::KeyboxError;
pub use packet::{Packet, PacketError, Packets, Tag};
pub use ring::{Form, KeyRing, KeyRingError, RingFinding};
pub use signature::{Signature, SignatureError, SignatureType};
pub use subpacket::{Subpacket, Subpackets};

/// A point in time as `OpenPGP` has it: seconds since 1970, in 32 bits.
pub type Seconds = u32;
