//! `lydian inspect ima`.

use std::path::Path;

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{Extends, ImaList, ImaRecord, ImaReplay, ImaSignature, ListedCheck, replay_prefix};
use evidence::limits::IMA_LIST_BYTES;
use serde::Serialize;

use super::{bank, name_of, unhex};
use crate::Outcome;
use crate::args::ImaArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Cell, Screen, Table, Tone, paint};
use crate::ui::{Format, Ui};

/// A list as `-o json` writes it; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
struct ListView {
    file: String,
    /// Algorithm of the listed template hashes.
    listed: &'static str,
    bank: &'static str,
    /// Records of the list; `records` may hold fewer.
    record_count: u64,
    violations: u64,
    mismatches: u64,
    damage: Option<String>,
    /// PCR 10 after all records; absent where the bank cannot be computed.
    pcr10: Option<String>,
    /// What `--quoted` vouches for.
    quoted: Option<QuotedView>,
    records: Vec<RecordView>,
}

/// The records that a quoted value vouches for.
#[derive(Clone, Debug, Serialize)]
struct QuotedView {
    /// Whether a prefix of the list replays to it.
    matches: bool,
    records: u64,
    /// Whether the kernel pads SHA-1 hashes in this bank.
    padded_sha1: bool,
    why: Option<String>,
}

/// A record.
#[derive(Clone, Debug, Serialize)]
struct RecordView {
    number: u64,
    pcr: u8,
    template: String,
    check: &'static str,
    listed_hash: String,
    digest: Option<String>,
    name: Option<String>,
    /// Id of the key that signed the file.
    signed_by: Option<String>,
    /// The record in one line.
    text: String,
}

/// A record on a line of its own.
#[derive(Serialize)]
struct RecordLine<'a> {
    file: &'a str,
    #[serde(flatten)]
    record: &'a RecordView,
}

pub(crate) fn run(ui: &mut Ui, args: &ImaArgs) -> Result<Outcome, CliError> {
    let bank = bank(&args.bank)?;
    let quoted = args.quoted.as_deref().map(|text| quoted_value(text, bank)).transpose()?;
    let mut outcome = Outcome::Good;
    let mut views = Vec::new();
    for path in &args.files {
        let view = read(path, bank, quoted.as_ref(), args.only_findings)?;
        if view.is_bad() {
            outcome = Outcome::NotTrusted;
        }
        match ui.format() {
            Format::Json => views.push(view),
            Format::Jsonl => {
                for record in &view.records {
                    ui.json(&RecordLine { file: &view.file, record })?;
                }
            }
            Format::Table => {
                let text = render(&view, ui.screen());
                ui.text(&text)?;
            }
        }
    }
    if ui.format() == Format::Json {
        ui.json(&views)?;
    }
    Ok(outcome)
}

fn quoted_value(text: &str, bank: HashAlg) -> Result<Digest, CliError> {
    Digest::new(bank, &unhex("--quoted", text)?).map_err(|error| CliError::value("--quoted", error))
}

fn read(
    path: &Path,
    bank: HashAlg,
    quoted: Option<&Digest>,
    only_findings: bool,
) -> Result<ListView, CliError> {
    let bytes = files::read(path, IMA_LIST_BYTES)?;
    let list = ImaList::detect(&bytes);
    let mut view = ListView {
        file: name_of(path),
        listed: list.listed().name(),
        bank: bank.name(),
        record_count: 0,
        violations: 0,
        mismatches: 0,
        damage: None,
        pcr10: None,
        quoted: quoted.map(|quoted| QuotedView::new(list, quoted)),
        records: Vec::new(),
    };
    let mut replay = Some(ImaReplay::start(bank));
    for record in list.records() {
        match record {
            Ok(record) => {
                replay = replay.and_then(|replay| replay.extend(&record));
                view.take_in(&record, only_findings);
            }
            Err(damage) => view.damage = Some(damage.to_string()),
        }
    }
    if view.record_count == 0 {
        let why = view.damage.unwrap_or_else(|| "it is empty".to_owned());
        return Err(CliError::input(path, format!("not an IMA list: {why}")).hint(
            "the kernel's is /sys/kernel/security/ima/binary_runtime_measurements; the ascii form is not read",
        ));
    }
    view.pcr10 = replay.map(|replay| replay.value().to_string());
    Ok(view)
}

