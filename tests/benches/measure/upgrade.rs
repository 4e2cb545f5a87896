//! How long dpkg takes for a dozen real packages, with and without the whole agent beside it.
//!
//! `hyperfine` measures; between two of its runs the older versions are put back.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use support::debian::{AFTER, BEFORE, Debian};
use support::{
    Agent, AgentSettings, Figure, Goal, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierSettings,
};
use wire::operator::Scope;

use crate::network::settled;

/// Each twice on both sides.
const ROUNDS: usize = 4;
const RUNS: &str = "2";
/// Of medians; dpkg waits for the disk, which is never quiet.
const NOISE: f64 = 1.1;
const NAME: &str = "debian";
const TAIL_LINES: usize = 5;

pub(crate) fn run() -> Result<()> {
    let host = SimulatedHost::boot(&Recording::load("shim-sb")?, &SwtpmSpec::default())?;
    let debian = match Debian::unpack(&host.root())? {
        Ok(debian) => debian,
        Err(missing) => bail!("there is no {}", missing.0),
    };
    debian.run(&format!("dpkg -i {BEFORE}/*.deb"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (with, without) = runtime.block_on(compare(&host, &debian))?;
    writeln!(io::stdout(), "dpkg -i of a dozen packages: with {with:.3?} s, without {without:.3?} s")?;
    Figure {
        name: "dpkg -i of a dozen packages while the agent watches, against nobody watching",
        ours: median(with),
        peer: Some(median(without)),
        unit: "s",
        goal: Goal::RatioAtMost(NOISE),
    }
    .write()
}

async fn compare(host: &SimulatedHost, debian: &Debian) -> Result<(Vec<f64>, Vec<f64>)> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let operator = verifier.operator(Scope::Read).await?;
    let settings = AgentSettings { settle_ms: None, ..AgentSettings::default() };
    let mut agent = Agent::configure(host, &settings)?;
    agent.enrol(&verifier, NAME).await.context("enrol")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.extend(hyperfine(debian.clone()).await?);
        // What its TPM says, should it be that which does not answer.
        agent.start().await.with_context(|| tail(&host.tpm().dir().join("log")))?;
        settled(&operator, NAME).await?;
        with.extend(hyperfine(debian.clone()).await?);
        agent.terminate().await?;
    }
    Ok((with, without))
}

async fn hyperfine(debian: Debian) -> Result<Vec<f64>> {
    tokio::task::spawn_blocking(move || times(&debian)).await?
}

fn times(debian: &Debian) -> Result<Vec<f64>> {
    let told = tempfile::NamedTempFile::new()?;
    // What the agent does for the older versions is not to be in the time of the newer ones.
    let reset = format!("dpkg -i {BEFORE}/*.deb && sync && sleep 3");
    let output = Command::new("hyperfine")
        .args(["--style", "none", "--runs", RUNS, "--export-json"])
        .arg(told.path())
        .arg("--prepare")
        .arg(shell(&debian.command(&reset))?)
        .arg(shell(&debian.command(&format!("dpkg -i {AFTER}/*.deb")))?)
        .output()
        .context("the Debian package hyperfine has `hyperfine`")?;
    ensure!(output.status.success(), "hyperfine: {}", String::from_utf8_lossy(&output.stderr));
    read(told.path())
}

/// The last that a program wrote into its file.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    let lines: Vec<_> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    format!("swtpm wrote: {}", last.join("; "))
}

fn read(told: &Path) -> Result<Vec<f64>> {
    let told: serde_json::Value = serde_json::from_slice(&std::fs::read(told)?)?;
    let times = told.pointer("/results/0/times").and_then(serde_json::Value::as_array).context("times")?;
    times.iter().map(|time| time.as_f64().context("a time")).collect()
}

/// A command as a line for a shell.
fn shell(command: &Command) -> Result<OsString> {
    let mut line = String::new();
    for word in [command.get_program()].into_iter().chain(command.get_args()) {
        let word = word.to_str().context("a word of a command")?.replace('\'', "'\\''");
        line.extend(["'", &word, "' "]);
    }
    Ok(line.into())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
