//! The data of an event as its type defines it.
//!
//! In: an event's type and raw data. Out: typed fields that borrow the data. That data decodes says nothing
//! of whether it was measured: `digest_check` does.

use std::fmt;

use super::parse::SPEC_ID_03;
use super::replay::STARTUP_LOCALITY;
use super::{DevicePath, EventType};
use crate::cursor::{Cursor, Truncated};

/// Typed data of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A UEFI variable, or an entry of one that authorised something.
    Variable(EfiVariable<'a>),
    /// An image that firmware or a loader started.
    Image(ImageLoad<'a>),
    /// The end of firmware's own measurements in a PCR; four bytes, or error information.
    Separator(&'a [u8]),
    /// A string that firmware measured: an action, a POST code, without its NUL.
    Text(String),
    /// The version of the firmware's first code; UTF-16 by the profile, ASCII in practice.
    CrtmVersion(String),
    /// A string of a boot loader.
    Ipl(IplText<'a>),
    /// A tagged event of an operating system or loader.
    Tagged {
        /// What the data is; Linux, systemd and Windows have numbers of their own.
        id: u32,
        /// The data.
        data: &'a [u8],
    },
    /// A stretch of firmware by address.
    FirmwareBlob {
        /// What it is, if it is described.
        description: &'a [u8],
        /// Physical address.
        base: u64,
        /// Length in bytes.
        length: u64,
    },
    /// The record that announces a crypto-agile log.
    SpecId,
    /// The locality from which the TPM was started.
    StartupLocality(&'a [u8]),
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
        EventType::NO_ACTION => no_action(data),
        EventType::SEPARATOR => Payload::Separator(data),
        EventType::S_CRTM_VERSION => Payload::CrtmVersion(text_of_either_width(data)),
        EventType::EFI_ACTION | EventType::ACTION => Payload::Text(ascii(data)),
        EventType::EVENT_TAG => tagged(data)?,
        EventType::IPL => Payload::Ipl(IplText::new(data)),
        EventType::EFI_VARIABLE_DRIVER_CONFIG
        | EventType::EFI_VARIABLE_BOOT
        | EventType::EFI_VARIABLE_BOOT2
        | EventType::EFI_VARIABLE_AUTHORITY => Payload::Variable(EfiVariable::read(data)?),
        EventType::EFI_BOOT_SERVICES_APPLICATION
        | EventType::EFI_BOOT_SERVICES_DRIVER
        | EventType::EFI_RUNTIME_SERVICES_DRIVER => Payload::Image(ImageLoad::read(data)?),
        EventType::EFI_PLATFORM_FIRMWARE_BLOB => firmware_blob(&[], &mut Cursor::new(data))?,
        EventType::EFI_PLATFORM_FIRMWARE_BLOB2 => described_firmware_blob(data)?,
        _ => Payload::Raw(data),
    })
}

fn no_action(data: &[u8]) -> Payload<'_> {
    if let Some(value) = data.strip_prefix(STARTUP_LOCALITY) {
        Payload::StartupLocality(value)
    } else if data.starts_with(SPEC_ID_03) {
        Payload::SpecId
    } else {
        Payload::Raw(data)
    }
}

//= TCG PFP 1.06 §10.4.2.1: TCG_PCClientTaggedEvent
fn tagged(data: &[u8]) -> Result<Payload<'_>, Truncated> {
    let mut cursor = Cursor::new(data);
    let id = cursor.u32_le()?;
    let size = cursor.u32_le()?;
    let data = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
    Ok(Payload::Tagged { id, data })
}

fn firmware_blob<'a>(description: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Payload<'a>, Truncated> {
    Ok(Payload::FirmwareBlob { description, base: cursor.u64_le()?, length: cursor.u64_le()? })
}

fn described_firmware_blob(data: &[u8]) -> Result<Payload<'_>, Truncated> {
    let mut cursor = Cursor::new(data);
    let size = cursor.u8()?;
    let description = cursor.take(usize::from(size))?;
    firmware_blob(description, &mut cursor)
}

/// A UEFI variable as it was measured (`UEFI_VARIABLE_DATA`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfiVariable<'a> {
    /// The vendor's GUID.
    pub guid: Guid,
    /// The variable's name; ill-formed UTF-16 shows as U+FFFD, which no known name holds.
    pub name: String,
    /// The variable's data, or the entry that authorised something.
    pub data: &'a [u8],
    /// Bytes behind the structure; old shims log some.
    pub trailing: &'a [u8],
}

