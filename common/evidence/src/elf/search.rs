//! Sections by name of an ELF file that is not in memory.
//!
//! In: a source of its bytes and the names that are wanted. Out: where each is. Only the header, the section table and
//! the sections' names are read, whatever the file's length.

use super::header::ElfError;
use super::{Elf, Section};
use crate::limits::{ELF_SEARCH_NAMES_BYTES, ELF_SEARCH_SECTIONS};
use crate::source::{Source, SourceError};

/// The first section of each name.
pub fn search<const N: usize>(
    source: &dyn Source,
    wanted: [&[u8]; N],
) -> Result<[Option<Section>; N], SearchError> {
    // The longest header; what is behind a shorter one is not looked at.
    let head = source.bytes(0, source.length().min(64), 64)?;
    let elf = Elf::parse(&head)?;
    let mut found = [None; N];
    let (mut table, mut names_number) = (elf.sections, elf.names);
    if !table.is_there() && table.offset == 0 || !table.fits() {
        return Ok(found);
    }
    let entry_size = u64::from(table.entry_size);
    let entry = usize::from(table.entry_size);
    if table.count == 0 || names_number == u64::from(u16::MAX) {
        //= System V gABI 4.2, chapter 4: e_shnum and e_shstrndx that do not fit
        let first = source.bytes(table.offset, entry_size, entry)?;
        let Some(first) = Section::read(elf.layout, &first) else { return Ok(found) };
        table.count = if table.count == 0 { first.size } else { table.count };
        names_number = if names_number == u64::from(u16::MAX) { u64::from(first.link) } else { names_number };
    }
    let count = table.count.min(ELF_SEARCH_SECTIONS);
    let limit = usize::try_from(ELF_SEARCH_SECTIONS).unwrap_or(usize::MAX).saturating_mul(entry);
    let records = source.bytes(table.offset, count.saturating_mul(entry_size), limit)?;
    let section = |record| Section::read(elf.layout, record);
    let names = usize::try_from(names_number).ok().and_then(|number| records.chunks_exact(entry).nth(number));
    let Some(names) = names.and_then(section).filter(Section::has_bytes) else { return Ok(found) };
    let names = source.bytes(names.offset, names.size, ELF_SEARCH_NAMES_BYTES)?;
    for section in records.chunks_exact(entry).filter_map(section) {
        let name = usize::try_from(section.name).ok().and_then(|at| names.get(at..)).unwrap_or_default();
        for (found, wanted) in found.iter_mut().zip(wanted) {
            // The NUL is compared too; searching for it would cost the table's whole length for each section.
            let ends = name.strip_prefix(wanted).and_then(<[u8]>::first) == Some(&0);
            if ends && found.is_none() && section.has_bytes() {
                *found = Some(section);
            }
        }
    }
    Ok(found)
}

/// Why a file's sections cannot be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Its tables do not lie within it, or reading failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It is no ELF file.
    #[error(transparent)]
    Elf(#[from] ElfError),
}
