//! The first scan of /usr against `openssl dgst -sha256` over the same files, and what the thread costs when idle.
//!
//! Ours is all of it: walking every directory, opening every file to see what it is, hashing what counts,
//! attribution and manifests, with an empty cache. OpenSSL only hashes, and is told which files. Rounds are
//! interleaved, so that other load hits both; medians are compared. Lines go to `target/bench/results.jsonl`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use evidence::manifest::Manifest;
use lydian_agent::clock::SystemClock;
use lydian_agent::measure::{MeasureConfig, Measurer, Snapshot};

const ROUNDS: usize = 5;
const IDLE: Duration = Duration::from_secs(10);
const TREE_FILES: usize = 5_000;
const IDLE_ARGUMENT: &str = "--idle";

fn main() -> Result<()> {
    // What came before would be in the memory that is measured: idling has a process of its own.
    if std::env::args().any(|arg| arg == IDLE_ARGUMENT) {
        return idle(tempfile::tempdir()?.path(), &mut Results::new()?);
    }
    let root = PathBuf::from("/usr");
    let mut results = Results::new()?;
    let dir = tempfile::tempdir()?;
    let (_, snapshot) = first_scan(&root, dir.path(), NonZeroUsize::MIN)?;
    let files = paths(&snapshot)?;
    let bytes: u64 = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).sum();
    let list = dir.path().join("list");
    write_list(&list, &files)?;
    writeln!(io::stdout(), "{} executables and libraries, {} MB", files.len(), bytes / 1_000_000)?;
    let cores = std::thread::available_parallelism()?;
    for threads in BTreeSet::from([NonZeroUsize::MIN, cores]) {
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            peer.push(openssl(&list, threads)?);
            ours.push(first_scan(&root, dir.path(), threads)?.0);
        }
        let (ours, peer) = (median(ours), median(peer));
        let label = format!("first scan of /usr, {threads} thread(s), against openssl dgst -P{threads}");
        let per_second = |amount: f64, time: Duration| amount / time.as_secs_f64();
        let count = f64::from(u32::try_from(files.len())?);
        results.higher(&label, per_second(count, ours), per_second(count, peer), "files/s")?;
        let megabytes = f64::from(u32::try_from(bytes / 1_000_000)?);
        results.higher(&label, per_second(megabytes, ours), per_second(megabytes, peer), "MB/s")?;
    }
    let status = Command::new(std::env::current_exe()?).arg(IDLE_ARGUMENT).status()?;
    if status.success() { Ok(()) } else { bail!("idling: {status}") }
}

/// A scan with an empty cache, until the first snapshot.
fn first_scan(root: &Path, dir: &Path, threads: NonZeroUsize) -> Result<(Duration, Snapshot)> {
    let cache = dir.join("cache");
    if cache.exists() {
        fs::remove_file(&cache)?;
    }
    let begun = Instant::now();
    let (measurer, snapshot, _out) = start(root, cache, threads)?;
    let time = begun.elapsed();
    measurer.stop();
    Ok((time, snapshot))
}

type Started = (Measurer, Snapshot, tokio::sync::mpsc::Receiver<Snapshot>);

fn start(root: &Path, cache_path: PathBuf, hash_threads: NonZeroUsize) -> Result<Started> {
    let config = MeasureConfig {
        roots: vec![root.to_owned()],
        excludes: vec![],
        dpkg_admin_dir: "/var/lib/dpkg".into(),
        path_prefix: "/".into(),
        cache_path,
        settle: Duration::from_millis(500),
        settle_max: Duration::from_secs(5),
        reconcile_every: Duration::from_hours(1),
        hash_threads,
    };
    let (sender, mut out) = tokio::sync::mpsc::channel(1);
    let measurer = Measurer::start(config, BTreeSet::new(), Arc::new(SystemClock), sender)?;
    let snapshot = out.blocking_recv().context("no snapshot")?;
    Ok((measurer, snapshot, out))
}

