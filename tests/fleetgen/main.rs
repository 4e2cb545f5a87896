//! A synthetic fleet with the truth beside it: straight into the tables that questions are answered from, or through a verifier that runs.
//!
//! In: how many hosts, packages and days, and a seed. Out, with `--index`: a database as `lydian-verifier` reads it, without logs and contents, and
//! `truth.jsonl`: subjects with the number of hosts that had each. Packages are updated in waves over three days; most are on every host,
//! some on a fifth, some on a handful. Evidence has rows only where a subject of the truth came or went: two years of hourly
//! evidence of ten thousand hosts would be 175 million.
//! Out, with `--ingest`: the files of a verifier to which every host has enrolled and sent its evidence, four pieces a day, and `truth.jsonl` with the
//! rounds in which each host had each subject; `rounds.json` has the log's size at the end of each. There are reboots, an update of firmware, agents
//! that do not run, networks that are down and intruders as well (`support::course`).

mod ingest;
mod rows;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use support::course::Life;

const USAGE: &str =
    "usage: fleetgen [--index | --ingest] --out DIR [--hosts N] [--packages N] [--days N] [--seed N]
--index (the default) makes DIR/verifier.db and DIR/truth.jsonl: 1000 hosts, 600 packages, 730 days, seed 1.
--ingest runs a verifier on DIR/verifier, and adds DIR/rounds.json: 50 hosts, 40 packages, 30 days, seed 1.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let is_ingest = words.iter().any(|word| word == "--ingest");
    ensure!(
        !(is_ingest && words.iter().any(|word| word == "--index")),
        "a fleet goes one way: --index or --ingest"
    );
    words.retain(|word| word != "--ingest" && word != "--index");
    let mut life = if is_ingest {
        Life { hosts: 50, packages: 40, days: 30, seed: 1 }
    } else {
        Life { hosts: 1_000, packages: 600, days: 730, seed: 1 }
    };
    let mut out = None;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} takes a value"))?;
        match word.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--hosts" => life.hosts = number(&word, &value)?,
            "--packages" => life.packages = number(&word, &value)?,
            "--days" => life.days = number(&word, &value)?,
            "--seed" => life.seed = number(&word, &value)?,
            other => anyhow::bail!("there is no option {other}"),
        }
    }
    let out = out.context("--out says where to")?;
    ensure!(
        life.hosts > 0 && life.packages >= 10 && life.days > 0,
        "a fleet has hosts, 10 packages and a day"
    );
    if is_ingest { ingest::make(&out, life).await } else { make(&out, &life).await }
}

fn number(word: &str, value: &str) -> Result<u64> {
    value.parse().with_context(|| format!("{word} takes a number, not {value}"))
}

async fn make(out: &Path, life: &Life) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let database = out.join("verifier.db");
    ensure!(!database.exists(), "{} is there already", database.display());
    let began = Instant::now();
    let mut say = |what: &str| {
        let _ = writeln!(std::io::stderr(), "fleetgen: {what} ({:.1} s)", began.elapsed().as_secs_f64());
    };
    let mut connection = verifier::measure::empty_database(&database).await?;
    rows::hosts(&mut connection, life).await?;
    say(&format!("{} hosts", life.hosts));
    let intervals = rows::components(&mut connection, life, &mut say).await?;
    say(&format!("{intervals} intervals"));
    let truth = rows::truth(&mut connection, life).await?;
    let mut file = std::io::BufWriter::new(std::fs::File::create(out.join("truth.jsonl"))?);
    for line in &truth {
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    rows::finish(&mut connection).await?;
    say(&format!("{} subjects with their truth", truth.len()));
    let bytes = std::fs::metadata(&database)?.len();
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{{\"hosts\": {}, \"intervals\": {intervals}, \"bytes\": {bytes}}}", life.hosts)?;
    Ok(())
}
