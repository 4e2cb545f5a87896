//! A file of keys in any of its three forms.
//!
//! In: the file's bytes. Out: the form, the packets, and what was wrong with what lies around them. Places are counted
//! among the packets: those of armour and keybox are not those of the file.

use std::borrow::Cow;

use super::armor::{self, ArmorError};
use super::certificate::Certificates;
use super::keybox::{self, KeyboxError};

/// How keys lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Packets alone.
    Binary,
    /// ASCII armour.
    Armored,
    /// GnuPG's keybox.
    Keybox,
}

impl Form {
    /// The word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Armored => "armored",
            Self::Keybox => "keybox",
        }
    }
}

/// What is wrong with what lies around the packets; what was read before it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingFinding {
    /// The armour.
    #[error(transparent)]
    Armor(#[from] ArmorError),
    /// The keybox.
    #[error(transparent)]
    Keybox(#[from] KeyboxError),
}

impl RingFinding {
    /// Where in the file.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Armor(error) => error.offset(),
            Self::Keybox(error) => error.offset(),
        }
    }
}

/// Why bytes are no key ring at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// They start as none of the three forms does.
    #[error("at byte 0: neither OpenPGP packets nor armour nor a keybox")]
    Unknown,
}

/// A file of keys.
#[derive(Clone, Debug)]
pub struct KeyRing<'a> {
    form: Form,
    packets: Cow<'a, [u8]>,
    damage: Option<RingFinding>,
    others: usize,
}

impl<'a> KeyRing<'a> {
    /// Finds the form and takes it off. No bytes at all are a ring without keys: apt has such files.
    pub fn read(bytes: &'a [u8]) -> Result<Self, KeyRingError> {
        let ring = |form, packets| Self { form, packets, damage: None, others: 0 };
        match bytes.first() {
            _ if keybox::is_keybox(bytes) => {
                let (keys, error) = keybox::decode(bytes);
                let damage = error.map(Into::into);
                Ok(Self { damage, others: keys.others, ..ring(Form::Keybox, keys.packets.into()) })
            }
            None | Some(0x80..) => Ok(ring(Form::Binary, bytes.into())),
            Some(_) if armor::is_armor(bytes) => {
                let (packets, error) = armor::decode(bytes);
                Ok(Self { damage: error.map(Into::into), ..ring(Form::Armored, packets.into()) })
            }
            Some(_) => Err(KeyRingError::Unknown),
        }
    }

    /// How the keys lie in the file.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The packets, one behind the other.
    pub fn packets(&self) -> &[u8] {
        &self.packets
    }

    /// What is wrong with the armour or keybox.
    pub const fn damage(&self) -> Option<RingFinding> {
        self.damage
    }

    /// Blobs of a keybox that hold no `OpenPGP` keys.
    pub const fn other_blobs(&self) -> usize {
        self.others
    }

    /// The certificates, one by one.
    pub fn certificates(&self) -> Certificates<'_> {
        Certificates::new(&self.packets)
    }
}
