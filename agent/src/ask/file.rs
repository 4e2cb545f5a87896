//! `lydian-agent file`: one card for one file.
//!
//! In: a path. Out: what the file is now, what this host knows of its content, and what evidence says of it. The file is
//! hashed here and now, by who asks; a file that changes meanwhile is said to. Class A: in the part of IMA's list that
//! the newest evidence covers. Class D: in the newest sealed state. Neither says that the file is good.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use rustix::fs::OFlags;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::board::Standing;
use super::client::Source;
use super::ima::{self, ImaView};
use super::limits::READ_BYTES;
use super::messages::{Question, Sighting};
use super::text::{json, printable, safe, time, written};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::status::Format;

/// The card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Card {
    path: String,
    path_hex: String,
    kind: &'static str,
    size: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    digest: String,
    /// It changed while it was hashed: the digest is of no one moment.
    raced: bool,
    class: Class,
    /// Sightings of this content, at this path first.
    sightings: Vec<Sighting>,
    more: bool,
    /// What the newest snapshot has at this path, where that is other content.
    measured_before: Option<String>,
    looked_since: String,
    ima: ImaView,
    standing: Standing,
}

/// Classes of evidence, and why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Class {
    /// `A`, `D`, `A+D` or `none`.
    class: &'static str,
    reason: String,
}

struct Hashed {
    kind: &'static str,
    digest: Sha256Digest,
    before: std::fs::Metadata,
    raced: bool,
}

/// Shows the card of a file.
pub fn show(config: &Config, path: &Path, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let path = resolved(path)?;
    let hashed = hash(&path)?;
    let shown = without_prefix(config, &path);
    let mut source = Source::open(&config.state_dir)?;
    let standing = source.standing()?;
    let of_digest = source.sightings(&Question::Digest { prefix: hashed.digest.to_string() })?;
    let of_path = source.sightings(&Question::Path { path: hex::encode(&shown) })?;
    let mut sightings = of_digest.sightings;
    let here = hex::encode(&shown);
    sightings.sort_by_key(|sighting| (sighting.path_hex != here, !sighting.here, sighting.first_ms));
    let other = of_path.sightings.iter().find(|sighting| sighting.digest != hashed.digest.to_string());
    let ima = ima::view(&config.ima_list, &shown, &hashed.digest);
    let class = class(config, &path, &hashed, &sightings, other, &ima, &standing);
    let card = Card {
        path: printable(&shown),
        path_hex: here,
        kind: hashed.kind,
        size: hashed.before.len(),
        mode: hashed.before.mode(),
        uid: hashed.before.uid(),
        gid: hashed.before.gid(),
        digest: hashed.digest.to_string(),
        raced: hashed.raced,
        class,
        measured_before: other.map(|sighting| sighting.digest.clone()),
        sightings,
        more: of_digest.more,
        looked_since: time(of_digest.began_ms),
        ima,
        standing,
    };
    match format {
        Format::Json => json(&card, out),
        Format::Table => written(table(&card, out)),
    }
}

/// Links in the directories are followed, as the measurer does; the file itself is taken as it is.
fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::file(path, &error))?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(not_a_file(path, "a directory", "name a file"));
    };
    let parent = std::fs::canonicalize(parent).map_err(|error| Failure::file(parent, &error))?;
    Ok(parent.join(name))
}

fn not_a_file(path: &Path, what: &str, hint: &str) -> Failure {
    let path = printable(path.as_os_str().as_bytes());
    Failure::new(Status::InputOutput, format_args!("{path}: {what}, not a regular file"), hint)
}

fn hash(path: &Path) -> Result<Hashed, Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut file = opened.map_err(|error| match std::fs::read_link(path) {
        Ok(target) => {
            let hint = format!("it leads to {}: ask for that", printable(target.as_os_str().as_bytes()));
            not_a_file(path, "a symbolic link", &hint)
        }
        Err(_) => failed(error),
    })?;
    let before = file.metadata().map_err(failed)?;
    if !before.is_file() {
        return Err(not_a_file(path, "a directory or device", "name a file"));
    }
    let (kind, digest, read) = read(&mut file).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let stamp = |stat: &std::fs::Metadata| {
        (stat.len(), stat.mtime(), stat.mtime_nsec(), stat.ctime(), stat.ctime_nsec())
    };
    let raced = stamp(&before) != stamp(&after) || read != before.len();
    Ok(Hashed { kind, digest, before, raced })
}

fn read(file: &mut File) -> io::Result<(&'static str, Sha256Digest, u64)> {
    let (mut hasher, mut buffer, mut total) = (Sha256::new(), vec![0; READ_BYTES], 0_u64);
    let mut kind = "other";
    loop {
        let count = file.read(&mut buffer)?;
        let chunk = buffer.get(..count).unwrap_or_default();
        if total == 0 {
            kind = kind_of(chunk);
        }
        if chunk.is_empty() {
            return Ok((kind, Sha256Digest::new(hasher.finalize().into()), total));
        }
        hasher.update(chunk);
        total = total.saturating_add(count as u64);
    }
}

/// By the first bytes alone: for people, not for a decision.
const fn kind_of(head: &[u8]) -> &'static str {
    match head {
        [0x7f, b'E', b'L', b'F', ..] => "ELF",
        [b'#', b'!', ..] => "script",
        [b'M', b'Z', ..] => "PE or DOS",
        [] => "empty",
        _ => "other",
    }
}

fn without_prefix(config: &Config, path: &Path) -> Vec<u8> {
    let prefix = real(&config.measure.path_prefix);
    let rest = path.strip_prefix(&prefix).unwrap_or(path);
    [b"/", rest.as_os_str().as_bytes().strip_prefix(b"/").unwrap_or(rest.as_os_str().as_bytes())].concat()
}

fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn class(
    config: &Config,
    path: &Path,
    hashed: &Hashed,
    sightings: &[Sighting],
    other: Option<&Sighting>,
    ima: &ImaView,
    standing: &Standing,
) -> Class {
    let sealed = standing.sealed.as_ref().filter(|_| !hashed.raced);
    let covered = sealed.filter(|sealed| sealed.at_ms >= booted_ms()).map_or(0, |sealed| sealed.ima_records);
    let kernel = ima.first_of_digest.is_some_and(|first| first < covered);
    let state = sealed.is_some() && sightings.iter().any(|sighting| sighting.sealed);
    let (class, reason) = match (kernel, state) {
        (true, true) => ("A+D", "in IMA's list and in the sealed state".to_owned()),
        (true, false) => ("A", "in the part of IMA's list that evidence covers".to_owned()),
        (false, true) => ("D", "in the sealed state".to_owned()),
        (false, false) => ("none", unmeasured(config, path, hashed, sightings, other, standing)),
    };
    Class { class, reason }
}

fn unmeasured(
    config: &Config,
    path: &Path,
    hashed: &Hashed,
    sightings: &[Sighting],
    other: Option<&Sighting>,
    standing: &Standing,
) -> String {
    let measure = &config.measure;
    let inside = |trees: &[PathBuf]| trees.iter().any(|tree| path.starts_with(real(tree)));
    let reason = if hashed.raced {
        "it changed while it was hashed"
    } else if !inside(&measure.roots) {
        "outside the trees that are measured"
    } else if inside(&measure.excludes) {
        "in a tree that is left out"
    } else if standing.sealed.is_none() {
        "nothing was sealed yet"
    } else if sightings.iter().any(|sighting| sighting.here) {
        "measured, and not sealed yet"
    } else if other.is_some() {
        "it changed since it was last measured"
    } else {
        "not an executable, or newer than the last walk"
    };
    reason.to_owned()
}

/// When this boot began: what was sealed before counted another boot's records.
fn booted_ms() -> u64 {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let up_ms = u64::try_from(up.tv_sec).unwrap_or(0).saturating_mul(1_000);
    SystemClock.now().as_ms().saturating_sub(up_ms)
}

fn table(card: &Card, out: &mut impl Write) -> io::Result<()> {
    let mut row = |name: &str, value: &str| writeln!(out, "{name:<14} {value}");
    row("Path", &card.path)?;
    let flags = card.sightings.first().map(|sighting| sighting.flags.join(", ")).unwrap_or_default();
    row("Kind", &format!("{} {}", card.kind, if flags.is_empty() { flags } else { format!("({flags})") }))?;
    row("Size", &format!("{} bytes, mode {:06o}, owner {}:{}", card.size, card.mode, card.uid, card.gid))?;
    row("SHA-256", &card.digest)?;
    if card.raced {
        row("Raced", "it changed while it was hashed: the digest is of no one moment")?;
    }
    row("Evidence", &format!("class {}: {}", card.class.class, card.class.reason))?;
    match card.standing.sealed.as_ref().filter(|_| card.class.class != "none") {
        Some(sealed) => row("Sealed", &format!("evidence {} at {}", sealed.seq, time(sealed.at_ms)))?,
        None => row("Sealed", "no evidence has it now")?,
    }
    if let Some(before) = &card.measured_before {
        row("Measured as", &format!("{before} at this path"))?;
    }
    for sighting in &card.sightings {
        sighting_rows(sighting, &card.path_hex, &mut row)?;
    }
    if card.sightings.is_empty() {
        row("Seen here", &format!("never (looked since {})", card.looked_since))?;
    }
    ima_rows(&card.ima, &mut row)
}

fn sighting_rows(
    sighting: &Sighting,
    path: &str,
    row: &mut dyn FnMut(&str, &str) -> io::Result<()>,
) -> io::Result<()> {
    let component = &sighting.component;
    let words = [&component.kind, &component.name, &component.version, &component.architecture];
    let words: Vec<String> =
        words.into_iter().filter(|word| !word.is_empty()).map(|word| safe(word)).collect();
    row("Component", &words.join(" "))?;
    if sighting.path_hex != path {
        row("  also at", &sighting.path)?;
    }
    if component.kind == "package" {
        let differs = sighting.flags.iter().any(|flag| flag == "not-as-packaged");
        let as_packaged = if differs { "no: it differs from the package" } else { "no difference was found" };
        row("  as packaged", as_packaged)?;
    }
    let last = if sighting.here { "still here at" } else { "gone after" };
    row("  seen", &format!("since {}, {last} {}", time(sighting.first_ms), time(sighting.last_ms)))?;
    for signer in &sighting.signers {
        row(
            &format!("  {}", signer.relation),
            &format!("{} {}", safe(&signer.label), signer.names.join(" ")),
        )?;
    }
    for (key, value) in &sighting.facts {
        row("  fact", &format!("{}: {}", safe(key), safe(value)))?;
    }
    Ok(())
}

fn ima_rows(ima: &ImaView, row: &mut dyn FnMut(&str, &str) -> io::Result<()>) -> io::Result<()> {
    match ima.list {
        "none" => return row("IMA", "the kernel keeps no list"),
        "denied" => return row("IMA", "the list cannot be read: ask as root"),
        "damaged" => row("IMA", "the list is damaged; up to there:")?,
        _ => {}
    }
    let first =
        |first: Option<u64>| first.map_or_else(String::new, |first| format!(", first record {first}"));
    row("IMA", &format!("{} records of this content{}", ima.of_digest, first(ima.first_of_digest)))?;
    row("", &format!("{} records of this path{}", ima.of_path, first(ima.first_of_path)))?;
    ima.other_digests.iter().try_for_each(|digest| row("  other content", digest))
}
