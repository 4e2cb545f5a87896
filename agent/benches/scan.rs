//! The first scan of /usr against `openssl dgst -sha256` over the same files, the reconciling walk over it, and what the
//! thread costs when idle with few and with many executables.
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
use lydian_agent::measure::{Events, MeasureConfig, Measurer, Namespaces, Pace, Report};

const ROUNDS: usize = 5;
const IDLE: Duration = Duration::from_secs(10);
const IDLE_ARGUMENT: &str = "--idle";
/// Executables, and the memory that is held against.
const TREES: [(u32, f64); 2] = [(5_000, 12.0), (500_000, 64.0)];
const RECONCILING_SECS: f64 = 0.5;

fn main() -> Result<()> {
    // What came before would be in the memory that is measured: idling has a process of its own.
    if let Some(files) = std::env::args().skip_while(|arg| arg != IDLE_ARGUMENT).nth(1) {
        return idle(tempfile::tempdir()?.path(), files.parse()?, &mut Results::new()?);
    }
    let root = PathBuf::from("/usr");
    let mut results = Results::new()?;
    let dir = tempfile::tempdir()?;
    let cores = std::thread::available_parallelism()?;
    let Scan { manifests, .. } = first_scan(&root, dir.path(), cores, Wanted::Manifests)?;
    let files = paths(&manifests)?;
    drop(manifests);
    let bytes: u64 = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|meta| meta.len()).sum();
    let list = dir.path().join("list");
    write_list(&list, &files)?;
    writeln!(io::stdout(), "{} executables and libraries, {} MB", files.len(), bytes / 1_000_000)?;
    for threads in BTreeSet::from([NonZeroUsize::MIN, cores]) {
        let (mut ours, mut peer, mut walks, mut ticks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            peer.push(openssl(&list, threads)?);
            let scan = first_scan(&root, dir.path(), threads, Wanted::Digests)?;
            ours.push(scan.time);
            walks.push(scan.walk);
            ticks.push(Duration::from_millis(10 * scan.ticks));
        }
        let (ours, peer) = (median(ours), median(peer));
        let label = format!("first scan of /usr, {threads} thread(s), against openssl dgst -P{threads}");
        let per_second = |amount: f64, time: Duration| amount / time.as_secs_f64();
        let count = f64::from(u32::try_from(files.len())?);
        results.higher(&label, per_second(count, ours), per_second(count, peer), "files/s")?;
        let megabytes = f64::from(u32::try_from(bytes / 1_000_000)?);
        results.higher(&label, per_second(megabytes, ours), per_second(megabytes, peer), "MB/s")?;
        let label = format!("first scan of /usr, {threads} thread(s): processor time");
        results.lower(&label, median(ticks).as_secs_f64(), 43.0 / 8.0, "s")?;
        let label = format!("reconciling walk of /usr, {threads} thread(s), a part hashed anew");
        results.lower(&label, median(walks).as_secs_f64(), RECONCILING_SECS, "s")?;
    }
    for (files, _) in TREES {
        let arguments = [IDLE_ARGUMENT.to_owned(), files.to_string()];
        let status = Command::new(std::env::current_exe()?).args(arguments).status()?;
        if !status.success() {
            bail!("idling: {status}");
        }
    }
    Ok(())
}

/// What a scan took and found.
struct Scan {
    time: Duration,
    ticks: u64,
    walk: Duration,
    manifests: Vec<Vec<u8>>,
}

/// What is kept of what is reported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Manifests,
    Digests,
}

/// A scan with an empty cache, until the first snapshot, and a reconciling walk.
fn first_scan(root: &Path, dir: &Path, threads: NonZeroUsize, wanted: Wanted) -> Result<Scan> {
    let cache = dir.join("cache");
    if cache.exists() {
        fs::remove_file(&cache)?;
    }
    let (begun, before) = (Instant::now(), processor_ticks()?);
    let (measurer, out) = start(root, cache, threads)?;
    let (receiver, manifests) = receive(out, wanted)?;
    let (time, ticks) = (begun.elapsed(), processor_ticks()?.saturating_sub(before));
    let walk = reconcile(&measurer)?;
    drop(receiver);
    measurer.stop();
    Ok(Scan { time, ticks, walk, manifests })
}

