//! The command line.
//!
//! In: arguments and environment. Out: data on stdout, words on stderr, and an exit status. Settings go through
//! [`crate::config`]; commands on tokens work straight on the database, also while the server runs, so whoever may
//! write the state directory is an administrator.

mod commands;
mod duration;
mod init;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wire::operator::Scope;

use crate::config::Overrides;

/// Checks what hosts attest, keeps the history, and answers operators.
#[derive(Debug, Parser)]
#[command(name = "lydian-verifier", version, after_help = EXIT_STATUS)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// Settings, which win over the configuration file.
#[derive(Debug, Args)]
struct Settings {
    /// Configuration file [default: /etc/lydian/verifier.toml where it exists].
    #[arg(long, global = true, env = "LYDIAN_VERIFIER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on, such as [::]:8443.
    #[arg(long, global = true, env = "LYDIAN_VERIFIER_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Directory of database and keys.
    #[arg(long, global = true, env = "LYDIAN_VERIFIER_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Name or address in the server's certificate; may be repeated.
    #[arg(
        long = "server-name",
        global = true,
        env = "LYDIAN_VERIFIER_NAMES",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    names: Vec<String>,
    /// Name of the log, when it is made.
    #[arg(long, global = true, env = "LYDIAN_VERIFIER_ORIGIN", value_name = "NAME")]
    origin: Option<String>,
}

impl Settings {
    fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen.clone(),
            state_dir: self.state_dir.clone(),
            names: self.names.clone(),
            origin: self.origin.clone(),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Set up a new verifier: configuration, certificate authority, the log's key, an operator's token and the first join token.
    ///
    /// Asks for what is not given where somebody is at the terminal. What is there already stays, but for settings that are given; tokens are new each time.
    Init(InitArgs),
    /// Run the server in the foreground; it tells systemd when it is ready.
    Serve {
        /// How its log on stderr is written; `RUST_LOG` says how much.
        #[arg(long, env = "LYDIAN_VERIFIER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
        log_format: LogFormat,
    },
    /// Bring the database's schema up to date (`serve` does so by itself).
    Migrate,
    /// Check the configuration and the files that it names, and show what would be used.
    CheckConfig,
    /// Operators' tokens for the API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Tokens by which hosts may join.
    #[command(subcommand)]
    JoinToken(JoinTokenCommand),
    /// Print the certificate that agents and operators pin.
    Ca {
        /// Its SHA-256 instead, for `lydian-agent enroll --ca-fingerprint`.
        #[arg(long)]
        fingerprint: bool,
    },
    /// Print the log's public key.
    LogKey,
    /// Write everything that the log commits to into files, for an auditor (`lydian log audit`).
    ///
    /// Works beside the running server. Evidence tells much of a host: the directory is for its owner alone, and the export is
    /// written down as an operator's action. Done again, it adds what is new since.
    Export {
        /// Where to; it is made.
        dir: PathBuf,
        /// Only this host, by name or identity; may be repeated.
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// Leave out what components consist of, which an audit counts but does not need.
        #[arg(long)]
        no_manifests: bool,
    },
    /// Make the index of who trusted what anew, from the evidence (`serve` does so by itself after an upgrade that needs it).
    ///
    /// The server must be stopped. All evidence is verified again on the way.
    Reindex,
    /// Copy the history from its file into an empty PostgreSQL database.
    ///
    /// The server must be stopped. The file stays as it is; name the database in the configuration afterwards.
    CopyToServer {
        /// Such as `postgres://lydian@db.example.com/lydian`; the password is read from PGPASSWORD or ~/.pgpass.
        address: String,
    },
    /// Witness other people's logs: a service of its own, with a configuration of its own (/etc/lydian/witness.toml).
    Witness {
        /// What to do; to serve is the default.
        #[command(subcommand)]
        command: Option<WitnessCommand>,
    },
}

/// What a new verifier is told.
#[derive(Debug, Args)]
struct InitArgs {
    /// EK roots: a bundle, or a folder of the TPM makers' certificates.
    #[arg(long, value_name = "PATH", conflicts_with = "danger_first_use")]
    ek_roots: Option<PathBuf>,
    /// Believe whoever has a join token that its TPM is a real one.
    #[arg(long)]
    danger_first_use: bool,
    /// How long the first join token lasts: 24h, 30m, 60s.
    #[arg(long, default_value = "24h", value_parser = duration::parse)]
    join_ttl: Duration,
    /// How to show what was made.
    #[arg(short, long, value_enum, default_value_t)]
    output: InitOutput,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum InitOutput {
    /// For people, with what to do next.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

#[derive(Debug, Subcommand)]
enum WitnessCommand {
    /// Run the witness in the foreground; it tells systemd when it is ready.
    Serve {
        /// How its log on stderr is written; `RUST_LOG` says how much.
        #[arg(long, env = "LYDIAN_VERIFIER_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
        log_format: LogFormat,
    },
    /// Check the configuration, and show what would be used.
    CheckConfig,
    /// Print the witness's public key, for trust policies.
    Key,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; its secret is shown this once.
    Create {
        /// Whose or what it is.
        #[arg(long)]
        name: String,
        /// What it may do; each includes those before it.
        #[arg(long, value_enum, default_value_t = ScopeName::Read)]
        scope: ScopeName,
        /// How long it lasts: 90d, 24h, 30m, 60s.
        #[arg(long, default_value = "90d", value_parser = duration::parse)]
        ttl: Duration,
    },
    /// List tokens, without their secrets.
    List,
    /// Revoke a token for ever.
    Revoke {
        /// Its id, as listed.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum JoinTokenCommand {
    /// Make a token for one host; its secret is shown this once.
    Create {
        /// What it is for.
        #[arg(long, default_value = "")]
        note: String,
        /// How long it lasts: 24h, 30m, 60s.
        #[arg(long, default_value = "24h", value_parser = duration::parse)]
        ttl: Duration,
    },
    /// List tokens, without their secrets.
    List,
    /// Revoke a token for ever.
    Revoke {
        /// Its id, as listed.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// Hosts, history and proofs.
    Read,
    /// Also join tokens.
    Enrol,
    /// Also operators' tokens.
    Admin,
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Self {
        match name {
            ScopeName::Read => Self::Read,
            ScopeName::Enrol => Self::Enrol,
            ScopeName::Admin => Self::Admin,
        }
    }
}

impl Default for WitnessCommand {
    fn default() -> Self {
        Self::Serve { log_format: LogFormat::Text }
    }
}

impl Arguments {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        let done = commands::run(&self.settings, self.command);
        done.map_or_else(
            |failure| {
                use std::io::Write as _;
                // Where not even stderr takes a line, the exit status has to do.
                let _ = writeln!(std::io::stderr(), "{failure}");
                failure.exit_code()
            },
            |()| ExitCode::SUCCESS,
        )
    }
}

const EXIT_STATUS: &str = "Exit status:
  0   done, or ended when asked
  2   arguments that are not understood
  69  something is not to be had: the port is taken, another verifier uses the state directory
  70  a fault in this program, damaged data, or a database of a newer version
  74  reading or writing failed; the disk is full
  77  not permitted: a file's permissions, or the user
  78  the configuration, or a file that it names";
