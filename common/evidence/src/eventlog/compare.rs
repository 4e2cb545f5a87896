//! Known PCR values against what a log replays to, with the likely cause of a difference.
//!
//! In: a log, a bank and values that a TPM held. Out: for each value whether the log accounts for it, and if not, the
//! cause that fits, found by trying. A cause that fits explains the value; that no other explains it is not proved.

use std::fmt;

use super::replay::{self, located_start};
use super::{EXIT_BOOT_SERVICES_PCR, Event, EventLog, EventType, ExitBootServicesRepair, LogFormat};
use super::{StartupLocality, check};
use crate::digest::{Digest, HashAlg};
use crate::finding::Severity;
use crate::pcr::PcrIndex;

/// How a known value and the log relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The log replays to it, or neither has extended it.
    Equal,
    /// It does not.
    Differs(Cause),
}

/// Why a value is not what the log replays to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The log has no digests of the bank.
    BankAbsent,
    /// The log has no event of the PCR.
    OutsideLog,
    /// The TPM holds what a reset leaves, the log tells of events.
    AtReset,
    /// Firmware extended the events of `ExitBootServices` and did not log them; these fit.
    ExitBootServices(ExitBootServicesRepair),
    /// The value fits a start from this locality.
    StartupLocality {
        /// The locality.
        locality: u8,
    },
    /// The value fits if events that must not be extended were.
    NoActionExtended,
    /// The value fits if the log ended here: it tells of more than was extended.
    Prefix {
        /// The last event that the value covers.
        last: u32,
    },
    /// The value fits if systemd extended these phases, which it does not log here.
    SystemdPhases(&'static [&'static str]),
    /// The log stops before firmware was done with the PCR: it was extended without being logged.
    LogEndsEarly,
    /// The running system extends the PCR after firmware's log has ended.
    BeyondLog,
    /// Nothing that was tried.
    NotFound,
}

/// Whether the log's end is known to be its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// It was read to its end.
    Whole,
    /// The reader was stopped.
    CutShort,
}

impl Cause {
    /// The code as answers write it; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BankAbsent => "pcr-bank-absent",
            Self::OutsideLog => "pcr-outside-log",
            Self::AtReset => "pcr-at-reset",
            Self::ExitBootServices(_) => "pcr-exit-boot-services",
            Self::StartupLocality { .. } => "pcr-startup-locality",
            Self::NoActionExtended => "pcr-no-action-extended",
            Self::Prefix { .. } => "pcr-prefix",
            Self::SystemdPhases(_) => "pcr-systemd-phases",
            Self::LogEndsEarly => "pcr-log-truncated",
            Self::BeyondLog => "pcr-beyond-log",
            Self::NotFound => "pcr-mismatch",
        }
    }

    /// What it means for the log that this PCR differs.
    pub const fn severity(self, pcr: PcrIndex) -> Severity {
        match self {
            Self::SystemdPhases(_) => Severity::Info,
            Self::OutsideLog if pcr.get() >= FIRST_OF_SYSTEM => Severity::Info,
            Self::ExitBootServices(_) | Self::BeyondLog => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BankAbsent => f.write_str("the log has no digests of this bank"),
            Self::OutsideLog => f.write_str("extended by something outside this log"),
            Self::AtReset => f.write_str("the TPM holds what a reset leaves: the log is of another boot, or this bank is never extended"),
            Self::ExitBootServices(repair) => {
                write!(f, "firmware extended the ExitBootServices events without logging them: it fits with {repair} appended")
            }
            Self::StartupLocality { locality } => {
                write!(f, "it fits a start from locality {locality}, which the log does not say")
            }
            Self::NoActionExtended => f.write_str("it fits if EV_NO_ACTION events were extended, which must never be: a wrong value or a wrong tool"),
            Self::Prefix { last } => {
                write!(f, "it fits the log up to event {last}: later events were logged but not extended")
            }
            Self::SystemdPhases(phases) => {
                write!(f, "it fits with systemd's phases {} appended, which are not in this log", phases.join(", "))
            }
            Self::LogEndsEarly => f.write_str("the log is truncated: values were extended beyond its end"),
            Self::BeyondLog => {
                f.write_str("the running system extends it after firmware's log has ended; another log has those events")
            }
            Self::NotFound => f.write_str("no cause found: the log was tampered with, or is of another boot"),
        }
    }
}

