//! What a list comes to, while its records go by.
//!
//! In: records and bad lines of a stream. Out: counts, PCRs, findings, and what stands out, of a size that does not depend
//! on the list's.

use std::collections::BTreeMap;

use evidence::digest::HashAlg;
use evidence::ima::{
    BootAggregateCheck, ByteOrder, FieldError, ImaError, ImaFields, ImaRecord, ImaState, ImaStream,
    LineError, ListForm, ListedCheck, MeasuredBuffer, StreamItem, check_boot_aggregate,
};
use evidence::pcr::{PcrIndex, PcrMask};

use super::findings::{self, Findings, Place};
use super::measured::{Measured, Oddity};
use super::rows::{Rows, Standing};
use super::targets::Targets;
use super::text_of;
use super::view::{BootAggregateView, ListView};
use crate::limits::{KEPT_OF_A_KIND, TEMPLATES};

/// What was seen so far.
pub(super) struct Summary {
    state: ImaState,
    shown_banks: Vec<HashAlg>,
    targets: Targets,
    templates: BTreeMap<String, u64>,
    unknown: Vec<String>,
    violations: u64,
    mismatches: u64,
    pcrs: PcrMask,
    boot_aggregates: Vec<BootAggregateView>,
    boots: u64,
    measured: Measured,
    findings: Findings,
}

impl Summary {
    pub(super) fn new(banks: &[HashAlg], mut targets: Targets) -> Self {
        let state = targets.start(banks);
        targets.look(&state, None);
        Self {
            state,
            shown_banks: banks.to_vec(),
            targets,
            templates: BTreeMap::new(),
            unknown: Vec::new(),
            violations: 0,
            mismatches: 0,
            pcrs: PcrMask::EMPTY,
            boot_aggregates: Vec::new(),
            boots: 0,
            measured: Measured::default(),
            findings: Findings::default(),
        }
    }

    /// Takes in what the stream gives.
    pub(super) fn take(&mut self, item: &StreamItem<'_>, rows: &mut Rows) {
        self.findings.of_record.clear();
        match item {
            StreamItem::Record(record) => self.record(record, rows),
            StreamItem::BadLine { offset, error } => {
                let place = Place { event: None, offset: u64::try_from(*offset).ok() };
                let code =
                    if *error == LineError::Empty { findings::LINE_EMPTY } else { findings::LINE_MALFORMED };
                self.findings.add(code, place, || error.to_string());
            }
        }
    }

    fn record(&mut self, record: &ImaRecord<'_>, rows: &mut Rows) {
        let place = Place { event: Some(record.number), offset: u64::try_from(record.offset).ok() };
        let check = self.state.extend_checked(record);
        self.targets.look(&self.state, Some(record.pcr));
        self.count(record.template);
        self.check(record, check, place);
        let mut standing = if self.new_pcr(record.pcr, place) { Standing::Notable } else { Standing::Usual };
        let fields = record.fields();
        match &fields {
            Ok(fields) => {
                if self.boot(record, fields, place) || self.look_into(record.number, fields, place) {
                    standing = Standing::Notable;
                }
            }
            Err(FieldError::UnknownTemplate) => self.unknown_template(record.template, place),
            Err(error) => self.findings.add(findings::FIELDS_MALFORMED, place, || error.to_string()),
        }
        let odd = [check == ListedCheck::NotComputable, self.has_odd()];
        if odd.contains(&true) {
            standing = Standing::Odd;
        }
        rows.take(record, fields.as_ref().ok(), check, standing, &self.findings.of_record);
    }

    /// Whether what was found of this record is more than worth knowing.
    fn has_odd(&self) -> bool {
        let harmless = [
            findings::OTHER_PCR.0,
            findings::NO_BOOT_AGGREGATE.0,
            findings::SECOND_BOOT_AGGREGATE.0,
            findings::UNKNOWN_TEMPLATE.0,
        ];
        self.findings.of_record.iter().any(|code| !harmless.contains(code))
    }

