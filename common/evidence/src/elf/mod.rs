//! ELF files: what they are, which loader they ask for, and the notes that name their build.
//!
//! In: a file's bytes, 32 or 64 bits, either byte order. Out: the header, and lazily its segments, sections, notes and
//! needed libraries. Only the header has to hold; whatever lies outside the file, overlaps or contradicts itself is a
//! finding. Nothing here is signed: a build id and packaging metadata are what the builder wrote, or somebody after him.
//= System V gABI 4.2, chapters 4 and 5

mod check;
mod dynamic;
mod header;
mod layout;
mod names;
mod note;
mod notes;
mod property;
mod search;
mod table;

pub use check::{Finding, FindingCode, Findings};
pub use dynamic::Needed;
pub use header::{ElfError, ElfType, Machine};
pub use layout::{Class, Endianness};
pub use note::{AbiTag, Note, NoteArea, NoteKind};
pub use notes::{FoundNote, NoteError, NoteSource, Notes};
pub use property::{Properties, Property};
pub use search::{SearchError, search};
pub use table::{Section, Sections, Segment, SegmentType, Segments};

use layout::{Layout, part};
use table::Table;

use crate::limits::ELF_TEXT_BYTES;

/// An ELF file whose header could be read.
#[derive(Clone, Copy, Debug)]
pub struct Elf<'a> {
    bytes: &'a [u8],
    layout: Layout,
    kind: ElfType,
    machine: Machine,
    segments: Table,
    sections: Table,
    /// Number of the section that holds the sections' names.
    names: u64,
}

impl<'a> Elf<'a> {
    /// Reads the header; the tables it points to are read on demand.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ElfError> {
        header::parse(bytes)
    }

    /// Width of its addresses.
    pub const fn class(&self) -> Class {
        self.layout.class
    }

    /// Order of its numbers' bytes.
    pub const fn endianness(&self) -> Endianness {
        self.layout.endianness
    }

    /// What the file is for.
    pub const fn elf_type(&self) -> ElfType {
        self.kind
    }

    /// The processor that it is made for.
    pub const fn machine(&self) -> Machine {
        self.machine
    }

    /// Program headers, as far as they lie within the file.
    pub const fn segments(&self) -> Segments<'a> {
        Segments::new(self.bytes, self.layout, self.segments)
    }

    /// Section headers, as far as they lie within the file.
    pub const fn sections(&self) -> Sections<'a> {
        Sections::new(self.bytes, self.layout, self.sections)
    }

    /// A section's name, without its NUL.
    pub fn section_name(&self, section: &Section) -> Option<&'a [u8]> {
        let strings = self.sections().number(self.names)?;
        let strings = part(self.bytes, strings.offset, strings.size)?;
        until_nul(strings.get(usize::try_from(section.name).ok()?..)?)
    }

    /// A segment's bytes in the file; `None` where they do not all lie within it.
    pub fn segment_bytes(&self, segment: &Segment) -> Option<&'a [u8]> {
        part(self.bytes, segment.offset, segment.file_size)
    }

    /// A section's bytes in the file; `None` where it has none, or they do not all lie within it.
    pub fn section_bytes(&self, section: &Section) -> Option<&'a [u8]> {
        if section.has_bytes() { part(self.bytes, section.offset, section.size) } else { None }
    }

    /// The first section of this name.
    pub fn section_named(&self, name: &[u8]) -> Option<Section> {
        let strings = self.sections().number(self.names)?;
        let strings = part(self.bytes, strings.offset, strings.size)?;
        self.sections().find(|section| {
            let at = usize::try_from(section.name).unwrap_or(usize::MAX);
            // The NUL is compared too; searching for it would cost the table's whole length for each section.
            let rest = strings.get(at..).and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| rest.first() == Some(&0))
        })
    }

    /// The loader that the kernel starts, without its NUL: that of the first `PT_INTERP`, as the kernel takes it.
    //= System V gABI 4.2, chapter 5: Program Interpreter
    pub fn interpreter(&self) -> Option<&'a [u8]> {
        let segment = self.segments().find(|segment| segment.segment_type == SegmentType::INTERP)?;
        until_nul(self.segment_bytes(&segment)?)
    }

    /// Names of the shared libraries that it asks for, in the loader's order.
    pub fn needed(&self) -> Needed<'a> {
        Needed::of(self)
    }

    /// Every note: those of sections, then those that segments alone hold.
    pub fn notes(&self) -> Notes<'a> {
        Notes::of(*self)
    }

    /// The build id: the first of the segments, which is what a loaded program shows; else the first of the sections.
    pub fn build_id(&self) -> Option<&'a [u8]> {
        let segments = self.segments().filter(|segment| segment.segment_type == SegmentType::NOTE);
        let sections = self.sections().filter(Section::is_note);
        self.build_id_among(segments.map(|segment| (segment.offset, segment.file_size, segment.align)))
            .or_else(|| {
                self.build_id_among(sections.map(|section| (section.offset, section.size, section.align)))
            })
    }

    /// The first build id of these areas: offset, size, alignment. Of areas that overlap, no more than the file is long
    /// is searched.
    fn build_id_among(&self, areas: impl Iterator<Item = (u64, u64, u64)>) -> Option<&'a [u8]> {
        let mut budget = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        for (offset, size, align) in areas {
            let Some(bytes) = part(self.bytes, offset, size) else { continue };
            budget = budget.checked_sub(size)?;
            let notes = NoteArea::new(bytes, offset, align, self.endianness()).filter_map(Result::ok);
            let mut ids = notes.filter_map(|note| match note.kind() {
                NoteKind::BuildId(id) => Some(id),
                _ => None,
            });
            if let Some(id) = ids.next() {
                return Some(id);
            }
        }
        None
    }

    /// What the compilers left of themselves in `.comment`, each text once as it stands there.
    pub fn comments(&self) -> impl Iterator<Item = &'a [u8]> {
        let section = self.section_named(b".comment");
        let bytes = section.and_then(|section| self.section_bytes(&section)).unwrap_or_default();
        bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty())
    }

    /// What is out of order.
    pub fn findings(&self) -> Findings {
        check::findings(self)
    }
}

/// What stands before the first NUL; `None` where there is none within the length of a path.
fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.get(..ELF_TEXT_BYTES).unwrap_or(bytes);
    let end = bytes.iter().position(|byte| *byte == 0)?;
    bytes.get(..end)
}
