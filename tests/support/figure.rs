//! One line of a benchmark: ours, the peer's, the goal, on the terminal and in `target/bench/results.jsonl`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// What it is.
    pub name: &'a str,
    /// Ours.
    pub ours: f64,
    /// The peer's, in the same run; `None` where there is none to be had.
    pub peer: Option<f64>,
    /// Of both.
    pub unit: &'a str,
    /// What must hold.
    pub goal: Goal,
}

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Ours is at least this.
    AtLeast(f64),
    /// Ours is at most this.
    AtMost(f64),
    /// Ours divided by the peer's is at least this.
    RatioAtLeast(f64),
    /// Ours divided by the peer's is at most this.
    RatioAtMost(f64),
}

impl Figure<'_> {
    /// Prints and keeps the line.
    pub fn write(&self) -> Result<()> {
        // A benchmark runs in its package's directory.
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&folder)?;
        let mut file = File::options().create(true).append(true).open(folder.join("results.jsonl"))?;
        let Self { name, ours, peer, unit, goal } = *self;
        let over_peer = peer.map(|peer| ours / peer);
        let (goal, ratio, holds) = match goal {
            Goal::AtLeast(goal) => (goal, over_peer.or(Some(ours / goal)), Some(ours >= goal)),
            Goal::AtMost(goal) => (goal, over_peer.or(Some(ours / goal)), Some(ours <= goal)),
            Goal::RatioAtLeast(goal) => (goal, over_peer, over_peer.map(|ratio| ratio >= goal)),
            Goal::RatioAtMost(goal) => (goal, over_peer, over_peer.map(|ratio| ratio <= goal)),
        };
        let verdict = match holds {
            Some(true) => "holds",
            Some(false) => "MISSED",
            None => "no peer",
        };
        writeln!(io::stdout(), "{name:<72} {ours:>12.4} {unit:<10} goal {goal:>10.4}  {verdict}")?;
        let line = serde_json::json!({
            "name": name, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "goal": goal, "holds": holds,
        });
        Ok(writeln!(file, "{line}")?)
    }
}

/// The median time of `rounds` runs of both sides, one after the other in each round, so that other load hits both.
pub fn medians<const SIDES: usize>(
    rounds: usize,
    mut sides: [&mut dyn FnMut() -> Result<()>; SIDES],
) -> Result<[Duration; SIDES]> {
    let mut times = [const { Vec::new() }; SIDES];
    for _ in 0..rounds {
        for (side, times) in sides.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            side()?;
            times.push(begun.elapsed());
        }
    }
    let mut medians = [Duration::ZERO; SIDES];
    for (median, mut times) in medians.iter_mut().zip(times) {
        times.sort_unstable();
        *median = *times.get(times.len() / 2).context("at least one round")?;
    }
    Ok(medians)
}
