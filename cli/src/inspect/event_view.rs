//! A firmware log as `lydian inspect eventlog -o json` writes it.
//!
//! In: a parsed log. Out: values that serialise. Fields are added, never renamed. Nothing here is true before the log
//! replays to quoted values.

use std::collections::BTreeMap;

use evidence::digest::HashAlg;
use evidence::eventlog::{
    BootFacts, Event, EventLog, Finding, LogFormat, SecureBoot, SeparatorState, StartupLocality, Windows,
    WindowsFacts,
};
use evidence::pcr::PcrIndex;
use serde::Serialize;
use serde_json::Value;

use super::event_decoded::decoded;
use super::report::FindingView;

/// A log.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LogView {
    pub(super) file: String,
    pub(super) format: &'static str,
    pub(super) banks: Vec<&'static str>,
    /// The bank that digests were checked in.
    pub(super) bank: &'static str,
    pub(super) startup_locality: Option<u8>,
    pub(super) secure_boot: SecureBootView,
    /// By PCR from 0 to 7: `normal`, `missing`, `error` or `repeated`.
    pub(super) separators: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) windows: Option<WindowsView>,
    /// Events of the log; `events` may hold fewer.
    pub(super) event_count: usize,
    pub(super) padding_bytes: usize,
    pub(super) events: Vec<EventView>,
    /// What each extended PCR replays to, by bank.
    pub(super) pcrs: BTreeMap<&'static str, BTreeMap<u8, String>>,
    /// Whether known values are what the log replays to, by bank.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub(super) matches: Option<BTreeMap<&'static str, BTreeMap<u8, bool>>>,
    pub(super) findings: Vec<FindingView>,
    /// Where the reader was stopped.
    pub(super) truncated_at: Option<usize>,
    /// The register of each finding that is of one.
    #[serde(skip)]
    pub(super) registers: Vec<Option<u32>>,
}

/// Secure Boot as PCR 7's events tell.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SecureBootView {
    /// `on`, `off` or `unknown`.
    pub(super) state: &'static str,
    pub(super) event: Option<u32>,
    pub(super) why: Option<String>,
}

/// What Windows measured of its start.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WindowsView {
    /// The first event that cannot be relied on; nothing else is said then.
    pub(super) unverified_event: Option<u32>,
    #[serde(flatten)]
    pub(super) facts: Option<WindowsFactsView>,
}

/// Facts of a start of Windows.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WindowsFactsView {
    pub(super) boot_counter: Option<u64>,
    pub(super) boot_debugging: &'static str,
    pub(super) kernel_debug: &'static str,
    pub(super) hypervisor_debug: &'static str,
    pub(super) test_signing: &'static str,
    pub(super) flight_signing: &'static str,
    pub(super) safe_mode: &'static str,
    pub(super) win_pe: &'static str,
    pub(super) code_integrity: &'static str,
    pub(super) hvci_policy: Option<u64>,
    pub(super) vsm_launch_type: Option<u64>,
    pub(super) bitlocker_unlock: Option<u64>,
    pub(super) modules: u32,
    pub(super) elam_drivers: u32,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EventView {
    pub(super) number: u32,
    pub(super) offset: usize,
    pub(super) pcr: u32,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) type_id: u32,
    pub(super) digests: BTreeMap<&'static str, String>,
    pub(super) digest: &'static str,
    /// Which bytes of the data the digest is of, from and to; `null` where it is of something else.
    pub(super) measured_bytes: Option<[usize; 2]>,
    pub(super) decoded: Option<Value>,
    /// A line for people.
    pub(super) text: String,
    pub(super) data_bytes: usize,
    /// Codes of its findings.
    pub(super) findings: Vec<&'static str>,
}

impl LogView {
    /// The view of a whole log.
    pub(super) fn new(file: String, log: &EventLog<'_>, bank: HashAlg) -> Self {
        let facts = log.facts(bank);
        let codes = codes_by_event(&facts);
        let event_view = |event: Event<'_>| EventView::new(&event, bank, &facts, codes.get(&event.number));
        let mut view = Self {
            file,
            format: format_name(log.format()),
            banks: log.banks().iter().map(|bank| bank.name()).collect(),
            bank: bank.name(),
            startup_locality: match facts.startup_locality {
                StartupLocality::Logged { locality, .. } => Some(locality),
                StartupLocality::NotLogged | StartupLocality::Invalid { .. } => None,
            },
            secure_boot: SecureBootView::new(facts.secure_boot),
            separators: facts.separators.iter().map(separator).collect(),
            windows: WindowsView::new(log.windows(bank)),
            event_count: log.events().len(),
            padding_bytes: log.padding_bytes(),
            events: log.events().iter().map(event_view).collect(),
            pcrs: replay(log),
            matches: None,
            findings: Vec::new(),
            truncated_at: None,
            registers: Vec::new(),
        };
        for finding in &facts.findings {
            let of_log = finding.bank.is_some() || finding.code.is_of_log();
            view.find(finding_view(finding, log.format()), (!of_log).then_some(finding.register));
        }
        view
    }

