//! The headers of a PE image.
//!
//! In: bytes. Out: the fields that loading, measuring and verifying go by, with their offsets, or an error with the offset
//! of what cannot be. Both forms are read, with 32 and with 64 bits.
//= Microsoft PE Format: MS-DOS stub, COFF file header, optional header, section table

use crate::cursor::{Cursor, Truncated};
use crate::efi::EfiError;

use super::Section;

/// Why bytes are no PE image, or have no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeError {
    /// The bytes ended within a field.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A signature or magic number that a PE image has is missing.
    #[error("at byte {offset}: no {what}, so this is no PE image")]
    NotPe {
        /// Where it should be.
        offset: usize,
        /// What should be there.
        what: &'static str,
    },
    /// Headers that end within themselves or behind the file.
    #[error("headers of {size} bytes, where {least} are needed and {most} are there")]
    HeaderSize {
        /// `SizeOfHeaders`.
        size: usize,
        /// What the fields take that are left out of the digest.
        least: usize,
        /// The file's size.
        most: usize,
    },
    /// A section whose contents lie behind the file's end.
    #[error("section {number}: {size} bytes at {offset}, and the file has {file}")]
    Section {
        /// Its number, from 0.
        number: usize,
        /// `PointerToRawData`.
        offset: usize,
        /// `SizeOfRawData`.
        size: usize,
        /// The file's size.
        file: usize,
    },
    /// Sections that overlap so much that the file would be hashed many times over.
    #[error("sections overlap: {hashed} bytes or more would be hashed of the {file} that there are")]
    Overlaps {
        /// How much was to be hashed by then.
        hashed: usize,
        /// The file's size.
        file: usize,
    },
    /// A certificate table that does not fit into the file.
    #[error("a certificate table of {size} bytes at {offset}, and the file has {file}")]
    CertificateTable {
        /// Where it starts.
        offset: usize,
        /// Its size.
        size: usize,
        /// The file's size.
        file: usize,
    },
    /// A certificate in the table that cannot be.
    #[error(transparent)]
    Certificate(#[from] EfiError),
}

impl PeError {
    /// Where reading stopped.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated(truncated) => truncated.offset,
            Self::NotPe { offset, .. }
            | Self::Section { offset, .. }
            | Self::CertificateTable { offset, .. } => *offset,
            Self::HeaderSize { most, .. } => *most,
            Self::Overlaps { file, .. } => *file,
            Self::Certificate(error) => error.offset(),
        }
    }
}

/// An entry of the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it starts: an address, but for the certificate table, where it is an offset in the file.
    pub offset: usize,
    /// Its size.
    pub size: usize,
}

/// An image whose headers were read.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    machine: u16,
    timestamp: u32,
    characteristics: u16,
    is_64: bool,
    entry_point: u32,
    section_alignment: u32,
    file_alignment: u32,
    headers: usize,
    checksum_at: usize,
    subsystem: u16,
    dll_characteristics: u16,
    /// Where the certificate table's entry lies, and what it says.
    certificates: Option<(usize, Directory)>,
    sections: &'a [u8],
    strings: &'a [u8],
}

/// Bytes of a section's header.
const SECTION_HEADER: usize = 40;
/// `IMAGE_DIRECTORY_ENTRY_SECURITY`.
const SECURITY: u32 = 4;
/// Bytes of a symbol in a COFF symbol table, behind which the string table lies.
const SYMBOL: usize = 18;

