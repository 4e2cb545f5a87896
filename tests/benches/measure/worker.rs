//! The measuring half in a process of its own, so that its processor time and memory are its own.
//!
//! In: a task by its name and words. Out: numbers on standard output, one line each time. A worker that reads a closed standard input
//! ends.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use support::usage;

use crate::adapter::{Trees, Watching};

/// Tells the benchmark's program that it is a worker.
pub(crate) const ARGUMENT: &str = "--worker";

/// Does a worker's task.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["scan", root, cache, list] => scan(root, cache.into(), list),
        ["reconcile", root, dir, rounds] => reconcile(root, dir.as_ref(), rounds.parse()?),
        ["resident", dir] => resident(&PathBuf::from(dir)),
        ["storm", dir, files] => storm(&PathBuf::from(dir), files.parse()?),
        ["switch", root, cache] => switch(&Trees::of_host(root, cache.into())),
        _ => bail!("no such worker: {words:?}"),
    }
}

/// The words that start a worker.
pub(crate) fn command(words: &[&str]) -> Result<Vec<OsString>> {
    let mut command = vec![std::env::current_exe()?.into_os_string(), ARGUMENT.into()];
    command.extend(words.iter().map(OsString::from));
    Ok(command)
}

/// One scan; writes the paths that count into a list, each ended by a zero byte.
fn scan(root: &str, cache: PathBuf, list: &str) -> Result<()> {
    let mut watching = Watching::start(&Trees::of_host(root, cache))?;
    let mut paths = Vec::new();
    let state = watching.state(Duration::from_mins(20), |manifest| {
        // Only where it is wanted: the first scan itself is not to pay for it.
        for entry in manifest.entries().iter().filter(|_| list != NO_LIST) {
            paths.extend_from_slice(&entry.path);
            paths.push(0);
        }
        Ok(())
    })?;
    let state = state.context("no state")?;
    if list != NO_LIST {
        std::fs::write(list, paths)?;
    }
    say(&[&state.files])?;
    watching.stop();
    Ok(())
}

/// In place of a path where no list is wanted.
pub(crate) const NO_LIST: &str = "-";

/// Walks of everything when everything is known: wall and processor seconds of each.
fn reconcile(root: &str, dir: &Path, rounds: u32) -> Result<()> {
    let marker = dir.join("marker");
    std::fs::create_dir_all(&marker)?;
    let mut trees = Trees::of_host(root, dir.join("cache"));
    trees.roots.push(marker.clone());
    // A marker changes with each round, so that the walk has something to tell; nothing else may start one.
    trees.settle = Duration::from_hours(1);
    let mut watching = Watching::start(&trees)?;
    say(&[&watching.first()?.files])?;
    for (round, _) in (0..rounds).zip(stdin()) {
        std::fs::write(marker.join("marker"), support::elf(&format!("round {round}")))?;
        let (begun, before) = (Instant::now(), usage::own_processor());
        watching.rescan();
        watching.first()?;
        say(&[&begun.elapsed().as_secs_f64(), &usage::own_processor().saturating_sub(before).as_secs_f64()])?;
    }
    watching.stop();
    Ok(())
}

/// Memory after the first walk of a made tree: files, MiB now, the most MiB there were.
fn resident(dir: &std::path::Path) -> Result<()> {
    let mut watching = Watching::start(&of_made(dir))?;
    let state = watching.first()?;
    std::thread::sleep(IDLE);
    let memory = usage::memory("self")?;
    say(&[&state.files, &memory.resident, &memory.peak, &usage::own_processor().as_secs_f64()])?;
    watching.stop();
    Ok(())
}

/// Waits for a storm of this many files to be measured: files found, processor seconds, open gaps, states.
fn storm(dir: &std::path::Path, expected: u64) -> Result<()> {
    let mut watching = Watching::start(&of_made(dir))?;
    let before = usage::own_processor();
    // An empty tree may have a state of its own or none.
    let mut found = watching.state(QUIET, |_| Ok(()))?.map_or((0, 0), |state| (state.files, state.open_gaps));
    say(&[&found.0])?;
    let mut states = 0_u32;
    let deadline = Instant::now() + STORM;
    while Instant::now() < deadline {
        let Some(state) = watching.state(QUIET, |_| Ok(()))? else {
            if states > 0 {
                break;
            }
            continue;
        };
        (found, states) = ((state.files, state.open_gaps), states + 1);
        if state.files == expected && state.open_gaps == 0 {
            break;
        }
    }
    let processor = usage::own_processor().saturating_sub(before).as_secs_f64();
    say(&[&found.0, &processor, &found.1, &states])?;
    watching.stop();
    Ok(())
}

/// Measures or not, as the lines of standard input say.
fn switch(trees: &Trees) -> Result<()> {
    let mut running: Option<Watching> = None;
    for line in stdin() {
        if let Some(watching) = running.take() {
            watching.stop();
        }
        if line? == "on" {
            running.insert(Watching::start(trees)?).first()?;
        }
        say(&[])?;
    }
    Ok(())
}

fn of_made(dir: &std::path::Path) -> Trees {
    let root = dir.join("root");
    let mut trees = Trees::of_host("/", dir.join("cache"));
    trees.roots = vec![root.join("usr")];
    trees.prefix = root;
    trees
}

fn stdin() -> impl Iterator<Item = io::Result<String>> {
    io::stdin().lock().lines()
}

fn say(numbers: &[&dyn Display]) -> Result<()> {
    let words: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", words.join(" "))?;
    Ok(out.flush()?)
}

/// A worker that is talked to.
pub(crate) struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts one with the settings of the agent's unit for memory.
    pub(crate) fn start(words: &[&str]) -> Result<Self> {
        let command = command(words)?;
        let (program, arguments) = command.split_first().context("a program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("MALLOC_ARENA_MAX", "1")
            .env("MALLOC_TRIM_THRESHOLD_", "131072")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        Ok(Self { child, stdin, lines })
    }

    /// What it says next.
    pub(crate) fn hear<const COUNT: usize>(&mut self) -> Result<[f64; COUNT]> {
        let line = self.lines.next().context("the worker ended early")??;
        let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        <[f64; COUNT]>::try_from(numbers).map_err(|numbers| anyhow::anyhow!("a worker said {numbers:?}"))
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, word: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("a pipe")?;
        Ok(writeln!(stdin, "{word}")?)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Result<()> {
        self.stdin = None;
        let status = self.child.wait()?;
        ensure!(status.success(), "the worker: {status}");
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// After this the memory of a process that watches does not change any more.
const IDLE: Duration = Duration::from_secs(3);
/// Longer than the pause between two states of one storm.
const QUIET: Duration = Duration::from_secs(8);
const STORM: Duration = Duration::from_mins(3);
