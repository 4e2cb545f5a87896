//! What a list comes to, as JSON and as tables.

use std::collections::BTreeMap;

use evidence::ima::{AggregatedPcrs, BootAggregateCheck, ImaFields};
use serde::Serialize;

use super::measured::Measured;
use super::rows::Rows;
use super::targets::QuotedView;
use crate::Outcome;
use crate::inspect::against::Matches;
use crate::inspect::report::{Completeness, FindingView, Report, outcome_of};
use crate::show::{Cell, Screen, Table, Tone, paint};

/// A list as `-o json` writes it; fields are added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct ListView {
    pub(super) file: String,
    /// `binary` or `ascii`.
    pub(super) format: &'static str,
    /// `little` or `big`; `null` where nothing was read.
    pub(super) byte_order: Option<&'static str>,
    /// Algorithm of the listed template hashes.
    pub(super) listed: Option<&'static str>,
    pub(super) entries: u64,
    pub(super) templates: BTreeMap<String, u64>,
    pub(super) violations: u64,
    /// Records whose listed template hash is not that of their data.
    pub(super) mismatches: u64,
    /// By bank: every PCR that records name, after all of them.
    pub(super) pcrs: BTreeMap<&'static str, BTreeMap<u8, String>>,
    /// By bank: whether a prefix of the list comes to the values of `--against`.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub(super) matches: Option<Matches>,
    /// What `--quoted` vouches for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quoted: Option<QuotedView>,
    pub(super) boot_aggregates: Vec<BootAggregateView>,
    #[serde(flatten)]
    pub(super) measured: Measured,
    pub(super) findings: Vec<FindingView>,
    pub(super) truncated_at: Option<u64>,
    #[serde(skip)]
    pub(super) rows: Rows,
}

/// A start of a kernel.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BootAggregateView {
    record: u64,
    digest: Option<String>,
    /// `pcrs-0-7`, `pcrs-0-9`, `differs`, `no-tpm`; `null` where there is nothing to check it with.
    check: Option<&'static str>,
}

impl BootAggregateView {
    pub(super) fn new(record: u64, fields: &ImaFields<'_>, check: Option<BootAggregateCheck>) -> Self {
        let check = check.and_then(|check| match check {
            BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToSeven } => Some("pcrs-0-7"),
            BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToNine } => Some("pcrs-0-9"),
            BootAggregateCheck::Differs => Some("differs"),
            BootAggregateCheck::NoTpm => Some("no-tpm"),
            BootAggregateCheck::NotCheckable => None,
        });
        Self { record, digest: fields.digest.map(|digest| digest.to_string()), check }
    }
}

impl Report for ListView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let mut text = self.rows.table(screen);
        if text.is_empty() && !self.rows.is_headed() {
            let name = crate::escape::safe(&self.file);
            text.extend([&paint(&name, Tone::Strong, screen), "\n"]);
        }
        if let Some(hint) = self.rows.hint() {
            text.extend(["          ", &paint(&hint, Tone::Dim, screen), "\n"]);
        }
        let tables =
            [self.head(), self.keys(), self.devices(), self.critical(), self.signers(), self.found()];
        for table in tables.iter().filter(|table| !table.is_empty()) {
            text.push('\n');
            text.push_str(&table.render(screen));
        }
        text.push('\n');
        text
    }
}

