//! Who trusted X, in a fleet of ten thousand hosts over two years: how long the answer takes, and what an interval takes on disk.
//!
//! The fleet is fleetgen's, made once in `target/bench/fleet-N` and kept. Goals stand where the peer would: nobody else answers this.
//! `LYDIAN_BENCH_HOSTS` is another number of hosts, `LYDIAN_BENCH_DAYS` another time than two years; `LYDIAN_BENCH_PARTS=wave` asks nothing and has a wave of updates recorded alone. Where `LYDIAN_TEST_POSTGRES` names a server, the same history is asked there as well, with
//! what SQLite takes as the peer; `scripts/bench` says so where there is none.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with some digits")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use support::{Figure, Goal};
use verifier::measure::{Asker, Wave, analyze, copy};
use verifier::store::Database;
use wire::trusted::{AskTrusted, List};

/// A wave of updates, as the verifier records it: verified evidence of a thousand hosts at once, each with forty intervals that end or begin.
async fn ingest(dir: &Path, store: &Store) -> Result<()> {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir_all(dir)?;
    let database = match &store.server {
        None => dir.join("verifier.db").as_path().into(),
        Some(server) => fresh(server, "lydian_wave")?,
    };
    let wave = Wave { hosts: 1_000, components: 600, updated: 20, updates: 5 };
    let done = verifier::measure::wave(dir, database, wave).await?;
    let changes = done.count as f64 * f64::from(wave.updated) * 2.0;
    Figure {
        name: &store.called("an update wave: intervals that begin or end, recorded with their evidence"),
        ours: changes / done.time.as_secs_f64(),
        peer: None,
        unit: "changes/s",
        goal: Goal::AtLeast(100_000.0),
    }
    .write()?;
    Ok(std::fs::remove_dir_all(dir)?)
}

/// Which database is asked, and what the other one took for the same.
#[derive(Debug, Default)]
struct Store {
    server: Option<String>,
    took: BTreeMap<String, f64>,
}

impl Store {
    fn called(&self, name: &str) -> String {
        if self.server.is_some() { format!("PostgreSQL: {name}") } else { name.to_owned() }
    }
}

/// An empty database of a server.
fn fresh(server: &str, name: &str) -> Result<Database> {
    let (drop, create) =
        (format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name} TEMPLATE template0"));
    for statement in [drop, create] {
        let done =
            std::process::Command::new("psql").args(["-X", "-q", "-d", server, "-c", &statement]).status()?;
        ensure!(done.success(), "psql: {done}");
    }
    Ok(Database::server(&server.replacen("/postgres?", &format!("/{name}?"), 1))?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let hosts: u64 = std::env::var("LYDIAN_BENCH_HOSTS").ok().map_or(Ok(10_000), |hosts| hosts.parse())?;
    let days: u64 = std::env::var("LYDIAN_BENCH_DAYS").ok().map_or(Ok(DAYS), |days| days.parse())?;
    let kept = if days == DAYS { format!("fleet-{hosts}") } else { format!("fleet-{hosts}-{days}-days") };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench").join(kept);
    let file = dir.join("verifier.db");
    if std::env::var("LYDIAN_BENCH_PARTS").is_ok_and(|parts| parts == "wave") {
        ingest(&dir.with_extension("wave"), &Store::default()).await?;
        if let Ok(server) = std::env::var("LYDIAN_TEST_POSTGRES") {
            ingest(&dir.with_extension("wave"), &Store { server: Some(server), ..Store::default() }).await?;
        }
        return Ok(());
    }
    if !dir.join("truth.jsonl").exists() {
        let _ = std::fs::remove_dir_all(&dir);
        let maker = env!("CARGO_BIN_EXE_fleetgen");
        let made = std::process::Command::new(maker)
            .args(["--hosts", &hosts.to_string(), "--days", &days.to_string(), "--out"])
            .arg(&dir)
            .status()?;
        ensure!(made.success(), "fleetgen: {made}");
    }
    let truth = std::fs::read_to_string(dir.join("truth.jsonl"))?;
    let truth: Vec<Value> = truth.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let database = Database::from(file.as_path());
    let mut store = Store::default();
    let fleet = Fleet { hosts, days, dir: &dir, truth: &truth };
    fleet.measure(&database, &mut store).await?;
    if let Ok(server) = std::env::var("LYDIAN_TEST_POSTGRES") {
        let to = fresh(&server, "lydian_fleet")?;
        let began = Instant::now();
        let rows = copy(&database, &to).await?;
        store.server = Some(server);
        Figure {
            name: &store.called("rows copied from the file"),
            ours: rows as f64 / began.elapsed().as_secs_f64(),
            peer: None,
            unit: "rows/s",
            goal: Goal::AtLeast(50_000.0),
        }
        .write()?;
        analyze(&to).await?;
        fleet.measure(&to, &mut store).await?;
    }
    Ok(())
}

/// Two years.
const DAYS: u64 = 730;

/// A made fleet.
struct Fleet<'a> {
    hosts: u64,
    days: u64,
    dir: &'a Path,
    truth: &'a [Value],
}

