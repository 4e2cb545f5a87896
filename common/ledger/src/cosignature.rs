//! Cosignatures: what a witness says of somebody else's checkpoint, and when.
//!
//! In: a witness's key, and a checkpoint. Out: a signature line, or the time at which the witness says that the
//! checkpoint was the largest consistent one that it knew of that log. A cosignature establishes that its author
//! saw no other history; who he is, and whether he looked, is for whoever trusts his key.
//!
//! Format obeyed: c2sp.org/tlog-cosignature v1.0.1, the Ed25519 form. Signatures of other types are passed over
//! like those of unknown keys.

use crate::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use crate::note::{KeyId, KeyName, NoteSignature, PublicKey, SecretKey};

/// The public key of a cosigner.
pub type CosignerKey = PublicKey<COSIGNATURE_V1>;

/// The private key of a cosigner.
///
/// It must be used under one name only: what is signed does not hold the name.
pub type CosignerSecret = SecretKey<COSIGNATURE_V1>;

impl CosignerKey {
    /// Looks for this cosigner's signatures on the checkpoint: `None` where there are none, the newest time where
    /// all of them are good. One bad signature in its name is an error.
    //= C2SP signed-note v1.0.0, Signatures: a known key with a bad signature refuses the whole note
    pub fn verify(&self, checkpoint: &SignedCheckpoint) -> Result<Option<u64>, CosignatureError> {
        let mut newest = None;
        for signature in checkpoint.note().signatures() {
            if signature.is_by(self) {
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
        let (time, signature) =
            bytes.split_first_chunk::<8>().filter(|_| bytes.len() == SIZE).ok_or_else(short)?;
        let time = u64::from_be_bytes(*time);
        if time > MAX_TIME {
            return Err(CosignatureError::Time { found: time });
        }
        self.verify_bytes(message(time, checkpoint.note().text()).as_bytes(), signature)
            .map_err(|_| CosignatureError::Bad { name: self.name().clone(), id: self.id() })?;
        Ok(time)
    }
}

impl CosignerSecret {
    /// The public half.
    pub const fn cosigner_key(&self) -> &CosignerKey {
        self.public()
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
        bytes.extend_from_slice(&self.sign_bytes(message.as_bytes()));
        Ok(NoteSignature::made(self.public().name().clone(), self.public().id(), bytes))
    }
}

/// Why a signature line is no cosignature of a known key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignatureError {
    /// Not a time and an Ed25519 signature.
    #[error("a cosignature has {SIZE} bytes, found {found}")]
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
pub const COSIGNATURE_V1: u8 = 0x04;

/// A time and a signature.
const SIZE: usize = 8 + 64;

//= C2SP tlog-cosignature v1.0.1, Format: the timestamp must not exceed 2^63 - 1
const MAX_TIME: u64 = i64::MAX.cast_unsigned();

#[cfg(test)]
mod tests;
