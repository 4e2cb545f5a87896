//! `lydian inspect elf`.

use std::path::Path;

use evidence::elf::{Elf, Finding, Note, NoteKind, NoteSource, Properties};
use evidence::finding::Severity;
use evidence::limits::ELF_BYTES;
use serde::Serialize;
use serde_json::{Value, json};

use super::name_of;
use super::report::{Completeness, FindingView, Report, each, finding_rows, lossy, outcome_of};
use crate::Outcome;
use crate::args::ElfArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Cell, Screen, Table, Tone, counted, paint};
use crate::ui::Ui;

/// Notes that are shown: unstripped programs have some thousand of their compiler's.
const NOTES: usize = 10_000;
/// Bytes of a note that are shown.
const NOTE_BYTES: usize = 4_096;

/// An ELF file; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
struct ElfView {
    file: String,
    class: &'static str,
    endianness: &'static str,
    /// `EXEC`, `DYN`, `REL` or `CORE`.
    #[serde(rename = "type")]
    elf_type: String,
    machine: String,
    machine_id: u16,
    interpreter: Option<String>,
    build_id: Option<String>,
    needed: Vec<String>,
    /// What compilers left of themselves.
    comment: Vec<String>,
    notes: Vec<NoteView>,
    findings: Vec<FindingView>,
    truncated_at: Option<u64>,
}

/// A note.
#[derive(Clone, Debug, Serialize)]
struct NoteView {
    /// Its owner.
    name: String,
    #[serde(rename = "type")]
    note_type: u32,
    /// What the two come to.
    kind: &'static str,
    /// The section that holds it; `null` if only a segment does.
    section: Option<String>,
    offset: u64,
    size: usize,
    /// Its bytes, at most the first 4096.
    desc: String,
    decoded: Option<Value>,
}

pub(crate) fn run(ui: &mut Ui, args: &ElfArgs) -> Result<Outcome, CliError> {
    each(ui, &args.files, read)
}

fn read(path: &Path) -> Result<ElfView, CliError> {
    let bytes = files::read(path, ELF_BYTES)?;
    let elf = Elf::parse(&bytes).map_err(|error| CliError::input(path, error))?;
    let found = elf.findings();
    let mut findings: Vec<_> = found.list.iter().map(finding).collect();
    let mut notes = elf.notes().filter_map(Result::ok);
    let shown: Vec<_> = notes
        .by_ref()
        .take(NOTES)
        .map(|found| {
            let section = match &found.source {
                NoteSource::Section(section) => elf.section_name(section).map(lossy),
                NoteSource::Segment => None,
            };
            NoteView::new(&elf, &found.note, section)
        })
        .collect();
    if notes.next().is_some() {
        findings.push(FindingView {
            code: "too-many-notes",
            severity: Severity::Warning.name(),
            event: None,
            offset: None,
            text: format!("only the first {NOTES} notes are shown"),
        });
    }
    Ok(ElfView {
        file: name_of(path),
        class: elf.class().name(),
        endianness: elf.endianness().name(),
        elf_type: elf.elf_type().to_string(),
        machine: elf.machine().to_string(),
        machine_id: elf.machine().0,
        interpreter: elf.interpreter().map(lossy),
        build_id: elf.build_id().map(hex::encode),
        needed: elf.needed().map(lossy).collect(),
        comment: elf.comments().map(lossy).collect(),
        notes: shown,
        findings,
        truncated_at: found.truncated_at,
    })
}

fn finding(finding: &Finding) -> FindingView {
    FindingView {
        code: finding.code.as_str(),
        severity: finding.code.severity().name(),
        event: None,
        offset: Some(finding.offset),
        text: finding.to_string(),
    }
}

impl NoteView {
    fn new(elf: &Elf<'_>, note: &Note<'_>, section: Option<String>) -> Self {
        let kind = note.kind();
        Self {
            name: lossy(note.name),
            note_type: note.note_type,
            kind: kind.name(),
            section,
            offset: note.offset,
            size: note.desc.len(),
            desc: hex::encode(note.desc.get(..NOTE_BYTES).unwrap_or(note.desc)),
            decoded: decoded(elf, &kind),
        }
    }

    /// What it says, in one line.
    fn text(&self) -> String {
        match &self.decoded {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => self.desc.clone(),
        }
    }
}

fn decoded(elf: &Elf<'_>, kind: &NoteKind<'_>) -> Option<Value> {
    Some(match kind {
        NoteKind::BuildId(id) => json!(hex::encode(id)),
        NoteKind::AbiTag(tag) => {
            let [major, minor, patch] = tag.version;
            let os = tag.os_name().map_or_else(|| tag.os.to_string(), str::to_owned);
            json!({"os": os, "version": format!("{major}.{minor}.{patch}")})
        }
        NoteKind::Properties(list) => properties(elf, list),
        // JSON that is none is shown as the text that it is.
        NoteKind::Package(text) | NoteKind::Dlopen(text) => {
            serde_json::from_slice(text).unwrap_or_else(|_| Value::String(lossy(text)))
        }
        NoteKind::GoldVersion(text) | NoteKind::GoBuildId(text) | NoteKind::LinuxBuildSalt(text) => {
            json!(lossy(text))
        }
        NoteKind::LinuxLto(lto) => json!(lto),
        NoteKind::LinuxVersion(version) => {
            json!(format!("{}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff))
        }
        _ => return None,
    })
}

fn properties(elf: &Elf<'_>, list: &Properties<'_>) -> Value {
    let machine = elf.machine();
    let values = list.clone().take(NOTES).map(|property| {
        let name =
            property.name(machine).map_or_else(|| format!("{:#x}", property.property_type), str::to_owned);
        let flags: Vec<_> = property.flags(machine).collect();
        let data = property.data.get(..NOTE_BYTES).unwrap_or(property.data);
        let value = if flags.is_empty() { json!(hex::encode(data)) } else { json!(flags) };
        json!({"name": name, "value": value})
    });
    values.collect()
}

impl Report for ElfView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let mut text = format!("{}\n", paint(&crate::escape::safe(&self.file), Tone::Strong, screen));
        let mut head = Table::indented(2);
        let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
        let Self { class, endianness, elf_type, machine, .. } = self;
        row("form", format!("{class}, {endianness} endian, {elf_type}, {machine}").into());
        row("build id", self.build_id.as_ref().map_or_else(Cell::none, Into::into));
        row("interpreter", self.interpreter.as_ref().map_or_else(Cell::none, Into::into));
        if !self.needed.is_empty() {
            row("needs", self.needed.join(" ").into());
        }
        if let Some(offset) = self.truncated_at {
            row("cut", Cell::toned(format!("the file ends at byte {offset}"), Tone::Bad));
        }
        finding_rows(&mut head, &self.findings);
        text.push_str(&head.render(screen));
        let mut table = Table::new(&["NOTE", "TYPE", "SECTION", "SAYS"]);
        for note in self.notes.iter().filter(|note| note.kind != "other").take(SHOWN_NOTES) {
            let section = note.section.as_ref().map_or_else(Cell::none, Into::into);
            table.row(vec![(&note.name).into(), note.kind.into(), section, note.text().into()]);
        }
        let others = self.notes.len().saturating_sub(table.len());
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.render(screen));
        }
        if others > 0 {
            let others = counted(u64::try_from(others).unwrap_or(u64::MAX), "other note");
            text.extend(["and ", &others, "\n"]);
        }
        text.push('\n');
        text
    }
}

/// Notes of a table; JSON has them all.
const SHOWN_NOTES: usize = 40;
