//! The command line.
//!
//! In: arguments and environment. Out: one of the commands carried out, and an exit status. Data goes to stdout, words
//! to stderr.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use reqwest::Url;

use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, Overrides, RawConfig};
use crate::enrol::{self, Joining};
use crate::failure::{Failure, HELP, Status};
use crate::journal::Journal;
use crate::lock::StateLock;
use crate::quote::TpmHandle;
use crate::status::{self, Report};
use crate::{ask, doctor, pin, run, warnings};

/// Attests this host to a Lydian verifier
///
/// Measures what can be executed on this host, seals it with the host's TPM, submits it to a verifier, and checks the
/// proofs that the verifier gives back.
#[derive(Debug, Parser)]
#[command(name = "lydian-agent", version, after_help = HELP, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol this host with a verifier, once
    ///
    /// Needs the verifier's address (--url), its certificate authority (--ca, or --ca-fingerprint) and a join token. Enrolling again gives
    /// the host a new chain of evidence; what the verifier has stays.
    #[command(after_help = HELP)]
    Enroll(Enroll),
    /// Attest until told to stop; this is what the systemd service runs
    ///
    /// SIGTERM ends the agent, SIGHUP makes it look at every file again.
    #[command(after_help = HELP)]
    Run,
    /// Show what was sealed, sent and acknowledged, and what is wrong
    #[command(after_help = HELP)]
    Status {
        /// How to show it
        #[arg(short, long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Show what is known of one file, in one card
    ///
    /// The file is hashed now. Evidence class A: in the part of the kernel's IMA list that the newest evidence covers;
    /// class D: in the newest sealed state. Answers are this host's own word; what was proven is at the verifier.
    #[command(after_help = HELP)]
    File {
        /// The file
        path: PathBuf,
        /// How to show it
        #[arg(short, long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Tell whether contents are, or were, among this host's artefacts
    ///
    /// Exit status 0: all are here now; 1: one is not; 2: an error. Only executables and trust stores in the trees
    /// that are measured are known.
    #[command(after_help = HELP)]
    Has {
        /// SHA-256 in hex, at least 8 digits, with or without `sha256:`; @FILE or - for a list as sha256sum writes it
        #[arg(required = true, value_name = "DIGEST")]
        digests: Vec<String>,
        /// How to show it
        #[arg(short, long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Show what is watched, by what means, and what could not be seen
    #[command(after_help = HELP)]
    Coverage {
        /// How to show it
        #[arg(short, long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Cosign the newest log checkpoint that this host has verified
    ///
    /// Every host is a witness: it takes no checkpoint that did not grow from the one before. This gives its word in the
    /// form that others verify (c2sp.org/tlog-cosignature), so that a trust policy can count hosts among its witnesses.
    #[command(after_help = HELP)]
    Cosign {
        /// The public key instead, for `witness` lines of trust policies; it is made at the first use
        #[arg(long)]
        key: bool,
        /// The signature line alone, without the checkpoint
        #[arg(long, conflicts_with = "key")]
        line: bool,
    },
    /// Look at what the agent needs of this host: TPM, logs, file events, the verifier; each with what to do
    ///
    /// Exit status 0: nothing is bad; what is weak is in the evidence as a gap. 1: something is. Best run as root.
    #[command(after_help = HELP)]
    Doctor {
        /// How to show it
        #[arg(short, long, value_enum, default_value_t)]
        output: status::Format,
    },
    /// Check the configuration and print it as the agent reads it
    #[command(after_help = HELP)]
    CheckConfig,
}

#[derive(Debug, clap::Args)]
struct Enroll {
    /// The join token that an operator made (`lydian token create`); other users can see it in the process list,
    /// so better use --token-file or the environment
    #[arg(long, env = "LYDIAN_JOIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// A file that holds the join token
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// SHA-256 of the authority's certificate, as `lydian-verifier ca --fingerprint` prints it, where no file of it is here (--ca)
    #[arg(long, env = "LYDIAN_CA_FINGERPRINT", value_name = "SHA256")]
    ca_fingerprint: Option<String>,
    /// What people will call this host [default: its host name]
    #[arg(long)]
    name: Option<String>,
    /// Why this host enrols again, such as "new disk"; the log keeps it for auditors
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Carries out the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logging();
    match cli.execute() {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

impl Cli {
    fn execute(self) -> Result<ExitCode, Failure> {
        let mut out = io::stdout().lock();
        let config = Config::load(&self.overrides)?;
        match self.command {
            Command::Enroll(arguments) => {
                drop(out);
                block_on(enroll(&config, arguments))
            }
            Command::Run => block_on(run::run(config)),
            Command::Status { output } => status::show(&config.state_dir, output, &mut out),
            Command::File { path, output } => ask::file(&config, &path, output, &mut out),
            Command::Has { digests, output } => {
                return match ask::has(&config.state_dir, &digests, output, &mut out) {
                    Ok(ask::Found::All) => Ok(ExitCode::SUCCESS),
                    Ok(ask::Found::NotAll) => Ok(ExitCode::from(1)),
                    Err(failure) => Err(failure.with_status(Status::Usage)),
                };
            }
            Command::Coverage { output } => ask::coverage(&config.state_dir, output, &mut out),
            Command::Cosign { key, line } => {
                let wanted = match (key, line) {
                    (true, _) => ask::Wanted::Key,
                    (false, true) => ask::Wanted::Line,
                    (false, false) => ask::Wanted::Checkpoint,
                };
                ask::cosign(&config.state_dir, wanted, &mut out)
            }
            Command::Doctor { output } => {
                drop(out);
                block_on(doctor::examine(&config, output))
            }
            Command::CheckConfig => {
                drop(out);
                check_config(&config)
            }
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

async fn enroll(config: &Config, arguments: Enroll) -> Result<(), Failure> {
    let joining = joining(config, &arguments)?;
    let _lock = StateLock::take(&config.state_dir)?;
    let mut journal = Journal::open(&config.state_dir)?;
    for warning in warnings::of(config) {
        tracing::warn!("{warning}");
    }
    let tpm = tpm(config)?;
    let identity = enrol::enrol(joining, &tpm, &mut journal, SystemClock.now()).await?;
    // The service replaces it; until then `status` knows that the host is enrolled.
    Report::of(&journal)
        .write(&config.state_dir)
        .map_err(|error| Failure::file(&config.state_dir, &error))?;
    say(format_args!("{}", identity.host))?;
    tracing::info!(
        name = identity.name,
        tier = identity.tier,
        "enrolled; now start the service: systemctl start lydian-agent"
    );
    Ok(())
}

fn joining(config: &Config, arguments: &Enroll) -> Result<Joining, Failure> {
    let missing =
        |what: &str, hint: &str| Failure::new(Status::Configuration, format_args!("{what} is missing"), hint);
    let url = config.verifier_url.clone();
    let url = url.ok_or_else(|| missing("the verifier's address", "name it with --url https://…"))?;
    let token = match (&arguments.token, &arguments.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(path)) => read_small(path)?,
        (None, None) => {
            return Err(missing("the join token", "give it with --token-file FILE or in LYDIAN_JOIN_TOKEN"));
        }
    };
    let name = arguments.name.clone().unwrap_or_else(host_name);
    if name.is_empty() || name.len() > wire::limits::HOST_NAME_BYTES {
        return Err(missing("a host name of 1 to 253 bytes", "give one with --name"));
    }
    let reason = arguments.reason.clone();
    if reason.as_ref().is_some_and(|reason| reason.len() > wire::limits::REASON_BYTES) {
        let limit = format!("--reason has more than {} bytes", wire::limits::REASON_BYTES);
        return Err(Failure::new(Status::Usage, limit, "say it in a sentence"));
    }
    Ok(Joining { ca: authority(config, arguments, &url)?, url, token: token.trim().to_owned(), name, reason })
}

/// The authority's certificate: from a file, or as the verifier shows it where its fingerprint is known.
fn authority(config: &Config, arguments: &Enroll, url: &Url) -> Result<String, Failure> {
    let usage = |message: String, hint: &str| Failure::new(Status::Usage, message, hint);
    match (config.verifier_ca.as_deref(), arguments.ca_fingerprint.as_deref()) {
        (Some(path), None) => read_small(path),
        (None, Some(text)) => {
            let digits: String =
                text.trim_start_matches("sha256:").chars().filter(|digit| *digit != ':').collect();
            let fingerprint = digits.to_ascii_lowercase().parse().map_err(|_| {
                usage(
                    format!("{text} is no SHA-256"),
                    "it has 64 hexadecimal digits: `lydian-verifier ca --fingerprint`",
                )
            })?;
            Ok(pin::authority(url, &fingerprint)?)
        }
        (Some(_), Some(_)) => Err(usage(
            "the authority is given twice, as a file and by its fingerprint".to_owned(),
            "leave out --ca-fingerprint, or --ca and verifier.ca of the configuration",
        )),
        (None, None) => {
            let hint = "give --ca-fingerprint SHA256 (`lydian-verifier ca --fingerprint` prints it), or copy the ca.pem that the verifier wrote at its \
                        first start to this host, and name it with --ca";
            let what = "the verifier's certificate authority is missing";
            Err(Failure::new(Status::Configuration, what, hint))
        }
    }
}

fn read_small(path: &Path) -> Result<String, Failure> {
    use io::Read as _;

    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(SMALL_FILE_BYTES).read_to_string(&mut text))
        .map_err(|error| Failure::file(path, &error))?;
    Ok(text)
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn check_config(config: &Config) -> Result<(), Failure> {
    if let Some(path) = &config.verifier_ca {
        read_small(path)?;
    }
    let text = toml::to_string(&RawConfig::from(config)).map_err(|error| {
        Failure::new(Status::Software, format_args!("cannot print the configuration: {error}"), "")
    })?;
    say(format_args!("{}", text.trim_end()))?;
    for warning in warnings::of(config) {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// A TPM as it is configured, on a thread of its own.
pub(crate) fn tpm(config: &Config) -> Result<TpmHandle, Failure> {
    let place = crate::quote::AkPlace {
        handle_base: config.ak_handle_base,
        record: config.state_dir.join("attestation-key"),
    };
    let tpm = crate::quote::EsysTpm::new(config.tpm.clone(), place);
    TpmHandle::spawn(Box::new(tpm), config.tpm_timeout)
        .map_err(|error| Failure::new(Status::Software, format_args!("no thread for the TPM: {error}"), ""))
}

/// One thread: the agent waits most of the time, and each worker thread would cost memory.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .map_err(|error| Failure::new(Status::Software, format_args!("cannot start: {error}"), ""))?;
    let result = runtime.block_on(work);
    // A name that is being resolved must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

fn say(text: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{text}").map_err(|error| {
        Failure::new(Status::InputOutput, format_args!("cannot write to stdout: {error}"), "")
    })
}

/// Words for people on stderr. The journal has its own clock and its own colours.
fn init_logging() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
    use tracing_subscriber::util::SubscriberInitExt as _;

    let asked = std::env::var("LYDIAN_AGENT_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(colours);
    let registry = tracing_subscriber::registry();
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        registry.with(layer.without_time().with_filter(filter)).init();
    } else {
        registry.with(layer.with_filter(filter)).init();
    }
}

/// A token, or a file of certificates.
const SMALL_FILE_BYTES: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_grammar_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_documents_the_exit_status() {
        for command in Cli::command().get_subcommands_mut() {
            assert!(command.render_help().to_string().contains("Exit status:"), "{}", command.get_name());
        }
    }

    #[test]
    fn what_enrolment_lacks_is_named_with_a_hint() {
        let config = RawConfig::default().check().unwrap();
        let arguments =
            Enroll { token: None, token_file: None, ca_fingerprint: None, name: None, reason: None };
        let failure = joining(&config, &arguments).unwrap_err();
        assert_eq!(failure.status(), Status::Configuration);
        assert!(failure.message().contains("address") && failure.hint().contains("--url"), "{failure:?}");
    }
}
