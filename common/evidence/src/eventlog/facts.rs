//! What a firmware log says of Secure Boot and of firmware's hand-over.
//!
//! In: a log and the bank that is relied on. Out: facts drawn from digest-verified events alone, and findings
//! with stable codes for all that is out of order. Facts are worth what the bank's replay is: nothing until
//! it equals quoted values.

use std::collections::BTreeSet;

use super::finding::{Finding, FindingCode};
use super::payload::{EfiVariable, Guid, Payload};
use super::{DigestCheck, Event, EventLog, EventType, LogFormat, Separator, StartupLocality};
use crate::digest::HashAlg;
use crate::pcr::PcrIndex;

/// What the events of a log add up to, in one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFacts<'a> {
    /// The bank that digests were checked in.
    pub bank: HashAlg,
    /// Whether Secure Boot was on.
    pub secure_boot: SecureBoot,
    /// The separators of PCR 0 to 7.
    pub separators: [SeparatorState; 8],
    /// Digest-verified variables of PCR 7 before its separator.
    pub variables: Vec<MeasuredVariable<'a>>,
    /// Digest-verified authorities of PCR 7.
    pub authorities: Vec<Authority<'a>>,
    /// The locality from which the TPM was started.
    pub startup_locality: StartupLocality,
    /// What is out of order, by event.
    pub findings: Vec<Finding>,
}

/// Whether Secure Boot was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureBoot {
    /// On, by this event.
    On {
        /// The `SecureBoot` variable's event.
        event: u32,
    },
    /// Off, by this event.
    Off {
        /// The `SecureBoot` variable's event.
        event: u32,
    },
    /// The log does not prove either.
    Unknown(SecureBootUnknown),
}

/// Why Secure Boot's state is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecureBootUnknown {
    /// PCR 7 has no separator, so where firmware's part ends is not known.
    #[error("PCR 7 has no separator")]
    NoSeparator,
    /// PCR 7's separator says that firmware met an error.
    #[error("event {event}: PCR 7's separator reports an error of the firmware")]
    SeparatorError {
        /// The separator's event.
        event: u32,
    },
    /// An event before the separator is not what its digest says, or cannot be checked.
    #[error("event {event}: an event of PCR 7 before the separator could not be verified")]
    UnverifiedEvent {
        /// The event.
        event: u32,
    },
    /// No `SecureBoot` variable was measured.
    #[error("the SecureBoot variable was not measured")]
    NoVariable,
    /// Several `SecureBoot` variables were measured.
    #[error("event {event}: the SecureBoot variable was measured more than once")]
    DuplicateVariable {
        /// The second one's event.
        event: u32,
    },
    /// The variable is neither 0 nor 1.
    #[error("event {event}: the SecureBoot variable is neither 0 nor 1")]
    BadValue {
        /// The variable's event.
        event: u32,
    },
}

/// The separator of one PCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeparatorState {
    /// There is none: firmware did not finish with this PCR, or never used the bank.
    Missing,
    /// Exactly one, and normal.
    Normal {
        /// Its event.
        event: u32,
    },
    /// The first one reports an error.
    Error {
        /// Its event.
        event: u32,
    },
    /// There are several.
    Repeated {
        /// The first one's event.
        event: u32,
        /// The second one's event.
        again: u32,
    },
}

/// A variable that was measured before PCR 7's separator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredVariable<'a> {
    /// Its event.
    pub event: u32,
    /// The variable: `PK`, `KEK`, `db`, `dbx` and others; its data is the signature lists.
    pub variable: EfiVariable<'a>,
}

/// An entry that authorised an image, or one of shim's settings, which are logged alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Its event.
    pub event: u32,
    /// The variable that holds it: `db`, `MokListRT`, `SbatLevel` and others. Switch on the name: an event
    /// alone does not prove that a key was used.
    pub variable: EfiVariable<'a>,
}

