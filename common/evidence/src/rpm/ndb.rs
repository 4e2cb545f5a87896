//! SUSE's database of packages, `Packages.db`: slots that point to headers.
//!
//! In: the file. Out: the headers' bytes, one by one. Checksums of blobs are not computed: a header that is damaged is
//! refused when it is parsed, and the file proves nothing anyway.
//= rpm, lib/backend/ndb/rpmpkg.c

use crate::cursor::{Cursor, Truncated};
use crate::limits::{RPM_HEADER_BYTES, RPM_NDB_SLOTS};
use crate::source::{Source, SourceError};

/// Headers of a database.
pub struct Blobs<'a> {
    source: &'a dyn Source,
    slots: Vec<u8>,
    /// Next slot.
    at: usize,
    /// Bytes of blobs that may still be read: slots that share theirs would cost a file's length each.
    left: u64,
}

/// Reads the table of slots.
pub fn blobs(source: &dyn Source) -> Result<Blobs<'_>, NdbError> {
    let header = source.bytes(0, 32, 32)?;
    let mut cursor = Cursor::new(&header);
    let (magic, version) = (cursor.u32_le()?, cursor.u32_le()?);
    if magic.to_le_bytes() != *b"RpmP" || version != 0 {
        return Err(NdbError::Header { offset: 0 });
    }
    let _generation = cursor.u32_le()?;
    let pages = u64::from(cursor.u32_le()?);
    let limit = RPM_NDB_SLOTS.saturating_mul(SLOT_BYTES);
    let slots = source.bytes(0, pages.saturating_mul(4096), limit)?;
    // The first two slots' place is the file's header's.
    Ok(Blobs { source, slots, at: 2, left: source.length() })
}

impl Blobs<'_> {
    fn read(&mut self, slot: &[u8; SLOT_BYTES]) -> Result<Option<Vec<u8>>, NdbError> {
        let mut cursor = Cursor::new(slot);
        let magic = cursor.u32_le()?;
        let (package, block, blocks) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le()?);
        if magic.to_le_bytes() != *b"Slot" || package == 0 {
            return Ok(None);
        }
        let offset = u64::from(block).saturating_mul(BLOCK_BYTES);
        let head = self.source.bytes(offset, 16, 16)?;
        let mut cursor = Cursor::new(&head);
        let (magic, found) = (cursor.u32_le()?, cursor.u32_le()?);
        let _generation = cursor.u32_le()?;
        let size = u64::from(cursor.u32_le()?);
        let fits = size <= u64::from(blocks).saturating_mul(BLOCK_BYTES);
        if magic.to_le_bytes() != *b"BlbS" || found != package || !fits {
            return Err(NdbError::Blob { offset });
        }
        self.left = self.left.checked_sub(size).ok_or(NdbError::Blob { offset })?;
        Ok(Some(self.source.bytes(offset.saturating_add(16), size, RPM_HEADER_BYTES)?))
    }
}

impl Iterator for Blobs<'_> {
    type Item = Result<Vec<u8>, NdbError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let slot = *self.slots.as_chunks::<SLOT_BYTES>().0.get(self.at)?;
            self.at += 1;
            if let Some(blob) = self.read(&slot).transpose() {
                return Some(blob);
            }
        }
    }
}

/// Why a database, or one header of it, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NdbError {
    /// The file is shorter than it says, or reading failed.
    #[error("ndb: {0}")]
    Source(#[from] SourceError),
    /// A structure ends early.
    #[error("ndb: {0}")]
    Truncated(#[from] Truncated),
    /// No database of this kind.
    #[error("ndb: at byte {offset}: not a database of packages")]
    Header {
        /// Where.
        offset: u64,
    },
    /// A slot that points to something else than its package's header.
    #[error("ndb: at byte {offset}: not the blob that its slot names")]
    Blob {
        /// Where it points.
        offset: u64,
    },
}

/// Magic, package, block, blocks.
const SLOT_BYTES: usize = 16;
const BLOCK_BYTES: u64 = 16;
