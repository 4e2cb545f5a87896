//! The Authenticode digest, and what is odd about where things lie.
//!
//! In: an image. Out: its digest by any hash, computed as EDK2 does it, which is what gets measured and looked up; and the
//! places where other programs may compute another. Everything counts but `CheckSum`, the certificate table's entry and
//! as many bytes at the file's end as that entry says.
//= Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash"; EDK2 HashPeImage

use crate::digest::{Digest, HashAlg};
use crate::limits::{PE_FINDINGS, PE_HASHED_MULTIPLE};

use super::{Image, PeError};

const CHECKSUM: usize = 4;
const ENTRY: usize = 8;

impl<'a> Image<'a> {
    /// The Authenticode digest.
    pub fn authenticode(&self, alg: HashAlg) -> Result<Digest, PeError> {
        Ok(alg.hash(&self.hashed()?))
    }

    /// The hash of the whole file, which some loaders measure.
    pub fn file_hash(&self, alg: HashAlg) -> Digest {
        alg.hash(&[self.bytes()])
    }

    /// What is hashed, in its order.
    pub fn hashed(&self) -> Result<Vec<&'a [u8]>, PeError> {
        let mut parts = Vec::with_capacity(self.sections().len().saturating_add(4));
        parts.extend(self.hashed_headers()?);
        let mut sections: Vec<_> = self
            .sections()
            .map(|section| (section.raw_offset(), section.number(), section.raw_size()))
            .filter(|(_, _, size)| *size > 0)
            .collect();
        // Sections that start at one place stay in the order of their headers, as EDK2's insertion sort leaves them.
        sections.sort_unstable();
        let (mut hashed, file) = (self.headers_size(), self.bytes().len());
        for (offset, number, size) in sections {
            let section = offset.checked_add(size).and_then(|end| self.bytes().get(offset..end));
            parts.push(section.ok_or(PeError::Section { number, offset, size, file })?);
            hashed = hashed.saturating_add(size);
            if hashed / PE_HASHED_MULTIPLE > file {
                return Err(PeError::Overlaps { hashed, file });
            }
        }
        parts.extend(self.hashed_tail(hashed)?);
        Ok(parts)
    }

    fn hashed_headers(&self) -> Result<Vec<&'a [u8]>, PeError> {
        let (size, most) = (self.headers_size(), self.bytes().len());
        let mut skipped = vec![(self.checksum_at(), CHECKSUM)];
        skipped.extend(self.certificate_entry_at().map(|offset| (offset, ENTRY)));
        let (mut parts, mut from) = (Vec::new(), 0);
        for (offset, length) in skipped {
            let least = offset.saturating_add(length);
            let part = self.bytes().get(from..offset).filter(|_| least <= size);
            parts.push(part.ok_or(PeError::HeaderSize { size, least, most })?);
            from = least;
        }
        let rest = self.bytes().get(from..size);
        parts.push(rest.ok_or(PeError::HeaderSize { size, least: from, most })?);
        Ok(parts)
    }

    /// What lies behind as many bytes as were hashed, up to the certificate table at the file's end.
    fn hashed_tail(&self, hashed: usize) -> Result<Option<&'a [u8]>, PeError> {
        let file = self.bytes().len();
        let table = self.certificate_table();
        let table_size = table.map_or(0, |table| table.size);
        if file <= hashed {
            return Ok(None);
        }
        let end = file.checked_sub(table_size).filter(|end| hashed <= *end);
        let outside = PeError::CertificateTable {
            offset: table.map_or(hashed, |table| table.offset),
            size: table_size,
            file,
        };
        Ok(self.bytes().get(hashed..end.ok_or(outside)?).filter(|tail| !tail.is_empty()))
    }

    /// What is odd about where things lie, in the order of the file; at most so many that the last says there are more.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let end = self.section_findings(&mut found);
        self.table_findings(end, &mut found);
        if found.len() > PE_FINDINGS {
            found.truncate(PE_FINDINGS);
            let offset = found.last().map_or(0, |last| last.offset);
            found.push(Finding { code: FindingCode::MoreFindings, offset });
        }
        found
    }

    /// Goes through the sections; gives where the last ends.
    fn section_findings(&self, found: &mut Vec<Finding>) -> usize {
        let mut places: Vec<_> = self
            .sections()
            .filter(|section| section.raw_size() > 0)
            .map(|section| (section.raw_offset(), section.raw_size()))
            .collect();
        places.sort_unstable();
        let mut end = self.headers_size();
        for (at, (offset, size)) in places.into_iter().enumerate() {
            let code = match offset.cmp(&end) {
                _ if offset.saturating_add(size) > self.bytes().len() => Some(FindingCode::SectionOutside),
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Less if at == 0 => Some(FindingCode::SectionInHeaders),
                std::cmp::Ordering::Less => Some(FindingCode::SectionsOverlap),
                std::cmp::Ordering::Greater => Some(FindingCode::Gap),
            };
            if found.len() <= PE_FINDINGS {
                found.extend(code.map(|code| Finding { code, offset }));
            }
            end = end.max(offset.saturating_add(size));
        }
        end
    }

    fn table_findings(&self, end: usize, found: &mut Vec<Finding>) {
        let file = self.bytes().len();
        let mut add = |code, offset| found.push(Finding { code, offset });
        let Some(table) = self.certificate_table() else {
            if end < file {
                add(FindingCode::TrailingData, end);
            }
            if !file.is_multiple_of(8) {
                add(FindingCode::UnalignedSize, file);
            }
            return;
        };
        let table_end = table.offset.saturating_add(table.size);
        if table_end > file {
            add(FindingCode::CertificateTableOutside, table.offset);
        } else if table_end < file {
            add(FindingCode::CertificateTableNotLast, table_end);
        }
        if table.offset < end {
            add(FindingCode::CertificateTableOverlaps, table.offset);
        } else if table.offset > end.next_multiple_of(8) {
            add(FindingCode::TrailingData, end);
        }
        if !table.offset.is_multiple_of(8) {
            add(FindingCode::CertificateTableUnaligned, table.offset);
        }
    }
}

