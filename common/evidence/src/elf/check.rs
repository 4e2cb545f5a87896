//! What can be out of order in an ELF file.
//!
//! In: an [`Elf`]. Out: findings with stable codes, at most [`ELF_FINDINGS`] of them, and the place at which the file
//! ends too early. A file without any finding is in order as far as its tables and notes go; its code is not looked at.

use std::fmt;

use super::notes::NoteError;
use super::{Elf, NoteKind, Segment, SegmentType, Table};
use crate::limits::ELF_FINDINGS;

/// Something out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// Where in the file.
    pub offset: u64,
}

/// Findings, and where the file ends too early.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What is out of order, in the order of the file's tables.
    pub list: Vec<Finding>,
    /// The file's length, where something that it announces lies behind it.
    pub truncated_at: Option<u64>,
}

crate::finding_codes! {
    /// Program headers are not as long as they must be; none is read.
    SegmentEntrySize = "segment-entry-size", Error, "program headers of a wrong size: none is read";
    /// Section headers are not as long as they must be; none is read.
    SectionEntrySize = "section-entry-size", Warning, "section headers of a wrong size: none is read";
    /// Program headers leave the file.
    SegmentTableOutside = "segment-table-outside", Error, "the program headers leave the file";
    /// Section headers leave the file.
    SectionTableOutside = "section-table-outside", Error, "the section headers leave the file";
    /// A segment leaves the file: it cannot be run, or is the half of a file that holds debugging data.
    SegmentOutside = "segment-outside", Warning, "a segment leaves the file";
    /// A section leaves the file.
    SectionOutside = "section-outside", Error, "a section leaves the file";
    /// The loader's path leaves the file, or does not end.
    InterpreterUnreadable = "interpreter-unreadable", Error, "the loader's path cannot be read";
    /// Two segments name a loader; the kernel takes the first.
    InterpreterRepeated = "interpreter-repeated", Warning, "a second loader is named; the kernel takes the first";
    /// Notes leave the file.
    NotesOutside = "notes-outside", Error, "notes leave the file";
    /// A note does not fit its section or segment.
    NoteMalformed = "note-malformed", Warning, "a note does not fit; those behind it are not read";
    /// Sections and segments of notes overlap many times over.
    NotesOverlap = "notes-overlap", Error, "areas of notes overlap many times over; no more of them are read";
    /// Two build ids that differ.
    BuildIdConflict = "build-id-conflict", Warning, "two build ids differ";
    /// There are more findings than are told.
    TooManyFindings = "too-many-findings", Warning, "there are more findings than are told";
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.code.text())
    }
}

impl Findings {
    fn add(&mut self, code: FindingCode, offset: u64) {
        match self.list.len() {
            room if room < ELF_FINDINGS => self.list.push(Finding { code, offset }),
            ELF_FINDINGS => self.list.push(Finding { code: FindingCode::TooManyFindings, offset }),
            _ => {}
        }
    }

    fn cut(&mut self, elf: &Elf<'_>) {
        self.truncated_at = Some(length(elf));
    }
}

pub(super) fn findings(elf: &Elf<'_>) -> Findings {
    let mut found = Findings::default();
    table(&mut found, elf, elf.segments, SEGMENTS);
    table(&mut found, elf, elf.sections, SECTIONS);
    segments(&mut found, elf);
    sections(&mut found, elf);
    notes(&mut found, elf);
    found
}

/// Codes for a table: wrong entries, outside.
type TableCodes = (FindingCode, FindingCode);
const SEGMENTS: TableCodes = (FindingCode::SegmentEntrySize, FindingCode::SegmentTableOutside);
const SECTIONS: TableCodes = (FindingCode::SectionEntrySize, FindingCode::SectionTableOutside);

fn length(elf: &Elf<'_>) -> u64 {
    u64::try_from(elf.bytes.len()).unwrap_or(u64::MAX)
}

fn table(found: &mut Findings, elf: &Elf<'_>, table: Table, (entry_size, outside): TableCodes) {
    // Of a table whose length stands in its first entry, the count is not known where that entry is missing.
    let first_is_missing =
        table.offset != 0 && table.entry_size != 0 && table.fits() && table.record(elf.bytes, 0).is_none();
    if table.is_there() && !table.fits() {
        found.add(entry_size, table.offset);
    } else if first_is_missing || table.is_there() && table.record(elf.bytes, table.count - 1).is_none() {
        found.add(outside, table.offset);
        found.cut(elf);
    }
}

fn segments(found: &mut Findings, elf: &Elf<'_>) {
    let mut interpreter = false;
    for segment in elf.segments() {
        let bytes = elf.segment_bytes(&segment);
        match segment.segment_type {
            SegmentType::INTERP => {
                let unreadable = bytes.and_then(super::until_nul).is_none();
                if unreadable && (interpreter || !is_only_memory(elf, &segment)) {
                    found.add(FindingCode::InterpreterUnreadable, segment.offset);
                }
                if interpreter {
                    found.add(FindingCode::InterpreterRepeated, segment.offset);
                }
                interpreter = true;
            }
            // Told of below.
            SegmentType::NOTE => {}
            _ if bytes.is_none() && segment.file_size != 0 => {
                found.add(FindingCode::SegmentOutside, segment.offset);
            }
            _ => {}
        }
    }
}

/// Whether a section says that a segment's bytes are not in this file: it holds debugging data, the program is elsewhere.
fn is_only_memory(elf: &Elf<'_>, segment: &Segment) -> bool {
    elf.sections()
        .any(|section| !section.has_bytes() && section.size != 0 && section.address == segment.address)
}

fn sections(found: &mut Findings, elf: &Elf<'_>) {
    for section in elf.sections() {
        if section.has_bytes() && !section.is_note() && elf.section_bytes(&section).is_none() {
            found.add(FindingCode::SectionOutside, section.offset);
            found.cut(elf);
        }
    }
}

fn notes(found: &mut Findings, elf: &Elf<'_>) {
    let mut build_id = None;
    for note in elf.notes() {
        match note {
            Ok(found_note) => {
                let NoteKind::BuildId(id) = found_note.note.kind() else { continue };
                if **build_id.get_or_insert(id) != *id {
                    found.add(FindingCode::BuildIdConflict, found_note.note.offset);
                }
            }
            Err(error) => {
                let code = match error {
                    NoteError::Outside { .. } => FindingCode::NotesOutside,
                    NoteError::Misfit(_) => FindingCode::NoteMalformed,
                    NoteError::Overlap { .. } => FindingCode::NotesOverlap,
                };
                if code == FindingCode::NotesOutside {
                    found.cut(elf);
                }
                found.add(code, error.offset());
            }
        }
    }
}
