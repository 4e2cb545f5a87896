//! What can be out of order in a firmware log.
//!
//! In: nothing. Out: codes that policies and answers name; they never change, and what each weighs. A finding says that
//! something differs from what the profile asks for; policy says how bad that is.

use std::fmt;

use super::Event;
use crate::digest::HashAlg;
use crate::finding::Severity;
use crate::limits;

/// Something out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// The PCR, or whatever register the event names.
    pub register: u32,
    /// The event, unless something is missing.
    pub event: Option<u32>,
    /// Where that event starts in the log.
    pub offset: Option<usize>,
    /// The bank, where it is about one.
    pub bank: Option<HashAlg>,
}

impl Finding {
    pub(super) const fn of(code: FindingCode, event: &Event<'_>) -> Self {
        Self {
            code,
            register: event.register,
            event: Some(event.number),
            offset: Some(event.offset),
            bank: None,
        }
    }

    /// Of a register as a whole.
    pub(super) const fn missing(code: FindingCode, register: u32) -> Self {
        Self { code, register, event: None, offset: None, bank: None }
    }

    /// Of a bank of the log.
    pub(super) const fn of_bank(code: FindingCode, bank: HashAlg) -> Self {
        Self { code, register: 0, event: None, offset: None, bank: Some(bank) }
    }

    /// How much it weighs.
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// A sentence for people.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bank) = self.bank {
            return write!(f, "bank {bank}: {}", self.code.text());
        }
        match self.event {
            Some(event) => write!(f, "event {event}, PCR {}: {}", self.register, self.code.text()),
            None if self.code.is_of_log() => f.write_str(self.code.text()),
            None => write!(f, "PCR {}: {}", self.register, self.code.text()),
        }
    }
}

/// Findings up to a limit.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    more: bool,
}

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        if self.kept.len() < limits::EVENT_LOG_FINDINGS {
            self.kept.push(finding);
        } else {
            self.more = true;
        }
    }

    /// All that were kept, and one more where some were not.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        if self.more {
            self.kept.push(Finding::missing(FindingCode::MoreFindings, 0));
        }
        self.kept
    }
}

impl FindingCode {
    /// Whether it is of the whole log, not of a register.
    pub const fn is_of_log(self) -> bool {
        matches!(self, Self::MoreFindings | Self::Sha1OnlyLog | Self::BankNotExtended)
    }
}

crate::finding_codes! {
    DigestMismatch = "digest-mismatch", Error, "the event's data is not what was measured";
    DigestMissing = "digest-missing", Error, "the event has no digest in this bank, so nothing of it was measured there";
    UnknownEvent = "unknown-event", Info, "an event type that the profile does not define";
    MalformedEvent = "malformed-event", Warning, "the event's data ends before its type's fields do";
    UnknownRegister = "unknown-register", Error, "the event extends a register that no TPM has";
    NoActionDigest = "no-action-digest", Info, "an event that is never extended has a digest that is not zero";
    SeparatorMissing = "separator-missing", Warning, "no separator: firmware did not say where its own part ends";
    SeparatorError = "separator-error", Error, "the separator reports that firmware met an error while it measured";
    SeparatorRepeated = "separator-repeated", Warning, "a second separator: what follows the first is not firmware's";
    SeparatorLookalike = "separator-lookalike", Warning, "firmware measured four bytes of zeros or ones here, or a separator was relabelled: what follows may not be firmware's";
    SeparatorDisguised = "separator-disguised", Error, "a separator's digest under another type, or a separator's type over another digest";
    EventAfterSeparator = "event-after-separator", Warning, "an event of firmware's own start behind the separator";
    DuplicateVariable = "duplicate-variable", Warning, "the variable was measured before; which of them counts is not known";
    VariableOrder = "pcr7-variable-order", Warning, "the variable is out of the profile's order: Secure Boot's state, PK, KEK, db, dbx";
    VariableAfterSeparator = "pcr7-variable-after-separator", Warning, "a configuration variable behind the separator does not count";
    AuthorityBeforeSeparator = "pcr7-authority-before-separator", Info, "an authority before the separator: an option ROM was verified, or the log is out of order";
    Pcr7Unverified = "pcr7-unverified-event", Warning, "the event cannot be checked, or does not belong here";
    MoreVariables = "more-variables-than-kept", Warning, "more variables or authorities than are kept";
    StartupLocalityInvalid = "startup-locality-invalid", Error, "a startup locality that the profile forbids: it is ignored";
    HcrtmLocality = "hcrtm-locality", Warning, "an H-CRTM was measured, but the startup locality is not 4";
    BankNotExtended = "bank-not-extended", Error, "the log names a bank that firmware never extends: anyone can extend what they like there";
    Sha1OnlyLog = "sha1-only-log", Warning, "the log has SHA-1 digests alone, which can be forged";
    MoreFindings = "more-findings-than-kept", Error, "more findings than are kept";
}
