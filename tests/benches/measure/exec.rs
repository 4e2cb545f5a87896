//! What starting a program costs with and without somebody who watches for it.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use support::{Figure, Goal, medians};

use crate::worker::Worker;

/// 5,000 on each side.
const ROUNDS: usize = 25;
const SPAWNS: u32 = 200;
const CALM: Duration = Duration::from_secs(1);
/// Of medians of interleaved rounds: what this is above one is within the noise of a quiet machine.
const NOISE: f64 = 1.05;

pub(crate) fn run() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let cache = dir.path().join("cache").display().to_string();
    let mut worker = Worker::start(&["switch", "/usr", &cache])?;
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Either goes first as often as the other.
        let order = if round % 2 == 0 { ["off", "on"] } else { ["on", "off"] };
        for state in order {
            worker.tell(state)?;
            worker.hear::<0>()?;
            // What a walk leaves behind (a cache that is written, memory that is given back) is not what is measured.
            std::thread::sleep(CALM);
            let [time] = medians(1, [&mut || spawn(SPAWNS)])?;
            if state == "on" { on.push(time) } else { off.push(time) }
        }
    }
    worker.end()?;
    let (with, without) = (each(on), each(off));
    writeln!(io::stdout(), "a program's start: {with:.1} us with, {without:.1} us without")?;
    Figure {
        name: "start of /usr/bin/true while the agent watches, against nobody watching",
        ours: with,
        peer: Some(without),
        unit: "us",
        goal: Goal::RatioAtMost(NOISE),
    }
    .write()
}

fn spawn(count: u32) -> Result<()> {
    for _ in 0..count {
        let status = Command::new("/usr/bin/true").stdin(Stdio::null()).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "true: {status}");
    }
    Ok(())
}

/// Microseconds of one, by the median round.
fn each(mut rounds: Vec<Duration>) -> f64 {
    rounds.sort_unstable();
    let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
    median.as_secs_f64() * 1e6 / f64::from(SPAWNS)
}
