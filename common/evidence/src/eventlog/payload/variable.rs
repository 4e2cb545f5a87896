//! UEFI variables as they are measured.
//!
//! In: the data of a variable's event. Out: its name and what its data is, by the name. That a variable reads as
//! something says nothing of whether it was measured, nor whether firmware obeyed it.

use super::{DevicePath, Guid, Text};
use crate::cursor::{Cursor, Truncated};
use crate::eventlog::EventType;

/// A UEFI variable as it was measured (`UEFI_VARIABLE_DATA`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfiVariable<'a> {
    /// The vendor's GUID.
    pub guid: Guid,
    /// The variable's name.
    pub name: Text<'a>,
    /// The variable's data, or the entry that authorised something.
    pub data: &'a [u8],
    /// Bytes behind the structure; old shims log some.
    pub trailing: &'a [u8],
}

impl<'a> EfiVariable<'a> {
    //= TCG PFP 1.06 §10.2.6: UEFI_VARIABLE_DATA
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let guid = Guid(cursor.array()?);
        // The name's length counts characters of two bytes, and there is no NUL.
        let characters = cursor.u64_le()?;
        let size = cursor.u64_le()?;
        let name_bytes = usize::try_from(characters).unwrap_or(usize::MAX).saturating_mul(2);
        let name = Text::wide_exact(cursor.take(name_bytes)?);
        let data = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { guid, name, data, trailing: cursor.rest() })
    }

    /// What the data is, by the variable's name and the event that it is of.
    pub fn contents(&self, event_type: EventType) -> Contents<'a> {
        let authority = event_type == EventType::EFI_VARIABLE_AUTHORITY;
        self.known_contents(authority).unwrap_or(Contents::Raw(self.data))
    }

    fn known_contents(&self, authority: bool) -> Option<Contents<'a>> {
        match self.guid {
            Guid::GLOBAL_VARIABLE => match self.data {
                [] | [_] if SWITCHES.iter().any(|name| self.name == *name) => {
                    Some(Contents::Switch(self.data.first().copied()))
                }
                data if self.name == "BootOrder" => Some(Contents::BootOrder(BootOrder(data))),
                data if self.is_boot_option() => LoadOption::read(data).ok().map(Contents::LoadOption),
                data if self.name == "PK" || self.name == "KEK" => Some(signatures(data, authority)),
                _ => None,
            },
            Guid::IMAGE_SECURITY => {
                let known = SIGNATURE_DATABASES.iter().any(|name| self.name == *name);
                known.then(|| signatures(self.data, authority))
            }
            Guid::SHIM_LOCK if self.name.starts_with("SbatLevel") => {
                Some(Contents::Text(Text::narrow(self.data)))
            }
            Guid::SHIM_LOCK if self.data.len() == 1 => Some(Contents::Switch(self.data.first().copied())),
            Guid::SHIM_LOCK if self.name.starts_with("MokList") || self.name == "Shim" => {
                Some(signatures(self.data, authority))
            }
            _ => None,
        }
    }

    //= UEFI 2.10 §3.1.2: Boot#### is a load option with a number of four hexadecimal digits
    fn is_boot_option(&self) -> bool {
        let mut name = self.name.chars();
        let prefix = "Boot".chars().all(|c| name.next() == Some(c));
        let digits = name.by_ref().take(4).filter(char::is_ascii_hexdigit).count() == 4;
        let sysprep = self.name.starts_with("SysPrep") || self.name.starts_with("Driver");
        (prefix && digits && name.next().is_none()) || sysprep
    }
}

fn signatures(data: &[u8], authority: bool) -> Contents<'_> {
    if !authority {
        return Contents::SignatureLists(data);
    }
    //= TCG PFP 1.06 §3.3.4.8: EV_EFI_VARIABLE_AUTHORITY holds the EFI_SIGNATURE_DATA that matched
    Contents::Signature(data)
}

const SWITCHES: [&str; 5] = ["SecureBoot", "SetupMode", "AuditMode", "DeployedMode", "VendorKeys"];
const SIGNATURE_DATABASES: [&str; 4] = ["db", "dbx", "dbt", "dbr"];

/// What a variable's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents<'a> {
    /// One byte that is 0 or 1, or nothing where firmware lacks the variable.
    Switch(Option<u8>),
    /// Numbers of boot options in the order in which firmware tries them.
    BootOrder(BootOrder<'a>),
    /// What firmware may start.
    LoadOption(LoadOption<'a>),
    /// A chain of signature lists: keys and hashes that are trusted or revoked.
    SignatureLists(&'a [u8]),
    /// One entry of a signature list, owner and data, without the type that its list gives it.
    Signature(&'a [u8]),
    /// Text, as shim's revocation levels.
    Text(Text<'a>),
    /// Anything else.
    Raw(&'a [u8]),
}

/// `BootOrder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootOrder<'a>(&'a [u8]);

impl<'a> BootOrder<'a> {
    /// The numbers of `Boot####` in order.
    pub fn iter(self) -> impl Iterator<Item = u16> + use<'a> {
        let (numbers, _) = self.0.as_chunks::<2>();
        numbers.iter().map(|number| u16::from_le_bytes(*number))
    }
}

/// `Boot####`: what firmware may start (`EFI_LOAD_OPTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOption<'a> {
    /// Bit 0: active; bit 3: hidden; bits 8 to 12: category.
    pub attributes: u32,
    /// For people.
    pub description: Text<'a>,
    /// Where it is.
    pub device_path: DevicePath<'a>,
    /// What is handed to it.
    pub optional_data: &'a [u8],
}

impl<'a> LoadOption<'a> {
    //= UEFI 2.10 §3.1.3: EFI_LOAD_OPTION
    fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let attributes = cursor.u32_le()?;
        let path_bytes = usize::from(cursor.u16_le()?);
        let (units, _) = cursor.rest().as_chunks::<2>();
        let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
        let description = Text::wide(cursor.take(length.saturating_add(1).saturating_mul(2))?);
        let device_path = DevicePath::new(cursor.take(path_bytes)?);
        Ok(Self { attributes, description, device_path, optional_data: cursor.rest() })
    }
}
