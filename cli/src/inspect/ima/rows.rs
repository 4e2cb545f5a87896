//! Records as lines, while they come.
//!
//! In: records with what was found of them. Out: lines of a table or of JSON, written a chunk's worth at a time; without
//! `--all`, the first records and those that stand out, kept to a number.

use std::fmt::Write as _;

use evidence::ima::{ImaFields, ImaRecord, ImaSignature, ListedCheck};
use serde::Serialize;

use super::text_of;
use crate::error::CliError;
use crate::escape::safe;
use crate::show::{Screen, Tone, paint};
use crate::ui::Ui;

/// Which records are shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// None.
    Nothing,
    /// The first, and those that stand out.
    Some,
    /// All, as a table.
    AllAsTable,
    /// Those that something is wrong with, as a table.
    OddAsTable,
    /// All, as lines of JSON.
    AllAsLines,
    /// Those that something is wrong with, as lines of JSON.
    OddAsLines,
}

/// How much a record stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Usual,
    /// A boot, a buffer, another PCR.
    Notable,
    /// Something is wrong with it.
    Odd,
}

/// A record.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RowView {
    number: u64,
    offset: u64,
    pcr: u8,
    template: String,
    /// `verified`, `mismatch`, `violation` or `opaque`.
    check: &'static str,
    listed_hash: String,
    digest: Option<String>,
    name: Option<String>,
    /// Id of the key that signed the file.
    signed_by: Option<String>,
    /// Codes of what was found.
    findings: Vec<&'static str>,
    /// The record in one line.
    text: String,
}

/// A record on a line of its own.
#[derive(Serialize)]
struct RowLine<'a> {
    file: &'a str,
    #[serde(flatten)]
    row: &'a RowView,
}

/// Lines that wait, and how many were left out.
#[derive(Debug)]
pub(super) struct Rows {
    file: String,
    show: Show,
    waiting: Vec<RowView>,
    headed: bool,
    left_out: u64,
}

impl Rows {
    pub(super) const fn new(file: String, show: Show) -> Self {
        Self { file, show, waiting: Vec::new(), headed: false, left_out: 0 }
    }

    pub(super) fn take(
        &mut self,
        record: &ImaRecord<'_>,
        fields: Option<&ImaFields<'_>>,
        check: ListedCheck,
        standing: Standing,
        findings: &[&'static str],
    ) {
        let wanted = match self.show {
            Show::Nothing => false,
            Show::AllAsTable | Show::AllAsLines => true,
            Show::OddAsTable | Show::OddAsLines => standing == Standing::Odd,
            Show::Some if self.waiting.len() >= SHOWN => false,
            Show::Some => record.number < FIRST || standing != Standing::Usual,
        };
        if wanted {
            self.waiting.push(RowView::new(record, fields, check, findings));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Writes what waits, unless it is kept for the report.
    pub(super) fn flush(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        match self.show {
            Show::Nothing | Show::Some => return Ok(()),
            Show::AllAsLines | Show::OddAsLines => {
                ui.json_lines(self.waiting.iter().map(|row| RowLine { file: &self.file, row }))?;
            }
            Show::AllAsTable | Show::OddAsTable => {
                let text = self.table(ui.screen());
                self.headed |= !text.is_empty();
                ui.text(&text)?;
            }
        }
        self.waiting.clear();
        Ok(())
    }

    /// Whether the file's name is written already.
    pub(super) const fn is_headed(&self) -> bool {
        self.headed
    }

    /// What waits as lines of a table, with the file's name and a head unless these are written.
    pub(super) fn table(&self, screen: Screen) -> String {
        let mut text = String::new();
        if self.waiting.is_empty() {
            return text;
        }
        if !self.headed {
            let head = format!("{:>8}  {:>3}  {:<10}  {:<9}  RECORD", "#", "PCR", "TEMPLATE", "CHECK");
            let _ = writeln!(text, "{}", paint(&safe(&self.file), Tone::Strong, screen));
            let _ = writeln!(text, "{}", paint(&head, Tone::Strong, screen));
        }
        let mut expected = self.waiting.first().map_or(0, |row| row.number);
        for row in &self.waiting {
            if row.number != expected && self.show == Show::Some {
                let _ = writeln!(text, "{}", paint("       …", Tone::Dim, screen));
            }
            row.write(&mut text, screen);
            expected = row.number.saturating_add(1);
        }
        text
    }

    /// What to do to see the others.
    pub(super) fn hint(&self) -> Option<String> {
        let some = self.show == Show::Some && self.left_out > 0;
        some.then(|| {
            format!("{} more records; --all shows each, --only-findings what is wrong", self.left_out)
        })
    }
}

/// Records that are shown without being asked for.
const FIRST: u64 = 10;
/// Records that are shown in all.
const SHOWN: usize = 40;

impl RowView {
    fn new(
        record: &ImaRecord<'_>,
        fields: Option<&ImaFields<'_>>,
        check: ListedCheck,
        findings: &[&'static str],
    ) -> Self {
        let signature = fields.and_then(|fields| fields.signature.or(fields.evm_signature));
        let signature = signature.and_then(|bytes| ImaSignature::parse(bytes).ok());
        Self {
            number: record.number,
            offset: u64::try_from(record.offset).unwrap_or(u64::MAX),
            pcr: record.pcr.get(),
            template: record.template.to_owned(),
            check: word(check),
            listed_hash: record.listed_hash.to_string(),
            digest: fields.and_then(|fields| fields.digest.map(|digest| digest.to_string())),
            name: fields.and_then(|fields| fields.name.map(text_of)),
            signed_by: signature.map(|signature| format!("{:08x}", signature.key_id)),
            findings: findings.to_vec(),
            text: record.describe(),
        }
    }

    fn write(&self, text: &mut String, screen: Screen) {
        let check = paint(&format!("{:<9}", self.check), Tone::of_word(self.check), screen);
        let record = safe(&self.text);
        let _ = write!(text, "{:>8}  {:>3}  {:<10}  {check}  {record}", self.number, self.pcr, self.template);
        if let Some(key) = &self.signed_by {
            let _ = write!(text, "  {}", paint(&format!("signed by {key}"), Tone::Dim, screen));
        }
        let codes =
            self.findings.iter().filter(|code| **code != "violation" && **code != "template-hash-mismatch");
        for code in codes {
            let _ = write!(text, "  {}", paint(code, Tone::Warn, screen));
        }
        text.push('\n');
    }
}

const fn word(check: ListedCheck) -> &'static str {
    match check {
        ListedCheck::Verified => "verified",
        ListedCheck::Mismatch => "mismatch",
        ListedCheck::Violation => "violation",
        ListedCheck::NotComputable => "opaque",
    }
}
