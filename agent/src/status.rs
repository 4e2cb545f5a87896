//! What the agent tells about itself: a file that it rewrites, and the command that shows it.
//!
//! In: the running agent's numbers. Out: `status.json` in the state directory, replaced whole, and a table or JSON for
//! people and programs. The file is a convenience: losing it loses nothing.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use evidence::time::UnixTime;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Status as ExitStatus};
use crate::journal::Journal;
use crate::lock::StateLock;

/// The agent's state, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Report {
    /// Version of the agent that wrote this.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// The host's identity; empty before enrolment.
    pub host: String,
    /// What people call the host.
    pub name: String,
    /// The verifier.
    pub verifier: String,
    /// How well the endorsement key is vouched for.
    pub tier: String,
    /// Pieces of evidence sealed.
    pub sealed: u64,
    /// Pieces that were sent at least once.
    pub sent: u64,
    /// Pieces that the verifier has confirmed, with proof.
    pub acknowledged: u64,
    /// Pieces that it refused; they are kept in `refused/`.
    pub refused: u64,
    /// Pieces that wait.
    pub waiting: u64,
    /// Bytes that wait.
    pub waiting_bytes: u64,
    /// When evidence was sealed last.
    pub sealed_at: Option<String>,
    /// When the verifier confirmed something last.
    pub acknowledged_at: Option<String>,
    /// What the verifier makes of the host.
    pub verdict: String,
    /// Leaves of the log that this host has verified.
    pub checkpoint_size: u64,
    /// Their root.
    pub checkpoint_root: String,
    /// The log.
    pub checkpoint_origin: String,
    /// Executables measured.
    pub files: u64,
    /// Components measured.
    pub components: u64,
    /// Open gaps.
    pub open_gaps: u64,
    /// What is wrong now.
    pub problems: Vec<Problem>,
    /// The last error, also when it is over.
    pub last_error: Option<Problem>,
}

/// Something that is or was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Problem {
    /// Since when.
    pub at: String,
    /// What.
    pub message: String,
    /// What may help.
    pub hint: String,
}

impl Report {
    /// What a journal says.
    pub fn of(journal: &Journal) -> Self {
        let mut report = Self { version: env!("CARGO_PKG_VERSION").to_owned(), ..Self::default() };
        report.read(journal);
        report
    }

    /// Takes over what a journal says.
    pub fn read(&mut self, journal: &Journal) {
        if let Some(identity) = journal.identity() {
            self.host = identity.host.to_string();
            self.name.clone_from(&identity.name);
            self.verifier.clone_from(&identity.url);
            self.tier.clone_from(&identity.tier);
        }
        let tally = journal.tally();
        let (waiting, bytes) = journal.waiting();
        (self.sealed, self.acknowledged, self.refused) = (tally.sealed, tally.acknowledged, tally.refused);
        (self.waiting, self.waiting_bytes) = (waiting as u64, bytes);
        self.sealed_at = journal.position().sealed_at.as_ref().map(UnixTime::to_string);
        self.acknowledged_at = tally.last_acknowledged_at.as_ref().map(UnixTime::to_string);
        self.verdict.clone_from(&tally.last_status);
        if let Some(verified) = journal.checkpoint() {
            let head = verified.checkpoint();
            self.checkpoint_size = head.size().get();
            self.checkpoint_root = head.root().to_string();
            self.checkpoint_origin = head.origin().to_string();
        }
    }

    /// Writes the file. It is not flushed: the next one replaces it. Where it cannot be written (a full disk), the
    /// old one is removed, because `status` must not tell what is no longer true.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        let (temporary, path) = (state_dir.join("status.json.tmp"), state_dir.join(FILE));
        let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = (fs::remove_file(&temporary), fs::remove_file(&path));
        }
        written
    }

    /// What is to be said of a running agent that has left no report.
    fn missing(state_dir: &Path) -> Self {
        let problem = Problem {
            message: format!("the agent runs, but has not written {}", state_dir.join(FILE).display()),
            hint: "is the file system full? the agent's log says more: journalctl -u lydian-agent".into(),
            ..Problem::default()
        };
        Self { problems: vec![problem], ..Self::default() }
    }
}

/// How `status` shows a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// What `status` finds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Finding {
    running: bool,
    enrolled: bool,
    healthy: bool,
    #[serde(flatten)]
    report: Report,
}