impl Fleet<'_> {
    /// Subjects that so many hosts had.
    fn spread(&self, least: u64, most: u64) -> Vec<String> {
        let fits = self.truth.iter().filter(|line| {
            line.get("hosts").and_then(Value::as_u64).is_some_and(|hosts| (least..=most).contains(&hosts))
        });
        fits.filter_map(|line| Some(line.get("subject")?.as_str()?.to_owned())).collect()
    }

    async fn measure(&self, database: &Database, store: &mut Store) -> Result<()> {
        let (hosts, dir) = (self.hosts, self.dir);
        let asker = Asker::open(database, &dir.join("log")).await?;
        let window = |subject: &str| AskTrusted {
            subjects: vec![subject.to_owned()],
            roles: vec!["present".to_owned()],
            from: Some(format!("leaf:{}", hosts * 24)),
            to: Some(format!("leaf:{}", hosts * 24 * self.days.saturating_sub(30))),
            list: List::Exposed,
            ..AskTrusted::default()
        };
        let ever = |subject: &str| AskTrusted { from: None, to: None, ..window(subject) };
        let brief = |subject: &str| AskTrusted { brief: true, ..ever(subject) };
        let names = |subject: &str| AskTrusted { list: List::Names, ..ever(subject) };
        let names_window = |subject: &str| AskTrusted { list: List::Names, ..window(subject) };
        let brief_window = |subject: &str| AskTrusted { brief: true, ..window(subject) };
        // The list of a bad day: most of it is nowhere.
        let indicators = |subject: &str| {
            let unknown = (0..1_999_u32).map(|number| format!("file:{number:064x}"));
            AskTrusted { subjects: unknown.chain([subject.to_owned()]).collect(), ..brief(subject) }
        };
        let indicators_names = |subject: &str| AskTrusted { list: List::Names, ..indicators(subject) };
        ingest(&dir.with_extension("wave"), store).await?;
        first(&asker, &ever(&format!("file:{}", "0".repeat(64))), store).await?;
        for line in self.truth {
            let subject = line.get("subject").and_then(Value::as_str).context("a subject")?;
            is_true(&asker, line, &ever(subject)).await?;
        }
        if let Database::File(file) = database {
            size(file, &asker, hosts).await?;
        }
        let (fifth, all, one) =
            (self.spread(hosts / 6, hosts / 4), self.spread(hosts - hosts / 50, hosts), self.spread(1, 1));
        let fifths = "2,000 digests, of which one is on a fifth of the hosts, brief";
        let fifths_names = "2,000 digests, of which one is on a fifth of the hosts, names";
        // The goals are those of ten thousand hosts; what many hosts have may take as many times longer as there are more.
        let many = |goal_ms: u64| goal_ms * (hosts / 10_000).max(1);
        answers(&asker, store, "on a fifth of the hosts, ever, names", &fifth, &names, many(5)).await?;
        answers(&asker, store, "on all hosts, ever, names", &all, &names, many(20)).await?;
        answers(&asker, store, "on one host, ever, names", &one, &names, 5).await?;
        answers(&asker, store, fifths_names, &fifth, &indicators_names, many(20)).await?;
        answers(&asker, store, "on a fifth of the hosts, a window, names", &fifth, &names_window, many(5))
            .await?;
        answers(&asker, store, "on all hosts, a window, names", &all, &names_window, many(20)).await?;
        answers(&asker, store, "on a fifth of the hosts, ever, brief", &fifth, &brief, many(5)).await?;
        answers(&asker, store, "on all hosts, ever, brief", &all, &brief, many(20)).await?;
        answers(&asker, store, "on one host, ever, brief", &one, &brief, 5).await?;
        answers(&asker, store, fifths, &fifth, &indicators, many(20)).await?;
        answers(&asker, store, "on a fifth of the hosts, a window, brief", &fifth, &brief_window, many(5))
            .await?;
        answers(&asker, store, "on all hosts, a window, brief", &all, &brief_window, many(20)).await?;
        answers(&asker, store, "on a fifth of the hosts, ever", &fifth, &ever, many(5)).await?;
        answers(&asker, store, "on a fifth of the hosts, a window", &fifth, &window, many(5)).await?;
        answers(&asker, store, "on all hosts, ever", &all, &ever, many(20)).await?;
        answers(&asker, store, "on all hosts, a window", &all, &window, many(20)).await?;
        answers(&asker, store, "on one host, ever", &one, &ever, 5).await?;
        Ok(())
    }
}

