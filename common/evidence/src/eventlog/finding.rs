//! What can be out of order in a firmware log.
//!
//! In: nothing. Out: codes that policies and answers name; they never change. A finding says that something
//! differs from what the profile asks for, not how bad that is.

/// Something out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// The PCR, or whatever register the event names.
    pub register: u32,
    /// The event, unless something is missing.
    pub event: Option<u32>,
}

macro_rules! finding_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kinds of findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode {
            $($(#[$doc])* $name,)*
        }

        impl FindingCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as policies and answers write it; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

finding_codes! {
    /// An event's data is not what was measured.
    DigestMismatch = "digest-mismatch",
    /// An event that the bank has no digest of.
    DigestMissing = "digest-missing",
    /// An event of a type that the profile does not define.
    UnknownEvent = "unknown-event",
    /// An event's data is shorter than its type asks for.
    MalformedEvent = "malformed-event",
    /// An event that extends a register that no TPM has.
    UnknownRegister = "unknown-register",
    /// A PCR from 0 to 7 without a separator.
    SeparatorMissing = "separator-missing",
    /// A separator that reports an error of the firmware.
    SeparatorError = "separator-error",
    /// A second separator in a PCR.
    SeparatorRepeated = "separator-repeated",
    /// A separator's digest under another type, or a separator's type over another digest.
    SeparatorDisguised = "separator-disguised",
    /// A variable that was measured twice before PCR 7's separator.
    DuplicateVariable = "duplicate-variable",
    /// A configuration variable behind PCR 7's separator.
    VariableAfterSeparator = "pcr7-variable-after-separator",
    /// An authority before PCR 7's separator: an option ROM was verified, or the log is out of order.
    AuthorityBeforeSeparator = "pcr7-authority-before-separator",
    /// An event of PCR 7 that cannot be checked, or does not belong there.
    Pcr7Unverified = "pcr7-unverified-event",
    /// A record of the startup locality that the profile forbids.
    StartupLocalityInvalid = "startup-locality-invalid",
    /// The log has SHA-1 digests alone.
    Sha1OnlyLog = "sha1-only-log",
}