fn paths(snapshot: &Snapshot) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (_, bytes) in &snapshot.new_manifests {
        let manifest = Manifest::decode(bytes)?;
        paths.extend(manifest.entries().iter().map(|entry| OsString::from_vec(entry.path.clone()).into()));
    }
    Ok(paths)
}

fn write_list(list: &Path, files: &[PathBuf]) -> Result<()> {
    let mut out = io::BufWriter::new(File::create(list)?);
    for path in files {
        out.write_all(path.as_os_str().as_encoded_bytes())?;
        out.write_all(&[0])?;
    }
    Ok(out.flush()?)
}

fn openssl(list: &Path, threads: NonZeroUsize) -> Result<Duration> {
    let begun = Instant::now();
    let status = Command::new("xargs")
        .args(["-0", "-n", "200", "-P", &threads.to_string(), "openssl", "dgst", "-sha256"])
        .stdin(File::open(list)?)
        .stdout(Stdio::null())
        .status()
        .context("openssl is the peer: install it, and findutils")?;
    if !status.success() {
        bail!("openssl dgst failed: {status}");
    }
    Ok(begun.elapsed())
}

/// Memory and processor time of this process while the thread watches a tree in which nothing happens.
fn idle(dir: &Path, results: &mut Results) -> Result<()> {
    let tree = dir.join("tree");
    for n in 0..TREE_FILES {
        let home = tree.join(format!("{}/lib", n / 50));
        fs::create_dir_all(&home)?;
        fs::write(home.join(format!("lib{n}.so")), format!("\x7fELF{n}"))?;
    }
    let (measurer, snapshot, out) = start(&tree, dir.join("cache-of-tree"), NonZeroUsize::MIN)?;
    drop(snapshot);
    let before = processor_ticks()?;
    std::thread::sleep(IDLE);
    let ticks = u32::try_from(processor_ticks()?.saturating_sub(before))?;
    let memory = resident_mib()?;
    results.lower("idle on 5,000 executables: memory of the measuring half", memory, 12.0, "MiB")?;
    results.lower(
        "idle on 5,000 executables: processor time in 10 s",
        f64::from(ticks) * 10.0,
        10.0,
        "ms",
    )?;
    drop(out);
    measurer.stop();
    Ok(())
}

fn processor_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    // utime and stime are fields 14 and 15, the first after the name is 3.
    let ticks = fields.get(11..13).context("stat")?.iter().map(|field| field.parse::<u64>());
    Ok(ticks.sum::<Result<u64, _>>()?)
}

fn resident_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1_024.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The table on the terminal and the lines in the file.
struct Results {
    file: File,
}

impl Results {
    fn new() -> Result<Self> {
        // A bench runs in its package's directory.
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&dir)?;
        let file = File::options().create(true).append(true).open(dir.join("results.jsonl"))?;
        Ok(Self { file })
    }

    fn higher(&mut self, name: &str, ours: f64, peer: f64, unit: &str) -> Result<()> {
        let ratio = ours / peer;
        self.line(name, ours, peer, ratio, unit, 1.0, ratio >= 1.0)
    }

    fn lower(&mut self, name: &str, ours: f64, goal: f64, unit: &str) -> Result<()> {
        self.line(name, ours, goal, ours / goal, unit, goal, ours <= goal)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one line")]
    fn line(
        &mut self,
        name: &str,
        ours: f64,
        peer: f64,
        ratio: f64,
        unit: &str,
        goal: f64,
        holds: bool,
    ) -> Result<()> {
        let verdict = if holds { "holds" } else { "MISSED" };
        writeln!(
            io::stdout(),
            "{name:<75} {ours:>9.1} / {peer:>9.1} {unit:<8} ratio {ratio:>5.2}  {verdict}"
        )?;
        let line = serde_json::json!({
            "name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "goal": goal, "holds": holds,
        });
        Ok(writeln!(self.file, "{line}")?)
    }
}