/// Shows the state of the agent that uses a state directory; fails where it is not healthy.
pub fn show(state_dir: &Path, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let finding = find(state_dir)?;
    let written = match format {
        Format::Json => serde_json::to_string_pretty(&finding)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(out, "{text}")),
        Format::Table => table(&finding, out),
    };
    written
        .map_err(|error| Failure::new(ExitStatus::InputOutput, format_args!("cannot write: {error}"), ""))?;
    let unhealthy = |message: &str, hint: &str| Err(Failure::new(ExitStatus::Unhealthy, message, hint));
    match (&finding, finding.report.problems.first()) {
        (Finding { enrolled: false, .. }, _) => unhealthy(
            "this host is not enrolled",
            "run `lydian-agent enroll --url URL --ca-fingerprint SHA256`",
        ),
        (Finding { running: false, .. }, _) => {
            unhealthy("the agent is not running", "systemctl start lydian-agent")
        }
        (_, Some(problem)) => unhealthy(&problem.message, &problem.hint),
        (_, None) => Ok(()),
    }
}

fn find(state_dir: &Path) -> Result<Finding, Failure> {
    let running = StateLock::is_taken(state_dir);
    let path = state_dir.join(FILE);
    let report: Report = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && running => Report::missing(state_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Report::default(),
        Err(error) => return Err(Failure::file(&path, &error)),
    };
    // An agent that is not enrolled does not keep running.
    let enrolled = running || !report.host.is_empty();
    Ok(Finding { running, enrolled, healthy: running && enrolled && report.problems.is_empty(), report })
}

fn table(finding: &Finding, out: &mut impl Write) -> io::Result<()> {
    let report = &finding.report;
    let never = || "never".to_owned();
    let state = match (finding.running, finding.healthy) {
        (true, true) => "running, healthy",
        (true, false) => "running, not healthy",
        (false, _) => "not running",
    };
    let rows = [
        ("Agent", format!("{state} (version {}, pid {})", report.version, report.pid)),
        ("Host", format!("{} {}", report.name, report.host)),
        ("Verifier", format!("{} (endorsement: {})", report.verifier, report.tier)),
        (
            "Measured",
            format!(
                "{} files in {} components, {} open gaps",
                report.files, report.components, report.open_gaps
            ),
        ),
        (
            "Sealed",
            format!("{} pieces, last {}", report.sealed, report.sealed_at.clone().unwrap_or_else(never)),
        ),
        ("Sent", format!("{} pieces", report.sent)),
        (
            "Acknowledged",
            format!(
                "{} pieces, last {}",
                report.acknowledged,
                report.acknowledged_at.clone().unwrap_or_else(never)
            ),
        ),
        ("Refused", format!("{} pieces", report.refused)),
        ("Waiting", format!("{} pieces, {} bytes", report.waiting, report.waiting_bytes)),
        ("Verdict", report.verdict.clone()),
        ("Checkpoint", format!("{} leaves of {}", report.checkpoint_size, report.checkpoint_origin)),
        ("Root", report.checkpoint_root.clone()),
    ];
    for (name, value) in rows {
        writeln!(out, "{name:<13} {value}")?;
    }
    for problem in &report.problems {
        let since = if problem.at.is_empty() { "now" } else { &problem.at };
        writeln!(out, "{:<13} {} (since {since})", "Problem", problem.message)?;
    }
    match &report.last_error {
        Some(error) => writeln!(out, "{:<13} {} ({})", "Last error", error.message, error.at),
        None => writeln!(out, "{:<13} none", "Last error"),
    }
}

const FILE: &str = "status.json";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dir: &Path, format: Format) -> (String, Result<(), Failure>) {
        let mut out = Vec::new();
        let result = show(dir, format, &mut out);
        (String::from_utf8(out).unwrap(), result)
    }

    #[test]
    fn health_decides_the_outcome() {
        let dir = tempfile::tempdir().unwrap();
        let (_, result) = shown(dir.path(), Format::Table);
        assert!(result.unwrap_err().message().contains("not enrolled"));
        let mut report = Report { host: "abc".into(), ..Report::default() };
        report.write(dir.path()).unwrap();
        let (_, result) = shown(dir.path(), Format::Table);
        assert!(result.unwrap_err().message().contains("not running"));
        let _lock = StateLock::take(dir.path()).unwrap();
        let (json, result) = shown(dir.path(), Format::Json);
        assert_eq!(result, Ok(()));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json["healthy"].as_bool(), json["host"].as_str()), (Some(true), Some("abc")));
        fs::create_dir(dir.path().join("status.json.tmp")).unwrap();
        assert!(report.write(dir.path()).is_err());
        let (_, result) = shown(dir.path(), Format::Table);
        assert!(
            result.unwrap_err().message().contains("has not written"),
            "an old report is not shown as the truth"
        );
        fs::remove_dir(dir.path().join("status.json.tmp")).unwrap();
        report.problems.push(Problem { message: "the disk is full".into(), ..Problem::default() });
        report.write(dir.path()).unwrap();
        let (table, result) = shown(dir.path(), Format::Table);
        assert!(table.contains("the disk is full"));
        assert_eq!(result.unwrap_err().status(), ExitStatus::Unhealthy);
    }
}