impl<'a> EventLog<'a> {
    /// The facts that the log supports in a bank.
    pub fn facts(&self, bank: HashAlg) -> BootFacts<'a> {
        let mut findings = Vec::new();
        let startup_locality = self.startup_locality();
        if let StartupLocality::Invalid { event } = startup_locality {
            findings.push(Finding {
                code: FindingCode::StartupLocalityInvalid,
                register: 0,
                event: Some(event),
            });
        }
        if self.format() == LogFormat::LegacySha1 {
            findings.push(Finding { code: FindingCode::Sha1OnlyLog, register: 0, event: None });
        }
        for event in self.events() {
            check_event(&event, bank, &mut findings);
        }
        let separators = separators(self, bank, &mut findings);
        let pcr7 = Pcr7::read(self, bank, &mut findings);
        BootFacts {
            bank,
            secure_boot: pcr7.secure_boot(),
            separators,
            variables: pcr7.variables,
            authorities: pcr7.authorities,
            startup_locality,
            findings,
        }
    }
}

fn check_event(event: &Event<'_>, bank: HashAlg, findings: &mut Vec<Finding>) {
    let mut find =
        |code| findings.push(Finding { code, register: event.register, event: Some(event.number) });
    if event.event_type == EventType::NO_ACTION {
        return;
    }
    if event.pcr().is_none() {
        find(FindingCode::UnknownRegister);
    }
    if event.event_type.name().is_none() {
        find(FindingCode::UnknownEvent);
    }
    if event.payload().is_err() {
        find(FindingCode::MalformedEvent);
    }
    match event.digest_check(bank) {
        DigestCheck::Mismatch => find(FindingCode::DigestMismatch),
        DigestCheck::NoDigest => find(FindingCode::DigestMissing),
        DigestCheck::Verified | DigestCheck::Opaque | DigestCheck::NotMeasured => {}
    }
    // Operating systems set separators of their own in later PCRs, with other data.
    let firmware = event.register < 8;
    if firmware && (event.event_type == EventType::SEPARATOR) != event.separator(bank).is_some() {
        find(FindingCode::SeparatorDisguised);
    }
}

//= TCG PFP 1.06 §3.3.2: a separator in each of PCR 0 to 7
fn separators(log: &EventLog<'_>, bank: HashAlg, findings: &mut Vec<Finding>) -> [SeparatorState; 8] {
    let mut states = [SeparatorState::Missing; 8];
    for event in log.events() {
        let Some(kind) = event.separator(bank) else { continue };
        let state = usize::try_from(event.register).ok().and_then(|register| states.get_mut(register));
        let Some(state) = state else { continue };
        let (number, register) = (event.number, event.register);
        if kind == Separator::Error {
            findings.push(Finding { code: FindingCode::SeparatorError, register, event: Some(number) });
        }
        *state = match (*state, kind) {
            (SeparatorState::Missing, Separator::Normal) => SeparatorState::Normal { event: number },
            (SeparatorState::Missing, Separator::Error) => SeparatorState::Error { event: number },
            (SeparatorState::Normal { event: first }, _) => {
                findings.push(Finding {
                    code: FindingCode::SeparatorRepeated,
                    register,
                    event: Some(number),
                });
                SeparatorState::Repeated { event: first, again: number }
            }
            (before, _) => {
                findings.push(Finding {
                    code: FindingCode::SeparatorRepeated,
                    register,
                    event: Some(number),
                });
                before
            }
        };
    }
    for (register, state) in (0..).zip(states) {
        if state == SeparatorState::Missing {
            findings.push(Finding { code: FindingCode::SeparatorMissing, register, event: None });
        }
    }
    states
}

/// PCR 7 read in order.
#[derive(Default)]
struct Pcr7<'a> {
    variables: Vec<MeasuredVariable<'a>>,
    /// A set, so that a log of nothing but variables costs no more than others of its length.
    names: BTreeSet<(Guid, String)>,
    authorities: Vec<Authority<'a>>,
    separator: Option<(u32, Separator)>,
    unverified: Option<u32>,
}

impl<'a> Pcr7<'a> {
    //= TCG PFP 1.06 §3.3.4.8: PCR 7 holds SecureBoot, PK, KEK, db, dbx, a separator, then authorities
    fn read(log: &EventLog<'a>, bank: HashAlg, findings: &mut Vec<Finding>) -> Self {
        let mut pcr7 = Self::default();
        for event in log.events().iter().filter(|event| event.extends(PcrIndex::SECURE_BOOT)) {
            let found = pcr7.event(&event, bank);
            findings.extend(found.map(|code| Finding { code, register: 7, event: Some(event.number) }));
        }
        pcr7
    }

