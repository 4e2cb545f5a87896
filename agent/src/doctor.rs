//! What an agent needs of its host, looked at piece by piece, each with what to do about it.
//!
//! In: a configuration. Out: a line for each thing: good, weak (the agent works, and evidence says what is missing), or bad. Nothing is changed. It is about this
//! host and the way to its verifier; how the agent itself is doing says `status`.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::time::Duration;

use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::ima::ImaList;
use evidence::time::UnixTime;
use fanotify::{Features, Group, Options};
use serde::Serialize;

use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::journal::{self, Journal};
use crate::lock::StateLock;
use crate::run;
use crate::status::Format;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Standing {
    Good,
    Weak,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    standing: Standing,
    found: String,
    /// What to do; empty where nothing is to be done.
    hint: String,
}

impl Finding {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, standing: Standing::Good, found: found.into(), hint: String::new() }
    }

    fn weak(what: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what, standing: Standing::Weak, found: found.into(), hint: hint.into() }
    }

    fn bad(what: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what, standing: Standing::Bad, found: found.into(), hint: hint.into() }
    }
}

/// Looks at everything and shows it; fails where something is bad.
pub async fn examine(config: &Config, format: Format) -> Result<(), Failure> {
    let mut findings = vec![
        tpm(config).await,
        firmware_log(&config.firmware_log),
        ima_list(&config.ima_list),
        events(),
        roots(config),
    ];
    findings.extend(verifier(config).await);
    show(&findings, format, &mut io::stdout().lock())
        .map_err(|error| Failure::new(Status::InputOutput, format_args!("cannot write: {error}"), ""))?;
    let bad: Vec<_> = findings.iter().filter(|finding| finding.standing == Standing::Bad).collect();
    match bad.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let message = format!("{} of {} things are bad", bad.len(), findings.len());
            Err(Failure::new(Status::Unhealthy, message, &first.hint))
        }
    }
}

async fn tpm(config: &Config) -> Finding {
    let looked = async {
        let tpm = crate::cli::tpm(config)?;
        let banks = tpm.banks().await?;
        let endorsement = tpm.endorsement().await?;
        Ok::<_, Failure>((banks, endorsement.certificates.len()))
    };
    match looked.await {
        Err(failure) => Finding::bad("tpm", failure.message(), failure.hint()),
        Ok((banks, certificates)) => {
            let names: Vec<_> = banks.iter().map(ToString::to_string).collect();
            let found = format!("banks {}, {certificates} EK certificates", names.join(" "));
            if !banks.iter().any(|bank| *bank != HashAlg::Sha1) {
                let hint = "switch a SHA-256 bank on in the firmware's settings: SHA-1 proves little";
                Finding::bad("tpm", found, hint)
            } else if certificates == 0 {
                let hint =
                    "a verifier takes a TPM without a certificate only by first use (docs/ek-roots.md)";
                Finding::weak("tpm", found, hint)
            } else {
                Finding::good("tpm", found)
            }
        }
    }
}

fn firmware_log(path: &Path) -> Finding {
    const WHAT: &str = "firmware log";
    let bytes = match read(path, FIRMWARE_LOG_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Finding::weak(
                WHAT,
                error,
                "boot with UEFI and a TPM, and mount securityfs on /sys/kernel/security",
            );
        }
    };
    let events = EventLog::parse(&bytes).log.events().into_iter().count();
    if events == 0 {
        let hint =
            "the firmware measured nothing that the kernel kept: is the TPM switched on in its settings?";
        return Finding::weak(WHAT, format!("{} has no event", path.display()), hint);
    }
    Finding::good(WHAT, format!("{events} events"))
}

fn ima_list(path: &Path) -> Finding {
    const WHAT: &str = "ima list";
    let bytes = match read(path, IMA_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Finding::weak(
                WHAT,
                error,
                "boot with ima_policy=tcb to have the kernel measure what is run",
            );
        }
    };
    let records = ImaList::detect(&bytes).records().map_while(Result::ok).count();
    if records <= 1 {
        let hint = "nothing but boot_aggregate is measured: boot with ima_policy=tcb, or load packaging's ima-policy";
        return Finding::weak(WHAT, format!("{records} records"), hint);
    }
    let more = if bytes.len() as u64 == IMA_BYTES { " at least" } else { "" };
    Finding::good(WHAT, format!("{records} records{more}"))
}

fn events() -> Finding {
    match Group::new(Options::default()) {
        Ok(group) => Finding::good(
            "file events",
            match group.features() {
                Features::Targets => "fanotify, with files' handles",
                Features::Children => {
                    "fanotify, with handles of files that are there (from Linux 5.17 on: all)"
                }
                Features::Names => "fanotify, by names alone (from Linux 5.9 on: handles as well)",
            },
        ),
        Err(error) => {
            let hint = "the service has what it takes; by hand, run this as root. Without it directories are watched one by one";
            Finding::weak("file events", error.to_string(), hint)
        }
    }
}

