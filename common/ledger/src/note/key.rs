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

/// A public Ed25519 key that verifies notes.
///
/// Its text is what others call a vkey: `name+id+base64(0x01 || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key from its 32 bytes; points of small order, for which anything can be signed, are refused.
    pub fn new(name: KeyName, key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::from_point(name, key))
    }

    fn from_point(name: KeyName, key: VerifyingKey) -> Self {
        let id = KeyId::of(&name, ED25519, key.as_bytes());
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
    pub(super) fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), ed25519_dalek::SignatureError> {
        self.key.verify_strict(message, &Signature::from_slice(signature)?)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, base64_tagged(ED25519, self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse(text, ED25519)?;
        let key = Self::new(fields.name, &fields.key)?;
        if key.id == fields.id { Ok(key) } else { Err(KeyError::Id { expected: key.id, found: fields.id }) }
    }
}

/// A private Ed25519 key that signs notes. Its bytes are wiped when it is dropped.
pub struct SignerKey {
    public: VerifierKey,
    key: SigningKey,
}

impl SignerKey {
    /// A key from 32 bytes of the caller's best randomness.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { public: VerifierKey::from_point(name, key.verifying_key()), key }
    }

    /// Reads what [`SignerKey::to_secret_text`] wrote.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse_private(text, ED25519)?;
        let key = Self::from_seed(fields.name, &fields.key);
        let expected = key.public.id;
        if expected == fields.id { Ok(key) } else { Err(KeyError::Id { expected, found: fields.id }) }
    }

    /// The secret, as `PRIVATE+KEY+name+id+base64(0x01 || seed)`: the form that Go's note tools read.
    ///
    /// The text is as secret as the key; the caller wipes it.
    pub fn to_secret_text(&self) -> String {
        let VerifierKey { name, id, .. } = &self.public;
        format!("{PRIVATE}{name}+{id}+{}", base64_tagged(ED25519, self.key.as_bytes()))
    }

    /// The public half.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// Shows the public half alone.
impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.public)
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
pub(crate) struct Fields {
    pub(crate) name: KeyName,
    pub(crate) id: KeyId,
    pub(crate) key: [u8; 32],
}

impl Fields {
    /// Reads the text of a private key.
    pub(crate) fn parse_private(text: &str, signature_type: u8) -> Result<Self, KeyError> {
        Self::parse(text.strip_prefix(PRIVATE).ok_or(KeyError::NotPrivate)?, signature_type)
    }

    /// Reads the text of a public key.
    pub(crate) fn parse(text: &str, signature_type: u8) -> Result<Self, KeyError> {
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

pub(crate) fn base64_tagged(signature_type: u8, key: &[u8; 32]) -> String {
    let mut tagged = [signature_type; 33];
    for (to, from) in tagged.iter_mut().skip(1).zip(key) {
        *to = *from;
    }
    text::base64_encode(&tagged)
}

/// The signature type of Ed25519 over the note's text.
const ED25519: u8 = 0x01;

pub(crate) const PRIVATE: &str = "PRIVATE+KEY+";
