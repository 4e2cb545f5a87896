//! Whether an event's digest is the one that its text gives.
//!
//! In: an event and a bank. Out: verified, mismatch or opaque. Text is measured without a NUL at its end; volume keys and
//! interactive credentials are measured as an HMAC with the secret as its key, which nobody else can recompute.
//= systemd src/shared/tpm2-util.c: tpm2_pcr_extend_bytes

use super::SystemdEvent;
use super::decode::EventKind;
use super::escape::{may_be_cut, unescaped};
use crate::digest::HashAlg;

/// How an event's text and its digest relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextCheck {
    /// The text, or what it stands for, was measured.
    Verified,
    /// Something else was measured.
    Mismatch,
    /// It cannot be told.
    Opaque(OpaqueReason),
    /// The event has no digest of the bank.
    NoDigest,
}

/// Why a digest cannot be recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpaqueReason {
    /// There is no text.
    NoText,
    /// A secret is part of what was hashed.
    Secret,
    /// The text was cut when it was logged.
    Cut,
    /// A type that Lydian does not know may be measured in another way.
    UnknownType,
}

impl TextCheck {
    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::Opaque(_) => "opaque",
            Self::NoDigest => "no-digest",
        }
    }
}

impl SystemdEvent<'_> {
    /// Whether the digest in `bank` is that of the text.
    pub fn check(&self, bank: HashAlg) -> TextCheck {
        let Some(digest) = self.record.digest(bank) else { return TextCheck::NoDigest };
        let Some(text) = self.text else { return TextCheck::Opaque(OpaqueReason::NoText) };
        let text = text.decode();
        if bank.hash(&[text.as_bytes()]) == digest {
            return TextCheck::Verified;
        }
        if unescaped(&text).is_some_and(|bytes| bank.hash(&[&bytes]) == digest) {
            return TextCheck::Verified;
        }
        match self.kind() {
            EventKind::VolumeKey | EventKind::Credential => TextCheck::Opaque(OpaqueReason::Secret),
            _ if text.starts_with("credential:") => TextCheck::Opaque(OpaqueReason::Secret),
            _ if may_be_cut(&text) => TextCheck::Opaque(OpaqueReason::Cut),
            EventKind::Unknown => TextCheck::Opaque(OpaqueReason::UnknownType),
            _ => TextCheck::Mismatch,
        }
    }

    /// Whether any digest of the event is that of the text, and none of another.
    pub fn check_all(&self) -> TextCheck {
        let mut all = TextCheck::NoDigest;
        for digest in self.record.digests() {
            match self.check(digest.alg()) {
                TextCheck::Mismatch => return TextCheck::Mismatch,
                found => all = found,
            }
        }
        all
    }
}
