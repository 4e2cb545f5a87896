//! A walk of everything when nothing has changed, against `find` that only looks at every file.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use support::{Figure, Goal, medians, usage};

use crate::trees;
use crate::worker::Worker;

const FILES: usize = 115_000;
const ROUNDS: usize = 5;
const GOAL_SECS: f64 = 0.5;

pub(crate) fn run() -> Result<()> {
    let there = files("/usr")?;
    if there >= FILES {
        return walks("/usr", there);
    }
    let dir = trees::place()?;
    trees::host(dir.path(), FILES)?;
    walks(&dir.path().join("root/usr").display().to_string(), FILES)
}

fn walks(root: &str, files: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let home = dir.path().display().to_string();
    let mut worker = Worker::start(&["reconcile", root, &home, &ROUNDS.to_string()])?;
    worker.hear::<1>()?;
    let (mut walls, mut processors, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    let mut floor = Vec::new();
    for _ in 0..ROUNDS {
        worker.tell("walk")?;
        let [wall, processor] = worker.hear()?;
        walls.push(wall);
        processors.push(processor);
        let [time] = medians(1, [&mut || look(root)])?;
        looks.push(time.as_secs_f64());
        floor.push(usage::cost(&find(root).map(Into::into), None, &[0])?.processor);
    }
    worker.end()?;
    let name = |what: &str| format!("reconciling walk of {files} files, warm, against find: {what}");
    let figure = |what: &str, ours, peer, goal| {
        Figure { name: &name(what), ours: median(ours), peer: Some(median(peer)), unit: "s", goal }.write()
    };
    figure("time", walls, looks, Goal::AtMost(GOAL_SECS))?;
    figure("processor time", processors, floor, Goal::AtMost(GOAL_SECS))
}

/// Everything that a walk has to look at, and nothing more.
fn find(root: &str) -> [&str; 5] {
    ["find", root, "-xdev", "-printf", "%i %m %n %U %G %s %T@ %C@ %p\\n"]
}

fn look(root: &str) -> Result<()> {
    let [program, arguments @ ..] = find(root);
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "find: {status}");
    Ok(())
}

fn files(root: &str) -> Result<usize> {
    let found = Command::new("find").args([root, "-xdev", "-type", "f", "-printf", "x"]).output()?;
    ensure!(Path::new(root).is_dir(), "{root}: no directory");
    Ok(found.stdout.len())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