    fn count(&mut self, template: &str) {
        if let Some(count) = self.templates.get_mut(template) {
            *count = count.saturating_add(1);
        } else {
            let full = self.templates.len() >= TEMPLATES;
            let name = if full { OTHER_TEMPLATES } else { template };
            let count = self.templates.entry(name.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn check(&mut self, record: &ImaRecord<'_>, check: ListedCheck, place: Place) {
        match check {
            ListedCheck::Verified | ListedCheck::NotComputable => {}
            ListedCheck::Violation => {
                self.violations = self.violations.saturating_add(1);
                self.findings.add(findings::VIOLATION, place, || {
                    let name = record.fields().ok().and_then(|fields| fields.name.map(text_of));
                    format!("a file changed while it was measured: {}", name.unwrap_or_default())
                });
            }
            ListedCheck::Mismatch => {
                self.mismatches = self.mismatches.saturating_add(1);
                self.findings.add(findings::MISMATCH, place, || {
                    format!("the listed template hash is not that of the data: {}", record.describe())
                });
            }
        }
    }

    fn new_pcr(&mut self, pcr: PcrIndex, place: Place) -> bool {
        let new = pcr != PcrIndex::IMA && !self.pcrs.contains(pcr);
        self.pcrs = self.pcrs.with(pcr);
        if new {
            self.findings
                .add(findings::OTHER_PCR, place, || format!("the first record that names PCR {pcr}"));
        }
        new
    }

    fn unknown_template(&mut self, template: &str, place: Place) {
        if self.unknown.len() < TEMPLATES && !self.unknown.iter().any(|known| known == template) {
            self.unknown.push(template.to_owned());
            self.findings.add(findings::UNKNOWN_TEMPLATE, place, || {
                format!("the first record of {template}: what its fields mean is not known")
            });
        }
    }

    /// Whether the record starts a boot of a kernel.
    fn boot(&mut self, record: &ImaRecord<'_>, fields: &ImaFields<'_>, place: Place) -> bool {
        let starts = fields.name == Some(b"boot_aggregate");
        if !starts {
            if record.number == 0 {
                self.findings.add(findings::NO_BOOT_AGGREGATE, place, || {
                    "the first record is no boot_aggregate: the list does not start at the boot".to_owned()
                });
            }
            return false;
        }
        self.boots = self.boots.saturating_add(1);
        if self.boots > 1 {
            self.findings.add(findings::SECOND_BOOT_AGGREGATE, place, || {
                "another boot_aggregate: a kernel was started by kexec".to_owned()
            });
        }
        let check = check_boot_aggregate(record, self.targets.values());
        match check {
            Some(BootAggregateCheck::NoTpm) if !record.is_violation() => {
                self.findings.add(findings::BOOT_AGGREGATE_NO_TPM, place, || {
                    "the boot_aggregate is zero: the kernel found no TPM when IMA started".to_owned()
                });
            }
            Some(BootAggregateCheck::Differs) => {
                self.findings.add(findings::BOOT_AGGREGATE_DIFFERS, place, || {
                    "the boot_aggregate is of other PCR values: of another boot, or PCR 8 or 9 was extended later"
                        .to_owned()
                });
            }
            _ => {}
        }
        if self.boot_aggregates.len() < KEPT_OF_A_KIND {
            self.boot_aggregates.push(BootAggregateView::new(record.number, fields, check));
        }
        true
    }

    /// Whether the record has a buffer; takes in what it says, and who signed.
    fn look_into(&mut self, number: u64, fields: &ImaFields<'_>, place: Place) -> bool {
        let buffer = MeasuredBuffer::of(fields);
        let odd = buffer.as_ref().and_then(|buffer| self.measured.buffer(number, buffer));
        for oddity in [odd, self.measured.signatures(fields)].into_iter().flatten() {
            match oddity {
                Oddity::Key(text) => self.findings.add(findings::KEY_UNREADABLE, place, || text),
                Oddity::Signature(text) => self.findings.add(findings::SIGNATURE_MALFORMED, place, || text),
                Oddity::Corrupted(text) => self.findings.add(findings::VERITY_CORRUPTED, place, || text),
            }
        }
        buffer.is_some()
    }

    /// The report, once the stream has ended.
    pub(super) fn finish(
        mut self,
        file: String,
        stream: &ImaStream,
        damage: Option<ImaError>,
        rows: Rows,
    ) -> ListView {
        self.ends(stream, damage);
        self.lost_banks();
        let (quoted, matches) = self.targets.finish(&self.state, &mut self.findings);
        let layout = stream.layout();
        let mut pcrs = BTreeMap::new();
        for bank in self.state.banks() {
            let values = || bank.values().map(|(pcr, value)| (pcr.get(), value.to_string())).collect();
            let shown = self.shown_banks.contains(&bank.bank()) || matches.is_some();
            if shown && bank.extends() == evidence::ima::Extends::BankHash {
                pcrs.insert(bank.bank().name(), values());
            }
        }
        ListView {
            file,
            format: match stream.form() {
                Some(ListForm::Ascii) => "ascii",
                _ => "binary",
            },
            byte_order: layout.map(|layout| match layout.order {
                ByteOrder::Little => "little",
                ByteOrder::Big => "big",
            }),
            listed: layout.map(|layout| layout.listed.name()),
            entries: stream.count(),
            templates: self.templates,
            violations: self.violations,
            mismatches: self.mismatches,
            pcrs,
            matches,
            quoted,
            boot_aggregates: self.boot_aggregates,
            measured: self.measured.finish(),
            findings: self.findings.finish(),
            truncated_at: damage.map(|_| u64::try_from(stream.offset()).unwrap_or(u64::MAX)),
            rows,
        }
    }

    fn ends(&mut self, stream: &ImaStream, damage: Option<ImaError>) {
        let offset = u64::try_from(stream.offset()).ok();
        if stream.layout().is_some_and(|layout| layout.order == ByteOrder::Big) {
            self.findings.add(findings::BIG_ENDIAN, Place::default(), || {
                "the list is of a big-endian machine without ima_canonical_fmt".to_owned()
            });
        }
        let code = match damage {
            None if stream.count() == 0 => {
                let text = || "the list has no record".to_owned();
                return self.findings.add(findings::EMPTY, Place::default(), text);
            }
            None => return,
            Some(ImaError::NotAList) => findings::NOT_A_LIST,
            Some(ImaError::Truncated { .. }) => findings::TRUNCATED,
            Some(_) => findings::DAMAGED,
        };
        let place = Place { event: Some(stream.count()), offset };
        self.findings.add(code, place, || damage.map(|damage| damage.to_string()).unwrap_or_default());
    }

    fn lost_banks(&mut self) {
        for bank in self.state.banks() {
            let Some(record) = bank.lost().filter(|_| bank.extends() == evidence::ima::Extends::BankHash)
            else {
                continue;
            };
            let place = Place { event: Some(record), offset: None };
            self.findings.add(findings::NOT_COMPUTABLE, place, || {
                format!("what record {record} extended into {} cannot be computed from its text", bank.bank())
            });
        }
    }
}

/// Where templates are counted for which there is no room.
const OTHER_TEMPLATES: &str = "(others)";
