//! The command line's grammar: noun verb, options after.
//!
//! In: arguments and `LYDIAN_*` variables. Out: typed commands. Every command's help ends with examples.

mod cel;
mod incident;
mod inspect;
mod trusted;
mod watch;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use cel::{CelCommand, CelExtractArgs, CelKind, CelLayout, CelWriteArgs};
pub(crate) use inspect::{
    EkCertArgs, ElfArgs, EventLogArgs, ImaArgs, InspectCommand, KeyringArgs, ModuleArgs, PeArgs, QuoteArgs,
    SiglistArgs, SystemdLogArgs,
};

pub(crate) use incident::{IncidentCommand, IncidentOpen, ReportFormat};
pub(crate) use trusted::{ModeArg, NarrowingArgs, TrustedArgs};
pub(crate) use watch::{WatchAdd, WatchCommand};

use crate::duration::Seconds;
use crate::ui::Format;

/// Which hosts are as they should be, and proofs that need nobody's word.
#[derive(Debug, Parser)]
#[command(
    name = "lydian",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 trusted or done, 1 not trusted, 2 error.\n\n\
Examples:\n  \
lydian host list\n  \
lydian host show web-1\n  \
lydian trusted 'package:xz-utils>=5.6.0' --from 2024-02-24\n  \
lydian evidence fetch web-1 42 --out web-1-42.bundle\n  \
lydian evidence verify web-1-42.bundle --log-key @log.vkey\n  \
lydian inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// table, json (one document), jsonl (an object a line) or csv (of `trusted` alone); words always go to standard error
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub(crate) output: Format,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Where the verifier is and who asks.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Verifier (option, then variable, then profile)")]
pub(crate) struct ConnectionArgs {
    /// Address, such as <https://verifier.example:8443>
    #[arg(long, global = true, env = "LYDIAN_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Operator's token, or @FILE that holds it
    #[arg(long, global = true, env = "LYDIAN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// PEM file of the CA that vouches for the verifier; no other CA is trusted
    #[arg(long, global = true, env = "LYDIAN_CA", hide_env_values = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Profile of the configuration file
    #[arg(long, global = true, env = "LYDIAN_PROFILE", hide_env_values = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Configuration file [default: ~/.config/lydian/config.toml]
    #[arg(long, global = true, env = "LYDIAN_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hosts: how they stand, what they have, what happened
    #[command(subcommand)]
    Host(HostCommand),
    /// Who trusted X? For each host YES, NO or UNKNOWN, with evidence
    Trusted(TrustedArgs),
    /// Check the proof of an answer, offline: whether it follows from evidence alone
    #[command(
        after_help = "`lydian trusted SUBJECT --proof DIR` makes a proof. Nothing in it is believed but the host's TPMs and the\n\
        log's checkpoint, by its key or its witnesses.\n\nExit codes: 0 it holds, 1 it does not, 2 error.\n\nExamples:\n  \
        lydian trusted 'package:xz-utils>=5.6.0' --from 2024-02-24 --proof xz.proof\n  \
        lydian verify xz.proof --log-key @log.vkey\n  \
        lydian verify xz.proof --policy witnesses.policy -o json"
    )]
    Verify(VerifyProofArgs),
    /// Questions that are asked again whenever there is something new
    #[command(subcommand)]
    Watch(WatchCommand),
    /// What happened, which hosts it concerns, and what is left to do
    #[command(subcommand)]
    Incident(IncidentCommand),
    /// Letting hosts join
    #[command(subcommand)]
    Enroll(EnrollCommand),
    /// Operators' API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Evidence that was not accepted
    #[command(subcommand)]
    Refusal(RefusalCommand),
    /// What operators did
    #[command(subcommand)]
    Action(ActionCommand),
    /// The transparency log
    #[command(subcommand)]
    Log(LogCommand),
    /// Evidence with its proofs, also offline
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Measurement logs, quotes, certificates, key lists and signed files, from files
    #[command(subcommand)]
    Inspect(InspectCommand),
    /// Canonical event logs (CEL-JSON): made from a boot's logs, and taken apart again
    #[command(subcommand)]
    Cel(CelCommand),
    /// Version of this program, and of the verifier where one is configured
    #[command(after_help = "Examples:\n  lydian version\n  lydian version -o json")]
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// All hosts, and how many there are of each kind
    #[command(after_help = "Examples:\n  lydian host list\n  lydian host list --status not-trusted\n  \
        lydian host list --search web -o jsonl | jq -r .name\n  lydian host list --hosts 'web-*,env=prod'")]
    List {
        /// Only hosts of this status
        #[arg(long, value_enum)]
        status: Option<StatusArg>,
        /// Only hosts whose name or identity contains this
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold
        #[arg(long, value_name = "SELECTOR")]
        hosts: Option<String>,
    },
    /// One host: identity, newest evidence, each claim with its reasons, coverage
    ///
    /// Exits with 0 if the host is trusted or has warnings, with 1 if it is not trusted, stale or pending.
    #[command(after_help = "Examples:\n  lydian host show web-1\n  lydian host show 3f9a\n  \
        lydian host show web-1 --strict >/dev/null || echo look at web-1")]
    Show {
        /// Name, identity, or a prefix of it that no other host has
        host: String,
        /// Count a warning as not trusted
        #[arg(long)]
        strict: bool,
    },
    /// Give a host labels, by which `--hosts` chooses hosts, or take them away; without any show them
    ///
    /// Needs an admin's token. Labels are your words, and no evidence.
    #[command(
        after_help = "Examples:\n  lydian host label web-1 env=prod role=web\n  lydian host label web-1 role-\n  \
        lydian host label web-1\n  lydian trusted 'package:xz-utils>=5.6.0' --hosts env=prod,role=web"
    )]
    Label {
        /// Name, identity, or a prefix of it that no other host has
        host: String,
        /// KEY=VALUE to give it, KEY- to take it away
        #[arg(value_name = "KEY=VALUE|KEY-")]
        labels: Vec<String>,
    },
    /// Say that a host is gone: no more evidence is taken from it, and its history ends with a leaf of the log
    ///
    /// Needs an admin's token. The host comes back by enrolling again.
    #[command(after_help = "Examples:\n  lydian host retire web-1 --reason \"sold\"")]
    Retire {
        /// Name, identity, or a prefix of it that no other host has
        host: String,
        /// Why; the log keeps it for auditors
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// What a host sent and what changed, newest first
    #[command(after_help = "Examples:\n  lydian host history web-1\n  \
        lydian host history web-1 --limit 500 -o jsonl | jq 'select(.changes != [])'")]
    History {
        /// Name, identity, or a prefix of it that no other host has
        host: String,
        /// Entries at most
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        limit: u64,
    },
}

