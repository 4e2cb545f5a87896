//! `lydian inspect systemd-log`.

use std::path::Path;

use evidence::cel::{Register, Replay};
use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::finding::Severity;
use evidence::limits::{CEL_BYTES, EVENT_LOG_BYTES, LOG_FINDINGS};
use evidence::pcr::{PcrIndex, PcrMask, PcrValues};
use evidence::systemd_log::{FindingCode, NvPcrs, SystemdLog};

use super::against::KnownValues;
use super::report::{Completeness, FindingView, Report, each, outcome_of};
use super::systemd_compare::compare;
use super::systemd_table::render;
use super::systemd_view::{EventView, LogView, NvPcrView};
use super::{bank, name_of};
use crate::Outcome;
use crate::args::SystemdLogArgs;
use crate::error::CliError;
use crate::files;
use crate::show::Screen;
use crate::ui::{Format, Ui};

impl Report for LogView {
    fn outcome(&self) -> Outcome {
        let complete = match self.truncated_at {
            None => Completeness::Whole,
            Some(_) => Completeness::CutShort,
        };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        render(self, screen)
    }

    /// Each event, then the log without them.
    fn lines(&self, ui: &mut Ui) -> Result<(), CliError> {
        for event in &self.events {
            ui.json(event)?;
        }
        ui.json(&Self { events: Vec::new(), ..self.clone() })
    }
}

/// A firmware log that PCRs start from.
pub(super) struct Firmware {
    pub(super) name: String,
    bytes: Vec<u8>,
}

impl Firmware {
    fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read(path, EVENT_LOG_BYTES)?;
        let parsed = EventLog::parse(&bytes);
        if let Some(damage) = parsed.damage {
            return Err(CliError::input(path, format!("not a whole firmware log: {damage}"))
                .hint("lydian inspect eventlog shows how far it can be read"));
        }
        Ok(Self { name: name_of(path), bytes })
    }

    pub(super) fn log(&self) -> EventLog<'_> {
        EventLog::parse(&self.bytes).log
    }
}

pub(crate) fn run(ui: &mut Ui, args: &SystemdLogArgs) -> Result<Outcome, CliError> {
    let chosen = args.bank.as_deref().map(bank).transpose()?;
    let known = args.against.as_deref().map(KnownValues::read).transpose()?;
    let firmware = args.firmware.as_deref().map(Firmware::read).transpose()?;
    let format = ui.format();
    each(ui, &args.files, |path| {
        let bytes = files::read(path, CEL_BYTES)?;
        let mut view = read(&bytes, chosen, firmware.as_ref());
        view.file = name_of(path);
        // Programs get a report of whatever file; people are told that it is the wrong one.
        if format == Format::Table && view.truncated_at == Some(0) && view.events.is_empty() {
            return Err(CliError::input(path, "not a log of systemd's, nor a canonical one as JSON")
                .hint("systemd's is /run/log/systemd/tpm2-measure.log; TLV and CBOR forms are not read"));
        }
        if let Some(known) = &known {
            compare(&mut view, SystemdLog::new(&bytes), firmware.as_ref(), known);
        }
        if args.only_findings {
            view.events.retain(|event| !event.findings.is_empty());
        }
        Ok(view)
    })
}

fn read(bytes: &[u8], chosen: Option<HashAlg>, firmware: Option<&Firmware>) -> LogView {
    let log = SystemdLog::new(bytes);
    let firmware_log = firmware.map(Firmware::log);
    let banks = match chosen {
        Some(bank) => vec![bank],
        None => banks(log, firmware_log.as_ref()),
    };
    let bank = strongest(&banks);
    let mut view = LogView {
        format: log.cel().framing().name(),
        firmware: firmware.map(|firmware| firmware.name.clone()),
        banks: banks.iter().map(|bank| bank.name()).collect(),
        bank: bank.name(),
        ..LogView::default()
    };
    let mut nvpcrs = NvPcrs::new();
    for event in log.events() {
        view.event_count += 1;
        let Ok(event) = event else { continue };
        nvpcrs.take_in(&event);
        if let Some(boot_id) = event.boot_id
            && view.boot_ids.last().is_none_or(|last| last != boot_id.raw())
            && view.boot_ids.len() < BOOTS
        {
            view.boot_ids.push(boot_id.raw().to_owned());
        }
        view.events.push(EventView::new(&event, bank));
    }
    view.nvpcrs = nvpcrs.iter().map(NvPcrView::new).collect();
    for bank in &banks {
        let (values, extended) = replay(log, *bank, firmware_log.as_ref());
        let value = |pcr: PcrIndex| Some((pcr.get(), values.value(*bank, pcr)?.to_string()));
        view.pcrs.insert(bank.name(), extended.iter().filter_map(value).collect());
    }
    find(&mut view, log, bank);
    view
}