/// The second walk of everything.
fn reconcile(measurer: &Measurer) -> Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    // The thread is at its queue by then, so that the walk begins at once.
    runtime.block_on(measurer.asking().watching());
    let begun = Instant::now();
    measurer.rescan();
    loop {
        let watching = runtime.block_on(measurer.asking().watching());
        let walks = watching.counters.iter().find(|counter| counter.name == "walks.full");
        if walks.is_some_and(|walks| walks.value > 1) {
            return Ok(begun.elapsed());
        }
    }
}

type Receiver = tokio::sync::mpsc::Receiver<Report>;

fn start(root: &Path, cache_path: PathBuf, hash_threads: NonZeroUsize) -> Result<(Measurer, Receiver)> {
    let config = MeasureConfig {
        roots: vec![root.to_owned()],
        excludes: vec![],
        dpkg_admin_dir: "/var/lib/dpkg".into(),
        path_prefix: "/".into(),
        cache_path,
        settle: Duration::from_millis(500),
        settle_max: Duration::from_secs(5),
        reconcile_every: Duration::from_hours(1),
        events: Events::Best,
        namespaces: Namespaces::Own,
        hash_threads,
        first_pace: Pace::UNLIMITED,
        pace: Pace::UNLIMITED,
    };
    let (sender, out) = tokio::sync::mpsc::channel(16);
    Ok((Measurer::start(config, BTreeSet::new(), Arc::new(SystemClock), sender)?, out))
}

/// Receives until the first snapshot.
fn receive(mut out: Receiver, wanted: Wanted) -> Result<(Receiver, Vec<Vec<u8>>)> {
    let mut manifests = Vec::new();
    loop {
        match out.blocking_recv().context("no snapshot")? {
            Report::Manifest(_, bytes) if wanted == Wanted::Manifests => manifests.push(bytes),
            Report::Manifest(..) => {}
            Report::Snapshot(_) => return Ok((out, manifests)),
        }
    }
}

fn paths(manifests: &[Vec<u8>]) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for bytes in manifests {
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
fn idle(dir: &Path, files: u32, results: &mut Results) -> Result<()> {
    let tree = dir.join("tree");
    for n in 0..files {
        let home = tree.join(format!("{}/lib", n / 50));
        if n % 50 == 0 {
            fs::create_dir_all(&home)?;
        }
        fs::write(home.join(format!("lib{n}.so")), format!("\x7fELF{n}"))?;
    }
    let (measurer, out) = start(&tree, dir.join("cache-of-tree"), NonZeroUsize::MIN)?;
    let (out, _) = receive(out, Wanted::Digests)?;
    let walk = reconcile(&measurer)?;
    let before = processor_ticks()?;
    std::thread::sleep(IDLE);
    let ticks = u32::try_from(processor_ticks()?.saturating_sub(before))?;
    let goal = TREES.iter().find(|(count, _)| *count == files).map_or(f64::MAX, |(_, goal)| *goal);
    let label = |what: &str| format!("{files} executables: {what}");
    results.lower(&label("memory of the measuring half"), memory_mib("VmRSS:")?, goal, "MiB")?;
    results.lower(&label("memory of the measuring half, at most"), memory_mib("VmHWM:")?, goal, "MiB")?;
    results.lower(&label("processor time in 10 s of idleness"), f64::from(ticks) * 10.0, 10.0, "ms")?;
    writeln!(io::stdout(), "{}: {:.2} s", label("reconciling walk"), walk.as_secs_f64())?;
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

fn memory_mib(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("status")?;
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
