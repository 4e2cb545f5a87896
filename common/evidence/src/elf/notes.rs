//! All notes of a file, each once.
//!
//! In: an [`Elf`]. Out: the notes of its note sections, then those that only its note segments have. Sections and
//! segments usually hold the same notes: one that starts at the same byte is told once. Areas that overlap so much that
//! more than twice the file would be read end the walk.

use super::note::{Misfit, Note, NoteArea};
use super::{Elf, Section, Sections, SegmentType, Segments};

/// A note and where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundNote<'a> {
    /// The note.
    pub note: Note<'a>,
    /// What holds it.
    pub source: NoteSource,
}

/// What holds notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteSource {
    /// A section; programs that are stripped of them still have their segments.
    Section(Section),
    /// A segment, which is all that kernel and loader look at.
    Segment,
}

/// Why some notes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A section or segment of notes that leaves the file.
    #[error("at byte {offset}: {size} bytes of notes leave the file")]
    Outside {
        /// Where it starts.
        offset: u64,
        /// Its size.
        size: u64,
    },
    /// A note that does not fit its section or segment.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Areas that overlap each other many times over; no more of them are read.
    #[error("at byte {offset}: the areas of notes overlap each other")]
    Overlap {
        /// Where the area starts that is too much.
        offset: u64,
    },
}

impl NoteError {
    /// Where it went wrong.
    pub const fn offset(&self) -> u64 {
        match self {
            Self::Outside { offset, .. } | Self::Overlap { offset } => *offset,
            Self::Misfit(misfit) => misfit.offset,
        }
    }
}

/// A file's notes, one by one.
#[derive(Clone, Debug)]
pub struct Notes<'a> {
    elf: Elf<'a>,
    sections: Option<Sections<'a>>,
    segments: Segments<'a>,
    area: Option<(NoteArea<'a>, NoteSource)>,
    /// Where the notes of sections start, sorted once they are all known.
    seen: Vec<u64>,
    /// How many bytes may still be walked through.
    budget: u64,
}

impl<'a> Notes<'a> {
    pub(super) fn of(elf: Elf<'a>) -> Self {
        let size = u64::try_from(elf.bytes.len()).unwrap_or(u64::MAX);
        Self {
            elf,
            sections: Some(elf.sections()),
            segments: elf.segments(),
            area: None,
            seen: Vec::new(),
            budget: size.saturating_mul(2),
        }
    }

    /// The next section or segment that holds notes: where, how many bytes, aligned to what.
    fn next_place(&mut self) -> Option<(NoteSource, u64, u64, u64)> {
        if let Some(sections) = &mut self.sections {
            if let Some(section) = sections.find(Section::is_note) {
                return Some((NoteSource::Section(section), section.offset, section.size, section.align));
            }
            self.sections = None;
            self.seen.sort_unstable();
        }
        let segment = self.segments.find(|segment| segment.segment_type == SegmentType::NOTE)?;
        Some((NoteSource::Segment, segment.offset, segment.file_size, segment.align))
    }

    /// Goes to the next area; `None` at the end.
    fn advance(&mut self) -> Option<Result<(), NoteError>> {
        let (source, offset, size, align) = self.next_place()?;
        let Some(bytes) = super::part(self.elf.bytes, offset, size) else {
            return Some(Err(NoteError::Outside { offset, size }));
        };
        let Some(budget) = self.budget.checked_sub(size) else {
            self.sections = None;
            self.segments = Segments::new(&[], self.elf.layout, self.elf.segments);
            return Some(Err(NoteError::Overlap { offset }));
        };
        self.budget = budget;
        self.area = Some((NoteArea::new(bytes, offset, align, self.elf.endianness()), source));
        Some(Ok(()))
    }
}

impl<'a> Iterator for Notes<'a> {
    type Item = Result<FoundNote<'a>, NoteError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((area, source)) = &mut self.area else {
                match self.advance()? {
                    Ok(()) => continue,
                    Err(error) => return Some(Err(error)),
                }
            };
            let source = *source;
            match area.next() {
                None => self.area = None,
                Some(Err(misfit)) => return Some(Err(misfit.into())),
                Some(Ok(note)) if matches!(source, NoteSource::Section(_)) => {
                    self.seen.push(note.offset);
                    return Some(Ok(FoundNote { note, source }));
                }
                Some(Ok(note)) if self.seen.binary_search(&note.offset).is_err() => {
                    return Some(Ok(FoundNote { note, source }));
                }
                Some(Ok(_)) => {}
            }
        }
    }
}
