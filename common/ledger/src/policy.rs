//! Trust policies: which logs are believed, and whose cosignatures that takes.
//!
//! In: a policy file, and checkpoints. Out: a [`Witnessed`] checkpoint, which one of the policy's logs has signed and
//! its quorum has cosigned. That the witnesses are independent of the log and of each other is for the policy's author
//! to know.
//!
//! Format obeyed: c2sp.org/tlog-policy, a draft, as of commit 13027eee7f3f of the specifications' repository.

mod parse;

use crate::checkpoint::{CheckpointError, SignedCheckpoint, VerifiedCheckpoint};
use crate::cosignature::{CosignatureError, CosignerKey};
use crate::note::VerifierKey;

pub use parse::{PolicyError, PolicyLineError};

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Quorum,
}

/// A log that the policy believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key, whose name is its origin.
    pub key: VerifierKey,
    /// Where it is served, if the policy says so.
    pub url: Option<String>,
}

/// A witness that the policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it; it need not be text.
    pub name: Vec<u8>,
    /// Its key.
    pub key: CosignerKey,
    /// The prefix of its submissions, if the policy says so.
    pub url: Option<String>,
}

/// What a checkpoint must have to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// Nothing but the log's signature: a log can then show each reader another history.
    DangerNone,
    /// The cosignature of a witness, or enough of those of a group.
    Of(Member),
}

/// A witness or a group, by its place in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A witness.
    Witness(usize),
    /// A group.
    Group(usize),
}

/// Some members, of which some must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: Vec<u8>,
    threshold: usize,
    /// Each defined on an earlier line, and member of no other group.
    members: Vec<Member>,
}

impl Policy {
    /// The logs, in the order of their lines.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of their lines.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// What it takes.
    pub const fn quorum(&self) -> Quorum {
        self.quorum
    }

    /// Whether the witness at this place can contribute to the quorum.
    pub fn counts(&self, witness: usize) -> bool {
        let mut open = match self.quorum {
            Quorum::DangerNone => Vec::new(),
            Quorum::Of(member) => vec![member],
        };
        while let Some(member) = open.pop() {
            match member {
                Member::Witness(place) if place == witness => return true,
                Member::Witness(_) => {}
                Member::Group(place) => {
                    open.extend(
                        self.groups.get(place).into_iter().flat_map(|group| group.members.iter().copied()),
                    );
                }
            }
        }
        false
    }

    /// Believes a checkpoint that one of the policy's logs has signed, and the quorum cosigned. A log may have several
    /// keys of one name.
    pub fn check(&self, checkpoint: &SignedCheckpoint) -> Result<Witnessed, UnwitnessedError> {
        let origin = checkpoint.claim().origin();
        let keys = self.logs.iter().map(|log| &log.key);
        let keys: Vec<_> = keys.filter(|key| key.name().as_str() == origin.as_str()).cloned().collect();
        if keys.is_empty() {
            return Err(UnwitnessedError::UnknownLog);
        }
        self.believe(checkpoint, checkpoint.verify_by_any(origin, &keys)?)
    }

    /// The same for a log that is known from elsewhere.
    pub fn check_log(
        &self,
        checkpoint: &SignedCheckpoint,
        log: &VerifierKey,
    ) -> Result<Witnessed, UnwitnessedError> {
        self.believe(checkpoint, checkpoint.verify(log)?)
    }

    fn believe(
        &self,
        checkpoint: &SignedCheckpoint,
        verified: VerifiedCheckpoint,
    ) -> Result<Witnessed, UnwitnessedError> {
        let cosigned = self.cosigners(checkpoint)?;
        let reached = match self.quorum {
            Quorum::DangerNone => true,
            Quorum::Of(member) => self.has_witnessed(member, &cosigned),
        };
        if reached {
            return Ok(Witnessed { verified, cosigned });
        }
        Err(UnwitnessedError::Quorum { cosigned: cosigned.len(), witnesses: self.witnesses.len() })
    }

    /// Which witnesses have cosigned, by place, and when, in seconds since 1970. A bad signature in the name of any
    /// of them is an error.
    pub fn cosigners(&self, checkpoint: &SignedCheckpoint) -> Result<Vec<(usize, u64)>, UnwitnessedError> {
        let mut cosigned = Vec::new();
        for (place, witness) in self.witnesses.iter().enumerate() {
            if let Some(time) = witness.key.verify(checkpoint)? {
                cosigned.push((place, time));
            }
        }
        Ok(cosigned)
    }

    fn has_witnessed(&self, quorum: Member, cosigned: &[(usize, u64)]) -> bool {
        // Groups name only what is defined before them, so one pass in their order decides each.
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        let holds = |member: &Member, groups: &[bool]| match *member {
            Member::Witness(place) => cosigned.iter().any(|(cosigner, _)| *cosigner == place),
            Member::Group(place) => groups.get(place).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(member, &groups)).count();
            groups.push(count >= group.threshold);
        }
        holds(&quorum, &groups)
    }
}

/// A checkpoint that its log has signed, and that enough witnesses have cosigned for a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    verified: VerifiedCheckpoint,
    cosigned: Vec<(usize, u64)>,
}

impl Witnessed {
    /// The checkpoint.
    pub const fn verified(&self) -> &VerifiedCheckpoint {
        &self.verified
    }

    /// The checkpoint, given away.
    pub fn into_verified(self) -> VerifiedCheckpoint {
        self.verified
    }

    /// Which of the policy's witnesses have cosigned it, by place, and when, in seconds since 1970. Whether a time is
    /// too old, or in the future, is for the caller, who has a clock.
    pub fn cosigned(&self) -> &[(usize, u64)] {
        &self.cosigned
    }
}

/// Why a policy does not believe a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwitnessedError {
    /// No log of the policy has this origin.
    #[error("the checkpoint is of no log that the policy names")]
    UnknownLog,
    /// The checkpoint is not its log's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A signature in the name of a witness is bad.
    #[error(transparent)]
    Cosignature(#[from] CosignatureError),
    /// Too few witnesses have cosigned it.
    #[error(
        "{cosigned} of {witnesses} witnesses have cosigned the checkpoint, which is not the policy's quorum"
    )]
    Quorum {
        /// How many have.
        cosigned: usize,
        /// How many there are.
        witnesses: usize,
    },
}

#[cfg(test)]
mod tests;
