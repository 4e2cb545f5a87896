//! Whether an event's digest is the one that its data gives.
//!
//! In: an event and a bank. Out: verified, mismatch, or opaque where the type's digest is by design of
//! something that is not in the log. A verified digest binds data to the log; only replay to a quoted value
//! binds the log to a TPM.

use std::ops::Range;

use super::payload::{EfiVariable, GRUB_PREFIXES, Payload, Text};
use super::{Event, EventType};
use crate::digest::{Digest, HashAlg};

/// How an event's data and its digest in a bank relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestCheck {
    /// The data, as the type defines it, hashes to the digest.
    Verified,
    /// The type defines the digest over the data, and they disagree: the data is not what was measured.
    Mismatch,
    /// The digest is of something else, or cannot be computed: the data is a mere claim.
    Opaque,
    /// The event is not extended into any register of a TPM, so nothing vouches for it.
    NotExtended,
    /// The event has no digest in this bank, so that it does not extend it.
    NoDigest,
}

impl DigestCheck {
    /// A word for tables and answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::Opaque => "opaque",
            Self::NotExtended | Self::NoDigest => "not-extended",
        }
    }
}

/// What a separator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Firmware handed over as it should.
    Normal,
    /// Firmware met an error while it measured.
    Error,
}

pub(super) fn digest_check(event: &Event<'_>, bank: HashAlg) -> DigestCheck {
    if event.pcr().is_none() {
        DigestCheck::NotExtended
    } else if event.digest(bank).is_none() {
        DigestCheck::NoDigest
    } else if measured(event, bank).is_some() {
        DigestCheck::Verified
    } else if digest_is_of_data(event) {
        DigestCheck::Mismatch
    } else {
        DigestCheck::Opaque
    }
}

/// Which bytes of the data the digest is of; whatever is beside them is a mere claim. `None` where it is of others.
pub(super) fn measured(event: &Event<'_>, bank: HashAlg) -> Option<Range<usize>> {
    event.pcr()?;
    let digest = event.digest(bank)?;
    let hashes_to = |preimage: &[u8]| bank.hash(&[preimage]) == digest;
    let fits = |range: &Range<usize>| event.data.get(range.clone()).is_some_and(hashes_to);
    if let Some(range) = candidates(event).into_iter().flatten().find(fits) {
        return Some(range);
    }
    if event.event_type == EventType::IPL && narrow_name(event.data).is_some_and(|name| hashes_to(&name)) {
        return Some(0..event.data.len());
    }
    //= TCG PFP 1.06 §10.4.1: the digest of an error's separator is of 01000000, its data tells of the error
    if event.event_type == EventType::SEPARATOR && hashes_to(&[1, 0, 0, 0]) {
        return Some(0..0);
    }
    None
}

/// The stretches of the data that the type allows as what was hashed. Never more than three.
fn candidates(event: &Event<'_>) -> [Option<Range<usize>>; 3] {
    let (data, len) = (event.data, event.data.len());
    let whole = Some(0..len);
    match event.event_type {
        EventType::EFI_VARIABLE_BOOT => match variable(event) {
            Some(variable) => {
                let end = len.saturating_sub(variable.trailing.len());
                [whole, Some(end.saturating_sub(variable.data.len())..end), None]
            }
            None => [whole, None, None],
        },
        // Old shims log some bytes too many and measure all but the last of them.
        EventType::EFI_VARIABLE_AUTHORITY => match variable(event) {
            Some(variable) if !variable.trailing.is_empty() => [whole, Some(0..len.saturating_sub(1)), None],
            _ => [whole, None, None],
        },
        EventType::EFI_ACTION | EventType::ACTION | EventType::POST_CODE => {
            [whole, without_nul(data, 0), None]
        }
        // GRUB measures its strings without prefix, older versions some of them with their NUL.
        EventType::IPL => match grub_prefix(data) {
            Some(prefix) => [Some(prefix..len), without_nul(data, prefix), whole],
            None => [whole, without_nul(data, 0), None],
        },
        EventType::EVENT_TAG => match event.payload() {
            Ok(Payload::Tagged(tagged)) => {
                let start = TAG_BYTES.min(len);
                [whole, Some(start..start.saturating_add(tagged.data.len()).min(len)), None]
            }
            _ => [whole, None, None],
        },
        // A type of the image's own hash: its event data is never what was measured.
        EventType::EFI_BOOT_SERVICES_APPLICATION
        | EventType::EFI_BOOT_SERVICES_DRIVER
        | EventType::EFI_RUNTIME_SERVICES_DRIVER => [None, None, None],
        _ => [whole, None, None],
    }
}

