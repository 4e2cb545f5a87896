//! Auditing a log from its files alone.
//!
//! In: a directory or an address where the files of a log are (C2SP tlog-tiles), keys and policies from a source that the
//! auditor trusts. Out: what holds and what does not. No server has to be believed, nor even run: the files are enough.

mod check;
mod leaves;
mod prove;
mod source;
mod state;
mod verify;

pub(crate) use check::check;
pub(crate) use prove::prove;
pub(crate) use verify::verify;

use ledger::note::VerifierKey;
use ledger::policy::Policy;

use crate::args::TrustArgs;
use crate::error::CliError;
use crate::files;
use ledger::limits::MAX_POLICY_BYTES;

/// What a checkpoint is believed by.
#[derive(Debug)]
struct Trust {
    key: Option<VerifierKey>,
    policy: Option<Policy>,
}

impl Trust {
    fn of(args: &TrustArgs) -> Result<Self, CliError> {
        let key = args.log_key.log_key.as_deref().map(vkey).transpose()?;
        let policy = match &args.policy {
            None => None,
            Some(path) => {
                let bytes = files::read(path, MAX_POLICY_BYTES)?;
                Some(Policy::parse(&bytes).map_err(|error| CliError::input(path, error))?)
            }
        };
        if key.is_none() && policy.as_ref().is_none_or(|policy| policy.logs().is_empty()) {
            return Err(CliError::value("--log-key", "without the log's key nothing can be believed")
                .hint("give --log-key, or a --policy that names the log; `lydian-verifier log-key` prints a log's key"));
        }
        Ok(Self { key, policy })
    }
}

fn vkey(text: &str) -> Result<VerifierKey, CliError> {
    let text = files::value_or_file(text)?;
    text.parse().map_err(|error| {
        CliError::value("--log-key", error)
            .hint("a key looks like name+1a2b3c4d+AbC…=; a file is given as @FILE")
    })
}
