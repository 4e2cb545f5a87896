//! Proof files (`.tlog-proof`): all that an outsider needs to verify, offline, that an entry is in a log.
//!
//! In: the bytes of such a file, or its parts. Out: the parts; and, given the log's key and the entry's leaf
//! hash, the verified checkpoint that includes it. The extra data is not authenticated by anything.
//!
//! Format obeyed: c2sp.org/tlog-proof, a draft, as of commit 0065ea5b7161 of the specifications' repository.

use crate::checkpoint::{CheckpointError, SignedCheckpoint, VerifiedCheckpoint};
use crate::hash::{Hash, HashError};
use crate::limits::{MAX_EXTRA_BYTES, MAX_PROOF_FILE_BYTES, MAX_PROOF_HASHES};
use crate::note::VerifierKey;
use crate::policy::{Policy, UnwitnessedError, Witnessed};
use crate::proof::{InclusionProof, ProofError};
use crate::text::{self, Line, Lines};
use crate::tree::{LeafIndex, TreeError};

/// An inclusion proof with the checkpoint that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    extra: Option<Vec<u8>>,
    index: LeafIndex,
    proof: InclusionProof,
    checkpoint: SignedCheckpoint,
}

impl ProofFile {
    /// A file without extra data.
    pub const fn new(index: LeafIndex, proof: InclusionProof, checkpoint: SignedCheckpoint) -> Self {
        Self { extra: None, index, proof, checkpoint }
    }

    /// The file with extra data, such as what the entry is made from. Nobody signs it.
    pub fn with_extra(self, extra: Vec<u8>) -> Result<Self, ProofFileError> {
        if extra.len() > MAX_EXTRA_BYTES {
            return Err(ProofFileError::ExtraTooLarge { found: extra.len() });
        }
        Ok(Self { extra: Some(extra), ..self })
    }

    /// Reads a file; nothing is verified yet.
    //= C2SP tlog-proof, Format
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofFileError> {
        if bytes.len() > MAX_PROOF_FILE_BYTES {
            return Err(ProofFileError::TooLarge { found: bytes.len() });
        }
        let file = std::str::from_utf8(bytes)
            .map_err(|error| ProofFileError::NotUtf8 { offset: error.valid_up_to() })?;
        let mut lines = Lines::new(file);
        if take(&mut lines)?.text != HEADER {
            return Err(ProofFileError::Header);
        }
        let (extra, index) = parse_head(&mut lines)?;
        let proof = parse_hashes(&mut lines)?;
        let checkpoint = SignedCheckpoint::parse(lines.rest().as_bytes())
            .map_err(|reason| ProofFileError::Checkpoint { offset: lines.offset(), reason })?;
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// Verifies that the log with this key has `leaf` at the file's index.
    pub fn verify(&self, leaf: &Hash, log: &VerifierKey) -> Result<VerifiedCheckpoint, ProofFileError> {
        let checkpoint = self.checkpoint.verify(log).map_err(ProofFileError::NotVerified)?;
        checkpoint.verify_inclusion(leaf, self.index, &self.proof)?;
        Ok(checkpoint)
    }

    /// Verifies that a log which the policy believes has `leaf` at the file's index, under a checkpoint that reached the
    /// policy's quorum.
    pub fn verify_with(&self, leaf: &Hash, policy: &Policy) -> Result<Witnessed, ProofFileError> {
        let witnessed = policy.check(&self.checkpoint)?;
        witnessed.verified().verify_inclusion(leaf, self.index, &self.proof)?;
        Ok(witnessed)
    }

    /// The extra data, which nobody has signed.
    pub fn unauthenticated_extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The index of the entry.
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The inclusion proof.
    pub const fn proof(&self) -> &InclusionProof {
        &self.proof
    }

    /// The checkpoint, as it stands in the file.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// The text of the file.
impl std::fmt::Display for ProofFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "{EXTRA}{}", text::base64_encode(extra))?;
        }
        writeln!(f, "{INDEX}{}", self.index)?;
        for hash in self.proof.hashes() {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint.note().as_str())
    }
}

