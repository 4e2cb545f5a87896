//! What firmware announces without measuring it (`EV_NO_ACTION`).
//!
//! In: event data with a signature of 16 bytes. Out: typed fields that borrow it. Nothing of it is extended, so that
//! nothing vouches for it, whatever a quote says; the startup locality alone is proved by PCR 0's start value.

use super::{Guid, Text};
use crate::cursor::{Cursor, Truncated};

/// The first event: which specification the log follows, and in a crypto-agile log the table of its banks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecId<'a> {
    /// 0 is a client, 1 a server.
    pub platform_class: u32,
    /// Major and minor version of the specification.
    pub version: (u8, u8),
    /// Its errata.
    pub errata: u8,
    /// 1: addresses have 32 bits, 2: they have 64.
    pub uintn_size: u8,
    /// Whatever the vendor says.
    pub vendor_info: &'a [u8],
    table: &'a [u8],
}

impl<'a> SpecId<'a> {
    /// The table of algorithms is the log's, and was read with it.
    //= TCG PFP 1.06 §10.4.5.1: TCG_EfiSpecIDEvent
    pub(super) fn read(data: &'a [u8], has_table: bool) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        cursor.take(SIGNATURE_BYTES)?;
        let platform_class = cursor.u32_le()?;
        let (minor, major) = (cursor.u8()?, cursor.u8()?);
        let (errata, uintn_size) = (cursor.u8()?, cursor.u8()?);
        let mut table: &[u8] = &[];
        if has_table {
            let count = usize::try_from(cursor.u32_le()?).unwrap_or(usize::MAX);
            table = cursor.take(count.saturating_mul(4))?;
        }
        // Logs made by hand end here.
        let size = if cursor.is_empty() { 0 } else { cursor.u8()? };
        let vendor_info = cursor.take(usize::from(size))?;
        Ok(Self { platform_class, version: (major, minor), errata, uintn_size, vendor_info, table })
    }

    /// The log's algorithms: `TPM_ALG_ID` and length of a digest, also of those that Lydian does not know.
    pub fn algorithms(&self) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        let (entries, _) = self.table.as_chunks::<4>();
        entries.iter().map(|[a, b, c, d]| (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])))
    }
}

/// Where reference values for the platform's firmware are to be found (`SP800-155 Event`, 2 and 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformEvent<'a> {
    /// IANA enterprise number of whoever provides the reference manifest.
    pub vendor_id: u32,
    /// The reference manifest.
    pub manifest: Guid,
    /// Who made the platform and its firmware; since the second form.
    pub platform: Option<PlatformNames<'a>>,
    /// Where the manifest and the platform's certificate are; since the third form.
    pub locators: Option<[Locator<'a>; 2]>,
}

/// Names of a platform and its firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformNames<'a> {
    /// Who made the platform.
    pub manufacturer: Text<'a>,
    /// Which one it is.
    pub model: Text<'a>,
    /// Its version.
    pub version: Text<'a>,
    /// Who made the firmware.
    pub firmware_manufacturer: Text<'a>,
    /// IANA enterprise number of whoever made the firmware.
    pub firmware_manufacturer_id: u32,
    /// The firmware's version.
    pub firmware_version: Text<'a>,
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locator<'a> {
    /// 0: here, 1: a URI, 2: a device path, 3: a UEFI variable.
    pub kind: u32,
    /// The thing itself or its place.
    pub data: &'a [u8],
}

impl<'a> PlatformEvent<'a> {
    /// The form is 1, 2 or 3.
    //= TCG PFP 1.06 §10.4.5.2: TCG_Sp800_155_PlatformId_Event
    pub(super) fn read(data: &'a [u8], form: u8) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        cursor.take(SIGNATURE_BYTES)?;
        let (vendor_id, manifest) = (cursor.u32_le()?, Guid(cursor.array()?));
        let platform = if form > 1 { Some(read_names(&mut cursor)?) } else { None };
        let locators =
            if form > 2 { Some([read_locator(&mut cursor)?, read_locator(&mut cursor)?]) } else { None };
        Ok(Self { vendor_id, manifest, platform, locators })
    }
}

fn read_names<'a>(cursor: &mut Cursor<'a>) -> Result<PlatformNames<'a>, Truncated> {
    let text = |cursor: &mut Cursor<'a>| {
        let size = cursor.u8()?;
        cursor.take(usize::from(size)).map(Text::narrow)
    };
    Ok(PlatformNames {
        manufacturer: text(cursor)?,
        model: text(cursor)?,
        version: text(cursor)?,
        firmware_manufacturer: text(cursor)?,
        firmware_manufacturer_id: cursor.u32_le()?,
        firmware_version: text(cursor)?,
    })
}

fn read_locator<'a>(cursor: &mut Cursor<'a>) -> Result<Locator<'a>, Truncated> {
    let kind = cursor.u32_le()?;
    let size = cursor.u32_le()?;
    Ok(Locator { kind, data: cursor.take(usize::try_from(size).unwrap_or(usize::MAX))? })
}

/// Every announcement starts with one.
const SIGNATURE_BYTES: usize = 16;
