//! Findings of a list, of which there may be as many as records: some of each kind are kept, all are counted.

use std::collections::BTreeMap;

use evidence::finding::Severity;

use crate::inspect::report::FindingView;
use crate::limits::FINDINGS_PER_CODE;

/// What a finding is about, and how much it weighs. The words never change.
pub(super) type Code = (&'static str, Severity);

pub(super) const MISMATCH: Code = ("template-hash-mismatch", Severity::Error);
pub(super) const VIOLATION: Code = ("violation", Severity::Warning);
pub(super) const UNKNOWN_TEMPLATE: Code = ("unknown-template", Severity::Warning);
pub(super) const FIELDS_MALFORMED: Code = ("fields-malformed", Severity::Error);
pub(super) const SIGNATURE_MALFORMED: Code = ("signature-malformed", Severity::Error);
pub(super) const KEY_UNREADABLE: Code = ("key-unreadable", Severity::Warning);
pub(super) const VERITY_CORRUPTED: Code = ("verity-corrupted", Severity::Warning);
pub(super) const LINE_MALFORMED: Code = ("line-malformed", Severity::Error);
pub(super) const LINE_EMPTY: Code = ("line-empty", Severity::Info);
pub(super) const OTHER_PCR: Code = ("other-pcr", Severity::Info);
pub(super) const NO_BOOT_AGGREGATE: Code = ("no-boot-aggregate", Severity::Info);
pub(super) const SECOND_BOOT_AGGREGATE: Code = ("second-boot-aggregate", Severity::Info);
pub(super) const BOOT_AGGREGATE_DIFFERS: Code = ("boot-aggregate-differs", Severity::Warning);
pub(super) const BOOT_AGGREGATE_NO_TPM: Code = ("boot-aggregate-no-tpm", Severity::Warning);
pub(super) const NOT_COMPUTABLE: Code = ("not-computable", Severity::Warning);
pub(super) const BIG_ENDIAN: Code = ("big-endian", Severity::Info);
pub(super) const EMPTY: Code = ("empty", Severity::Warning);
pub(super) const NOT_A_LIST: Code = ("not-a-list", Severity::Error);
pub(super) const TRUNCATED: Code = ("truncated", Severity::Error);
pub(super) const DAMAGED: Code = ("damaged", Severity::Error);
pub(super) const PCR_MISMATCH: Code = ("pcr-mismatch", Severity::Error);
pub(super) const PREFIX: Code = ("prefix", Severity::Info);
pub(super) const SHA1_PADDED: Code = ("sha1-padded", Severity::Warning);
const LEFT_OUT: Code = ("findings-left-out", Severity::Info);

/// Where something is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) event: Option<u64>,
    pub(super) offset: Option<u64>,
}

/// Findings and how many there are of each code.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<FindingView>,
    counts: BTreeMap<&'static str, u64>,
    /// Codes of the record that is read now.
    pub(super) of_record: Vec<&'static str>,
}

impl Findings {
    pub(super) fn add(&mut self, (code, severity): Code, place: Place, text: impl FnOnce() -> String) {
        let count = self.counts.entry(code).or_default();
        *count = count.saturating_add(1);
        if usize::try_from(*count).is_ok_and(|count| count <= FINDINGS_PER_CODE) {
            let Place { event, offset } = place;
            self.kept.push(FindingView { code, severity: severity.name(), event, offset, text: text() });
        }
        self.of_record.push(code);
    }

    pub(super) fn finish(mut self) -> Vec<FindingView> {
        let kept = u64::try_from(FINDINGS_PER_CODE).unwrap_or(u64::MAX);
        for (code, count) in std::mem::take(&mut self.counts) {
            if let Some(more) = count.checked_sub(kept).filter(|more| *more > 0) {
                self.add(LEFT_OUT, Place::default(), || format!("{more} more findings of {code}"));
            }
        }
        self.kept
    }
}