/// A host's status, as `--status` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusArg {
    Trusted,
    Warning,
    NotTrusted,
    Stale,
    Pending,
    Retired,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrollCommand {
    /// Join tokens: each lets one host enrol
    #[command(subcommand)]
    Token(JoinTokenCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum JoinTokenCommand {
    /// Make a join token; its secret is shown this once
    #[command(after_help = "Examples:\n  lydian enroll token create --note web-7\n  \
        lydian enroll token create --ttl 2h -o json | jq -r .secret")]
    Create {
        /// How long it can be used: 90s, 30m, 24h, 7d
        #[arg(long, default_value = "24h", value_name = "DURATION")]
        ttl: Seconds,
        /// What it is for
        #[arg(long, default_value = "", value_name = "TEXT", hide_default_value = true)]
        note: String,
    },
    /// Join tokens and what became of them
    #[command(after_help = "Examples:\n  lydian enroll token list")]
    List,
    /// Revoke a join token
    #[command(after_help = "Examples:\n  lydian enroll token revoke 7c21")]
    Revoke {
        /// The token's id, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make an operator's token; its secret is shown this once
    #[command(after_help = "Examples:\n  lydian token create --name grafana --scope read --ttl 90d\n  \
        lydian token create --name ann --scope admin --ttl 8h -o json | jq -r .secret")]
    Create {
        /// Whose or what it is
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// What it may do; each includes those before it
        #[arg(long, value_enum)]
        scope: ScopeArg,
        /// How long it can be used: 8h, 30d, 52w
        #[arg(long, default_value = "30d", value_name = "DURATION")]
        ttl: Seconds,
    },
    /// Operators' tokens, without their secrets
    #[command(after_help = "Examples:\n  lydian token list")]
    List,
    /// Revoke an operator's token
    #[command(after_help = "Examples:\n  lydian token revoke 9b02")]
    Revoke {
        /// The token's id, as `list` shows it
        id: String,
    },
}

/// A token's scope, as `--scope` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    /// Read hosts, history and proofs
    Read,
    /// Make and revoke join tokens
    Enrol,
    /// Make and revoke operators' tokens
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefusalCommand {
    /// Submissions that were not accepted, newest first
    #[command(after_help = "Examples:\n  lydian refusal list\n  \
        lydian refusal list -o jsonl | jq -r .code | sort | uniq -c")]
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ActionCommand {
    /// What operators did, newest first, with the leaf that keeps it from being rewritten
    #[command(after_help = "Examples:\n  lydian action list\n  \
        lydian action list -o jsonl | jq 'select(.kind == \"token-created\")'")]
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// The log's signed checkpoint
    #[command(after_help = "Examples:\n  lydian log checkpoint --log-key @log.vkey\n  \
        lydian log checkpoint -o json | jq .size")]
    Checkpoint {
        #[command(flatten)]
        log_key: LogKeyArg,
    },
    /// The proof that a leaf is in the log (c2sp.org/tlog-proof)
    #[command(after_help = "Examples:\n  lydian log proof 1234 --out 1234.tlog-proof\n  \
        lydian log proof 1234 --log-key @log.vkey >/dev/null && echo it is in the log")]
    Proof {
        /// The leaf's index, as `host history` shows it
        index: u64,
        /// File to write; standard output without it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        log_key: LogKeyArg,
    },
    /// Audit a log from its files: hash everything again, and compare every checkpoint
    ///
    /// Reads every entry and every tile, and believes none of them before they lead to the roots that were signed. No server
    /// of ours is needed: a copy of the files will do, and so will any web server that has them.
    #[command(after_help = "Exit codes: 0 it holds, 1 it does not, 2 error.\n\nExamples:\n  \
        lydian log verify /srv/lydian-log --log-key @log.vkey --policy witnesses.policy\n  \
        lydian log verify https://verifier.example:8443 --log-ca ca.pem --log-key @log.vkey --state audit.json")]
    Verify(LogVerifyArgs),
    /// Audit a log and everything behind its leaves: commitments, signatures, chains, verdicts
    ///
    /// First the log, as `log verify` does. Then each leaf is compared with what the verifier exported for it, each host's evidence
    /// is verified again in its order, and each verdict is computed again, by the code that the verifier itself uses. Leaves that
    /// nothing was exported for are findings.
    #[command(after_help = "Exit codes: 0 it holds, 1 it does not, 2 error.\n\nExamples:\n  \
        lydian-verifier export /srv/audit            # at the verifier, after the log was copied\n  \
        lydian log audit /srv/lydian-log --evidence /srv/audit --log-key @log.vkey --policy witnesses.policy\n  \
        lydian log audit /srv/lydian-log --evidence /srv/audit --log-key @log.vkey --state audit.json -o json")]
    Audit(LogAuditArgs),
    /// Make the proof that a leaf is in the log, from the log's files (c2sp.org/tlog-proof)
    #[command(
        after_help = "Examples:\n  lydian log prove /srv/lydian-log --index 1234 --out 1234.tlog-proof\n  \
        lydian log prove /srv/lydian-log --evidence web-1-42.bundle --out web-1-42.tlog-proof\n  \
        lydian log prove /srv/lydian-log --export /srv/audit --evidence web-1/42 --out web-1-42.tlog-proof"
    )]
    Prove(LogProveArgs),
    /// Verify a proof file, offline
    #[command(after_help = "Exit codes: 0 it holds, 1 it does not, 2 error.\n\nExamples:\n  \
        lydian log check web-1-42.tlog-proof --evidence web-1-42.bundle --policy witnesses.policy\n  \
        lydian log check 1234.tlog-proof --log-key @log.vkey -o json")]
    Check(LogCheckArgs),
    /// The witnesses of a verifier's log
    #[command(subcommand)]
    Witness(LogWitnessCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogWitnessCommand {
    /// Who cosigns, since when not, and what is published
    #[command(
        after_help = "Exit codes: 0 every witness of the quorum cosigns, 1 not, 2 error.\n\nExamples:\n  \
        lydian log witness status\n  lydian log witness status -o json | jq '.witnesses[].failure'"
    )]
    Status,
}

/// What checkpoints are believed by.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TrustArgs {
    #[command(flatten)]
    pub(crate) log_key: LogKeyArg,
    /// Trust policy (c2sp.org/tlog-policy): which witnesses must have cosigned
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LogVerifyArgs {
    /// Directory of the log, or its address (https://…)
    #[arg(value_name = "DIR|URL")]
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// What vouches for the web server, in PEM; the system's authorities without it
    #[arg(long = "log-ca", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Keep the audit's progress in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Threads that hash
    #[arg(long, value_name = "N", default_value_t = one_per_processor())]
    pub(crate) jobs: std::num::NonZeroUsize,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyProofArgs {
    /// Directory that `lydian trusted --proof` made
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// Threads that verify
    #[arg(long, value_name = "N", default_value_t = one_per_processor())]
    pub(crate) jobs: std::num::NonZeroUsize,
}

#[derive(Debug, Args)]
pub(crate) struct LogAuditArgs {
    #[command(flatten)]
    pub(crate) log: LogVerifyArgs,
    /// Directory that `lydian-verifier export` made
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: PathBuf,
    /// Accept leaves that nothing was exported for, as in an export of some hosts or an older one
    #[arg(long)]
    pub(crate) partial: bool,
}

/// As many as there are processors.
fn one_per_processor() -> std::num::NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN)
}

#[derive(Debug, Args)]
pub(crate) struct LogProveArgs {
    /// Directory of the log, or its address (https://…)
    #[arg(value_name = "DIR|URL")]
    pub(crate) source: String,
    /// The leaf's index
    #[arg(long, value_name = "N", conflicts_with = "evidence", required_unless_present = "evidence")]
    pub(crate) index: Option<u64>,
    /// Evidence that the leaf commits to: a bundle, for which the log is searched; or, in an export, a digest or HOST/SEQ
    #[arg(long, value_name = "FILE|DIGEST|HOST/SEQ")]
    pub(crate) evidence: Option<String>,
    /// Directory that `lydian-verifier export` made, in which the evidence is looked for
    #[arg(long, value_name = "DIR", requires = "evidence")]
    pub(crate) export: Option<PathBuf>,
    /// File to write; standard output without it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What vouches for the web server, in PEM; the system's authorities without it
    #[arg(long = "log-ca", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LogCheckArgs {
    /// Proof file; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    /// The leaf in hex, as the log holds it
    #[arg(long, value_name = "HEX", conflicts_with = "evidence")]
    pub(crate) leaf: Option<String>,
    /// Evidence that the leaf must commit to: a bundle; with --export, a digest or HOST/SEQ
    #[arg(long, value_name = "FILE|DIGEST|HOST/SEQ")]
    pub(crate) evidence: Option<String>,
    /// Directory that `lydian-verifier export` made, in which the evidence is looked for
    #[arg(long, value_name = "DIR", requires = "evidence")]
    pub(crate) export: Option<PathBuf>,
}

/// The key that a log's checkpoints are believed under.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct LogKeyArg {
    /// The log's key (C2SP vkey) from a source that you trust, or @FILE that holds it
    #[arg(long, env = "LYDIAN_LOG_KEY", hide_env_values = true, value_name = "VKEY")]
    pub(crate) log_key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Download one piece of evidence with its proofs
    #[command(after_help = "Examples:\n  lydian evidence fetch web-1 42 --out web-1-42.bundle\n  \
        lydian evidence fetch web-1 42 --out - | lydian evidence verify -")]
    Fetch {
        /// Name, identity, or a prefix of it that no other host has
        host: String,
        /// Position in the host's chain
        seq: u64,
        /// File to write; - is standard output
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Verify downloaded evidence again, offline: quote, logs, policy, place in the log
    ///
    /// Runs the verifier's own checks on this machine. What is in the bundle beside the evidence (the log's key, the
    /// attestation key, the state before) is only the verifier's word unless you give it: the answer says which.
    #[command(
        after_help = "Exit codes: 0 it holds and the host is as it should be (warnings included), 1 it does not, \
        2 error.\n\nExamples:\n  lydian evidence verify web-1-42.bundle --log-key @log.vkey --ak-name 000b5f…\n  \
        lydian evidence verify web-1-42.bundle --previous web-1-41.bundle -o json"
    )]
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Bundle; - is standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) log_key: LogKeyArg,
    /// Name of the host's attestation key in hex, from a source that you trust
    #[arg(long, value_name = "HEX")]
    pub(crate) ak_name: Option<String>,
    /// Bundle of the evidence before, from which the state is computed instead of believed
    #[arg(long, value_name = "FILE")]
    pub(crate) previous: Option<PathBuf>,
    /// Count a warning as not trusted
    #[arg(long)]
    pub(crate) strict: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_s_help_has_examples() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let mut leaf = true;
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                leaf = false;
                check(sub, &path);
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || help.contains("Examples:\n  "), "{path} has no examples");
        }
        check(&Cli::command(), "");
    }
}
