//! Secure Boot's register, read in order.
//!
//! In: the events of PCR 7, or of the measurement register that stands for it, each with its check. Out: what can be said
//! of Secure Boot, and what is out of order. Only digest-verified events before the separator count.

use super::check::Separator;
use super::facts::{Authority, MeasuredVariable, SecureBoot, SecureBootUnknown};
use super::payload::{EfiVariable, Guid, Payload};
use super::{DigestCheck, Event, EventType, FindingCode, LogFormat};
use crate::digest::{Digest, HashAlg};
use crate::limits;

/// Secure Boot's register so far.
pub(super) struct Pcr7<'a> {
    /// Its number in the log.
    register: u32,
    shared: Option<SharedRegister>,
    pub(super) variables: Vec<MeasuredVariable<'a>>,
    pub(super) authorities: Vec<Authority<'a>>,
    separator: Option<(u32, Separator)>,
    unverified: Option<u32>,
    last_rank: usize,
}

/// What a register holds that is more than PCR 7: the digests that a hidden `SecureBoot` would have.
struct SharedRegister {
    secure_boot: [Digest; 3],
}

impl<'a> Pcr7<'a> {
    pub(super) fn new(format: LogFormat, bank: HashAlg) -> Self {
        let ccel = format == LogFormat::Ccel;
        Self {
            //= Intel TDX Virtual Firmware Design Guide §8.3.2: RTMR0 stands for PCR 1 and 7
            register: if ccel { 1 } else { 7 },
            shared: ccel.then(|| SharedRegister::new(bank)),
            variables: Vec::new(),
            authorities: Vec::new(),
            separator: None,
            unverified: None,
            last_rank: 0,
        }
    }

    /// Takes an event in; the finding that it makes, if any.
    //= TCG PFP 1.06 §3.3.4.8: PCR 7 holds SecureBoot, PK, KEK, db, dbx, a separator, then authorities
    pub(super) fn event(
        &mut self,
        event: &Event<'a>,
        check: DigestCheck,
        separator: Option<Separator>,
        bank: HashAlg,
    ) -> Option<FindingCode> {
        if event.register != self.register || event.pcr().is_none() {
            return None;
        }
        let number = event.number;
        if let Some(kind) = separator {
            self.separator.get_or_insert((number, kind));
            return None;
        }
        match self.read(event, check, bank) {
            Pcr7Event::Variable(variable) => self.variable(event, variable),
            Pcr7Event::Elsewhere => None,
            Pcr7Event::Unverified => {
                if self.separator.is_none() {
                    self.unverified.get_or_insert(number);
                }
                Some(FindingCode::Pcr7Unverified)
            }
        }
    }

    fn variable(&mut self, event: &Event<'a>, variable: EfiVariable<'a>) -> Option<FindingCode> {
        let (number, before) = (event.number, self.separator.is_none());
        // The type is not measured: a state that is relabelled an authority is still a state.
        if event.event_type == EventType::EFI_VARIABLE_AUTHORITY && !is_secure_boot(&variable) {
            if self.authorities.len() >= limits::EVENT_LOG_VARIABLES {
                return Some(FindingCode::MoreVariables);
            }
            self.authorities.push(Authority { event: number, variable });
            return before.then_some(FindingCode::AuthorityBeforeSeparator);
        }
        if !before {
            return Some(FindingCode::VariableAfterSeparator);
        }
        if self.variables.len() >= limits::EVENT_LOG_VARIABLES {
            self.unverified.get_or_insert(number);
            return Some(FindingCode::MoreVariables);
        }
        let key = (variable.guid, variable.name);
        let again = self.variables.iter().any(|known| (known.variable.guid, known.variable.name) == key);
        let order = rank(&variable);
        let disordered = order.is_some_and(|rank| rank < self.last_rank);
        self.last_rank = order.map_or(self.last_rank, |rank| rank.max(self.last_rank));
        self.variables.push(MeasuredVariable { event: number, variable });
        if again {
            return Some(FindingCode::DuplicateVariable);
        }
        disordered.then_some(FindingCode::VariableOrder)
    }

    pub(super) fn secure_boot(&self) -> SecureBoot {
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

    /// A relabelled event could pass for an action or a boot variable of the same bytes, so only types and strings
    /// that the profile puts into PCR 7 count. A register that stands for PCR 1 too holds all sorts of events: there it is
    /// enough that none of them is the state in disguise.
    fn read(&self, event: &Event<'a>, check: DigestCheck, bank: HashAlg) -> Pcr7Event<'a> {
        let typed = match (event.event_type, event.payload()) {
            (
                EventType::EFI_VARIABLE_DRIVER_CONFIG | EventType::EFI_VARIABLE_AUTHORITY,
                Ok(Payload::Variable(variable)),
            ) => Pcr7Event::Variable(variable),
            //= TCG PFP 1.06 §3.3.4.8: policy and authorities of devices' certificates are measured here too
            (EventType::EFI_SPDM_DEVICE_POLICY | EventType::EFI_SPDM_DEVICE_AUTHORITY, Ok(_)) => {
                Pcr7Event::Elsewhere
            }
            (EventType::EFI_ACTION, Ok(Payload::Text(text)))
                if PCR7_ACTIONS.iter().any(|action| text == *action) =>
            {
                Pcr7Event::Elsewhere
            }
            _ if self.shared.as_ref().is_some_and(|shared| !shared.hides_state(event, bank)) => {
                return Pcr7Event::Elsewhere;
            }
            _ => Pcr7Event::Unverified,
        };
        if check == DigestCheck::Verified { typed } else { Pcr7Event::Unverified }
    }
}

/// An event of Secure Boot's register that is not a separator.
enum Pcr7Event<'a> {
    /// A digest-verified variable.
    Variable(EfiVariable<'a>),
    /// An event that belongs there and says nothing of Secure Boot.
    Elsewhere,
    /// Anything else: it cannot be relied on.
    Unverified,
}

impl SharedRegister {
    fn new(bank: HashAlg) -> Self {
        let name: Vec<u8> = SECURE_BOOT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u64::try_from(SECURE_BOOT.len()).unwrap_or_default();
        let digest = |data: &[u8]| {
            let size = u64::try_from(data.len()).unwrap_or_default();
            let lengths = [length.to_le_bytes(), size.to_le_bytes()];
            bank.hash(&[&Guid::GLOBAL_VARIABLE.0, lengths.as_flattened(), &name, data])
        };
        Self { secure_boot: [digest(&[]), digest(&[0]), digest(&[1])] }
    }

    fn hides_state(&self, event: &Event<'_>, bank: HashAlg) -> bool {
        event.digest(bank).is_none_or(|digest| self.secure_boot.contains(&digest))
    }
}

//= TCG PFP 1.06 §10.4.4: actions that are measured into PCR 7
const PCR7_ACTIONS: [&str; 2] = ["UEFI Debug Mode", "DMA Protection Disabled"];
const SECURE_BOOT: &str = "SecureBoot";
/// The order that the profile asks for; others may come anywhere behind these.
const ORDER: [&str; 5] = [SECURE_BOOT, "PK", "KEK", "db", "dbx"];

fn rank(variable: &EfiVariable<'_>) -> Option<usize> {
    let known = matches!(variable.guid, Guid::GLOBAL_VARIABLE | Guid::IMAGE_SECURITY);
    ORDER.iter().position(|name| variable.name == *name).filter(|_| known)
}

fn is_secure_boot(variable: &EfiVariable<'_>) -> bool {
    variable.guid == Guid::GLOBAL_VARIABLE && variable.name == SECURE_BOOT
}