async fn size(file: &Path, asker: &Asker, hosts: u64) -> Result<()> {
    let bytes = std::fs::metadata(file)?.len() as f64;
    let intervals = asker.intervals().await? as f64;
    Figure {
        name: &format!("{intervals:.0} intervals of {hosts} hosts, whole database"),
        ours: bytes / intervals,
        peer: None,
        unit: "B/interval",
        goal: Goal::AtMost(30.0),
    }
    .write()
}

/// The first question is the slowest.
async fn first(asker: &Asker, question: &AskTrusted, store: &Store) -> Result<()> {
    let began = Instant::now();
    asker.ask(question).await?;
    let figure = Figure {
        name: &store.called("the first question after a start, which reads all hosts"),
        ours: began.elapsed().as_secs_f64() * 1_000.0,
        peer: None,
        unit: "ms",
        goal: Goal::AtMost(1_000.0),
    };
    figure.write()
}

/// Quick answers that are wrong are none.
async fn is_true(asker: &Asker, line: &Value, question: &AskTrusted) -> Result<()> {
    let found = asker.ask(question).await?.hosts_asked;
    let names = AskTrusted { list: List::Names, ..question.clone() };
    let named = asker.ask(&names).await?.hosts_asked;
    ensure!(named == found, "{:?}: {named:?} by names, {found:?} by what was seen", question.subjects);
    let yes = found.yes;
    let expected = line.get("hosts").and_then(Value::as_u64).context("a number of hosts")?;
    ensure!(yes == expected, "{:?}: {yes} hosts, in truth {expected}", question.subjects);
    Ok(())
}

/// The median and the 99th percentile of answers about subjects in turn.
async fn answers(
    asker: &Asker,
    store: &mut Store,
    what: &str,
    subjects: &[String],
    question: &impl Fn(&str) -> AskTrusted,
    goal_ms: u64,
) -> Result<()> {
    // Parts are named by what is asked: "all hosts, ever".
    if std::env::var("LYDIAN_BENCH_PARTS").is_ok_and(|parts| !what.contains(&parts)) {
        return Ok(());
    }
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
    for (name, ours) in [("median", ms(at(50))), ("p99", ms(at(99)))] {
        let name = format!("{what} ({yes} yes): {name}");
        let peer = store.server.is_some().then(|| store.took.get(&name).copied()).flatten();
        Figure { name: &store.called(&name), ours, peer, unit: "ms", goal: Goal::AtMost(goal_ms as f64) }
            .write()?;
        if store.server.is_none() {
            store.took.insert(name, ours);
        }
    }
    Ok(())
}