impl<'a> Image<'a> {
    /// Reads the headers.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PeError> {
        let start = usize_of(u32_at(bytes, dos_header(bytes)?)?);
        let mut coff = at(bytes, start)?;
        if coff.array()? != *b"PE\0\0" {
            return Err(PeError::NotPe { offset: start, what: "PE signature" });
        }
        let (machine, section_count, timestamp) = (coff.u16_le()?, coff.u16_le()?, coff.u32_le()?);
        let (symbols, symbol_count) = (coff.u32_le()?, coff.u32_le()?);
        let (optional_size, characteristics) = (coff.u16_le()?, coff.u16_le()?);
        let optional = coff.offset();
        let is_64 = match coff.u16_le()? {
            0x10b => false,
            0x20b => true,
            _ => return Err(PeError::NotPe { offset: optional, what: "optional header" }),
        };
        let field = |offset: usize| optional.saturating_add(offset);
        let mut sections = at(bytes, field(usize::from(optional_size)))?;
        Ok(Self {
            bytes,
            machine,
            timestamp,
            characteristics,
            is_64,
            entry_point: u32_at(bytes, field(16))?,
            section_alignment: u32_at(bytes, field(32))?,
            file_alignment: u32_at(bytes, field(36))?,
            headers: usize_of(u32_at(bytes, field(60))?),
            checksum_at: field(64),
            subsystem: at(bytes, field(68))?.u16_le()?,
            dll_characteristics: at(bytes, field(70))?.u16_le()?,
            certificates: certificate_entry(bytes, field(if is_64 { 108 } else { 92 }))?,
            sections: sections.take(usize::from(section_count).saturating_mul(SECTION_HEADER))?,
            strings: string_table(bytes, symbols, symbol_count),
        })
    }

    /// The whole file.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `Machine`.
    pub const fn machine(&self) -> u16 {
        self.machine
    }

    /// The machine's name, as Linux writes it.
    pub const fn machine_name(&self) -> &'static str {
        match self.machine {
            0x014c => "i386",
            0x8664 => "x86_64",
            0xaa64 => "aarch64",
            0x01c0 | 0x01c2 | 0x01c4 => "arm",
            0x5032 => "riscv32",
            0x5064 => "riscv64",
            0x6232 => "loongarch32",
            0x6264 => "loongarch64",
            0x0200 => "ia64",
            0x0ebc => "ebc",
            _ => "unknown",
        }
    }

    /// `TimeDateStamp`: of the build, or whatever makes builds reproducible.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// `Characteristics`.
    pub const fn characteristics(&self) -> u16 {
        self.characteristics
    }

    /// Whether it is PE32+.
    pub const fn is_64(&self) -> bool {
        self.is_64
    }

    /// `AddressOfEntryPoint`.
    pub const fn entry_point(&self) -> u32 {
        self.entry_point
    }

    /// `SectionAlignment` and `FileAlignment`.
    pub const fn alignments(&self) -> (u32, u32) {
        (self.section_alignment, self.file_alignment)
    }

    /// `SizeOfHeaders`.
    pub const fn headers_size(&self) -> usize {
        self.headers
    }

    /// `Subsystem`.
    pub const fn subsystem(&self) -> u16 {
        self.subsystem
    }

    /// The subsystem's name.
    pub const fn subsystem_name(&self) -> &'static str {
        match self.subsystem {
            10 => "EFI application",
            11 => "EFI boot service driver",
            12 => "EFI runtime driver",
            13 => "EFI ROM",
            1..=9 | 14 | 16 => "not EFI",
            _ => "unknown",
        }
    }

    /// Whether it says that it can run with memory that is never both writable and executable.
    pub const fn is_nx_compatible(&self) -> bool {
        self.dll_characteristics & 0x0100 != 0
    }

    /// Where `CheckSum` lies.
    pub(super) const fn checksum_at(&self) -> usize {
        self.checksum_at
    }

    /// Where the certificate table's entry lies, if there is one.
    pub(super) fn certificate_entry_at(&self) -> Option<usize> {
        self.certificates.map(|(offset, _)| offset)
    }

    /// Where the certificate table lies in the file, if there is one.
    pub fn certificate_table(&self) -> Option<Directory> {
        self.certificates.map(|(_, table)| table).filter(|table| table.size > 0)
    }

    /// The sections, in the order of their headers.
    pub fn sections(&self) -> impl ExactSizeIterator<Item = Section<'a>> + use<'a> {
        let (bytes, strings) = (self.bytes, self.strings);
        self.sections
            .chunks_exact(SECTION_HEADER)
            .enumerate()
            .map(move |(number, header)| Section::new(number, header, bytes, strings))
    }

    /// The first section of this name.
    pub fn section(&self, name: &str) -> Option<Section<'a>> {
        self.sections().find(|section| section.is(name))
    }
}

/// Where the MS-DOS header says that the PE header starts.
fn dos_header(bytes: &[u8]) -> Result<usize, PeError> {
    if Cursor::new(bytes).array()? == *b"MZ" {
        Ok(0x3c)
    } else {
        Err(PeError::NotPe { offset: 0, what: "MZ" })
    }
}

fn certificate_entry(bytes: &[u8], count_at: usize) -> Result<Option<(usize, Directory)>, Truncated> {
    if u32_at(bytes, count_at)? <= SECURITY {
        return Ok(None);
    }
    let offset = count_at.saturating_add(4 + 8 * 4);
    let mut entry = at(bytes, offset)?;
    let table = Directory { offset: usize_of(entry.u32_le()?), size: usize_of(entry.u32_le()?) };
    Ok(Some((offset, table)))
}

/// The table of long names; linkers of images leave it out, objcopy writes it.
fn string_table(bytes: &[u8], symbols: u32, count: u32) -> &[u8] {
    if symbols == 0 {
        return &[];
    }
    let start = usize_of(count).checked_mul(SYMBOL).and_then(|size| size.checked_add(usize_of(symbols)));
    start.and_then(|start| bytes.get(start..)).unwrap_or_default()
}

fn at(bytes: &[u8], offset: usize) -> Result<Cursor<'_>, Truncated> {
    match bytes.get(offset..) {
        Some(rest) => Ok(Cursor::at(rest, offset)),
        None => Err(Truncated { offset: bytes.len(), needed: offset.saturating_sub(bytes.len()), left: 0 }),
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> Result<u32, Truncated> {
    at(bytes, offset)?.u32_le()
}

/// Offsets that do not fit lie behind any file.
pub(super) fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
