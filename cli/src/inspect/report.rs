//! What every inspection has in common: files one after the other, findings, and what the exit code says.
//!
//! In: files, and a function that reads one of them. Out: each report as a table, as JSON or as lines of JSON, and the
//! worst outcome of all. With `-o json` one file gives its report as it is, several give a list. A file that cannot be
//! read ends neither the program nor the others' reports.

use std::path::{Path, PathBuf};

use evidence::finding::Severity;
use serde::Serialize;

use crate::Outcome;
use crate::error::CliError;
use crate::show::{Cell, Screen, Table, Tone, counted};
use crate::ui::{Format, Ui};

/// What was read of one file.
pub(super) trait Report: Serialize + Sized {
    /// What the exit code is to say of it.
    fn outcome(&self) -> Outcome;

    /// The report for people, with its last line's end.
    fn render(&self, screen: Screen) -> String;

    /// The report as one JSON object a line.
    fn lines(&self, ui: &mut Ui) -> Result<(), CliError> {
        ui.json(self)
    }
}

/// Something that is out of order, as JSON has it; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FindingView {
    /// Stable; for programs.
    pub(super) code: &'static str,
    /// `info`, `warning` or `error`.
    pub(super) severity: &'static str,
    /// Number of the event, record or entry.
    pub(super) event: Option<u64>,
    /// Where it starts in the file.
    pub(super) offset: Option<u64>,
    /// For people.
    pub(super) text: String,
}

impl FindingView {
    /// Whether the exit code has to speak of it.
    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error.name()
    }

    /// How it looks.
    pub(super) fn tone(&self) -> Tone {
        match self.severity {
            "error" => Tone::Bad,
            "warning" => Tone::Warn,
            _ => Tone::Dim,
        }
    }
}

/// How many findings there are of each weight, for a table's head.
pub(super) fn counts(findings: &[FindingView]) -> Cell {
    let count = |severity: &str| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings, infos) = (count("error"), count("warning"), count("info"));
    if findings.is_empty() {
        return Cell::toned("none", Tone::Good);
    }
    let number = |count: usize, noun: &str| {
        (count > 0).then(|| counted(u64::try_from(count).unwrap_or(u64::MAX), noun))
    };
    let said = [number(errors, "error"), number(warnings, "warning"), number(infos, "note")];
    let tone = match (errors, warnings) {
        (0, 0) => Tone::Plain,
        (0, _) => Tone::Warn,
        _ => Tone::Bad,
    };
    Cell::toned(said.into_iter().flatten().collect::<Vec<_>>().join(", "), tone)
}

/// The outcome of a report with these findings, which could be read to its end or not.
pub(super) fn outcome_of(findings: &[FindingView], complete: Completeness) -> Outcome {
    match complete {
        Completeness::CutShort => Outcome::Unreadable,
        Completeness::Whole if findings.iter().any(FindingView::is_error) => Outcome::NotTrusted,
        Completeness::Whole => Outcome::Good,
    }
}

/// A row for each finding, the worst of them first; a table has no room for more than some.
pub(super) fn finding_rows(table: &mut Table, findings: &[FindingView]) {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| match finding.severity {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    });
    for finding in sorted.iter().take(SHOWN_FINDINGS) {
        let text = format!("{}: {}", finding.code, finding.text);
        table.row(vec![Cell::toned(finding.severity, Tone::Dim), Cell::toned(text, finding.tone())]);
    }
    if let Some(more) = sorted.len().checked_sub(SHOWN_FINDINGS).filter(|more| *more > 0) {
        let text = format!("and {more} more findings; -o json has them all");
        table.row(vec![Cell::default(), Cell::toned(text, Tone::Dim)]);
    }
}

const SHOWN_FINDINGS: usize = 20;

/// Text that should be UTF-8.
pub(super) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a file could be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// To its end.
    Whole,
    /// Something stopped the reader.
    CutShort,
}

/// A file that could not be read at all, in a list of reports.
#[derive(Serialize)]
struct Unread {
    file: String,
    error: String,
}

/// One of several reports.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<R> {
    Report(R),
    Unread(Unread),
}

/// Reads and shows each file.
pub(super) fn each<R: Report>(
    ui: &mut Ui,
    files: &[PathBuf],
    mut read: impl FnMut(&Path) -> Result<R, CliError>,
) -> Result<Outcome, CliError> {
    each_with(ui, files, |_, path| read(path))
}

/// Reads and shows each file, of which the reader shows some by itself before its report comes.
pub(super) fn each_with<R: Report>(
    ui: &mut Ui,
    files: &[PathBuf],
    mut read: impl FnMut(&mut Ui, &Path) -> Result<R, CliError>,
) -> Result<Outcome, CliError> {
    let mut outcome = Outcome::Good;
    let mut items = Vec::new();
    for path in files {
        let report = match read(ui, path) {
            Ok(report) => report,
            Err(error) => {
                ui.error(&error);
                outcome = Outcome::Unreadable;
                items.push(Item::Unread(Unread { file: super::name_of(path), error: error.message }));
                continue;
            }
        };
        outcome = outcome.max(report.outcome());
        match ui.format() {
            Format::Json => items.push(Item::Report(report)),
            Format::Jsonl => report.lines(ui)?,
            Format::Table | Format::Csv => {
                let text = report.render(ui.screen());
                ui.text(&text)?;
            }
        }
    }
    match (ui.format(), items.as_slice()) {
        (Format::Json, [Item::Report(only)]) => ui.json(only)?,
        (Format::Json, [Item::Unread(_)] | []) => {}
        (Format::Json, _) => ui.json(&items)?,
        _ => {}
    }
    Ok(outcome)
}