impl EventLog<'_> {
    /// How a value that a TPM held relates to the log.
    pub fn compare(&self, bank: HashAlg, pcr: PcrIndex, known: &Digest, end: LogEnd) -> Comparison {
        let values = self.replay(bank);
        let Ok(values) = values else { return Comparison::Differs(Cause::BankAbsent) };
        if values.value(bank, pcr).as_ref() == Some(known) {
            return Comparison::Equal;
        }
        Comparison::Differs(self.cause(bank, pcr, known, end))
    }

    fn cause(&self, bank: HashAlg, pcr: PcrIndex, known: &Digest, end: LogEnd) -> Cause {
        let start = self.start_value(bank, pcr);
        if !self.extended(bank).contains(pcr) {
            return if pcr.get() == 0 && start != pcr.start(bank) && *known == pcr.start(bank) {
                Cause::AtReset
            } else if end == LogEnd::CutShort {
                Cause::LogEndsEarly
            } else {
                Cause::OutsideLog
            };
        }
        if *known == pcr.start(bank) || *known == start {
            return Cause::AtReset;
        }
        if pcr == EXIT_BOOT_SERVICES_PCR
            && let Some(repair) = self.repair_exit_boot_services(bank, known)
        {
            return Cause::ExitBootServices(repair);
        }
        if let Some(cause) = self.other_start(bank, pcr, known) {
            return cause;
        }
        if let Some(last) = self.prefix(bank, pcr, start, known) {
            return Cause::Prefix { last };
        }
        if let Some(phases) = self.systemd_phases(bank, pcr, known) {
            return Cause::SystemdPhases(phases);
        }
        if end == LogEnd::CutShort || self.lacks_separator(bank, pcr) {
            return Cause::LogEndsEarly;
        }
        if replay::EXTENDED_BY_SYSTEM.contains(&pcr.get()) { Cause::BeyondLog } else { Cause::NotFound }
    }

    /// PCR 0 from another locality, or with what must not be extended.
    fn other_start(&self, bank: HashAlg, pcr: PcrIndex, known: &Digest) -> Option<Cause> {
        let said = match self.startup_locality() {
            StartupLocality::Logged { locality, .. } => locality,
            StartupLocality::NotLogged | StartupLocality::Invalid { .. } => 0,
        };
        let start = self.start_value(bank, pcr);
        if pcr.get() == 0 {
            let mut others = [0, 3, 4].into_iter().filter(|locality| *locality != said);
            let fits = others.find(|locality| {
                let value = self.fold(bank, located_start(bank, *locality), |event| event.pcr() == Some(pcr));
                value == *known
            });
            if let Some(locality) = fits {
                return Some(Cause::StartupLocality { locality });
            }
        }
        // The first event announces the log's form; nobody extends that.
        let announced = |event: &Event<'_>| {
            event.number > 0
                && event.event_type == EventType::NO_ACTION
                && event.register == u32::from(pcr.get())
        };
        let with_announced = |event: &Event<'_>| event.pcr() == Some(pcr) || announced(event);
        // Tools that extend them start from zero as well.
        let starts = [start, pcr.start(bank)];
        starts
            .iter()
            .any(|start| self.fold(bank, *start, with_announced) == *known)
            .then_some(Cause::NoActionExtended)
    }

    fn fold(&self, bank: HashAlg, start: Digest, takes: impl Fn(&Event<'_>) -> bool) -> Digest {
        let digests =
            self.events().iter().filter(|event| takes(event)).filter_map(|event| event.digest(bank));
        digests.fold(start, |value, digest| value.extend(&digest).unwrap_or(value))
    }

    /// The last event of the part of the log that gives the value.
    fn prefix(&self, bank: HashAlg, pcr: PcrIndex, start: Digest, known: &Digest) -> Option<u32> {
        let mut value = start;
        for event in self.events().iter().filter(|event| event.extends(pcr)) {
            let Some(digest) = event.digest(bank) else { continue };
            value = value.extend(&digest)?;
            if value == *known {
                return Some(event.number);
            }
        }
        None
    }

    /// systemd extends a word into PCR 11 at each phase of the boot, without NUL; older versions keep no log of them.
    fn systemd_phases(
        &self,
        bank: HashAlg,
        pcr: PcrIndex,
        known: &Digest,
    ) -> Option<&'static [&'static str]> {
        if pcr.get() != PHASES_PCR {
            return None;
        }
        let replayed = self.replay(bank).ok()?.value(bank, pcr)?;
        // An initial RAM disk without the services of phases leaves out the first two.
        PHASES.iter().take(3).enumerate().find_map(|(from, _)| {
            let mut value = replayed;
            (from..PHASES.len()).find_map(|last| {
                value = value.extend(&bank.hash(&[PHASES.get(last)?.as_bytes()]))?;
                (value == *known).then(|| PHASES.get(from..=last))?
            })
        })
    }

    fn lacks_separator(&self, bank: HashAlg, pcr: PcrIndex) -> bool {
        let digests = check::SeparatorDigests::of(bank);
        self.format() != LogFormat::Ccel
            && pcr.get() < FIRST_OF_SYSTEM
            && !self.events().iter().any(|event| event.extends(pcr) && digests.kind(&event, bank).is_some())
    }
}

/// Firmware has the PCRs before this one.
const FIRST_OF_SYSTEM: u8 = 8;
const PHASES_PCR: u8 = 11;
//= systemd-pcrphase.service(8): the words that are measured, in order
const PHASES: [&str; 6] = ["enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown", "final"];
