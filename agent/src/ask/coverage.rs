//! `lydian-agent coverage`: what is watched, by what means, why not by better ones, and what could not be seen.
//!
//! In: what the running agent tells. Out: a table or JSON. An agent that does not run watches nothing, which is a failure
//! here and a gap in the next evidence.

use std::io::{self, Write};
use std::path::Path;

use super::board::Standing;
use super::client::Source;
use super::text::{json, safe, time, written};
use crate::failure::{Failure, Status};
use crate::status::Format;

/// Shows it.
pub fn show(state_dir: &Path, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let standing = Source::open(state_dir)?.standing()?;
    match format {
        Format::Json => json(&standing, out)?,
        Format::Table => written(table(&standing, out))?,
    }
    if standing.running {
        return Ok(());
    }
    let hint = "systemctl start lydian-agent; the first walk may still be under way: ask again";
    Err(Failure::new(
        Status::Unavailable,
        "nothing is watched: no agent runs, or it has not looked yet",
        hint,
    ))
}

fn table(standing: &Standing, out: &mut impl Write) -> io::Result<()> {
    for (scope, means, reason) in &standing.coverage {
        writeln!(out, "Watched       {means:<18} {}  {}", safe(scope), safe(reason))?;
    }
    for (from, cause, scope) in &standing.open_gaps {
        writeln!(out, "Open gap      {cause:<18} {}  since {from}", safe(scope))?;
    }
    if standing.open_gaps.is_empty() && standing.running {
        writeln!(out, "Open gaps     none")?;
    }
    for (name, value) in &standing.counters {
        writeln!(out, "Counter       {:<18} {value}", safe(name))?;
    }
    match &standing.sealed {
        Some(sealed) => writeln!(out, "Last sealed   evidence {} at {}", sealed.seq, time(sealed.at_ms)),
        None => writeln!(out, "Last sealed   nothing yet"),
    }
}