impl ListView {
    fn head(&self) -> Table {
        let mut head = Table::indented(2);
        let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
        let templates: Vec<_> =
            self.templates.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let mut records = self.entries.to_string();
        if !templates.is_empty() {
            records = format!("{records}: {}", templates.join(", "));
        }
        row("records", records.into());
        let order = if self.byte_order == Some("big") { ", big-endian" } else { "" };
        row("form", format!("{}{order}, template hashes {}", self.format, self.listed.unwrap_or("-")).into());
        let tone = |count, bad| if count == 0 { Tone::Good } else { bad };
        row("violations", Cell::toned(self.violations.to_string(), tone(self.violations, Tone::Warn)));
        row("mismatches", Cell::toned(self.mismatches.to_string(), tone(self.mismatches, Tone::Bad)));
        for (bank, values) in &self.pcrs {
            for (pcr, value) in values {
                row(&format!("PCR {pcr} ({bank})"), value.into());
            }
        }
        for (bank, values) in self.matches.iter().flatten() {
            for (pcr, matches) in values {
                let (word, tone) =
                    if *matches { ("matches", Tone::Good) } else { ("does not match", Tone::Bad) };
                row(&format!("given PCR {pcr} ({bank})"), Cell::toned(word, tone));
            }
        }
        if let Some(quoted) = &self.quoted {
            row("quoted PCR 10", quoted_cell(quoted, self.entries));
        }
        for boot in self.boot_aggregates.iter().filter(|boot| boot.check.is_some()) {
            let check = boot.check.unwrap_or_default();
            let tone = if check.starts_with("pcrs") { Tone::Good } else { Tone::Warn };
            row("boot_aggregate", Cell::toned(check.replacen("pcrs-", "of PCR ", 1), tone));
        }
        if let Some(offset) = self.truncated_at {
            row("read up to", Cell::toned(format!("byte {offset}"), Tone::Bad));
        }
        head
    }

    fn keys(&self) -> Table {
        let mut table = Table::new(&["KEYRING", "KEY", "SHA-256", "RECORD"]);
        for key in &self.measured.keys {
            let sha256 = crate::show::short(&key.cert_sha256);
            table.row(vec![
                (&key.keyring).into(),
                (&key.subject).into(),
                sha256.into(),
                key.record.to_string().into(),
            ]);
        }
        table
    }

    fn devices(&self) -> Table {
        let mut table = Table::new(&["DEVICE", "EVENT", "TARGETS", "VERITY ROOT", "RECORD"]);
        for device in &self.measured.devices {
            let kinds: Vec<_> = device.targets.iter().filter_map(|target| target.kind.as_deref()).collect();
            let roots: Vec<_> =
                device.targets.iter().filter_map(|target| target.verity_root.as_deref()).collect();
            let or_none = |items: &[&str]| {
                if items.is_empty() { Cell::none() } else { items.join(" ").into() }
            };
            table.row(vec![
                device.name.as_ref().map_or_else(Cell::none, Into::into),
                device.event.into(),
                or_none(&kinds),
                or_none(&roots),
                device.record.to_string().into(),
            ]);
        }
        table
    }

    fn critical(&self) -> Table {
        let mut table = Table::new(&["MEASURED DATA", "TEXT", "BYTES", "RECORD"]);
        for data in &self.measured.critical_data {
            table.row(vec![
                (&data.name).into(),
                data.text.as_ref().map_or_else(Cell::none, Into::into),
                data.bytes.to_string().into(),
                data.record.to_string().into(),
            ]);
        }
        table
    }

    fn signers(&self) -> Table {
        let mut table = Table::new(&["SIGNED BY", "SIGNATURE", "FILES", "MEASURED KEY"]);
        for signer in &self.measured.signers {
            let subject = signer.subject.as_ref().map_or_else(Cell::none, Into::into);
            let files = signer.files.to_string().into();
            table.row(vec![(&signer.key).into(), signer.kind.into(), files, subject]);
        }
        table
    }

    fn found(&self) -> Table {
        let mut table = Table::new(&["FINDING", "RECORD", "WHAT"]);
        for finding in &self.findings {
            let record = finding.event.map_or_else(Cell::none, |event| event.to_string().into());
            let code = Cell::toned(finding.code, finding.tone());
            table.row(vec![code, record, (&finding.text).into()]);
        }
        table
    }
}

fn quoted_cell(quoted: &QuotedView, all: u64) -> Cell {
    if !quoted.matches {
        return Cell::toned("no part of the list comes to it", Tone::Bad);
    }
    let padded = if quoted.padded_sha1 { ", by padded SHA-1 hashes" } else { "" };
    let later = all.saturating_sub(quoted.records);
    Cell::toned(format!("vouches for {} records{padded}; {later} came later", quoted.records), Tone::Good)
}
