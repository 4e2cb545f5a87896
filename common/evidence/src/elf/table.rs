//! Program headers and section headers.
//!
//! In: the file and where a table lies. Out: its entries one by one, as long as they lie within the file. An entry of
//! another size than its class has is not guessed at: the table then reads as empty.

use super::layout::{Layout, Place};

/// Length of a program header, by class.
pub(super) const SEGMENT_BYTES: Place = (32, 56);
/// Length of a section header, by class.
pub(super) const SECTION_BYTES: Place = (40, 64);

/// A table as the header announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) offset: u64,
    pub(super) entry_size: u16,
    pub(super) count: u64,
    pub(super) expected_entry_size: usize,
}

impl Table {
    /// Whether there is a table at all.
    pub(super) const fn is_there(self) -> bool {
        self.offset != 0 && self.count != 0
    }

    /// Whether its entries have the size that they must have.
    pub(super) fn fits(self) -> bool {
        usize::from(self.entry_size) == self.expected_entry_size
    }

    /// The bytes of an entry, whatever the count says.
    pub(super) fn record(self, bytes: &[u8], number: u64) -> Option<&[u8]> {
        if self.offset == 0 || !self.fits() {
            return None;
        }
        let size = u64::from(self.entry_size);
        super::part(bytes, self.offset.checked_add(number.checked_mul(size)?)?, size)
    }
}

/// What a segment is for (`p_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentType(pub u32);

impl SegmentType {
    /// To be mapped into memory.
    pub const LOAD: Self = Self(1);
    /// What the loader has to know.
    pub const DYNAMIC: Self = Self(2);
    /// The loader's path.
    pub const INTERP: Self = Self(3);
    /// Notes.
    pub const NOTE: Self = Self(4);
}

/// A program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is for.
    pub segment_type: SegmentType,
    /// Readable (4), writable (2), executable (1).
    pub flags: u32,
    /// Where its bytes start in the file.
    pub offset: u64,
    /// Where they go in memory.
    pub address: u64,
    /// How many there are in the file.
    pub file_size: u64,
    /// How many there are in memory.
    pub memory_size: u64,
    /// Its alignment.
    pub align: u64,
}

impl Segment {
    fn read(layout: Layout, record: &[u8]) -> Option<Self> {
        Some(Self {
            segment_type: SegmentType(layout.word(record, (0, 0))?),
            flags: layout.word(record, (24, 4))?,
            offset: layout.wide(record, (4, 8))?,
            address: layout.wide(record, (8, 16))?,
            file_size: layout.wide(record, (16, 32))?,
            memory_size: layout.wide(record, (20, 40))?,
            align: layout.wide(record, (28, 48))?,
        })
    }
}

/// A section header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Place of its name in the table of names.
    pub name: u32,
    /// What it holds (`sh_type`).
    pub section_type: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// Where its bytes go in memory.
    pub address: u64,
    /// Where its bytes start in the file.
    pub offset: u64,
    /// How many there are.
    pub size: u64,
    /// A section that it belongs to.
    pub link: u32,
    /// `sh_info`.
    pub info: u32,
    /// Its alignment.
    pub align: u64,
}

impl Section {
    /// `SHT_NOTE`.
    const NOTE: u32 = 7;
    /// `SHT_NOBITS`: memory without bytes in the file.
    const NOBITS: u32 = 8;

    /// Whether it holds notes.
    pub const fn is_note(&self) -> bool {
        self.section_type == Self::NOTE
    }

    /// Whether it has bytes in the file: neither an unused header nor memory alone.
    pub const fn has_bytes(&self) -> bool {
        !matches!(self.section_type, 0 | Self::NOBITS)
    }

    pub(super) fn read(layout: Layout, record: &[u8]) -> Option<Self> {
        Some(Self {
            name: layout.word(record, (0, 0))?,
            section_type: layout.word(record, (4, 4))?,
            flags: layout.wide(record, (8, 8))?,
            address: layout.wide(record, (12, 16))?,
            offset: layout.wide(record, (16, 24))?,
            size: layout.wide(record, (20, 32))?,
            link: layout.word(record, (24, 40))?,
            info: layout.word(record, (28, 44))?,
            align: layout.wide(record, (32, 48))?,
        })
    }
}

/// Walks a table.
#[derive(Clone, Debug)]
struct Records<'a> {
    bytes: &'a [u8],
    layout: Layout,
    table: Table,
    next: u64,
}

impl<'a> Records<'a> {
    fn record(&mut self) -> Option<&'a [u8]> {
        if self.next >= self.table.count {
            return None;
        }
        let record = self.table.record(self.bytes, self.next)?;
        self.next = self.next.saturating_add(1);
        Some(record)
    }
}

/// Program headers, one by one.
#[derive(Clone, Debug)]
pub struct Segments<'a>(Records<'a>);

impl<'a> Segments<'a> {
    pub(super) const fn new(bytes: &'a [u8], layout: Layout, table: Table) -> Self {
        Self(Records { bytes, layout, table, next: 0 })
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        Segment::read(self.0.layout, self.0.record()?)
    }
}

/// Section headers, one by one.
#[derive(Clone, Debug)]
pub struct Sections<'a>(Records<'a>);

impl<'a> Sections<'a> {
    pub(super) const fn new(bytes: &'a [u8], layout: Layout, table: Table) -> Self {
        Self(Records { bytes, layout, table, next: 0 })
    }

    /// The header of this number.
    pub fn number(&self, number: u64) -> Option<Section> {
        if number >= self.0.table.count {
            return None;
        }
        Section::read(self.0.layout, self.0.table.record(self.0.bytes, number)?)
    }
}

impl Iterator for Sections<'_> {
    type Item = Section;

    fn next(&mut self) -> Option<Section> {
        Section::read(self.0.layout, self.0.record()?)
    }
}