    /// Adds a finding, of a register or of the whole log.
    pub(super) fn find(&mut self, finding: FindingView, register: Option<u32>) {
        self.findings.push(finding);
        self.registers.push(register);
    }
}

/// The word for a log's form.
pub(super) const fn format_name(format: LogFormat) -> &'static str {
    match format {
        LogFormat::CryptoAgile => "crypto-agile",
        LogFormat::LegacySha1 => "legacy-sha1",
        LogFormat::Ccel => "ccel",
    }
}

/// What a register is called.
pub(super) const fn register_name(format: LogFormat) -> &'static str {
    match format {
        LogFormat::CryptoAgile | LogFormat::LegacySha1 => "PCR",
        LogFormat::Ccel => "register",
    }
}

fn codes_by_event(facts: &BootFacts<'_>) -> BTreeMap<u32, Vec<&'static str>> {
    let mut codes: BTreeMap<u32, Vec<&'static str>> = BTreeMap::new();
    for finding in &facts.findings {
        if let Some(event) = finding.event {
            codes.entry(event).or_default().push(finding.code.as_str());
        }
    }
    codes
}

fn finding_view(finding: &Finding, format: LogFormat) -> FindingView {
    let said = finding.code.text();
    let text = match finding.bank {
        Some(bank) => format!("bank {bank}: {said}"),
        None if finding.code.is_of_log() => said.to_owned(),
        None => format!("{} {}: {said}", register_name(format), finding.register),
    };
    FindingView {
        code: finding.code.as_str(),
        severity: finding.severity().name(),
        event: finding.event.map(u64::from),
        offset: finding.offset.and_then(|offset| u64::try_from(offset).ok()),
        text,
    }
}

impl EventView {
    fn new(
        event: &Event<'_>,
        bank: HashAlg,
        facts: &BootFacts<'_>,
        codes: Option<&Vec<&'static str>>,
    ) -> Self {
        Self {
            number: event.number,
            offset: event.offset,
            pcr: event.register,
            event_type: event.event_type.to_string(),
            type_id: event.event_type.0,
            digests: event.digests().map(|digest| (digest.alg().name(), digest.to_string())).collect(),
            digest: event.digest_check(bank).name(),
            measured_bytes: event.measured_bytes(bank).map(|bytes| [bytes.start, bytes.end]),
            decoded: decoded(event, facts),
            text: event.describe(),
            data_bytes: event.data.len(),
            findings: codes.cloned().unwrap_or_default(),
        }
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

impl WindowsView {
    fn new(windows: Windows) -> Option<Self> {
        match windows {
            Windows::NotLogged => None,
            Windows::Unverified { event } => Some(Self { unverified_event: Some(event), facts: None }),
            Windows::Verified(facts) => {
                Some(Self { unverified_event: None, facts: Some(WindowsFactsView::new(&facts)) })
            }
        }
    }
}

impl WindowsFactsView {
    const fn new(facts: &WindowsFacts) -> Self {
        Self {
            boot_counter: facts.boot_counter,
            boot_debugging: facts.boot_debugging.name(),
            kernel_debug: facts.kernel_debug.name(),
            hypervisor_debug: facts.hypervisor_debug.name(),
            test_signing: facts.test_signing.name(),
            flight_signing: facts.flight_signing.name(),
            safe_mode: facts.safe_mode.name(),
            win_pe: facts.win_pe.name(),
            code_integrity: facts.code_integrity.name(),
            hvci_policy: facts.hvci_policy,
            vsm_launch_type: facts.vsm_launch_type,
            bitlocker_unlock: facts.bitlocker_unlock,
            modules: facts.modules,
            elam_drivers: facts.elam_drivers,
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

fn replay(log: &EventLog<'_>) -> BTreeMap<&'static str, BTreeMap<u8, String>> {
    let mut banks = BTreeMap::new();
    for bank in log.banks() {
        // A bank of the log's own table always replays.
        let Ok(values) = log.replay(*bank) else { continue };
        let value = |pcr: PcrIndex| Some((pcr.get(), values.value(*bank, pcr)?.to_string()));
        banks.insert(bank.name(), log.extended(*bank).iter().filter_map(value).collect());
    }
    banks
}
