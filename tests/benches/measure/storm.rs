//! A tarball is unpacked under the eyes of the agent's measuring half, and of `inotifywait -r`.
//!
//! Ours ends with the digest of every file; inotifywait only writes names. What each did not see is counted too.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use support::{Figure, Goal, usage};

use crate::trees;
use crate::worker::Worker;

const FILES: usize = 20_000;
const DIRECTORIES: usize = 1_500;

pub(crate) fn run() -> Result<()> {
    // Not on tmpfs: that is not where packages are unpacked.
    let dir = tempfile::tempdir()?;
    trees::storm(dir.path(), FILES, DIRECTORIES)?;
    let peer = inotifywait(dir.path());
    let ours = measured(dir.path())?;
    let total = f64::from(u32::try_from(FILES)?);
    writeln!(
        io::stdout(),
        "storm of {FILES} files: ours lost {}, {} open gap(s), {} state(s), processor {:.2} s",
        total - ours.found,
        ours.open_gaps,
        ours.states,
        ours.processor
    )?;
    let (processor, lost) = match peer {
        Ok(peer) => (Some(peer.processor), Some(total - peer.found)),
        Err(error) => {
            writeln!(io::stdout(), "inotifywait was not compared with: {error:#}")?;
            (None, None)
        }
    };
    if let (Some(processor), Some(lost)) = (processor, lost) {
        writeln!(io::stdout(), "inotifywait -r lost {lost}, processor {processor:.2} s")?;
    }
    Figure {
        name: "untar of 20,000 files in 1,500 directories, against inotifywait -r: processor time",
        ours: ours.processor,
        peer: processor,
        unit: "s",
        // It has to read and hash what the other only names.
        goal: Goal::RatioAtMost(5.0),
    }
    .write()?;
    Figure {
        name: "untar of 20,000 files in 1,500 directories, against inotifywait -r: lost",
        ours: total - ours.found,
        peer: lost,
        unit: "files",
        goal: Goal::AtMost(0.0),
    }
    .write()
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    found: f64,
    processor: f64,
    open_gaps: f64,
    states: f64,
}

fn measured(dir: &Path) -> Result<Seen> {
    let host = dir.join("ours");
    let into = host.join("root/usr");
    std::fs::create_dir_all(&into)?;
    let mut worker = Worker::start(&["storm", &host.display().to_string(), &FILES.to_string()])?;
    worker.hear::<1>()?;
    trees::untar(dir, &into)?;
    let [found, processor, open_gaps, states] = worker.hear()?;
    worker.end()?;
    Ok(Seen { found, processor, open_gaps, states })
}

fn inotifywait(dir: &Path) -> Result<Seen> {
    let into = dir.join("peer");
    std::fs::create_dir_all(&into)?;
    let log = dir.join("events");
    let mut child = Command::new("inotifywait")
        .args([
            "-r",
            "-m",
            "-e",
            "close_write,moved_to,moved_from,create,delete,attrib",
            "--format",
            "%e %w%f",
        ])
        .arg(&into)
        .stdout(File::create(&log)?)
        .stderr(Stdio::piped())
        .spawn()
        .context("the Debian package inotify-tools has `inotifywait`")?;
    let seen = watch(&mut child, dir, &into, &log);
    child.kill()?;
    child.wait()?;
    seen
}

fn watch(child: &mut Child, dir: &Path, into: &Path, log: &Path) -> Result<Seen> {
    let mut said = BufReader::new(child.stderr.take().context("a pipe")?).lines();
    loop {
        match said.next() {
            Some(line) if line.as_ref().is_ok_and(|line| line.contains("established")) => break,
            Some(line) => drop(line?),
            None => bail!("inotifywait ended early"),
        }
    }
    let before = usage::processor(child.id())?;
    trees::untar(dir, into)?;
    let mut size = None;
    while size != Some(std::fs::metadata(log)?.len()) {
        size = Some(std::fs::metadata(log)?.len());
        std::thread::sleep(Duration::from_secs(2));
    }
    let processor = usage::processor(child.id())?.saturating_sub(before);
    let events = std::fs::read_to_string(log)?;
    let written = events.lines().filter_map(|line| line.strip_prefix("CLOSE_WRITE"));
    let names: BTreeSet<_> = written.filter_map(|line| line.split_once(' ')).map(|(_, path)| path).collect();
    let found = f64::from(u32::try_from(names.len())?);
    Ok(Seen { found, processor: processor.as_secs_f64(), ..Seen::default() })
}
