//! The order in which firmware measures, and what is wrong with single events.
//!
//! In: events one by one, each with its check. Out: findings, and the separators of PCR 0 to 7. A log that keeps this
//! order is well formed, not true.

use super::check::{Separator, SeparatorDigests};
use super::facts::SeparatorState;
use super::finding::{Finding, FindingCode, Findings};
use super::{DigestCheck, Event, EventLog, EventType, LogFormat, StartupLocality};
use crate::digest::HashAlg;

/// Banks that the log names and that firmware never extends.
//= TCG PFP 1.06 §3.2.1: firmware SHALL extend every enabled bank
pub(super) fn check_banks(log: &EventLog<'_>, findings: &mut Findings) {
    // A log of firmware's first event alone says nothing yet.
    if log.events().iter().all(|event| event.pcr().is_none()) {
        return;
    }
    for bank in log.banks() {
        if log.extended(*bank).iter().all(|pcr| pcr.get() > 7) {
            findings.push(Finding::of_bank(FindingCode::BankNotExtended, *bank));
        }
    }
}

/// Firmware's order so far.
pub(super) struct Order {
    bank: HashAlg,
    ccel: bool,
    locality: StartupLocality,
    digests: SeparatorDigests,
    separators: [SeparatorState; 8],
}

impl Order {
    pub(super) fn new(log: &EventLog<'_>, bank: HashAlg, locality: StartupLocality) -> Self {
        Self {
            bank,
            ccel: log.format() == LogFormat::Ccel,
            locality,
            digests: SeparatorDigests::of(bank),
            separators: [SeparatorState::Missing; 8],
        }
    }

    /// Takes an event in; what separator it is, if it is one.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        check: DigestCheck,
        findings: &mut Findings,
    ) -> Option<Separator> {
        let mut find = |code| findings.push(Finding::of(code, event));
        if event.payload().is_err() {
            find(FindingCode::MalformedEvent);
        }
        if event.event_type == EventType::NO_ACTION {
            self.no_action(event, &mut find);
            return None;
        }
        if event.pcr().is_none() {
            find(FindingCode::UnknownRegister);
        }
        if event.event_type.name().is_none() {
            find(FindingCode::UnknownEvent);
        }
        match check {
            DigestCheck::Mismatch => find(FindingCode::DigestMismatch),
            DigestCheck::NoDigest => find(FindingCode::DigestMissing),
            DigestCheck::Verified | DigestCheck::Opaque | DigestCheck::NotExtended => {}
        }
        let hcrtm = event.event_type == EventType::EFI_HCRTM_EVENT;
        if hcrtm && !matches!(self.locality, StartupLocality::Logged { locality: 4, .. }) {
            find(FindingCode::HcrtmLocality);
        }
        let separator = self.digests.kind(event, self.bank);
        self.place(event, separator, &mut find);
        separator
    }

    //= TCG PFP 1.06 §10.4.1: digests of EV_NO_ACTION SHALL be zero
    fn no_action(&self, event: &Event<'_>, find: &mut impl FnMut(FindingCode)) {
        if !event.digests().all(|digest| digest.is_zero()) {
            find(FindingCode::NoActionDigest);
        }
        if self.locality == (StartupLocality::Invalid { event: event.number }) {
            find(FindingCode::StartupLocalityInvalid);
        }
    }

    /// Separators stand in PCR 0 to 7 alone: operating systems set some of their own in later PCRs, with other data.
    fn place(&mut self, event: &Event<'_>, separator: Option<Separator>, find: &mut impl FnMut(FindingCode)) {
        let state =
            usize::try_from(event.register).ok().and_then(|register| self.separators.get_mut(register));
        let Some(state) = state else { return };
        match (event.event_type, separator) {
            (EventType::SEPARATOR, Some(_)) => {}
            // What was measured is not in the log, so that it may well have been four zeros.
            (_, Some(_)) if measures_memory(event) => find(FindingCode::SeparatorLookalike),
            (EventType::SEPARATOR, None) | (_, Some(_)) => find(FindingCode::SeparatorDisguised),
            (_, None) => {}
        }
        let Some(kind) = separator else {
            let late = *state != SeparatorState::Missing && event.register == 0 && starts_firmware(event);
            if late {
                find(FindingCode::EventAfterSeparator);
            }
            return;
        };
        if kind == Separator::Error {
            find(FindingCode::SeparatorError);
        }
        let event = event.number;
        let again = *state != SeparatorState::Missing;
        // A measurement register stands for several PCRs, and has a separator for each.
        if again && !self.ccel {
            find(FindingCode::SeparatorRepeated);
        }
        *state = match (*state, kind) {
            (SeparatorState::Missing, Separator::Normal) => SeparatorState::Normal { event },
            (SeparatorState::Missing, Separator::Error) => SeparatorState::Error { event },
            (SeparatorState::Normal { event: first }, _) if !self.ccel => {
                SeparatorState::Repeated { event: first, again: event }
            }
            (before, _) => before,
        };
    }

    /// The separators, with a finding for each that is missing.
    //= TCG PFP 1.06 §3.3.2: a separator in each of PCR 0 to 7
    pub(super) fn finish(self, findings: &mut Findings) -> [SeparatorState; 8] {
        for (register, state) in (0..).zip(self.separators) {
            let wanted = !self.ccel || matches!(register, 1 | 2);
            if wanted && state == SeparatorState::Missing {
                findings.push(Finding::missing(FindingCode::SeparatorMissing, register));
            }
        }
        self.separators
    }
}

/// Types of what runs before firmware asks for a boot device.
fn starts_firmware(event: &Event<'_>) -> bool {
    matches!(
        event.event_type,
        EventType::S_CRTM_CONTENTS
            | EventType::S_CRTM_VERSION
            | EventType::POST_CODE
            | EventType::POST_CODE2
            | EventType::CPU_MICROCODE
            | EventType::EFI_HCRTM_EVENT
            | EventType::EFI_PLATFORM_FIRMWARE_BLOB
            | EventType::EFI_PLATFORM_FIRMWARE_BLOB2
    )
}

/// Types of firmware's own parts and settings: the digest is of memory that the log does not hold.
fn measures_memory(event: &Event<'_>) -> bool {
    matches!(
        event.event_type,
        EventType::S_CRTM_CONTENTS
            | EventType::POST_CODE
            | EventType::POST_CODE2
            | EventType::CPU_MICROCODE
            | EventType::PLATFORM_CONFIG_FLAGS
            | EventType::TABLE_OF_DEVICES
            | EventType::NONHOST_CODE
            | EventType::NONHOST_CONFIG
            | EventType::NONHOST_INFO
            | EventType::EFI_PLATFORM_FIRMWARE_BLOB
            | EventType::EFI_PLATFORM_FIRMWARE_BLOB2
    )
}
