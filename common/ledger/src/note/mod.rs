//! Signed notes: text, and below it the signatures of one or more keys.
//!
//! In: bytes from a stranger, or text and keys. Out: a [`SignedNote`], parsed beside its raw bytes and not yet
//! believed; and from [`SignedNote::open`] an [`OpenedNote`], whose text a known key has signed. A signature
//! establishes who said it, not that it is so.

mod key;
mod name;

#[cfg(test)]
mod tests;

use crate::limits::{MAX_NOTE_BYTES, MAX_SIGNATURES};
use crate::text::{self, Line, Lines};

pub use key::{KeyError, NOTE, PublicKey, SecretKey, SignerKey, VerifierKey};
pub use name::{KeyId, KeyName};

/// One signature line: whose it claims to be, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// The name of the key that is said to have made it.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key that is said to have made it.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature, in its algorithm's own form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A signature that was made by this crate.
    pub(crate) fn made(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads a signature line without its newline, such as a witness answers with.
    pub fn from_line(line: &str) -> Result<Self, SignatureLineError> {
        let (name, base64) = line
            .strip_prefix(PREFIX)
            .ok_or(SignatureLineError::Prefix)?
            .split_once(' ')
            .ok_or(SignatureLineError::Fields)?;
        let name = KeyName::new(name).map_err(SignatureLineError::Name)?;
        if base64.len() > MAX_NOTE_BYTES {
            return Err(SignatureLineError::Base64);
        }
        let decoded = text::base64_decode(base64).ok_or(SignatureLineError::Base64)?;
        match decoded.split_first_chunk::<{ KeyId::SIZE }>() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name, id: KeyId::from_bytes(*id), bytes: bytes.to_vec() })
            }
            _ => Err(SignatureLineError::Length { found: decoded.len() }),
        }
    }

    /// The signature line without its newline.
    pub fn to_line(&self) -> String {
        let mut tagged = self.id.as_bytes().to_vec();
        tagged.extend_from_slice(&self.bytes);
        format!("{PREFIX}{} {}", self.name, text::base64_encode(&tagged))
    }

    pub(crate) fn is_by<const TYPE: u8>(&self, key: &PublicKey<TYPE>) -> bool {
        self.id == key.id() && self.name == *key.name()
    }
}

/// A note as received or signed. Its text must not be believed before the note is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    raw: String,
    text_len: usize,
    signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Reads a note; no signature is verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { found: bytes.len() });
        }
        let note =
            std::str::from_utf8(bytes).map_err(|error| NoteError::NotUtf8 { offset: error.valid_up_to() })?;
        check_characters(note)?;
        //= C2SP signed-note v1.0.0, Format: the text is separated by the last empty line in the note
        let text_len = note.rfind("\n\n").ok_or(NoteError::NoSignatures)? + 1;
        let signatures = parse_signatures(note, text_len + 1)?;
        Ok(Self { raw: note.to_owned(), text_len, signatures })
    }

    /// Signs `text`, which must end with a newline, with each of the keys.
    pub fn sign(text: &str, keys: &[&SignerKey]) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::TextWithoutNewline);
        }
        check_characters(text)?;
        if keys.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let mut note = Self { raw: format!("{text}\n"), text_len: text.len(), signatures: Vec::new() };
        for key in keys {
            let public = key.verifier_key();
            note.add_signature(NoteSignature {
                name: public.name().clone(),
                id: public.id(),
                bytes: key.sign_bytes(text.as_bytes()).to_vec(),
            })?;
        }
        Ok(note)
    }

    /// Appends a signature that was made elsewhere, such as a witness's. Nothing is verified here.
    pub fn add_signature(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        let line = signature.to_line();
        let (bytes, count) = (self.raw.len() + line.len() + 1, self.signatures.len() + 1);
        if count > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { limit: MAX_SIGNATURES });
        }
        if bytes > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge { found: bytes });
        }
        self.raw.push_str(&line);
        self.raw.push('\n');
        self.signatures.push(signature);
        Ok(())
    }

    /// Verifies the signatures of the known keys and gives out the text.
    ///
    /// Signatures of other keys are ignored. One bad signature in the name of a known key refuses the note, even
    /// if another is good.
    //= C2SP signed-note v1.0.0, Signatures
    pub fn open(&self, known: &[VerifierKey]) -> Result<OpenedNote<'_>, NoteError> {
        let mut signers: Vec<VerifierKey> = Vec::new();
        for signature in &self.signatures {
            for key in known.iter().filter(|key| signature.is_by(key)) {
                key.verify_bytes(self.text().as_bytes(), &signature.bytes)
                    .map_err(|_| NoteError::BadSignature { name: key.name().clone(), id: key.id() })?;
                if !signers.contains(key) {
                    signers.push(key.clone());
                }
            }
        }
        if signers.is_empty() { Err(NoteError::NoKnownKey) } else { Ok(OpenedNote { note: self, signers }) }
    }

    /// The text with its last newline: what the signatures are over. Not to be believed as it is.
    pub fn text(&self) -> &str {
        self.raw.get(..self.text_len).unwrap_or_default()
    }

    /// The signatures, in the order of their lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The whole note, byte for byte as it was read or signed.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The bytes of [`SignedNote::as_str`].
    pub fn as_bytes(&self) -> &[u8] {
        self.raw.as_bytes()
    }
}

