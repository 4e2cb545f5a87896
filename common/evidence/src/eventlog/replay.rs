//! What PCRs hold after the events of a log.
//!
//! In: a log and a bank. Out: the value that each PCR would have if the log told of every extend and of
//! nothing else. Equality with quoted values is what makes the digests true; that is for the caller to check.

use std::fmt;

use super::{Event, EventLog, EventType};
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrMask, PcrValues};

/// Why a log cannot be replayed in a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The log has no digests of this bank.
    #[error("the event log has no {bank} digests")]
    BankAbsent {
        /// The bank.
        bank: HashAlg,
    },
}

/// What the log says of the locality from which the TPM was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartupLocality {
    /// Nothing: PCR 0 starts at zero.
    NotLogged,
    /// PCR 0's start value ends with this byte.
    Logged {
        /// The event's number.
        event: u32,
        /// 0, 3 or 4; 4 means that an H-CRTM measured first.
        locality: u8,
    },
    /// There are records of it that the profile forbids; PCR 0 is replayed from zero.
    Invalid {
        /// The first offending event's number.
        event: u32,
    },
}

/// The signature of a record of the startup locality.
pub(super) const STARTUP_LOCALITY: &[u8] = b"StartupLocality\0";

impl EventLog<'_> {
    /// The startup locality: 0, 3 or 4, for PCR 0 only, before any extend of PCR 0, once.
    //= TCG PFP 1.06 §10.4.5.3: EV_NO_ACTION event with StartupLocality
    pub fn startup_locality(&self) -> StartupLocality {
        let mut found = StartupLocality::NotLogged;
        let mut extended = false;
        for event in self.events() {
            extended |= event.register == 0 && event.event_type != EventType::NO_ACTION;
            let Some(value) = startup_locality_value(&event) else { continue };
            found = match (found, value) {
                (StartupLocality::NotLogged, [locality @ (0 | 3 | 4)])
                    if event.register == 0 && !extended =>
                {
                    StartupLocality::Logged { event: event.number, locality: *locality }
                }
                (StartupLocality::Invalid { event }, _) => StartupLocality::Invalid { event },
                _ => StartupLocality::Invalid { event: event.number },
            };
        }
        found
    }

    /// The PCRs that the log extends in a bank.
    pub fn extended(&self, bank: HashAlg) -> PcrMask {
        self.events()
            .iter()
            .filter(|event| event.digest(bank).is_some())
            .filter_map(|event| event.pcr())
            .collect()
    }

    /// The value of every PCR in `bank` after the log's last event; untouched PCRs keep their start value.
    pub fn replay(&self, bank: HashAlg) -> Result<PcrValues, ReplayError> {
        if !self.banks.contains(&bank) {
            return Err(ReplayError::BankAbsent { bank });
        }
        let mut registers = PcrIndex::ALL.map(|pcr| (pcr, self.start_value(bank, pcr)));
        for event in self.events() {
            let (Some(pcr), Some(digest)) = (event.pcr(), event.digest(bank)) else { continue };
            if let Some((_, value)) = registers.get_mut(usize::from(pcr.get())) {
                *value = value.extend(&digest).unwrap_or(*value);
            }
        }
        let mut values = PcrValues::new();
        for (pcr, value) in registers {
            values.insert(pcr, value);
        }
        Ok(values)
    }

    /// What a PCR held before the log's first event.
    pub(super) fn start_value(&self, bank: HashAlg, pcr: PcrIndex) -> Digest {
        if pcr.get() == 0
            && let StartupLocality::Logged { locality, .. } = self.startup_locality()
        {
            return located_start(bank, locality);
        }
        pcr.start(bank)
    }

    /// Whether PCR 5 comes to the quoted value when the events of `ExitBootServices` are appended, which some
    /// firmware extends without logging them. For use where PCR 5 alone disagrees; to be reported, not hidden.
    pub fn repair_exit_boot_services(
        &self,
        bank: HashAlg,
        quoted: &Digest,
    ) -> Option<ExitBootServicesRepair> {
        let logged = self
            .events()
            .iter()
            .any(|event| event.extends(EXIT_BOOT_SERVICES_PCR) && event.data.starts_with(EBS_INVOCATION));
        if logged {
            return None;
        }
        let replayed = self.replay(bank).ok()?.value(bank, EXIT_BOOT_SERVICES_PCR)?;
        ExitBootServicesRepair::ALL.into_iter().find(|repair| {
            let value =
                repair.events().iter().try_fold(replayed, |value, text| value.extend(&bank.hash(&[text])));
            value.as_ref() == Some(quoted)
        })
    }
}

/// The bytes behind the signature, if the event is a record of the startup locality.
fn startup_locality_value<'a>(event: &Event<'a>) -> Option<&'a [u8]> {
    if event.event_type != EventType::NO_ACTION {
        return None;
    }
    event.data.strip_prefix(STARTUP_LOCALITY)
}

pub(super) fn located_start(bank: HashAlg, locality: u8) -> Digest {
    let mut bytes = vec![0; bank.size()];
    if let Some(last) = bytes.last_mut() {
        *last = locality;
    }
    Digest::new(bank, &bytes).unwrap_or_else(|_| Digest::zero(bank))
}

/// Events that some firmware extends into PCR 5 and does not log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitBootServicesRepair {
    /// Invocation, then success.
    Success,
    /// Invocation, then failure.
    Failure,
    /// Invocation, failure, then success.
    FailureThenSuccess,
    /// Invocation, failure, a second invocation, then success.
    FailureThenSecondInvocation,
}

impl ExitBootServicesRepair {
    /// Every repair, the commonest first.
    pub const ALL: [Self; 4] =
        [Self::Success, Self::Failure, Self::FailureThenSuccess, Self::FailureThenSecondInvocation];

    /// The measured strings, in order.
    pub const fn events(self) -> &'static [&'static [u8]] {
        match self {
            Self::Success => &[EBS_INVOCATION, EBS_SUCCESS],
            Self::Failure => &[EBS_INVOCATION, EBS_FAILURE],
            Self::FailureThenSuccess => &[EBS_INVOCATION, EBS_FAILURE, EBS_SUCCESS],
            Self::FailureThenSecondInvocation => &[EBS_INVOCATION, EBS_FAILURE, EBS_INVOCATION, EBS_SUCCESS],
        }
    }
}

impl fmt::Display for ExitBootServicesRepair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "Invocation and Success",
            Self::Failure => "Invocation and Failure",
            Self::FailureThenSuccess => "Invocation, Failure and Success",
            Self::FailureThenSecondInvocation => "Invocation, Failure, Invocation and Success",
        })
    }
}

/// PCRs that the service manager and others extend while the system runs: 9 (names of `NvPCRs`), 11 (boot phases), 12 and
/// 13 (system extensions), 15 (machine id, volume keys).
pub const EXTENDED_BY_SYSTEM: [u8; 5] = [9, 11, 12, 13, 15];

/// The PCR that `ExitBootServices` is measured into.
pub const EXIT_BOOT_SERVICES_PCR: PcrIndex = {
    let [_, _, _, _, _, pcr5, ..] = PcrIndex::ALL;
    pcr5
};

//= TCG PFP 1.06 §10.4.4: EV_EFI_ACTION event strings
const EBS_INVOCATION: &[u8] = b"Exit Boot Services Invocation";
const EBS_SUCCESS: &[u8] = b"Exit Boot Services Returned with Success";
const EBS_FAILURE: &[u8] = b"Exit Boot Services Returned with Failure";