fn roots(config: &Config) -> Finding {
    let missing: Vec<_> = config.measure.roots.iter().filter(|root| !root.is_dir()).collect();
    match missing.first() {
        None => {
            let names: Vec<_> = config.measure.roots.iter().map(|root| root.display().to_string()).collect();
            Finding::good("trees", names.join(" "))
        }
        Some(root) => {
            let found = format!("{}: there is no such directory", root.display());
            Finding::bad("trees", found, "correct measure.roots in the configuration")
        }
    }
}

/// Enrolment, the way there, and what its clock says.
async fn verifier(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "verifier";
    let not_enrolled = || {
        let hint = "lydian-agent enroll --url URL --ca-fingerprint SHA256 --token-file FILE";
        vec![Finding::bad(WHAT, "this host is not enrolled", hint)]
    };
    // Whoever may not look must not take that for an agent that runs, nor for a host that is not enrolled.
    match config.state_dir.join(journal::FILE).try_exists() {
        Ok(true) => {}
        Ok(false) => return not_enrolled(),
        Err(error) => {
            let found = format!("{}: {error}", config.state_dir.display());
            return vec![Finding::weak(WHAT, found, "run this as root")];
        }
    }
    if StateLock::is_taken(&config.state_dir) {
        let found = "the agent runs, and says itself how it gets through";
        return vec![Finding::good(WHAT, format!("{found}: lydian-agent status"))];
    }
    let opened =
        StateLock::take(&config.state_dir).and_then(|lock| Ok((lock, Journal::open(&config.state_dir)?)));
    let (_lock, journal) = match opened {
        Ok(opened) => opened,
        Err(failure) => return vec![Finding::bad(WHAT, failure.message(), failure.hint())],
    };
    let Some(identity) = journal.identity() else { return not_enrolled() };
    let asked = async {
        let client = run::client(config, identity)?;
        let before = SystemClock.now();
        let theirs = client.time().await?;
        Ok::<_, Failure>((before, theirs))
    };
    match asked.await {
        Err(failure) => vec![Finding::bad(WHAT, failure.message(), failure.hint())],
        Ok((ours, theirs)) => {
            vec![Finding::good(WHAT, format!("{} answers", identity.url)), clock(ours, theirs)]
        }
    }
}

fn clock(ours: UnixTime, theirs: Option<UnixTime>) -> Finding {
    let Some(theirs) = theirs else {
        return Finding::weak(
            "clock",
            "the verifier does not say what time it is",
            "is there a proxy before it?",
        );
    };
    let off = ours.as_secs().abs_diff(theirs.as_secs());
    let found = format!("{off} s from the verifier's");
    if off <= CLOCK_OFF.as_secs() {
        Finding::good("clock", found)
    } else {
        let hint = "have one of both set by NTP: times in answers are as good as clocks are";
        Finding::weak("clock", found, hint)
    }
}

/// The begin of a file of the kernel's, or why not.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes)
}

fn show(findings: &[Finding], format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        return writeln!(out, "{}", serde_json::to_string_pretty(findings)?);
    }
    for Finding { what, standing, found, hint } in findings {
        let word = match standing {
            Standing::Good => "good",
            Standing::Weak => "weak",
            Standing::Bad => "BAD",
        };
        writeln!(out, "{word:<5} {what:<13} {found}")?;
        if !hint.is_empty() {
            writeln!(out, "      {:<13} hint: {hint}", "")?;
        }
    }
    Ok(())
}

/// More than any firmware writes.
const FIRMWARE_LOG_BYTES: u64 = 16 << 20;
/// Enough to see what is measured.
const IMA_BYTES: u64 = 4 << 20;
/// What a header that counts seconds, and the way there, may take.
const CLOCK_OFF: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(finding: &Finding) -> Standing {
        assert_eq!(finding.hint.is_empty(), finding.standing == Standing::Good, "{finding:?}");
        finding.standing
    }

    #[test]
    fn logs_that_say_nothing_are_weak() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(standing(&firmware_log(&path)), Standing::Weak);
        assert_eq!(standing(&ima_list(&path)), Standing::Weak);
        std::fs::write(&path, b"").unwrap();
        assert_eq!(standing(&firmware_log(&path)), Standing::Weak);
        assert_eq!(standing(&ima_list(&path)), Standing::Weak);
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/direct");
        assert_eq!(standing(&firmware_log(&vectors.join("binary_bios_measurements"))), Standing::Good);
        assert_eq!(standing(&ima_list(&vectors.join("binary_runtime_measurements"))), Standing::Good);
    }

    #[test]
    fn clocks_may_differ_by_some_seconds() {
        let at = UnixTime::from_secs;
        assert_eq!(standing(&clock(at(100), Some(at(96)))), Standing::Good);
        assert_eq!(standing(&clock(at(100), Some(at(160)))), Standing::Weak);
        assert_eq!(standing(&clock(at(100), None)), Standing::Weak);
    }
}