/// The data from `start` on without the NUL at its end, if it has one.
fn without_nul(data: &[u8], start: usize) -> Option<Range<usize>> {
    let (last, _) = data.get(start..)?.split_last()?;
    (*last == 0).then(|| start..data.len().saturating_sub(1))
}

/// A number and a length come before a tagged event's data.
const TAG_BYTES: usize = 8;

/// The stub of systemd logs a section's name in UTF-16 and measures it in ASCII with its NUL.
fn narrow_name(data: &[u8]) -> Option<Vec<u8>> {
    if data.len() > SECTION_NAME_BYTES {
        return None;
    }
    let text = Text::of_either_width(data);
    // One that is of one byte a character already was hashed as it is.
    if text.as_bytes().get(1) != Some(&0) {
        return None;
    }
    Some(text.to_string().into_bytes().into_iter().chain([0]).collect())
}

/// A PE section's name has eight bytes, 16 in UTF-16; some more for names that a future format may have.
const SECTION_NAME_BYTES: usize = 64;

/// How many bytes of prefix GRUB put before its string.
fn grub_prefix(data: &[u8]) -> Option<usize> {
    GRUB_PREFIXES.iter().find(|(prefix, _)| data.starts_with(prefix)).map(|(prefix, _)| prefix.len())
}

fn variable<'a>(event: &Event<'a>) -> Option<EfiVariable<'a>> {
    match event.payload() {
        Ok(Payload::Variable(variable)) => Some(variable),
        _ => None,
    }
}

/// Whether the profile, or GRUB, defines the digest over the event's data, so that a difference is a fault.
//= TCG PFP 1.06 §10.4.1: what each event type's digest is over
fn digest_is_of_data(event: &Event<'_>) -> bool {
    match event.event_type {
        EventType::SEPARATOR
        | EventType::S_CRTM_VERSION
        | EventType::EFI_ACTION
        | EventType::ACTION
        | EventType::EFI_GPT_EVENT
        | EventType::EFI_VARIABLE_DRIVER_CONFIG
        | EventType::EFI_VARIABLE_BOOT
        | EventType::EFI_VARIABLE_BOOT2
        | EventType::EFI_VARIABLE_AUTHORITY => true,
        EventType::IPL => grub_prefix(event.data).is_some(),
        // Windows measures its records as they are.
        EventType::EVENT_TAG => matches!(event.payload(), Ok(Payload::Windows(_))),
        _ => false,
    }
}

/// The digests of separators in a bank: a log has hundreds of events to compare with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeparatorDigests {
    normal: [Digest; 2],
    error: Digest,
}

impl SeparatorDigests {
    pub(super) fn of(bank: HashAlg) -> Self {
        let hash = |value: [u8; 4]| bank.hash(&[&value]);
        Self { normal: [hash([0; 4]), hash([0xff; 4])], error: hash([1, 0, 0, 0]) }
    }

    /// A digest of 00000000 or FFFFFFFF is a separator whatever the event's type says: the type is not measured, so
    /// whoever rewrote it could hide where firmware's part ends. One of 01000000 is an error only under its own
    /// type, since a boot order of one entry has the same bytes; no *good* news can be made of a hidden one.
    //= TCG PFP 1.06 §10.4.1: EV_SEPARATOR
    pub(super) fn kind(&self, event: &Event<'_>, bank: HashAlg) -> Option<Separator> {
        event.pcr()?;
        let digest = event.digest(bank)?;
        if self.normal.contains(&digest) {
            Some(Separator::Normal)
        } else if event.event_type == EventType::SEPARATOR && self.error == digest {
            Some(Separator::Error)
        } else {
            None
        }
    }
}
