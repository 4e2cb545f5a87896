//! Known PCR values beside systemd's log and the firmware's.
//!
//! In: a log's view, the logs, and values that a TPM held. Out: for each value whether some moment of the logs has it, how
//! many records all of them vouch for, and a finding with the likely cause for each that the logs do not account for.

use evidence::digest::HashAlg;
use evidence::eventlog::{EXIT_BOOT_SERVICES_PCR, EventLog, ExitBootServicesRepair};
use evidence::finding::Severity;
use evidence::pcr::{PcrIndex, PcrMask, PcrValues};
use evidence::systemd_log::{Joint, Merged, PcrMerge, PhasePlace, SystemdLog, explain, merge, repair_phases};

use super::against::KnownValues;
use super::report::FindingView;
use super::systemd_log::{Firmware, start};
use super::systemd_view::LogView;

/// Compares with every bank that values are known of.
pub(super) fn compare(
    view: &mut LogView,
    log: SystemdLog<'_>,
    firmware: Option<&Firmware>,
    known: &KnownValues,
) {
    let firmware = firmware.map(Firmware::log);
    view.matches = Some(super::systemd_view::ByBank::new());
    for (bank, values) in known.banks() {
        Comparing { view, log, firmware: firmware.as_ref(), bank, values: &values }.compare();
    }
}

struct Comparing<'v, 'l, 'a> {
    view: &'v mut LogView,
    log: SystemdLog<'a>,
    firmware: Option<&'l EventLog<'a>>,
    bank: HashAlg,
    values: &'v PcrValues,
}

impl Comparing<'_, '_, '_> {
    fn compare(mut self) {
        let (start, extended) = start(self.bank, self.firmware);
        let mut merged = merge(self.log, self.bank, &start, self.values);
        let unexplained: Vec<PcrMerge> = merged.unexplained().copied().collect();
        for merge in &unexplained {
            self.explain(&mut merged, merge, extended);
        }
        let mut matches: Vec<(PcrIndex, bool)> = merged
            .pcrs
            .iter()
            .map(|merge| (merge.pcr, merge.range.is_some() && !is_repaired(&unexplained, merge.pcr)))
            .collect();
        if let Some(held) = self.values.value(self.bank, PcrIndex::IMA) {
            // systemd does not extend it, and IMA's list is not among these logs.
            let equal = start.value(self.bank, PcrIndex::IMA) == Some(held);
            matches.push((PcrIndex::IMA, equal));
            if !equal {
                let text =
                    format!("PCR 10 in bank {} is IMA's: lydian inspect ima reads its list", self.bank);
                self.find("pcr-outside-log", Severity::Info, None, text);
            }
        }
        if let Some(banks) = &mut self.view.matches {
            let of_bank = banks.entry(self.bank.name()).or_default();
            of_bank.extend(matches.into_iter().map(|(pcr, equal)| (pcr.get(), equal)));
        }
        self.joint(&merged);
    }

    fn joint(&mut self, merged: &Merged) {
        match merged.joint() {
            Joint::Prefix(records) => {
                self.view.vouched_for.insert(self.bank.name(), records);
                let tail = merged.records.saturating_sub(records);
                if tail > 0 {
                    let text = format!(
                        "the values in bank {} vouch for the first {records} of {} records; the rest is not verified",
                        self.bank, merged.records
                    );
                    self.find("unverified-tail", Severity::Info, Some(records), text);
                }
            }
            Joint::Apart { late, early } => {
                let text = format!(
                    "no moment of the log has both PCR {late} and PCR {early} in bank {}: records are missing or were moved",
                    self.bank
                );
                self.find("no-common-prefix", Severity::Error, None, text);
            }
        }
    }

    /// Names the likely cause of a value that the logs do not lead to.
    fn explain(&mut self, merged: &mut Merged, merge: &PcrMerge, firmware: PcrMask) {
        let (pcr, bank) = (merge.pcr, self.bank);
        if pcr.get() == 11
            && let Some(repair) = repair_phases(self.log, merge.firmware, merge.quoted)
        {
            merged.set_range(pcr, repair.range);
            let place = match repair.place {
                PhasePlace::Before => "before",
                PhasePlace::Behind => "behind",
            };
            let text = format!(
                "PCR 11 in bank {bank} comes to the known value with the phases {} {place} what is logged, which some \
                 versions of systemd, such as 252, measure without logging",
                repair.phases.join(", ")
            );
            return self.find("pcr-systemd-phases", Severity::Info, None, text);
        }
        if pcr == EXIT_BOOT_SERVICES_PCR && self.exit_boot_services(merged, merge) {
            return;
        }
        let replayed = merge.replayed;
        if self.firmware.is_none() {
            let text = format!(
                "PCR {pcr} in bank {bank} is {}, this log alone gives {replayed}: firmware extends it first, give its log \
                 with --firmware",
                merge.quoted
            );
            return self.find("firmware-log-missing", Severity::Warning, None, text);
        }
        let cause = match (firmware.contains(pcr), merge.extends) {
            (false, 0) => "neither log extends it, so something else did",
            (true, 0) => {
                "only the firmware log extends it, so something measured without logging, or the log is of another boot"
            }
            (_, _) if self.view.truncated_at.is_some() => "the log is cut short",
            (_, _) => "a record is missing, was changed, or something measured without logging",
        };
        let text = format!("PCR {pcr} in bank {bank} is {}, the logs give {replayed}: {cause}", merge.quoted);
        self.find("pcr-mismatch", Severity::Error, None, text);
    }

    /// Whether events that some firmware does not log make up for the difference.
    fn exit_boot_services(&mut self, merged: &mut Merged, merge: &PcrMerge) -> bool {
        let bank = self.bank;
        for repair in ExitBootServicesRepair::ALL {
            let hashes = repair.events().iter().map(|text| bank.hash(&[text]));
            let Some(start) = hashes.into_iter().try_fold(merge.firmware, |value, hash| value.extend(&hash))
            else {
                continue;
            };
            if let Some(range) = explain(self.log, merge.pcr, start, merge.quoted) {
                merged.set_range(merge.pcr, range);
                let text = format!(
                    "PCR 5 in bank {bank} comes to the known value with ExitBootServices events that this firmware does not log"
                );
                self.find("pcr-exit-boot-services", Severity::Warning, None, text);
                return true;
            }
        }
        false
    }

    fn find(&mut self, code: &'static str, severity: Severity, event: Option<u64>, text: String) {
        let severity = severity.name();
        self.view.findings.push(FindingView { code, severity, event, offset: None, text });
    }
}

fn is_repaired(unexplained: &[PcrMerge], pcr: PcrIndex) -> bool {
    unexplained.iter().any(|merge| merge.pcr == pcr)
}
