//! Who trusted X, in a fleet of ten thousand hosts over two years: how long the answer takes, and what an interval takes on disk.
//!
//! The fleet is fleetgen's, made once in `target/bench/fleet-N` and kept. Goals stand where the peer would: nobody else answers this.
//! `LYDIAN_BENCH_HOSTS` is another number of hosts.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with some digits")]

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use support::{Figure, Goal};
use verifier::measure::{Asker, Wave};
use wire::trusted::{AskTrusted, List};

/// A wave of updates, as the verifier records it: verified evidence of a thousand hosts at once, each with forty intervals that end or begin.
async fn ingest(dir: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir)?;
    let wave = Wave { hosts: 1_000, components: 600, updated: 20, updates: 5 };
    let done = verifier::measure::wave(dir, wave).await?;
    let changes = done.count as f64 * f64::from(wave.updated) * 2.0;
    Figure {
        name: "an update wave: intervals that begin or end, recorded with their evidence",
        ours: changes / done.time.as_secs_f64(),
        peer: None,
        unit: "changes/s",
        goal: Goal::AtLeast(100_000.0),
    }
    .write()?;
    Ok(std::fs::remove_dir_all(dir)?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let hosts: u64 = std::env::var("LYDIAN_BENCH_HOSTS").ok().map_or(Ok(10_000), |hosts| hosts.parse())?;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/bench/fleet-{hosts}"));
    let database = dir.join("verifier.db");
    if !dir.join("truth.jsonl").exists() {
        let _ = std::fs::remove_dir_all(&dir);
        let maker = env!("CARGO_BIN_EXE_fleetgen");
        let made = std::process::Command::new(maker)
            .args(["--hosts", &hosts.to_string(), "--out"])
            .arg(&dir)
            .status()?;
        ensure!(made.success(), "fleetgen: {made}");
    }
    let truth = std::fs::read_to_string(dir.join("truth.jsonl"))?;
    let truth: Vec<Value> = truth.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let asker = Asker::open(&database, &dir.join("log")).await?;
    let spread = |least: u64, most: u64| {
        let fits = truth.iter().filter(move |line| {
            line.get("hosts").and_then(Value::as_u64).is_some_and(|hosts| (least..=most).contains(&hosts))
        });
        fits.filter_map(|line| Some(line.get("subject")?.as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let window = |subject: &str| AskTrusted {
        subjects: vec![subject.to_owned()],
        roles: vec!["present".to_owned()],
        from: Some(format!("leaf:{}", hosts * 24)),
        to: Some(format!("leaf:{}", hosts * 24 * 700)),
        list: List::Exposed,
        ..AskTrusted::default()
    };
    let ever = |subject: &str| AskTrusted { from: None, to: None, ..window(subject) };
    let brief = |subject: &str| AskTrusted { brief: true, ..ever(subject) };
    let brief_window = |subject: &str| AskTrusted { brief: true, ..window(subject) };
    // The list of a bad day: most of it is nowhere.
    let indicators = |subject: &str| {
        let unknown = (0..1_999_u32).map(|number| format!("file:{number:064x}"));
        AskTrusted { subjects: unknown.chain([subject.to_owned()]).collect(), ..brief(subject) }
    };
    ingest(&dir.with_extension("wave")).await?;
    first(&asker, &ever(&format!("file:{}", "0".repeat(64)))).await?;
    for line in &truth {
        let subject = line.get("subject").and_then(Value::as_str).context("a subject")?;
        is_true(&asker, line, &ever(subject)).await?;
    }
    let (fifth, all, one) = (spread(hosts / 6, hosts / 4), spread(hosts - hosts / 50, hosts), spread(1, 1));
    let bytes = std::fs::metadata(&database)?.len() as f64;
    let intervals = asker.intervals().await? as f64;
    let size = Figure {
        name: &format!("{intervals:.0} intervals of {hosts} hosts, whole database"),
        ours: bytes / intervals,
        peer: None,
        unit: "B/interval",
        goal: Goal::AtMost(30.0),
    };
    size.write()?;
    answers(&asker, "on a fifth of the hosts, ever, brief", &fifth, &brief, 5).await?;
    answers(&asker, "on all hosts, ever, brief", &all, &brief, 20).await?;
    answers(&asker, "on one host, ever, brief", &one, &brief, 5).await?;
    answers(&asker, "2,000 digests, of which one is on a fifth of the hosts, brief", &fifth, &indicators, 20)
        .await?;
    answers(&asker, "on a fifth of the hosts, a window, brief", &fifth, &brief_window, 5).await?;
    answers(&asker, "on all hosts, a window, brief", &all, &brief_window, 20).await?;
    answers(&asker, "on a fifth of the hosts, ever", &fifth, &ever, 5).await?;
    answers(&asker, "on a fifth of the hosts, a window", &fifth, &window, 5).await?;
    answers(&asker, "on all hosts, ever", &all, &ever, 20).await?;
    answers(&asker, "on all hosts, a window", &all, &window, 20).await?;
    answers(&asker, "on one host, ever", &one, &ever, 5).await?;
    Ok(())
}

/// The first question is the slowest.
async fn first(asker: &Asker, question: &AskTrusted) -> Result<()> {
    let began = Instant::now();
    asker.ask(question).await?;
    let figure = Figure {
        name: "the first question after a start, which reads all hosts",
        ours: began.elapsed().as_secs_f64() * 1_000.0,
        peer: None,
        unit: "ms",
        goal: Goal::AtMost(1_000.0),
    };
    figure.write()
}

/// Quick answers that are wrong are none.
async fn is_true(asker: &Asker, line: &Value, question: &AskTrusted) -> Result<()> {
    let yes = asker.ask(question).await?.hosts_asked.yes;
    let expected = line.get("hosts").and_then(Value::as_u64).context("a number of hosts")?;
    ensure!(yes == expected, "{:?}: {yes} hosts, in truth {expected}", question.subjects);
    Ok(())
}

/// The median and the 99th percentile of answers about subjects in turn.
async fn answers(
    asker: &Asker,
    what: &str,
    subjects: &[String],
    question: &impl Fn(&str) -> AskTrusted,
    goal_ms: u64,
) -> Result<()> {
    let mut times = Vec::new();
    let mut yes = 0;
    for round in 0..100_usize {
        let subject =
            subjects.get(round % subjects.len().max(1)).with_context(|| format!("no subject is {what}"))?;
        let question = question(subject);
        let began = Instant::now();
        let answer = asker.ask(&question).await?;
        times.push(began.elapsed());
        yes = answer.hosts_asked.yes;
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let figure = |name: &str, ours: f64| {
        Figure {
            name: &format!("{what} ({yes} yes): {name}"),
            ours,
            peer: None,
            unit: "ms",
            goal: Goal::AtMost(goal_ms as f64),
        }
        .write()
    };
    figure("median", ms(at(50)))?;
    figure("p99", ms(at(99)))?;
    Ok(())
}
