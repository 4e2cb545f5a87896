//! The data of an event as its type defines it.
//!
//! In: an event's type and raw data. Out: typed fields that borrow the data. That data decodes says nothing
//! of whether it was measured: `digest_check` does.

mod announce;
mod device_path;
mod firmware;
mod image;
mod loader;
mod sipa;
mod spdm;
mod text;
mod variable;

pub use announce::{Locator, PlatformEvent, PlatformNames, SpecId};
pub use device_path::DevicePath;
pub use firmware::{FirmwareBlob, Gpt, HandoffTables, Partition};
pub use image::ImageLoad;
pub(super) use loader::GRUB_PREFIXES;
pub use loader::{IplKind, IplText, Tagged};
pub use sipa::{SipaId, SipaRecord, SipaRecords, SipaValue, crypto_api_hash};
pub use spdm::DeviceSecurity;
pub use text::Text;
pub use variable::{BootOrder, Contents, EfiVariable, LoadOption};

use super::EventType;
use super::parse::SPEC_ID_03;
use super::replay::STARTUP_LOCALITY;
use crate::cursor::Truncated;
pub(super) use crate::efi::Guid;

/// Typed data of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The record that announces the log's form.
    SpecId(SpecId<'a>),
    /// The locality from which the TPM was started.
    StartupLocality(&'a [u8]),
    /// Where reference values are to be found.
    PlatformEvent(PlatformEvent<'a>),
    /// A UEFI variable, or an entry of one that authorised something.
    Variable(EfiVariable<'a>),
    /// An image that firmware or a loader started.
    Image(ImageLoad<'a>),
    /// The partition table of the boot disk.
    Gpt(Gpt<'a>),
    /// Tables that firmware hands over.
    HandoffTables(HandoffTables<'a>),
    /// A stretch of firmware by address.
    FirmwareBlob(FirmwareBlob<'a>),
    /// The end of firmware's own measurements in a PCR; four bytes, or error information.
    Separator(&'a [u8]),
    /// A string: an action, a POST code, a description of what was measured.
    Text(Text<'a>),
    /// The version of the firmware's first code; UTF-16 by the profile, ASCII in practice.
    CrtmVersion(Text<'a>),
    /// The version of the firmware's first code as a GUID.
    CrtmGuid(Guid),
    /// A string of a boot loader.
    Ipl(IplText<'a>),
    /// A tagged event of an operating system or loader.
    Tagged(Tagged<'a>),
    /// Records of Windows.
    Windows(SipaRecords<'a>),
    /// What a device says of its firmware.
    DeviceSecurity(DeviceSecurity<'a>),
    /// Any other data, unread.
    Raw(&'a [u8]),
}

/// The data is shorter than its type asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event data of {event_type} ends early: {cause}")]
pub struct PayloadError {
    /// The type.
    pub event_type: EventType,
    /// Where in the data, and by how much.
    pub cause: Truncated,
}

pub(super) fn decode(event_type: EventType, data: &[u8]) -> Result<Payload<'_>, PayloadError> {
    decode_fields(event_type, data).map_err(|cause| PayloadError { event_type, cause })
}

fn decode_fields(event_type: EventType, data: &[u8]) -> Result<Payload<'_>, Truncated> {
    Ok(match event_type {
        EventType::NO_ACTION => return no_action(data),
        EventType::SEPARATOR => Payload::Separator(data),
        //= TCG PFP 1.06 §10.4.1: a version string in UTF-16, or a GUID
        EventType::S_CRTM_VERSION => match (Text::printable(data), data.try_into()) {
            (None, Ok(guid)) => Payload::CrtmGuid(Guid(guid)),
            _ => Payload::CrtmVersion(Text::of_either_width(data)),
        },
        EventType::EFI_ACTION | EventType::ACTION | EventType::EFI_HCRTM_EVENT => {
            Payload::Text(Text::narrow(data))
        }
        EventType::EVENT_TAG => return tagged(data),
        EventType::IPL => Payload::Ipl(IplText::new(data)),
        EventType::EFI_VARIABLE_DRIVER_CONFIG
        | EventType::EFI_VARIABLE_BOOT
        | EventType::EFI_VARIABLE_BOOT2
        | EventType::EFI_VARIABLE_AUTHORITY
        | EventType::EFI_SPDM_DEVICE_POLICY
        | EventType::EFI_SPDM_DEVICE_AUTHORITY => Payload::Variable(EfiVariable::read(data)?),
        EventType::EFI_BOOT_SERVICES_APPLICATION
        | EventType::EFI_BOOT_SERVICES_DRIVER
        | EventType::EFI_RUNTIME_SERVICES_DRIVER => Payload::Image(ImageLoad::read(data)?),
        EventType::EFI_GPT_EVENT | EventType::EFI_GPT_EVENT2 => Payload::Gpt(Gpt::read(data)?),
        EventType::EFI_HANDOFF_TABLES => Payload::HandoffTables(HandoffTables::read(data)?),
        EventType::EFI_HANDOFF_TABLES2 => Payload::HandoffTables(HandoffTables::read_described(data)?),
        EventType::EFI_PLATFORM_FIRMWARE_BLOB => Payload::FirmwareBlob(FirmwareBlob::read(data)?),
        EventType::EFI_PLATFORM_FIRMWARE_BLOB2 | EventType::POST_CODE2 => {
            Payload::FirmwareBlob(FirmwareBlob::read_described(data)?)
        }
        EventType::POST_CODE | EventType::S_CRTM_CONTENTS => text_or_blob(data),
        EventType::EFI_SPDM_FIRMWARE_BLOB | EventType::EFI_SPDM_FIRMWARE_CONFIG => {
            DeviceSecurity::read(data)?.map_or(Payload::Raw(data), Payload::DeviceSecurity)
        }
        _ => text_or_raw(data),
    })
}

fn no_action(data: &[u8]) -> Result<Payload<'_>, Truncated> {
    if let Some(value) = data.strip_prefix(STARTUP_LOCALITY) {
        return Ok(Payload::StartupLocality(value));
    }
    if data.starts_with(SPEC_ID_03) {
        return SpecId::read(data, true).map(Payload::SpecId);
    }
    //= TCG EFI Platform Specification 1.22 §7.4, TCG PC Client BIOS 1.21 §11.3.4.1: the forms of TPM 1.2
    if data.starts_with(b"Spec ID Event02\0") || data.starts_with(b"Spec ID Event00\0") {
        return SpecId::read(data, false).map(Payload::SpecId);
    }
    for (signature, form) in [(b"SP800-155 Event\0", 1), (b"SP800-155 Event2", 2), (b"SP800-155 Event3", 3)] {
        if data.starts_with(signature) {
            return PlatformEvent::read(data, form).map(Payload::PlatformEvent);
        }
    }
    Ok(windows(data).unwrap_or_else(|| text_or_raw(data)))
}

fn tagged(data: &[u8]) -> Result<Payload<'_>, Truncated> {
    match windows(data) {
        Some(records) => Ok(records),
        None => Tagged::read(data).map(Payload::Tagged),
    }
}

/// Records of Windows, if the data starts like one and they follow each other to its end.
fn windows(data: &[u8]) -> Option<Payload<'_>> {
    let id = SipaId(u32::from_le_bytes(*data.first_chunk()?));
    if !id.is_windows() {
        return None;
    }
    SipaRecords::read(data).ok().map(Payload::Windows)
}

/// Firmware logs a POST code's name, or where its blob is, in either of two forms.
fn text_or_blob(data: &[u8]) -> Payload<'_> {
    if let Some(text) = Text::printable(data) {
        return Payload::Text(text);
    }
    let blob = if data.len() == 16 { FirmwareBlob::read(data) } else { FirmwareBlob::read_described(data) };
    blob.map_or(Payload::Raw(data), Payload::FirmwareBlob)
}

fn text_or_raw(data: &[u8]) -> Payload<'_> {
    Text::printable(data).map_or(Payload::Raw(data), Payload::Text)
}

#[cfg(test)]
mod tests;
