//! A firmware log as `lydian inspect eventlog -o json` writes it.
//!
//! In: a parsed log. Out: values that serialise. Fields are added, never renamed. Nothing here is true before the log
//! replays to quoted values.

use std::collections::BTreeMap;

use evidence::digest::HashAlg;
use evidence::eventlog::{
    BootFacts, Event, EventLog, FindingCode, LogFormat, SecureBoot, SeparatorState, StartupLocality,
};
use evidence::pcr::PcrIndex;
use serde::Serialize;

/// A log.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LogView {
    pub(super) file: String,
    pub(super) format: &'static str,
    pub(super) banks: Vec<&'static str>,
    /// The bank that digests were checked in.
    pub(super) bank: &'static str,
    /// Events of the log; `events` may hold fewer.
    pub(super) event_count: usize,
    pub(super) secure_boot: SecureBootView,
    pub(super) startup_locality: Option<u8>,
    /// By PCR from 0 to 7: `normal`, `missing`, `error` or `repeated`.
    pub(super) separators: Vec<&'static str>,
    pub(super) findings: Vec<FindingView>,
    /// What stopped the reader.
    pub(super) damage: Option<String>,
    pub(super) padding_bytes: usize,
    /// What each extended PCR replays to, by bank.
    pub(super) replay: BTreeMap<&'static str, BTreeMap<u8, String>>,
    pub(super) events: Vec<EventView>,
}

/// Secure Boot as PCR 7's events tell.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SecureBootView {
    /// `on`, `off` or `unknown`.
    pub(super) state: &'static str,
    pub(super) event: Option<u32>,
    pub(super) why: Option<String>,
}

/// Something out of order.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FindingView {
    pub(super) code: &'static str,
    pub(super) register: u32,
    pub(super) event: Option<u32>,
    /// Whether it means that the log's text is not what was measured.
    pub(super) mismatch: bool,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EventView {
    pub(super) number: u32,
    pub(super) offset: usize,
    pub(super) register: u32,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) check: &'static str,
    pub(super) digests: BTreeMap<&'static str, String>,
    pub(super) text: String,
    pub(super) data_bytes: usize,
    pub(super) findings: Vec<&'static str>,
}

impl LogView {
    /// The view of a log; `pcr` chooses what is replayed, `keep` events.
    pub(super) fn new(
        file: String,
        log: &EventLog<'_>,
        damage: Option<String>,
        bank: HashAlg,
        pcr: Option<u32>,
        keep: impl Fn(&EventView) -> bool,
    ) -> Self {
        let facts = log.facts(bank);
        let events = log.events().iter().map(|event| EventView::new(&event, bank, &facts));
        Self {
            file,
            format: match log.format() {
                LogFormat::CryptoAgile => "crypto-agile",
                LogFormat::LegacySha1 => "legacy-sha1",
                LogFormat::Ccel => "ccel",
            },
            banks: log.banks().iter().map(|bank| bank.name()).collect(),
            bank: bank.name(),
            event_count: log.events().len(),
            secure_boot: SecureBootView::new(facts.secure_boot),
            startup_locality: match facts.startup_locality {
                StartupLocality::Logged { locality, .. } => Some(locality),
                StartupLocality::NotLogged | StartupLocality::Invalid { .. } => None,
            },
            separators: facts.separators.iter().map(separator).collect(),
            findings: facts.findings.iter().map(FindingView::new).collect(),
            damage,
            padding_bytes: log.padding_bytes(),
            replay: replay(log, pcr),
            events: events.filter(keep).collect(),
        }
    }

    /// Whether the log's text is not what was measured, or the log cannot be read to its end.
    pub(super) fn is_bad(&self) -> bool {
        self.damage.is_some() || self.findings.iter().any(|finding| finding.mismatch)
    }
}

impl EventView {
    fn new(event: &Event<'_>, bank: HashAlg, facts: &BootFacts<'_>) -> Self {
        let own = facts.findings.iter().filter(|finding| finding.event == Some(event.number));
        let digests = event.digests().map(|digest| (digest.alg().name(), digest.to_string()));
        Self {
            number: event.number,
            offset: event.offset,
            register: event.register,
            event_type: event.event_type.to_string(),
            check: event.digest_check(bank).name(),
            digests: digests.collect(),
            text: event.describe(),
            data_bytes: event.data.len(),
            findings: own.map(|finding| finding.code.as_str()).collect(),
        }
    }
}

impl FindingView {
    fn new(finding: &evidence::eventlog::Finding) -> Self {
        let mismatch = matches!(
            finding.code,
            FindingCode::DigestMismatch | FindingCode::SeparatorDisguised | FindingCode::SeparatorError
        );
        Self { code: finding.code.as_str(), register: finding.register, event: finding.event, mismatch }
    }
}

impl SecureBootView {
    fn new(state: SecureBoot) -> Self {
        match state {
            SecureBoot::On { event } => Self { state: "on", event: Some(event), why: None },
            SecureBoot::Off { event } => Self { state: "off", event: Some(event), why: None },
            SecureBoot::Unknown(why) => Self { state: "unknown", event: None, why: Some(why.to_string()) },
        }
    }
}

const fn separator(state: &SeparatorState) -> &'static str {
    match state {
        SeparatorState::Normal { .. } => "normal",
        SeparatorState::Missing => "missing",
        SeparatorState::Error { .. } => "error",
        SeparatorState::Repeated { .. } => "repeated",
    }
}

fn replay(log: &EventLog<'_>, only: Option<u32>) -> BTreeMap<&'static str, BTreeMap<u8, String>> {
    let mut banks = BTreeMap::new();
    for bank in log.banks() {
        // A bank that cannot be computed has no replay.
        let Ok(values) = log.replay(*bank) else { continue };
        let extended = log.extended(*bank);
        let value = |pcr: PcrIndex| Some((pcr.get(), values.value(*bank, pcr)?.to_string()));
        let wanted = |pcr: &PcrIndex| only.is_none_or(|only| only == u32::from(pcr.get()));
        banks.insert(bank.name(), extended.iter().filter(wanted).filter_map(value).collect());
    }
    banks
}
