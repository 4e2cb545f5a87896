//! The two widths and two byte orders that an ELF file can have.
//!
//! In: a record's bytes and the place of a field in it. Out: numbers, as wide as the widest form.

/// Width of addresses and offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 32 bits.
    Elf32,
    /// 64 bits.
    Elf64,
}

impl Class {
    /// The name as readelf writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elf32 => "ELF32",
            Self::Elf64 => "ELF64",
        }
    }
}

/// Order of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endianness {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endianness {
    /// The word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
        }
    }

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// How a file's records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) class: Class,
    pub(super) endianness: Endianness,
}

/// Where a field stands: in 32-bit files, in 64-bit files.
pub(super) type Place = (usize, usize);

impl Layout {
    pub(super) const fn pick(self, (narrow, wide): Place) -> usize {
        match self.class {
            Class::Elf32 => narrow,
            Class::Elf64 => wide,
        }
    }

    pub(super) fn half(self, record: &[u8], place: Place) -> Option<u16> {
        array(record, self.pick(place)).map(|bytes| self.endianness.u16(bytes))
    }

    pub(super) fn word(self, record: &[u8], place: Place) -> Option<u32> {
        array(record, self.pick(place)).map(|bytes| self.endianness.u32(bytes))
    }

    /// A number that is as wide as the class.
    pub(super) fn wide(self, record: &[u8], place: Place) -> Option<u64> {
        match self.class {
            Class::Elf32 => self.word(record, place).map(u64::from),
            Class::Elf64 => array(record, self.pick(place)).map(|bytes| self.endianness.u64(bytes)),
        }
    }
}

/// `N` bytes at a place of a record.
pub(super) fn array<const N: usize>(record: &[u8], at: usize) -> Option<[u8; N]> {
    record.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// `size` bytes at `offset`, if they all lie within the file.
pub(super) fn part(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    bytes.get(start..end)
}