/// What PCRs hold after both logs, and which of them either extends.
fn replay(log: SystemdLog<'_>, bank: HashAlg, firmware: Option<&EventLog<'_>>) -> (PcrValues, PcrMask) {
    let (start, before) = start(bank, firmware);
    let mut replay = Replay::after(bank, &start);
    for record in log.cel().records().flatten() {
        replay.extend(&record);
    }
    let both =
        PcrIndex::ALL.into_iter().filter(|pcr| replay.extended().contains(*pcr) || before.contains(*pcr));
    (replay.values(), both.collect())
}

/// What the firmware log leaves in a bank, and the PCRs that it extends.
pub(super) fn start(bank: HashAlg, firmware: Option<&EventLog<'_>>) -> (PcrValues, PcrMask) {
    let replayed = firmware.and_then(|log| Some((log.replay(bank).ok()?, log.extended(bank))));
    replayed.unwrap_or_else(|| (Replay::reset(bank).values(), PcrMask::EMPTY))
}

/// Banks that the log has PCR digests of; with a firmware log, of those that it has too.
fn banks(log: SystemdLog<'_>, firmware: Option<&EventLog<'_>>) -> Vec<HashAlg> {
    let mut found = Vec::new();
    for record in log.cel().records().flatten() {
        if matches!(record.register, Register::Pcr(_)) {
            for digest in record.digests().filter(|digest| !found.contains(&digest.alg())).collect::<Vec<_>>()
            {
                found.push(digest.alg());
            }
        }
    }
    if let Some(firmware) = firmware {
        found.retain(|bank| firmware.banks().contains(bank));
        if found.is_empty() {
            found.extend(firmware.banks());
        }
    }
    found.sort();
    found
}

/// The bank that the verifier would rely on.
fn strongest(banks: &[HashAlg]) -> HashAlg {
    let strength = [HashAlg::Sha512, HashAlg::Sha384, HashAlg::Sha256, HashAlg::Sm3, HashAlg::Sha1];
    let known = strength.into_iter().find(|bank| banks.contains(bank));
    known.or_else(|| banks.first().copied()).unwrap_or(HashAlg::Sha256)
}

/// What is out of order, at the log and at each event.
fn find(view: &mut LogView, log: SystemdLog<'_>, bank: HashAlg) {
    let mut left_out = 0_u64;
    log.findings(Some(bank), |finding| {
        if view.findings.len() == LOG_FINDINGS {
            left_out += 1;
            return;
        }
        view.findings.push(FindingView {
            code: finding.code.as_str(),
            severity: finding.code.severity().name(),
            event: Some(finding.event),
            offset: u64::try_from(finding.offset).ok(),
            text: finding.to_string(),
        });
        if let Ok(at) = view.events.binary_search_by_key(&finding.event, |event| event.number)
            && let Some(event) = view.events.get_mut(at)
        {
            event.findings.push(finding.code.as_str());
        }
    });
    if left_out > 0 {
        view.findings.push(FindingView {
            code: "findings-left-out",
            severity: Severity::Warning.name(),
            event: None,
            offset: None,
            text: format!("{left_out} more findings are not shown"),
        });
    }
    let unread = log.events().filter_map(Result::err);
    let cut = unread.filter(evidence::cel::CelError::is_truncation).map(|error| error.start).last();
    let nothing = view.events.is_empty()
        && view.findings.iter().any(|finding| finding.code == FindingCode::RecordMalformed.as_str());
    view.truncated_at = cut.or_else(|| nothing.then_some(0));
}

/// Boots that are shown: a log is of one.
const BOOTS: usize = 8;
