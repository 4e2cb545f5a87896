//! The files of this machine, as binutils reads them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use evidence::elf::{Elf, NoteKind, NoteSource};

use crate::oracle::run;

/// Files that are compared unless `LYDIAN_ELF_FOLDER` names a folder to compare whole.
const SAMPLE: usize = 40;

#[test]
fn readelf_reads_the_same() {
    let folder = std::env::var_os("LYDIAN_ELF_FOLDER").map(PathBuf::from);
    let mut files = BTreeSet::new();
    match &folder {
        Some(folder) => collect(folder, &mut files),
        None => collect(Path::new("/usr/bin"), &mut files),
    }
    let limit = if folder.is_some() { usize::MAX } else { SAMPLE };
    let (mut compared, mut notes, mut different) = (0, 0, Vec::new());
    for path in files {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let Ok(elf) = Elf::parse(&bytes) else { continue };
        let arguments =
            ["-W".as_ref(), "-h".as_ref(), "-l".as_ref(), "-n".as_ref(), "-d".as_ref(), path.as_os_str()];
        let Some(said) = run("readelf", &arguments) else { return };
        let (ours, theirs) = (reading(&elf), Reading::of(&said));
        compared += 1;
        notes += ours.notes.len();
        if ours != theirs {
            different.push(format!("{}:\n  ours   {ours:?}\n  theirs {theirs:?}", path.display()));
        }
        let findings = elf.findings();
        if !findings.list.is_empty() || findings.truncated_at.is_some() {
            eprintln!("{}: {findings:?}", path.display());
        }
        if compared == limit {
            break;
        }
    }
    eprintln!("{compared} files compared with readelf, {notes} notes");
    assert!(compared > 0, "no ELF file was found");
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.insert(entry.path());
        }
    }
}

/// What two programs can agree on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading {
    class: String,
    little: bool,
    elf_type: String,
    segments: usize,
    sections: usize,
    interpreter: Option<String>,
    needed: Vec<String>,
    build_ids: Vec<String>,
    /// Owner and size of each.
    notes: Vec<(String, usize)>,
}

fn reading(elf: &Elf<'_>) -> Reading {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // readelf reads the notes of sections where there are any section headers, else those of segments.
    let by_sections = elf.sections().next().is_some();
    let notes: Vec<_> = elf
        .notes()
        .filter_map(Result::ok)
        .filter(|found| matches!(found.source, NoteSource::Section(_)) == by_sections)
        .map(|found| found.note)
        .collect();
    let build_ids = notes.iter().filter_map(|note| match note.kind() {
        NoteKind::BuildId(id) => Some(hex::encode(id)),
        _ => None,
    });
    Reading {
        class: elf.class().name().to_owned(),
        little: elf.endianness().name() == "little",
        elf_type: elf.elf_type().to_string(),
        segments: elf.segments().count(),
        sections: elf.sections().count(),
        interpreter: elf.interpreter().map(text),
        needed: elf.needed().map(text).collect(),
        build_ids: build_ids.collect(),
        notes: notes.iter().map(|note| (owner(&text(note.name)), note.desc.len())).collect(),
    }
}

/// Owners of the compiler's own notes are numbers and flags, which readelf spells out.
fn owner(name: &str) -> String {
    if name.starts_with("GA") { "GA".to_owned() } else { name.to_owned() }
}

impl Reading {
    fn of(said: &str) -> Self {
        let mut reading = Self::default();
        for line in said.lines() {
            let value = |label: &str| line.trim().strip_prefix(label).map(str::trim);
            if let Some(class) = value("Class:") {
                class.clone_into(&mut reading.class);
            } else if let Some(data) = value("Data:") {
                reading.little = data.contains("little");
            } else if let Some(elf_type) = value("Type:") {
                elf_type.split_whitespace().next().unwrap_or_default().clone_into(&mut reading.elf_type);
            } else if let Some(count) = value("Number of program headers:") {
                reading.segments = last_number(count);
            } else if let Some(count) = value("Number of section headers:") {
                reading.sections = last_number(count);
            } else if let Some(path) = value("[Requesting program interpreter:") {
                reading.interpreter = Some(path.trim_end_matches(']').to_owned());
            } else if let Some((_, name)) = line.split_once("Shared library: [") {
                reading.needed.push(name.trim_end_matches(']').to_owned());
            } else if let Some(note) = note_line(line) {
                reading.notes.push(note);
            }
            if let Some((_, id)) = line.split_once("Build ID: ") {
                reading.build_ids.push(id.trim().to_owned());
            }
        }
        reading
    }
}

/// `0 (35)` is 35: the count that stands in the first section header.
fn last_number(text: &str) -> usize {
    let text = text.split_once('(').map_or(text, |(_, inner)| inner.trim_end_matches(')'));
    text.trim().parse().unwrap()
}

/// Owner, size, a tab and what the note is.
fn note_line(line: &str) -> Option<(String, usize)> {
    let (head, _) = line.strip_prefix("  ")?.split_once('\t')?;
    let (owner, size) = head.rsplit_once("0x")?;
    if size.len() != 8 || head.len() < 31 {
        return None;
    }
    Some((self::owner(owner.trim()), usize::from_str_radix(size, 16).ok()?))
}