    /// Takes an event in; the finding that it makes, if any.
    fn event(&mut self, event: &Event<'a>, bank: HashAlg) -> Option<FindingCode> {
        let number = event.number;
        if let Some(kind) = event.separator(bank) {
            self.separator.get_or_insert((number, kind));
            return None;
        }
        let variable = match Pcr7Event::read(event, bank) {
            Pcr7Event::Variable(variable) => variable,
            Pcr7Event::Action => return None,
            Pcr7Event::Unverified => {
                if self.separator.is_none() {
                    self.unverified.get_or_insert(number);
                }
                return Some(FindingCode::Pcr7Unverified);
            }
        };
        let before = self.separator.is_none();
        // The type is not measured: a state that is relabelled an authority is still a state.
        if event.event_type == EventType::EFI_VARIABLE_AUTHORITY && !is_secure_boot(&variable) {
            self.authorities.push(Authority { event: number, variable });
            return before.then_some(FindingCode::AuthorityBeforeSeparator);
        }
        if !before {
            return Some(FindingCode::VariableAfterSeparator);
        }
        let new = self.names.insert((variable.guid, variable.name.clone()));
        self.variables.push(MeasuredVariable { event: number, variable });
        (!new).then_some(FindingCode::DuplicateVariable)
    }

    fn secure_boot(&self) -> SecureBoot {
        self.secure_boot_event().unwrap_or_else(SecureBoot::Unknown)
    }

    fn secure_boot_event(&self) -> Result<SecureBoot, SecureBootUnknown> {
        match self.separator {
            None => return Err(SecureBootUnknown::NoSeparator),
            Some((event, Separator::Error)) => return Err(SecureBootUnknown::SeparatorError { event }),
            Some((_, Separator::Normal)) => {}
        }
        if let Some(event) = self.unverified {
            return Err(SecureBootUnknown::UnverifiedEvent { event });
        }
        let mut states = self.variables.iter().filter(|measured| is_secure_boot(&measured.variable));
        let Some(state) = states.next() else {
            return Err(SecureBootUnknown::NoVariable);
        };
        if let Some(second) = states.next() {
            return Err(SecureBootUnknown::DuplicateVariable { event: second.event });
        }
        let event = state.event;
        match state.variable.data {
            [1] => Ok(SecureBoot::On { event }),
            // Firmware without Secure Boot measures the variable that it lacks, with no data.
            [] | [0] => Ok(SecureBoot::Off { event }),
            _ => Err(SecureBootUnknown::BadValue { event }),
        }
    }
}

/// An event of PCR 7 that is not a separator. A relabelled event could pass for an action or a boot variable of
/// the same bytes, so only types and strings that the profile puts into PCR 7 count.
enum Pcr7Event<'a> {
    /// A digest-verified variable.
    Variable(EfiVariable<'a>),
    /// A digest-verified action that belongs there.
    Action,
    /// Anything else: it cannot be relied on.
    Unverified,
}

impl<'a> Pcr7Event<'a> {
    fn read(event: &Event<'a>, bank: HashAlg) -> Self {
        if event.digest_check(bank) != DigestCheck::Verified {
            return Self::Unverified;
        }
        match (event.event_type, event.payload()) {
            (
                EventType::EFI_VARIABLE_DRIVER_CONFIG | EventType::EFI_VARIABLE_AUTHORITY,
                Ok(Payload::Variable(variable)),
            ) => Self::Variable(variable),
            (EventType::EFI_ACTION, Ok(Payload::Text(text))) if PCR7_ACTIONS.contains(&text.as_str()) => {
                Self::Action
            }
            _ => Self::Unverified,
        }
    }
}

//= TCG PFP 1.06 §10.4.4: actions that are measured into PCR 7
const PCR7_ACTIONS: [&str; 2] = ["UEFI Debug Mode", "DMA Protection Disabled"];

fn is_secure_boot(variable: &EfiVariable<'_>) -> bool {
    variable.guid == Guid::GLOBAL_VARIABLE && variable.name == "SecureBoot"
}
