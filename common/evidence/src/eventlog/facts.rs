//! What a firmware log says of Secure Boot and of firmware's hand-over.
//!
//! In: a log and the bank that is relied on. Out: facts drawn from digest-verified events alone, and findings
//! with stable codes for all that is out of order. Facts are worth what the bank's replay is: nothing until
//! it equals quoted values.

use super::finding::{Finding, FindingCode, Findings};
use super::order::{self, Order};
use super::payload::EfiVariable;
use super::pcr7::Pcr7;
use super::{EventLog, LogFormat, StartupLocality};
use crate::digest::HashAlg;

/// What the events of a log add up to, in one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFacts<'a> {
    /// The bank that digests were checked in.
    pub bank: HashAlg,
    /// Whether Secure Boot was on.
    pub secure_boot: SecureBoot,
    /// The separators of PCR 0 to 7; of registers 0 to 7 in a log of measurement registers.
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
        let mut findings = Findings::default();
        let startup_locality = self.startup_locality();
        if self.format() == LogFormat::LegacySha1 && !self.events().is_empty() {
            findings.push(Finding::missing(FindingCode::Sha1OnlyLog, 0));
        }
        order::check_banks(self, &mut findings);
        let mut order = Order::new(self, bank, startup_locality);
        let mut pcr7 = Pcr7::new(self.format(), bank);
        for event in self.events() {
            let check = event.digest_check(bank);
            let separator = order.event(&event, check, &mut findings);
            if let Some(code) = pcr7.event(&event, check, separator, bank) {
                findings.push(Finding::of(code, &event));
            }
        }
        let separators = order.finish(&mut findings);
        BootFacts {
            bank,
            secure_boot: pcr7.secure_boot(),
            separators,
            variables: pcr7.variables,
            authorities: pcr7.authorities,
            startup_locality,
            findings: findings.finish(),
        }
    }
}