/// Why bytes are no proof file, or the proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFileError {
    /// Larger than the limit.
    #[error("a proof file has at most {MAX_PROOF_FILE_BYTES} bytes, found {found}")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// More extra data than the limit.
    #[error("extra data has at most {MAX_EXTRA_BYTES} bytes, found {found}")]
    ExtraTooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8 at byte {offset}")]
    NotUtf8 {
        /// Where the valid part ends.
        offset: usize,
    },
    /// The file ends before its checkpoint.
    #[error("the file ends in the line at byte {offset}")]
    Truncated {
        /// Offset of the line that does not end.
        offset: usize,
    },
    /// The first line is another.
    #[error("the first line is not {HEADER}")]
    Header,
    /// The extra data is not canonical base64.
    #[error("the extra data at byte {offset} is not base64")]
    Extra {
        /// Offset of its line.
        offset: usize,
    },
    /// No index line, or one whose number is not in its one spelling.
    #[error("the line at byte {offset} is not `index` and a decimal number without leading zeroes")]
    Index {
        /// Offset of the line.
        offset: usize,
    },
    /// An index that no log has.
    #[error(transparent)]
    IndexRange(#[from] TreeError),
    /// A line of the proof that is no hash.
    #[error("proof line at byte {offset}: {reason}")]
    Hash {
        /// Offset of the line.
        offset: usize,
        /// What is wrong with it.
        reason: HashError,
    },
    /// The checkpoint at the file's end is none.
    #[error("checkpoint at byte {offset} (offsets within it): {reason}")]
    Checkpoint {
        /// Offset of the checkpoint.
        offset: usize,
        /// What is wrong with it.
        reason: CheckpointError,
    },
    /// The checkpoint is not the log's.
    #[error("checkpoint not verified: {0}")]
    NotVerified(CheckpointError),
    /// The checkpoint is not one that the policy believes.
    #[error("checkpoint not believed: {0}")]
    NotWitnessed(#[from] UnwitnessedError),
    /// The proof has too many hashes, or does not lead from the entry to the checkpoint.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

fn take<'a>(lines: &mut Lines<'a>) -> Result<Line<'a>, ProofFileError> {
    let offset = lines.offset();
    lines.take().ok_or(ProofFileError::Truncated { offset })
}

fn parse_head(lines: &mut Lines<'_>) -> Result<(Option<Vec<u8>>, LeafIndex), ProofFileError> {
    let mut line = take(lines)?;
    let mut extra = None;
    if let Some(base64) = line.text.strip_prefix(EXTRA) {
        extra = Some(parse_extra(base64, line.offset)?);
        line = take(lines)?;
    }
    let index = line.text.strip_prefix(INDEX).and_then(text::decimal);
    let index = index.ok_or(ProofFileError::Index { offset: line.offset })?;
    Ok((extra, LeafIndex::new(index)?))
}

fn parse_extra(base64: &str, offset: usize) -> Result<Vec<u8>, ProofFileError> {
    // Four characters hold three bytes; longer text is refused before it is decoded.
    if base64.len() / 4 * 3 > MAX_EXTRA_BYTES + 2 {
        return Err(ProofFileError::ExtraTooLarge { found: base64.len() / 4 * 3 });
    }
    let extra = text::base64_decode(base64).ok_or(ProofFileError::Extra { offset })?;
    if extra.len() > MAX_EXTRA_BYTES {
        return Err(ProofFileError::ExtraTooLarge { found: extra.len() });
    }
    Ok(extra)
}

fn parse_hashes(lines: &mut Lines<'_>) -> Result<InclusionProof, ProofFileError> {
    let mut hashes = Vec::new();
    loop {
        let line = take(lines)?;
        if line.text.is_empty() {
            return Ok(InclusionProof::new(hashes)?);
        }
        if hashes.len() == MAX_PROOF_HASHES {
            return Err(ProofError::TooManyHashes { found: hashes.len() + 1 }.into());
        }
        let at_line = |reason| ProofFileError::Hash { offset: line.offset, reason };
        hashes.push(line.text.parse().map_err(at_line)?);
    }
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";

#[cfg(test)]
mod tests;