/// Something odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// Where in the file.
    pub offset: usize,
}

crate::finding_codes! {
    /// A section lies behind the file's end.
    SectionOutside = "section-outside", Error, "a section lies behind the file's end";
    /// A section lies within the headers.
    SectionInHeaders = "section-in-headers", Warning, "a section lies within the headers and is hashed twice";
    /// Two sections have bytes in common.
    SectionsOverlap = "sections-overlap", Warning, "two sections have bytes in common, which are hashed twice";
    /// Bytes between sections.
    Gap = "gap", Warning, "bytes between sections are not hashed, or as trailing data instead of others";
    /// Bytes behind the last section.
    TrailingData = "trailing-data", Info, "bytes behind the last section are hashed; shim leaves them out of images that are not signed";
    /// The size is no multiple of eight.
    UnalignedSize = "unaligned-size", Info, "the size is no multiple of 8: whoever signs it pads it first, which changes the digest";
    /// The certificate table goes beyond the file's end.
    CertificateTableOutside = "certificate-table-outside", Error, "the certificate table goes beyond the file's end";
    /// Bytes behind the certificate table.
    CertificateTableNotLast = "certificate-table-not-last", Warning, "bytes lie behind the certificate table: as many others at its start are hashed in their place";
    /// The certificate table lies within sections.
    CertificateTableOverlaps = "certificate-table-overlaps", Error, "the certificate table lies within the sections";
    /// The certificate table does not start at a multiple of eight.
    CertificateTableUnaligned = "certificate-table-unaligned", Warning, "the certificate table does not start at a multiple of 8";
    /// More findings than are shown.
    MoreFindings = "more-findings", Warning, "there are more findings; they are not shown";
}
