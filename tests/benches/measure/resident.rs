//! Memory of a process that watches 5,000, 50,000 and 500,000 executables.

use std::io::{self, Write as _};
use std::time::Instant;

use anyhow::{Result, ensure};
use support::{Figure, Goal};

use crate::trees;
use crate::worker::Worker;

/// Files, and MiB that may be resident when nothing happens. The middle one lies on the line between the others' goals.
const SIZES: [(u32, f64); 3] = [(5_000, 12.0), (50_000, 17.0), (500_000, 64.0)];

pub(crate) fn run() -> Result<()> {
    for (files, goal) in SIZES {
        let dir = trees::place()?;
        trees::host(dir.path(), usize::try_from(files)?)?;
        let begun = Instant::now();
        let mut worker = Worker::start(&["resident", &dir.path().display().to_string()])?;
        let [found, resident, peak, processor] = worker.hear()?;
        worker.end()?;
        writeln!(
            io::stdout(),
            "{files} executables: first walk and 3 s {:.1} s, processor {processor:.2} s",
            begun.elapsed().as_secs_f64()
        )?;
        ensure!((found - f64::from(files)).abs() < 0.5, "{found} of {files} were found");
        for (what, ours) in [("resident memory", resident), ("most resident memory", peak)] {
            let name = format!("{what} of the measuring half, {files} executables");
            Figure { name: &name, ours, peer: None, unit: "MiB", goal: Goal::AtMost(goal) }.write()?;
        }
    }
    Ok(())
}
