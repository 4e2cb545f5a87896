//! Auditing a log from its files alone.
//!
//! In: a directory or an address where the files of a log are (C2SP tlog-tiles), keys and policies from a source that the
//! auditor trusts. Out: what holds and what does not. No server has to be believed, nor even run: the files are enough.

mod audit;
mod check;
mod entries;
mod leaves;
pub(crate) mod proof;
mod prove;
mod source;
mod state;
mod verify;
mod which;

pub(crate) use audit::audit;
pub(crate) use check::check;
pub(crate) use prove::prove;
pub(crate) use verify::verify;

use std::path::Path;

use ledger::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use ledger::limits::MAX_POLICY_BYTES;
use ledger::note::VerifierKey;
use ledger::policy::{Policy, Quorum, UnwitnessedError};
use serde::Serialize;

use crate::args::TrustArgs;
use crate::error::CliError;
use crate::files;

/// What a checkpoint is believed by.
#[derive(Debug)]
enum Trust {
    /// The log's key alone: nobody knows who else was shown what.
    WithoutWitnesses(VerifierKey),
    /// A policy that names the log and its witnesses.
    Policy(Policy),
    /// A policy's witnesses, for a log whose key was given.
    Witnesses(Policy, VerifierKey),
}

impl Trust {
    fn of(args: &TrustArgs) -> Result<Self, CliError> {
        let key = args.log_key.log_key.as_deref().map(vkey).transpose()?;
        let policy = args.policy.as_deref().map(policy).transpose()?;
        match (key, policy) {
            (Some(key), None) => Ok(Self::WithoutWitnesses(key)),
            (Some(key), Some(policy)) => Ok(Self::Witnesses(policy, key)),
            (None, Some(policy)) if !policy.logs().is_empty() => Ok(Self::Policy(policy)),
            (None, _) => Err(CliError::value("--log-key", "without the log's key nothing can be believed")
                .hint("give --log-key, or a --policy that names the log; `lydian-verifier log-key` prints a log's key")),
        }
    }

    /// Believes a checkpoint, or says why not.
    fn believe(&self, signed: &SignedCheckpoint) -> Result<Believed, UnwitnessedError> {
        let (policy, witnessed) = match self {
            Self::WithoutWitnesses(key) => {
                let verified = signed.verify(key)?;
                return Ok(Believed { verified, cosigned: Vec::new(), quorum: "no-policy" });
            }
            Self::Policy(policy) => (policy, policy.check(signed)?),
            Self::Witnesses(policy, key) => (policy, policy.check_log(signed, key)?),
        };
        let cosigned = witnessed.cosigned().iter().map(|(place, time_secs)| {
            let witness = policy.witnesses().get(*place).map(|witness| witness.key.name().to_string());
            Cosigned { witness: witness.unwrap_or_default(), time_secs: *time_secs }
        });
        let quorum = match policy.quorum() {
            Quorum::DangerNone => "none",
            Quorum::Of(_) => "reached",
        };
        let cosigned = cosigned.collect();
        Ok(Believed { verified: witnessed.into_verified(), cosigned, quorum })
    }
}

/// A checkpoint that is believed.
#[derive(Debug)]
struct Believed {
    verified: VerifiedCheckpoint,
    /// Who has cosigned it, of the policy's witnesses.
    cosigned: Vec<Cosigned>,
    /// `reached`, `none` where the policy asks for none, or `no-policy`.
    quorum: &'static str,
}

/// A witness's word, for programs.
#[derive(Debug, Serialize)]
struct Cosigned {
    witness: String,
    time_secs: u64,
}

fn policy(path: &Path) -> Result<Policy, CliError> {
    let bytes = files::read(path, MAX_POLICY_BYTES)?;
    Policy::parse(&bytes).map_err(|error| CliError::input(path, error))
}

fn vkey(text: &str) -> Result<VerifierKey, CliError> {
    let text = files::value_or_file(text)?;
    text.parse().map_err(|error| {
        CliError::value("--log-key", error)
            .hint("a key looks like name+1a2b3c4d+AbC…=; a file is given as @FILE")
    })
}
