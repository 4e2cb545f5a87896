//! Whether a witness cosigns.
//!
//! In: a request, the keys that the witness trusts for the checkpoint's origin, and the newest checkpoint of it that
//! the witness has cosigned. Out: the checkpoint to store and then to cosign, or the refusal to answer with. Two
//! requests for one log must not be judged at the same time: what the first one stores is what the second one meets.

use crate::checkpoint::VerifiedCheckpoint;
use crate::note::VerifierKey;
use crate::proof::{ProofError, verify_consistency};
use crate::tree::LogSize;

use super::{AddCheckpoint, SIZE_MEDIA_TYPE};

/// Decides, in the order that the specification gives.
///
/// `keys` are those of the checkpoint's origin, and empty where the witness does not know it; `latest` is what was
/// stored last for that origin. On success the returned checkpoint must be durable before its cosignature leaves the
/// witness.
//= C2SP tlog-witness v1.0.0, add-checkpoint
pub fn judge(
    request: &AddCheckpoint,
    keys: &[VerifierKey],
    latest: Option<&VerifiedCheckpoint>,
) -> Result<VerifiedCheckpoint, Refusal> {
    if keys.is_empty() {
        return Err(Refusal::UnknownOrigin);
    }
    let origin = request.checkpoint().claim().origin();
    let verified = request.checkpoint().verify_by_any(origin, keys).map_err(|_| Refusal::NotSigned)?;
    let (old, new) = (request.old(), verified.checkpoint());
    if old > new.size() {
        return Err(Refusal::OldTooLarge { old, new: new.size() });
    }
    let known = latest.map_or(LogSize::ZERO, |latest| latest.checkpoint().size());
    if old != known {
        return Err(Refusal::Stale { known });
    }
    let given = request.proof().hashes().len();
    let Some(latest) = latest.filter(|_| !old.is_empty()) else {
        return if given == 0 { Ok(verified) } else { Err(Refusal::NeedlessProof { given }) };
    };
    let before = latest.checkpoint();
    if before == new && given > 0 {
        return Err(Refusal::NeedlessProof { given });
    }
    match verify_consistency(before.size(), before.root(), new.size(), new.root(), request.proof()) {
        Ok(()) => Ok(verified),
        Err(ProofError::Forked { .. }) => Err(Refusal::Forked { known }),
        Err(cause) => Err(Refusal::Inconsistent { cause }),
    }
}

/// Why a witness does not cosign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The witness does not watch this log.
    #[error("this witness does not know the checkpoint's origin")]
    UnknownOrigin,
    /// No key that the witness trusts for this log has signed it.
    #[error("no key that this witness trusts for the origin has signed the checkpoint")]
    NotSigned,
    /// The proof would begin beyond its end.
    #[error("the old size {old} is larger than the checkpoint's size {new}")]
    OldTooLarge {
        /// The size that the proof begins from.
        old: LogSize,
        /// The checkpoint's size.
        new: LogSize,
    },
    /// The witness has cosigned another size since, or never that one.
    #[error("the newest checkpoint that this witness has cosigned has {known} leaves")]
    Stale {
        /// That size.
        known: LogSize,
    },
    /// Hashes where there is nothing to prove.
    #[error("nothing is to be proved, and {given} hashes are given")]
    NeedlessProof {
        /// Hashes given.
        given: usize,
    },
    /// A second root at the size that was cosigned.
    #[error("another root was cosigned at size {known}: the log was forked")]
    Forked {
        /// That size.
        known: LogSize,
    },
    /// The checkpoint did not grow from the one that was cosigned, as far as the proof shows.
    #[error("the consistency proof does not hold: {cause}")]
    Inconsistent {
        /// What the proof fails at.
        cause: ProofError,
    },
}

impl Refusal {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownOrigin => 404,
            Self::NotSigned => 403,
            Self::OldTooLarge { .. } => 400,
            Self::Stale { .. } | Self::Forked { .. } => 409,
            Self::Inconsistent { .. } | Self::NeedlessProof { .. } => 422,
        }
    }

    /// The media type and the body of the answer.
    pub fn body(&self) -> (&'static str, String) {
        match self {
            Self::Stale { known } | Self::Forked { known } => (SIZE_MEDIA_TYPE, format!("{known}\n")),
            other => ("text/plain; charset=utf-8", format!("{other}\n")),
        }
    }

    /// What the request, which the log's key has signed, says of the log.
    pub const fn suspicion(&self) -> Suspicion {
        match self {
            Self::Forked { .. } => Suspicion::Fork,
            Self::Inconsistent { .. } => Suspicion::Doubt,
            _ => Suspicion::None,
        }
    }
}

/// What a refused request says of the log whose key has signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Nothing.
    None,
    /// The checkpoint may be of another history, or anybody has sent a genuine one with a proof that is junk.
    Doubt,
    /// Two roots at one size, both signed: there are two histories.
    Fork,
}