impl ListView {
    fn take_in(&mut self, record: &ImaRecord<'_>, only_findings: bool) {
        let check = record.listed_check();
        self.record_count += 1;
        self.violations += u64::from(check == ListedCheck::Violation);
        self.mismatches += u64::from(check == ListedCheck::Mismatch);
        if !only_findings || matches!(check, ListedCheck::Violation | ListedCheck::Mismatch) {
            self.records.push(RecordView::new(record, check));
        }
    }

    fn is_bad(&self) -> bool {
        let unquoted = self.quoted.as_ref().is_some_and(|quoted| !quoted.matches);
        self.damage.is_some() || self.mismatches > 0 || unquoted
    }
}

impl QuotedView {
    fn new(list: ImaList<'_>, quoted: &Digest) -> Self {
        match replay_prefix(ImaReplay::start(quoted.alg()), list, quoted) {
            Ok(prefix) => Self {
                matches: true,
                records: prefix.records_verified,
                padded_sha1: prefix.verified.extends() == Extends::PaddedSha1,
                why: None,
            },
            Err(error) => {
                Self { matches: false, records: 0, padded_sha1: false, why: Some(error.to_string()) }
            }
        }
    }
}

impl RecordView {
    fn new(record: &ImaRecord<'_>, check: ListedCheck) -> Self {
        let fields = record.fields().unwrap_or_default();
        let signature = fields.signature.filter(|bytes| !bytes.is_empty());
        Self {
            number: record.number,
            pcr: record.pcr.get(),
            template: record.template.to_owned(),
            check: word(check),
            listed_hash: record.listed_hash.to_string(),
            digest: fields.digest.map(|digest| format!("{}:{}", digest.alg, hex::encode(digest.bytes))),
            name: fields.name.map(text_of),
            signed_by: signature
                .and_then(|bytes| ImaSignature::parse(bytes).ok())
                .map(|signature| format!("{:08x}", signature.key_id)),
            text: record.describe(),
        }
    }
}

/// A path as text; bytes that are not UTF-8 are escaped.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}

const fn word(check: ListedCheck) -> &'static str {
    match check {
        ListedCheck::Verified => "verified",
        ListedCheck::Mismatch => "mismatch",
        ListedCheck::Violation => "violation",
        ListedCheck::NotComputable => "opaque",
    }
}

fn render(view: &ListView, screen: Screen) -> String {
    let mut text = format!("{}\n", paint(&crate::escape::safe(&view.file), Tone::Strong, screen));
    text.push_str(&head(view).render(screen));
    let mut table = Table::new(&["#", "PCR", "TEMPLATE", "CHECK", "RECORD", "SIGNED BY"]);
    for record in &view.records {
        table.row(vec![
            record.number.to_string().into(),
            record.pcr.to_string().into(),
            (&record.template).into(),
            Cell::status(record.check),
            (&record.text).into(),
            record.signed_by.as_ref().map_or_else(Cell::none, Into::into),
        ]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render(screen));
    }
    text.push('\n');
    text
}

fn head(view: &ListView) -> Table {
    let mut head = Table::indented(2);
    let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
    let (shown, all) = (view.records.len() as u64, view.record_count);
    row("records", if shown == all { all.to_string() } else { format!("{shown} of {all}") }.into());
    row("template hashes", view.listed.into());
    let violations = if view.violations == 0 { Tone::Good } else { Tone::Warn };
    row("violations", Cell::toned(view.violations.to_string(), violations));
    let mismatches = if view.mismatches == 0 { Tone::Good } else { Tone::Bad };
    row("mismatches", Cell::toned(view.mismatches.to_string(), mismatches));
    if let Some(value) = &view.pcr10 {
        row(&format!("PCR 10 ({})", view.bank), value.into());
    }
    match &view.quoted {
        None => {}
        Some(quoted) if quoted.matches => {
            let padded = if quoted.padded_sha1 { ", by padded SHA-1 hashes" } else { "" };
            let behind = all.saturating_sub(quoted.records);
            let value = format!("vouches for {} records{padded}; {behind} came later", quoted.records);
            row("quoted PCR 10", Cell::toned(value, Tone::Good));
        }
        Some(quoted) => {
            row("quoted PCR 10", Cell::toned(quoted.why.as_deref().unwrap_or("does not match"), Tone::Bad));
        }
    }
    if let Some(damage) = &view.damage {
        row("damage", Cell::toned(damage, Tone::Bad));
    }
    head
}
