//! What firmware says of its own parts, of tables and of disks.
//!
//! In: event data. Out: typed fields that borrow it. Addresses and lengths are claims; what was measured is the memory
//! there, which the log does not hold.

use super::{Guid, Text};
use crate::cursor::{Cursor, Truncated};

/// A stretch of firmware or memory by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareBlob<'a> {
    /// What it is, if it is described.
    pub description: Option<Text<'a>>,
    /// Physical address.
    pub base: u64,
    /// Length in bytes.
    pub length: u64,
}

impl<'a> FirmwareBlob<'a> {
    //= TCG PFP 1.06 §10.2.4: UEFI_PLATFORM_FIRMWARE_BLOB
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        Ok(Self { description: None, base: cursor.u64_le()?, length: cursor.u64_le()? })
    }

    //= TCG PFP 1.06 §10.2.5: UEFI_PLATFORM_FIRMWARE_BLOB2
    pub(super) fn read_described(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let size = cursor.u8()?;
        let description = Text::of_either_width(cursor.take(usize::from(size))?);
        Ok(Self { description: Some(description), base: cursor.u64_le()?, length: cursor.u64_le()? })
    }
}

/// Tables that firmware hands over: SMBIOS, ACPI and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandoffTables<'a> {
    /// What they are, if they are described.
    pub description: Option<Text<'a>>,
    entries: &'a [u8],
}

impl<'a> HandoffTables<'a> {
    //= TCG PFP 1.06 §10.2.7: UEFI_HANDOFF_TABLE_POINTERS
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        Self::read_entries(None, &mut Cursor::new(data))
    }

    //= TCG PFP 1.06 §10.2.8: UEFI_HANDOFF_TABLE_POINTERS2
    pub(super) fn read_described(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let size = cursor.u8()?;
        let description = Text::of_either_width(cursor.take(usize::from(size))?);
        Self::read_entries(Some(description), &mut cursor)
    }

    fn read_entries(description: Option<Text<'a>>, cursor: &mut Cursor<'a>) -> Result<Self, Truncated> {
        let count = usize::try_from(cursor.u64_le()?).unwrap_or(usize::MAX);
        let entries = cursor.take(count.saturating_mul(TABLE_BYTES))?;
        Ok(Self { description, entries })
    }

    /// The tables' GUIDs and addresses.
    pub fn tables(self) -> impl Iterator<Item = (Guid, u64)> + use<'a> {
        let (entries, _) = self.entries.as_chunks::<TABLE_BYTES>();
        entries.iter().filter_map(|entry| {
            let mut cursor = Cursor::new(entry);
            Some((Guid(cursor.array().ok()?), cursor.u64_le().ok()?))
        })
    }
}

/// A GUID and an address.
const TABLE_BYTES: usize = 24;

/// The partition table of the disk that was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpt<'a> {
    /// The disk's GUID.
    pub disk: Guid,
    /// First and last block that partitions may use.
    pub usable_blocks: (u64, u64),
    /// The table's own header, raw.
    pub header: &'a [u8],
    entries: &'a [u8],
    entry_bytes: usize,
}

/// A partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition<'a> {
    /// What it is for.
    pub kind: Guid,
    /// Its own GUID.
    pub guid: Guid,
    /// First and last block.
    pub blocks: (u64, u64),
    /// Bit 0: required by the platform; bit 2: legacy boot; others by type.
    pub attributes: u64,
    /// For people.
    pub name: Text<'a>,
}

impl<'a> Gpt<'a> {
    //= TCG PFP 1.06 §10.2.9: UEFI_GPT_DATA; UEFI 2.10 §5.3.2: the header
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let header = cursor.take(HEADER_BYTES)?;
        let mut fields = Cursor::new(header);
        // Signature, revision, size, two words, and where the header and its copy are.
        fields.take(40)?;
        let usable_blocks = (fields.u64_le()?, fields.u64_le()?);
        let disk = Guid(fields.array()?);
        fields.take(12)?;
        let entry_bytes = usize::try_from(fields.u32_le()?).unwrap_or(usize::MAX).max(ENTRY_BYTES);
        let count = usize::try_from(cursor.u64_le()?).unwrap_or(usize::MAX);
        let entries = cursor.take(count.saturating_mul(entry_bytes))?;
        Ok(Self { disk, usable_blocks, header, entries, entry_bytes })
    }

    /// The partitions that are in use.
    pub fn partitions(self) -> impl Iterator<Item = Partition<'a>> + use<'a> {
        self.entries.chunks_exact(self.entry_bytes.max(1)).filter_map(|entry| read_partition(entry).ok())
    }
}

//= UEFI 2.10 §5.3.3: GPT partition entry
fn read_partition(entry: &[u8]) -> Result<Partition<'_>, Truncated> {
    let mut cursor = Cursor::new(entry);
    let (kind, guid) = (Guid(cursor.array()?), Guid(cursor.array()?));
    let blocks = (cursor.u64_le()?, cursor.u64_le()?);
    let attributes = cursor.u64_le()?;
    let name = cursor.take(72)?;
    let (units, _) = name.as_chunks::<2>();
    let length = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let name = Text::wide(name.get(..length.saturating_mul(2)).unwrap_or(name));
    Ok(Partition { kind, guid, blocks, attributes, name })
}

/// `EFI_PARTITION_TABLE_HEADER` without its reserved rest.
const HEADER_BYTES: usize = 92;
/// The smallest partition entry.
const ENTRY_BYTES: usize = 128;
