//! `lydian inspect eventlog`.

use std::path::Path;

use evidence::digest::HashAlg;
use evidence::eventlog::{EventLog, LogEnd};
use evidence::finding::Severity;
use evidence::limits::EVENT_LOG_BYTES;
use evidence::pcr::PcrIndex;
use serde::Serialize;

use super::against::KnownValues;
use super::event_table::render;
use super::event_view::{EventView, LogView};
use super::report::{Completeness, FindingView, Report, each, outcome_of};
use super::{bank, name_of};
use crate::Outcome;
use crate::args::EventLogArgs;
use crate::error::CliError;
use crate::files;
use crate::show::Screen;
use crate::ui::{Format, Ui};

/// A log, and what of it people want to see.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct LogReport {
    pub(super) log: LogView,
    #[serde(skip)]
    pub(super) pcr: Option<u32>,
}

/// An event on a line of its own.
#[derive(Serialize)]
struct EventLine<'a> {
    file: &'a str,
    #[serde(flatten)]
    event: &'a EventView,
}

impl Report for LogReport {
    fn outcome(&self) -> Outcome {
        let complete = match self.log.truncated_at {
            None => Completeness::Whole,
            Some(_) => Completeness::CutShort,
        };
        outcome_of(&self.log.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        render(self, screen)
    }

    /// Each event, then the log without them.
    fn lines(&self, ui: &mut Ui) -> Result<(), CliError> {
        for event in &self.log.events {
            ui.json(&EventLine { file: &self.log.file, event })?;
        }
        ui.json(&LogView { events: Vec::new(), ..self.log.clone() })
    }
}

pub(crate) fn run(ui: &mut Ui, args: &EventLogArgs) -> Result<Outcome, CliError> {
    let bank = args.bank.as_deref().map(bank).transpose()?;
    let known = args.against.as_deref().map(KnownValues::read).transpose()?;
    let format = ui.format();
    each(ui, &args.files, |path| {
        let report = read(path, args, bank, known.as_ref())?;
        // Programs get a report of whatever file; people are told that it is the wrong one.
        if format == Format::Table && report.log.findings.iter().any(|finding| finding.code == NOT_A_LOG) {
            return Err(CliError::input(path, "not a firmware log").hint(HINT));
        }
        Ok(report)
    })
}

fn read(
    path: &Path,
    args: &EventLogArgs,
    bank: Option<HashAlg>,
    known: Option<&KnownValues>,
) -> Result<LogReport, CliError> {
    let bytes = files::read(path, EVENT_LOG_BYTES)?;
    let parsed = EventLog::parse(&bytes);
    let bank = match bank {
        None => strongest(&parsed.log),
        Some(bank) if parsed.log.banks().contains(&bank) => bank,
        Some(bank) => {
            let banks: Vec<_> = parsed.log.banks().iter().map(|bank| bank.name()).collect();
            return Err(CliError::input(path, format!("the log has no bank {bank}"))
                .hint(format!("it has: {}", banks.join(", "))));
        }
    };
    let mut log = LogView::new(name_of(path), &parsed.log, bank);
    if let Some(damage) = parsed.damage {
        log.truncated_at = Some(damage.offset());
        log.find(damage_finding(&parsed.log, &damage), None);
    }
    if let Some(known) = known {
        let end = if parsed.damage.is_none() { LogEnd::Whole } else { LogEnd::CutShort };
        let (matches, findings) = known.compare(&parsed.log, end);
        log.matches = Some(matches);
        for (pcr, finding) in findings {
            log.find(finding, Some(u32::from(pcr.get())));
        }
    }
    let pcr = args.pcr;
    log.events.retain(|event| {
        pcr.is_none_or(|pcr| event.pcr == pcr) && (!args.only_findings || !event.findings.is_empty())
    });
    Ok(LogReport { log, pcr })
}

fn damage_finding(log: &EventLog<'_>, damage: &evidence::eventlog::EventLogError) -> FindingView {
    let (code, text) = if starts_like_a_log(log) {
        ("log-damaged", damage.to_string())
    } else {
        (NOT_A_LOG, format!("not a firmware log: {damage}; {HINT}"))
    };
    FindingView {
        code,
        severity: Severity::Error.name(),
        event: None,
        offset: u64::try_from(damage.offset()).ok(),
        text,
    }
}

/// Any bytes have some events: those of other files start with a register or type that no firmware writes.
fn starts_like_a_log(log: &EventLog<'_>) -> bool {
    let first = log.events().first();
    first
        .is_some_and(|event| event.register < u32::from(PcrIndex::COUNT) && event.event_type.name().is_some())
}

/// The bank that the verifier would rely on.
fn strongest(log: &EventLog<'_>) -> HashAlg {
    let strength = [HashAlg::Sha512, HashAlg::Sha384, HashAlg::Sha256, HashAlg::Sm3, HashAlg::Sha1];
    let known = strength.into_iter().find(|bank| log.banks().contains(bank));
    known.or_else(|| log.banks().first().copied()).unwrap_or(HashAlg::Sha1)
}

const NOT_A_LOG: &str = "not-a-log";
const HINT: &str =
    "the kernel's is /sys/kernel/security/tpm0/binary_bios_measurements; text forms of it are not read";
