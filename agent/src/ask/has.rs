//! `lydian-agent has`: whether contents are, or were, among this host's artefacts.
//!
//! In: digests, their beginnings, or lists of them. Out: a line or an object for each, and whether all are here. "Never seen"
//! says nothing of files that are not artefacts, of trees that are not measured, and of the time before the store was made.

use std::io::{Read as _, Write};
use std::path::Path;

use serde::Serialize;

use super::answer::range;
use super::client::{Answered, Source};
use super::limits::{DIGESTS, LIST_BYTES};
use super::messages::{Question, Sighting};
use super::text::{json, printable, safe, time, written};
use crate::failure::{Failure, Status};
use crate::status::Format;

/// Whether every content that was asked for is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// All are.
    All,
    /// One is not.
    NotAll,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    asked: String,
    /// `here`, `was-here` or `never-seen`.
    standing: &'static str,
    looked_since: String,
    /// The newest snapshot.
    looked_until: Option<String>,
    sightings: Vec<Sighting>,
    more: bool,
}

/// Answers for each digest.
pub fn show(
    state_dir: &Path,
    asked: &[String],
    format: Format,
    out: &mut impl Write,
) -> Result<Found, Failure> {
    let prefixes = digests(asked)?;
    let mut source = Source::open(state_dir)?;
    let (mut lines, mut found) = (Vec::new(), Found::All);
    for prefix in prefixes {
        let line = line(prefix.clone(), source.sightings(&Question::Digest { prefix })?);
        if line.standing != "here" {
            found = Found::NotAll;
        }
        match format {
            Format::Table => written(table(&line, out))?,
            Format::Json => lines.push(line),
        }
    }
    if format == Format::Json {
        json(&lines, out)?;
    }
    Ok(found)
}

fn line(asked: String, answered: Answered) -> Line {
    let Answered { mut sightings, more, began_ms, settled_ms } = answered;
    sightings.sort_by_key(|sighting| (!sighting.here, sighting.first_ms));
    let standing = match sightings.first() {
        Some(Sighting { here: true, .. }) => "here",
        Some(_) => "was-here",
        None => "never-seen",
    };
    let (looked_since, looked_until) = (time(began_ms), settled_ms.map(time));
    Line { asked, standing, looked_since, looked_until, sightings, more }
}

fn table(line: &Line, out: &mut impl Write) -> std::io::Result<()> {
    if line.sightings.is_empty() {
        return writeln!(out, "{}  never seen (looked since {})", line.asked, line.looked_since);
    }
    for sighting in &line.sightings {
        let Sighting { first_ms, last_ms, component, .. } = sighting;
        let when = if sighting.here {
            format!("here since {}", time(*first_ms))
        } else {
            format!("was here from {} to {}", time(*first_ms), time(*last_ms))
        };
        let component = safe(&format!("{} {} {}", component.kind, component.name, component.version));
        writeln!(out, "{}  {when}  {}  {}", sighting.digest, sighting.path, component.trim_end())?;
    }
    if line.more { writeln!(out, "{}  and more", line.asked) } else { Ok(()) }
}

/// Digests as hex: from the arguments, from files named by `@`, and from stdin for `-`.
fn digests(asked: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for asked in asked {
        let list = match (asked.as_str(), asked.strip_prefix('@')) {
            ("-", _) => Some(read(std::io::stdin().lock(), "stdin")?),
            (_, Some(path)) => {
                let file =
                    std::fs::File::open(path).map_err(|error| Failure::file(Path::new(path), &error))?;
                Some(read(file, path)?)
            }
            _ => None,
        };
        match list {
            None => all.push(checked(asked)?),
            // As sha256sum writes them: the digest is the first word.
            Some(text) => {
                for word in text.lines().filter_map(|line| line.split_whitespace().next()) {
                    all.push(checked(word)?);
                }
            }
        }
        if all.len() > DIGESTS {
            return Err(wrong(format_args!("more than {DIGESTS} digests"), "ask for them in parts"));
        }
    }
    Ok(all)
}

fn read(from: impl std::io::Read, name: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = from.take(LIST_BYTES).read_to_string(&mut text);
    read.map_err(|error| Failure::new(Status::InputOutput, format_args!("{name}: {error}"), ""))?;
    Ok(text)
}

fn checked(word: &str) -> Result<String, Failure> {
    let hex = word.strip_prefix("sha256:").unwrap_or(word).to_ascii_lowercase();
    let hint = "give SHA-256 in hex, 64 digits or at least the first 8: sha256sum FILE";
    range(&hex)
        .map(|_| hex)
        .ok_or_else(|| wrong(format_args!("no digest: {}", printable(word.as_bytes())), hint))
}

fn wrong(message: impl std::fmt::Display, hint: &str) -> Failure {
    Failure::new(Status::Usage, message, hint)
}