/// A note that at least one known key has signed, and for which no known key's signature is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedNote<'a> {
    note: &'a SignedNote,
    signers: Vec<VerifierKey>,
}

impl<'a> OpenedNote<'a> {
    /// The text that was signed.
    pub fn text(&self) -> &'a str {
        self.note.text()
    }

    /// The known keys that signed it, each once, in the order of their signatures.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }
}

/// Why bytes are no note, or the note is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Larger than the limit.
    #[error("a note has at most {MAX_NOTE_BYTES} bytes, found {found}")]
    TooLarge {
        /// Bytes found, or that there would have been.
        found: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Where the valid part ends.
        offset: usize,
    },
    /// An ASCII control character other than a newline.
    #[error("control character at byte {offset}")]
    ControlCharacter {
        /// Its offset.
        offset: usize,
    },
    /// Nothing after the last empty line, no empty line, or no key to sign with.
    #[error("a note has at least one signature, after an empty line")]
    NoSignatures,
    /// More signatures than the limit.
    #[error("a note has at most {limit} signatures")]
    TooManySignatures {
        /// The limit.
        limit: usize,
    },
    /// The last line does not end.
    #[error("the signature line at byte {offset} does not end with a newline")]
    Unterminated {
        /// Offset of the line.
        offset: usize,
    },
    /// A line after the last empty line that is no signature.
    #[error("signature line at byte {offset}: {reason}")]
    SignatureLine {
        /// Offset of the line.
        offset: usize,
        /// What is wrong with it.
        reason: SignatureLineError,
    },
    /// Text to be signed that does not end with a newline.
    #[error("the text of a note ends with a newline")]
    TextWithoutNewline,
    /// A signature in the name of a known key that is not its signature of this text.
    #[error("bad signature in the name of {name}+{id}")]
    BadSignature {
        /// The key's name.
        name: KeyName,
        /// The key's id.
        id: KeyId,
    },
    /// No signature is by a known key.
    #[error("no signature is by a known key")]
    NoKnownKey,
}

/// Why a line is no signature line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureLineError {
    /// It does not begin with an em dash and a space.
    #[error("it does not begin with an em dash and a space")]
    Prefix,
    /// No space between name and signature.
    #[error("it is not a name, a space and base64")]
    Fields,
    /// The name is no key's name.
    #[error("{0}")]
    Name(KeyError),
    /// The signature is not canonical base64.
    #[error("the signature is not base64")]
    Base64,
    /// Too short for a key id and a signature.
    #[error("a signature is a key id of 4 bytes and at least one more, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    text::first_control(text).map_or(Ok(()), |offset| Err(NoteError::ControlCharacter { offset }))
}

/// The signature lines that begin at `start` and go on to the end of the note.
fn parse_signatures(note: &str, start: usize) -> Result<Vec<NoteSignature>, NoteError> {
    let mut lines = Lines::new(note.get(start..).unwrap_or_default());
    let mut signatures = Vec::new();
    while let Some(Line { offset, text }) = lines.take() {
        if signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures { limit: MAX_SIGNATURES });
        }
        let at_line = |reason| NoteError::SignatureLine { offset: start + offset, reason };
        signatures.push(NoteSignature::from_line(text).map_err(at_line)?);
    }
    if !lines.rest().is_empty() {
        return Err(NoteError::Unterminated { offset: start + lines.offset() });
    }
    if signatures.is_empty() { Err(NoteError::NoSignatures) } else { Ok(signatures) }
}

/// An em dash and a space.
const PREFIX: &str = "\u{2014} ";
