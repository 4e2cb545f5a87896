//! The keys that sign notes, and their text forms.
//!
//! In: key text from configuration, or a seed from the caller's randomness. Out: keys whose name, id and
//! algorithm belong together. Whether a key is to be trusted is the caller's decision: it is made by handing
//! the key to [`SignedNote::open`](super::SignedNote::open).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::limits::{MAX_KEY_NAME_BYTES, MAX_KEY_TEXT_BYTES};
use crate::text;

use super::name::{KeyId, KeyName};

/// A public Ed25519 key for signatures of one type, which is part of its id and text: a key of one type is no key of
/// another, whatever its bytes.
///
/// Its text is what others call a vkey: `name+id+base64(type || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey<const TYPE: u8> {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

/// A public key that verifies notes.
pub type VerifierKey = PublicKey<NOTE>;

impl<const TYPE: u8> PublicKey<TYPE> {
    /// A key from its 32 bytes; points of small order, for which anything can be signed, are refused.
    pub fn new(name: KeyName, key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::from_point(name, key))
    }

    fn from_point(name: KeyName, key: VerifyingKey) -> Self {
        let id = KeyId::of(&name, TYPE, key.as_bytes());
        Self { name, id, key }
    }

    /// The key's name.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key's id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of the public key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's over exactly `message`.
    //= C2SP signed-note v1.0.0, Ed25519 signatures
    pub(crate) fn verify_bytes(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ed25519_dalek::SignatureError> {
        self.key.verify_strict(message, &Signature::from_slice(signature)?)
    }
}

impl<const TYPE: u8> fmt::Display for PublicKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, base64_tagged(TYPE, self.key.as_bytes()))
    }
}

impl<const TYPE: u8> fmt::Debug for PublicKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl<const TYPE: u8> FromStr for PublicKey<TYPE> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse(text, TYPE)?;
        let key = Self::new(fields.name, &fields.key)?;
        if key.id == fields.id { Ok(key) } else { Err(KeyError::Id { expected: key.id, found: fields.id }) }
    }
}

/// A private Ed25519 key for signatures of one type. Its bytes are wiped when it is dropped.
pub struct SecretKey<const TYPE: u8> {
    public: PublicKey<TYPE>,
    key: SigningKey,
}

/// A private key that signs notes.
pub type SignerKey = SecretKey<NOTE>;

impl<const TYPE: u8> SecretKey<TYPE> {
    /// A key from 32 bytes of the caller's best randomness.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { public: PublicKey::from_point(name, key.verifying_key()), key }
    }

    /// Reads what [`SecretKey::to_secret_text`] wrote.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse(text.strip_prefix(PRIVATE).ok_or(KeyError::NotPrivate)?, TYPE)?;
        let key = Self::from_seed(fields.name, &fields.key);
        let expected = key.public.id;
        if expected == fields.id { Ok(key) } else { Err(KeyError::Id { expected, found: fields.id }) }
    }

    /// The secret, as `PRIVATE+KEY+name+id+base64(type || seed)`: the form that Go's note tools read.
    ///
    /// The text is as secret as the key; the caller wipes it.
    pub fn to_secret_text(&self) -> String {
        let PublicKey { name, id, .. } = &self.public;
        format!("{PRIVATE}{name}+{id}+{}", base64_tagged(TYPE, self.key.as_bytes()))
    }

    /// The public half.
    pub(crate) const fn public(&self) -> &PublicKey<TYPE> {
        &self.public
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl SignerKey {
    /// The public half.
    pub const fn verifier_key(&self) -> &VerifierKey {
        self.public()
    }
}

/// Shows the public half alone.
impl<const TYPE: u8> fmt::Debug for SecretKey<TYPE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public)
    }
}

/// Why text or bytes are no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An empty name, or a longer one than the limit.
    #[error("a key's name has 1 to {MAX_KEY_NAME_BYTES} bytes, found {found}")]
    NameLength {
        /// Bytes found.
        found: usize,
    },
    /// White space, a plus sign or a control character in a name.
    #[error("the character at byte {offset} is not allowed in a key's name")]
    NameCharacter {
        /// Its offset in the name.
        offset: usize,
    },
    /// Longer than any key.
    #[error("a key's text has at most {MAX_KEY_TEXT_BYTES} bytes, found {found}")]
    TextLength {
        /// Bytes found.
        found: usize,
    },
    /// Not three fields with plus signs between them.
    #[error("a key's text is name+id+base64")]
    Fields,
    /// The id is not eight lower-case hexadecimal digits.
    #[error("a key's id is eight lower-case hexadecimal digits")]
    IdDigits,
    /// The id is that of another key or name.
    #[error("the key's id is {expected}, its text says {found}")]
    Id {
        /// The id that the name and the key have.
        expected: KeyId,
        /// The id in the text.
        found: KeyId,
    },
    /// The key is not canonical base64.
    #[error("the key is not base64")]
    Base64,
    /// A key of another algorithm, or for another purpose.
    #[error("signature type {found:#04x} is not {expected:#04x}")]
    SignatureType {
        /// The type wanted: 0x01 for notes, 0x04 for cosignatures.
        expected: u8,
        /// The type found.
        found: u8,
    },
    /// Not 32 bytes of key.
    #[error("an Ed25519 key has 32 bytes, found {found}")]
    KeyLength {
        /// Bytes found.
        found: usize,
    },
    /// The bytes are not a point of the curve.
    #[error("not an Ed25519 public key")]
    NotAPoint,
    /// A point of small order.
    #[error("a public key of small order verifies anything")]
    Weak,
    /// A public key, or something else, where a private one was wanted.
    #[error("a private key's text begins with {PRIVATE}")]
    NotPrivate,
}

/// The three fields that public and private key texts share.
struct Fields {
    name: KeyName,
    id: KeyId,
    key: [u8; 32],
}

impl Fields {
    fn parse(text: &str, signature_type: u8) -> Result<Self, KeyError> {
        if text.len() > MAX_KEY_TEXT_BYTES {
            return Err(KeyError::TextLength { found: text.len() });
        }
        // Base64 may hold plus signs, a name may not.
        let (name, rest) = text.split_once('+').ok_or(KeyError::Fields)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Fields)?;
        let name = KeyName::new(name)?;
        let id = KeyId::from_hex(id).ok_or(KeyError::IdDigits)?;
        let tagged = text::base64_decode(key).ok_or(KeyError::Base64)?;
        match tagged.split_first() {
            Some((&found, key)) if found == signature_type => {
                let key = key.try_into().map_err(|_| KeyError::KeyLength { found: key.len() })?;
                Ok(Self { name, id, key })
            }
            Some((&found, _)) => Err(KeyError::SignatureType { expected: signature_type, found }),
            None => Err(KeyError::KeyLength { found: 0 }),
        }
    }
}

fn base64_tagged(signature_type: u8, key: &[u8; 32]) -> String {
    let mut tagged = [signature_type; 33];
    for (to, from) in tagged.iter_mut().skip(1).zip(key) {
        *to = *from;
    }
    text::base64_encode(&tagged)
}

/// The signature type of Ed25519 over the note's text.
pub const NOTE: u8 = 0x01;

const PRIVATE: &str = "PRIVATE+KEY+";