impl<'a> EfiVariable<'a> {
    //= TCG PFP 1.06 §10.2.6: UEFI_VARIABLE_DATA
    fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let guid = Guid(cursor.array()?);
        // The name's length counts characters of two bytes, and there is no NUL.
        let characters = cursor.u64_le()?;
        let size = cursor.u64_le()?;
        let name_bytes = usize::try_from(characters).unwrap_or(usize::MAX).saturating_mul(2);
        let name = utf16(cursor.take(name_bytes)?);
        let data = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { guid, name, data, trailing: cursor.rest() })
    }
}

/// A GUID in its UEFI byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// `EFI_GLOBAL_VARIABLE`: `SecureBoot`, `PK`, `KEK`, `BootOrder`, `Boot0000` and so on.
    pub const GLOBAL_VARIABLE: Self =
        Self([0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0, 0xe0, 0x98, 3, 0x2b, 0x8c]);
    /// `EFI_IMAGE_SECURITY_DATABASE`: `db`, `dbx`, `dbt`, `dbr`.
    pub const IMAGE_SECURITY: Self = Self([
        0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
    ]);
    /// Shim's variables: `MokList`, `SbatLevel` and so on.
    pub const SHIM_LOCK: Self =
        Self([0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23]);
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        //= UEFI 2.10 Appendix A: the first three fields are little-endian
        for (at, byte) in [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].into_iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{:02x}", self.0.get(byte).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An image that was started (`UEFI_IMAGE_LOAD_EVENT`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageLoad<'a> {
    /// Where the image lay in memory.
    pub location: u64,
    /// Its length there.
    pub length: u64,
    /// The address that it was linked for.
    pub link_address: u64,
    /// Where it came from, as the loader says; empty for images that GRUB started from memory.
    pub device_path: DevicePath<'a>,
}

impl<'a> ImageLoad<'a> {
    //= TCG PFP 1.06 §10.2.3: UEFI_IMAGE_LOAD_EVENT
    fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let (location, length, link_address) = (cursor.u64_le()?, cursor.u64_le()?, cursor.u64_le()?);
        let size = cursor.u64_le()?;
        let path = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { location, length, link_address, device_path: DevicePath::new(path) })
    }
}

/// What a boot loader measured as `EV_IPL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IplText<'a> {
    /// Which kind of string it is, by its prefix.
    pub kind: IplKind,
    /// The string without prefix and NUL: a command, a command line, a path, a section's name.
    pub text: String,
    /// The string's bytes without prefix, with its NUL if there is one.
    pub raw: &'a [u8],
}

/// Whose string an `EV_IPL` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IplKind {
    /// A command that GRUB ran.
    GrubCommand,
    /// The kernel's command line, as GRUB passed it.
    KernelCommandLine,
    /// A module's command line, as GRUB passed it.
    ModuleCommandLine,
    /// Any other: the path of a file that GRUB read, a section of a unified kernel image, a variable of shim.
    Other,
}

impl<'a> IplText<'a> {
    fn new(data: &'a [u8]) -> Self {
        let prefixed =
            GRUB_PREFIXES.iter().find_map(|(prefix, kind)| Some((data.strip_prefix(*prefix)?, *kind)));
        let (raw, kind) = prefixed.unwrap_or((data, IplKind::Other));
        Self { kind, text: text_of_either_width(raw), raw }
    }
}

/// GRUB's prefixes; those without a colon are of older versions, with their own distance to the text.
pub(super) const GRUB_PREFIXES: [(&[u8], IplKind); 6] = [
    (b"grub_cmd: ", IplKind::GrubCommand),
    (b"kernel_cmdline: ", IplKind::KernelCommandLine),
    (b"module_cmdline: ", IplKind::ModuleCommandLine),
    (b"grub_cmd ", IplKind::GrubCommand),
    (b"grub_kernel_cmdline ", IplKind::KernelCommandLine),
    (b"grub_module_cmdline ", IplKind::ModuleCommandLine),
];

/// Text without its NUL; bytes that are not UTF-8 show as U+FFFD.
fn ascii(data: &[u8]) -> String {
    let text = data.strip_suffix(&[0]).unwrap_or(data);
    String::from_utf8_lossy(text).into_owned()
}

/// UTF-16 where it begins like Latin text of that width, else as `ascii`; without its NUL.
fn text_of_either_width(data: &[u8]) -> String {
    wide_text(data)
        .unwrap_or_else(|| if data.iter().all(|byte| *byte == 0) { String::new() } else { ascii(data) })
}

/// Text of two-byte characters without its NUL, if the data looks like it.
pub(super) fn wide_text(data: &[u8]) -> Option<String> {
    let wide = data.len().is_multiple_of(2) && matches!(data, [first, 0, ..] if *first != 0);
    wide.then(|| {
        let mut text = utf16(data);
        if text.ends_with('\0') {
            text.pop();
        }
        text
    })
}

pub(super) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
