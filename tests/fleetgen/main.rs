//! A synthetic fleet, straight into the tables that questions are answered from, with the truth beside it.
//!
//! In: how many hosts, packages and days, and a seed. Out: a database as `lydian-verifier` reads it, without logs and contents, and
//! `truth.jsonl`: subjects with the number of hosts that had each. Packages are updated in waves over three days; most are on every host,
//! some on a fifth, some on a handful. Evidence has rows only where a subject of the truth came or went: two years of hourly
//! evidence of ten thousand hosts would be 175 million.

mod life;
mod rows;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use life::Life;

const USAGE: &str = "usage: fleetgen --out DIR [--hosts N] [--packages N] [--days N] [--seed N]
Makes DIR/verifier.db and DIR/truth.jsonl; defaults are 1000 hosts, 600 packages, 730 days, seed 1.";

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
    let mut words = std::env::args().skip(1);
    let (mut out, mut life) = (None, Life { hosts: 1_000, packages: 600, days: 730, seed: 1 });
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} takes a value"))?;
        match word.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--hosts" => life.hosts = value.parse()?,
            "--packages" => life.packages = value.parse()?,
            "--days" => life.days = value.parse()?,
            "--seed" => life.seed = value.parse()?,
            other => anyhow::bail!("there is no option {other}"),
        }
    }
    let out = out.context("--out says where to")?;
    ensure!(
        life.hosts > 0 && life.packages >= 10 && life.days > 0,
        "a fleet has hosts, 10 packages and a day"
    );
    make(&out, &life).await
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
