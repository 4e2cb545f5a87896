//! Asking a witness, without IO.
//!
//! In: the log's newest checkpoint, proofs from the size that the witness knows, and its answers as they came. Out: a
//! cosignature that verifies, or what to do next. A witness that knows a larger log than ours is the one answer that
//! must stop the log: it was restored from an old backup, and what it would sign next is a fork.

use crate::checkpoint::SignedCheckpoint;
use crate::cosignature::CosignerKey;
use crate::limits::{MAX_SIGNATURES, MAX_WITNESS_ANSWER_BYTES};
use crate::note::NoteSignature;
use crate::proof::ConsistencyProof;
use crate::text::{self, Lines};
use crate::tree::LogSize;

use super::{AddCheckpoint, RequestError, SIZE_MEDIA_TYPE};

/// What the log knows of one witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessClient {
    key: CosignerKey,
    known: LogSize,
}

impl WitnessClient {
    /// A witness, and the size that it has cosigned last as far as the log remembers; zero asks it.
    pub const fn new(key: CosignerKey, known: LogSize) -> Self {
        Self { key, known }
    }

    /// The witness's key.
    pub const fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// The size that the next proof has to begin from, and that is worth remembering.
    pub const fn known(&self) -> LogSize {
        self.known
    }

    /// The request for a checkpoint's cosignature, with a proof from [`WitnessClient::known`].
    pub fn request(
        &self,
        head: &SignedCheckpoint,
        proof: ConsistencyProof,
    ) -> Result<AddCheckpoint, RequestError> {
        AddCheckpoint::new(self.known, proof, head.clone())
    }

    /// Reads the answer to a request for `head`.
    pub fn answer(&mut self, head: &SignedCheckpoint, status: u16, media_type: &str, body: &[u8]) -> Answer {
        if body.len() > MAX_WITNESS_ANSWER_BYTES {
            return Answer::Unusable { why: "its answer is too large" };
        }
        match status {
            200 => self.cosigned(head, body),
            409 => self.conflict(head, media_type, body),
            // The proof began at the size that the witness itself names, else it would have said 409: what it cosigned there
            // is not what this log had.
            422 => Answer::Forked { size: self.known },
            status => Answer::Refused { status },
        }
    }

    /// Takes this witness's cosignature out of the answer, and no other line.
    fn cosigned(&mut self, head: &SignedCheckpoint, body: &[u8]) -> Answer {
        let Ok(body) = std::str::from_utf8(body) else {
            return Answer::Unusable { why: "its answer is not UTF-8" };
        };
        let mut lines = Lines::new(body);
        for _ in 0..MAX_SIGNATURES {
            let Some(line) = lines.take() else { break };
            let Ok(signature) = NoteSignature::from_line(line.text) else {
                return Answer::Unusable { why: "its answer is not made of signature lines" };
            };
            if !signature.is_by(&self.key) {
                continue;
            }
            return match self.key.verify_line(head, &signature) {
                Ok(time_secs) => {
                    self.known = head.claim().size();
                    Answer::Cosigned { signature, time_secs }
                }
                Err(_) => Answer::Unusable { why: "its cosignature is not one of this checkpoint" },
            };
        }
        Answer::Unusable { why: "its answer has no cosignature by its key" }
    }

    //= C2SP tlog-witness v1.0.0, add-checkpoint: 409 and text/x.tlog.size
    fn conflict(&mut self, head: &SignedCheckpoint, media_type: &str, body: &[u8]) -> Answer {
        let size =
            std::str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n')).and_then(text::decimal);
        let Some(size) = size.and_then(|size| LogSize::new(size).ok()).filter(|_| is_size(media_type)) else {
            return Answer::Unusable { why: "it refuses with 409 and does not say its size" };
        };
        if size > head.claim().size() {
            return Answer::Ahead { size };
        }
        if size == self.known {
            // It was asked from this very size: only another root there can be what it refuses.
            return Answer::Forked { size };
        }
        self.known = size;
        Answer::TryAgain
    }
}

/// Parameters may follow the media type.
fn is_size(media_type: &str) -> bool {
    media_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(SIZE_MEDIA_TYPE))
}

/// What a witness's answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has cosigned the checkpoint; the signature was verified.
    Cosigned {
        /// The line for the note.
        signature: NoteSignature,
        /// When, by its clock, in seconds since 1970.
        time_secs: u64,
    },
    /// It knows another size, which is remembered: ask again with a proof from there.
    TryAgain,
    /// It has cosigned more leaves than this log has. The log must not sign anything any more.
    Ahead {
        /// How many.
        size: LogSize,
    },
    /// It has cosigned another root at this size: that of the head, or one that the head did not grow from. The log must
    /// not sign anything any more.
    Forked {
        /// The size.
        size: LogSize,
    },
    /// It refuses with another status: 403 does not know the key, 404 the log.
    Refused {
        /// The status.
        status: u16,
    },
    /// The answer makes no sense.
    Unusable {
        /// In which way.
        why: &'static str,
    },
}
