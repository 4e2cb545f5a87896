//! The file's header, and where its two tables lie.
//!
//! In: the file's bytes. Out: an [`Elf`], or why it is none. Tables that leave the file are kept as they are announced:
//! readers of them stop at the file's end, and `check` tells of it.

use std::fmt;

use super::layout::{Class, Endianness, Layout};
use super::table::{SECTION_BYTES, SEGMENT_BYTES, Section, Table};
use super::{Elf, names};

/// Why bytes are no ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// It does not start with the four magic bytes.
    #[error("at byte 0: not an ELF file")]
    Magic,
    /// The class is neither 32 nor 64 bits.
    #[error("at byte 4: {found} is no class of ELF files")]
    Class {
        /// What is there.
        found: u8,
    },
    /// The byte order is neither of the two.
    #[error("at byte 5: {found} is no byte order")]
    Endianness {
        /// What is there.
        found: u8,
    },
    /// The version is not 1.
    #[error("at byte 6: version {found} of ELF is not known")]
    Version {
        /// What is there.
        found: u8,
    },
    /// The header is cut short.
    #[error("at byte {left}: the header ends early, {needed} bytes needed")]
    Truncated {
        /// Bytes of a header.
        needed: usize,
        /// Bytes of the file.
        left: usize,
    },
}

/// What a file is for (`e_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElfType(pub u16);

impl ElfType {
    /// An object to be linked; kernel modules are such.
    pub const REL: Self = Self(1);
    /// A program at a fixed address.
    pub const EXEC: Self = Self(2);
    /// A shared object, or a program that runs at any address.
    pub const DYN: Self = Self(3);
    /// A dump of a process.
    pub const CORE: Self = Self(4);
}

impl fmt::Display for ElfType {
    /// The name as readelf writes it, or the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(0) => f.write_str("NONE"),
            Self::REL => f.write_str("REL"),
            Self::EXEC => f.write_str("EXEC"),
            Self::DYN => f.write_str("DYN"),
            Self::CORE => f.write_str("CORE"),
            Self(other) => write!(f, "{other:#06x}"),
        }
    }
}

/// A processor (`e_machine`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine(pub u16);

impl Machine {
    /// A short name, for the processors that Linux runs on.
    pub fn name(self) -> Option<&'static str> {
        names::machine(self.0)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

/// Length of the header, by class.
const HEADER_BYTES: (usize, usize) = (52, 64);
const MAGIC: [u8; 4] = *b"\x7fELF";
/// A count or number that does not fit its field stands in the first section header.
const ELSEWHERE: u16 = 0xffff;

pub(super) fn parse(bytes: &[u8]) -> Result<Elf<'_>, ElfError> {
    let layout = layout(bytes)?;
    let needed = layout.pick(HEADER_BYTES);
    let cut = ElfError::Truncated { needed, left: bytes.len() };
    let header = bytes.get(..needed).ok_or(cut)?;
    read(bytes, layout, header).ok_or(cut)
}

fn layout(bytes: &[u8]) -> Result<Layout, ElfError> {
    if !MAGIC.starts_with(bytes) && !bytes.starts_with(&MAGIC) || bytes.is_empty() {
        return Err(ElfError::Magic);
    }
    let cut = ElfError::Truncated { needed: HEADER_BYTES.0, left: bytes.len() };
    let at = |place: usize| bytes.get(place).copied().ok_or(cut);
    let class = match at(4)? {
        1 => Class::Elf32,
        2 => Class::Elf64,
        found => return Err(ElfError::Class { found }),
    };
    let endianness = match at(5)? {
        1 => Endianness::Little,
        2 => Endianness::Big,
        found => return Err(ElfError::Endianness { found }),
    };
    match at(6)? {
        1 => Ok(Layout { class, endianness }),
        found => Err(ElfError::Version { found }),
    }
}

fn read<'a>(bytes: &'a [u8], layout: Layout, header: &[u8]) -> Option<Elf<'a>> {
    let half = |place| layout.half(header, place);
    let mut segments = Table {
        offset: layout.wide(header, (28, 32))?,
        entry_size: half((42, 54))?,
        count: u64::from(half((44, 56))?),
        expected_entry_size: layout.pick(SEGMENT_BYTES),
    };
    let mut sections = Table {
        offset: layout.wide(header, (32, 40))?,
        entry_size: half((46, 58))?,
        count: u64::from(half((48, 60))?),
        expected_entry_size: layout.pick(SECTION_BYTES),
    };
    let mut names = u64::from(half((50, 62))?);
    let first = sections.record(bytes, 0).and_then(|record| Section::read(layout, record));
    if let Some(first) = first {
        //= System V gABI 4.2, chapter 4: e_phnum, e_shnum and e_shstrndx that do not fit
        if sections.count == 0 {
            sections.count = first.size;
        }
        if segments.count == u64::from(ELSEWHERE) {
            segments.count = u64::from(first.info);
        }
        if names == u64::from(ELSEWHERE) {
            names = u64::from(first.link);
        }
    }
    Some(Elf {
        bytes,
        layout,
        kind: ElfType(half((16, 16))?),
        machine: Machine(half((18, 18))?),
        segments,
        sections,
        names,
    })
}
