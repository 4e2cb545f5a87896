//! Cosignatures: what a witness says of somebody else's checkpoint, and when.
//!
//! In: a witness's key, and a checkpoint. Out: a signature line, or the time at which the witness says that the
//! checkpoint was the largest consistent one that it knew of that log. A cosignature establishes that its author
//! saw no other history; who he is, and whether he looked, is for whoever trusts his key.
//!
//! Format obeyed: c2sp.org/tlog-cosignature v1.0.1, the Ed25519 form. Signatures of other types are passed over
//! like those of unknown keys.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use crate::note::{Fields, KeyError, KeyId, KeyName, NoteSignature, PRIVATE, base64_tagged};

/// The public key of a cosigner. Its text is a vkey of signature type 0x04.
#[derive(Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

impl CosignerKey {
    /// A key from its 32 bytes; points of small order, for which anything can be signed, are refused.
    pub fn new(name: KeyName, key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self::from_point(name, key))
    }

    fn from_point(name: KeyName, key: VerifyingKey) -> Self {
        let id = KeyId::of(&name, COSIGNATURE_V1, key.as_bytes());
        Self { name, id, key }
    }

    /// The cosigner's name.
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

    /// Looks for this cosigner's signatures on the checkpoint: `None` where there are none, the newest time where
    /// all of them are good. One bad signature in its name is an error.
    //= C2SP signed-note v1.0.0, Signatures: a known key with a bad signature refuses the whole note
    pub fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<Option<u64>, CosignatureError> {
        let mut newest = None;
        for signature in checkpoint.note().signatures() {
            if signature.id() == self.id && *signature.name() == self.name {
                newest = newest.max(Some(self.verify_line(checkpoint, signature)?));
            }
        }
        Ok(newest)
    }

    /// Verifies one signature of this cosigner over the checkpoint, and gives out its time.
    pub fn verify_line(
        &self,
        checkpoint: &SignedCheckpoint,
        signature: &NoteSignature,
    ) -> Result<u64, CosignatureError> {
        let bytes = signature.as_bytes();
        let short = || CosignatureError::Length { found: bytes.len() };
        let (time, signature) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let signature: &[u8; Signature::BYTE_SIZE] = signature.try_into().map_err(|_| short())?;
        let time = u64::from_be_bytes(*time);
        if time > MAX_TIME {
            return Err(CosignatureError::Time { found: time });
        }
        self.key
            .verify_strict(
                message(time, checkpoint.note().text()).as_bytes(),
                &Signature::from_bytes(signature),
            )
            .map_err(|_| CosignatureError::Bad { name: self.name.clone(), id: self.id })?;
        Ok(time)
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, base64_tagged(COSIGNATURE_V1, self.key.as_bytes()))
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({self})")
    }
}

impl FromStr for CosignerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse(text, COSIGNATURE_V1)?;
        let key = Self::new(fields.name, &fields.key)?;
        if key.id == fields.id { Ok(key) } else { Err(KeyError::Id { expected: key.id, found: fields.id }) }
    }
}

/// The private key of a cosigner. Its bytes are wiped when it is dropped.
///
/// It must be used under one name only: what is signed does not hold the name.
pub struct CosignerSecret {
    public: CosignerKey,
    key: SigningKey,
}

impl CosignerSecret {
    /// A key from 32 bytes of the caller's best randomness.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        Self { public: CosignerKey::from_point(name, key.verifying_key()), key }
    }

    /// Reads what [`CosignerSecret::to_secret_text`] wrote.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let fields = Fields::parse_private(text, COSIGNATURE_V1)?;
        let key = Self::from_seed(fields.name, &fields.key);
        let expected = key.public.id;
        if expected == fields.id { Ok(key) } else { Err(KeyError::Id { expected, found: fields.id }) }
    }

    /// The secret, as `PRIVATE+KEY+name+id+base64(0x04 || seed)`. The text is as secret as the key; the caller wipes
    /// it.
    pub fn to_secret_text(&self) -> String {
        let CosignerKey { name, id, .. } = &self.public;
        format!("{PRIVATE}{name}+{id}+{}", base64_tagged(COSIGNATURE_V1, self.key.as_bytes()))
    }

    /// The public half.
    pub const fn cosigner_key(&self) -> &CosignerKey {
        &self.public
    }

    /// Says that at this time, in seconds since 1970, the checkpoint is the largest consistent one that this cosigner
    /// knows of its log.
    ///
    /// That it is consistent with every one that was cosigned before is the caller's to verify *and to store* before
    /// he calls this; [`witness::judge`](crate::witness::judge) decides it.
    pub fn cosign(
        &self,
        checkpoint: &VerifiedCheckpoint,
        time_secs: u64,
    ) -> Result<NoteSignature, CosignatureError> {
        if time_secs > MAX_TIME {
            return Err(CosignatureError::Time { found: time_secs });
        }
        let message = message(time_secs, checkpoint.signed().note().text());
        let mut bytes = time_secs.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.key.sign(message.as_bytes()).to_bytes());
        Ok(NoteSignature::made(self.public.name.clone(), self.public.id, bytes))
    }
}

/// Shows the public half alone.
impl fmt::Debug for CosignerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerSecret({})", self.public)
    }
}

/// Why a signature line is no cosignature of a known key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// Not a time and an Ed25519 signature.
    #[error("a cosignature has 72 bytes, found {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A time beyond 2^63 - 1 seconds.
    #[error("the cosignature's time {found} is beyond 2^63 - 1 seconds")]
    Time {
        /// The time found.
        found: u64,
    },
    /// The signature is not this key's over this checkpoint and time.
    #[error("bad cosignature in the name of {name}+{id}")]
    Bad {
        /// The cosigner's name.
        name: KeyName,
        /// Its key's id.
        id: KeyId,
    },
}

//= C2SP tlog-cosignature v1.0.1, Ed25519 signed message
fn message(time_secs: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time_secs}\n{text}")
}

/// The signature type of timestamped Ed25519 cosignatures.
const COSIGNATURE_V1: u8 = 0x04;

//= C2SP tlog-cosignature v1.0.1, Format: the timestamp must not exceed 2^63 - 1
const MAX_TIME: u64 = i64::MAX.cast_unsigned();

#[cfg(test)]
mod tests;
