//! Rows of one table of an `SQLite` file, read without `SQLite`: as much of the format as a package database needs.
//!
//! In: a database file and, where there is one, its write-ahead log. Out: the records of a table in the order of their
//! row ids. Only what a transaction committed to the log is seen. Indices, other encodings than UTF-8, tables without
//! row ids and writing are not known. Every page is visited once at most, so that a file that points in circles ends.
//= SQLite, "Database File Format" (fileformat2.html)

mod page;
mod record;
mod wal;

pub use record::{Column, Columns};
pub use wal::WalEnd;

use crate::limits::{SQLITE_DEPTH, SQLITE_PAYLOAD_BYTES};
use crate::source::{Source, SourceError};
use page::{Cell, Page};
use wal::Wal;

/// A database, opened.
pub struct Database<'a> {
    file: &'a dyn Source,
    wal: Option<Wal<'a>>,
    page_size: usize,
    /// Bytes of a page that are not reserved for extensions.
    usable: usize,
    /// Pages of the file and of its log.
    pages: u64,
}

impl<'a> Database<'a> {
    /// Reads the file's header and walks the log, whose committed pages stand for those of the file.
    pub fn open(file: &'a dyn Source, log: Option<&'a dyn Source>) -> Result<Self, SqliteError> {
        let log = log.filter(|log| log.length() != 0);
        let wal = log.map(Wal::read).transpose()?;
        // A new database's header may be in its log alone.
        let header = match wal.as_ref().and_then(|wal| wal.page(1)) {
            Some(offset) => log.unwrap_or(file).bytes(offset, HEADER_BYTES, 100)?,
            None => file.bytes(0, HEADER_BYTES, 100)?,
        };
        let page_size = page_size(&header)?;
        if wal.as_ref().is_some_and(|wal| wal.frames() != 0 && wal.page_size() != page_size) {
            return Err(SqliteError::Header { offset: 8 });
        }
        let reserved = usize::from(header.get(20).copied().unwrap_or_default());
        let usable = page_size.checked_sub(reserved).filter(|usable| *usable >= LEAST_USABLE);
        let size = u64::try_from(page_size).unwrap_or(u64::MAX);
        let pages = file.length().div_ceil(size).max(1) + wal.as_ref().map_or(0, Wal::frames);
        let usable = usable.ok_or(SqliteError::Header { offset: 20 })?;
        Ok(Self { file, wal, page_size, usable, pages })
    }

    /// How the log ended, where there is one.
    pub fn log_end(&self) -> Option<WalEnd> {
        self.wal.as_ref().map(Wal::end)
    }

    /// The first page of the table of this name; `None` where there is no such table.
    //= SQLite file format §2.6: the schema table's root is page 1; its columns are type, name, tbl_name, rootpage, sql
    pub fn table(&self, name: &str) -> Result<Option<u32>, SqliteError> {
        let mut found = None;
        self.rows(1, &mut |_, payload| {
            let mut columns = Columns::of(payload);
            let (kind, own) = (columns.next(), columns.next());
            if let (Some(Column::Text(b"table")), Some(Column::Text(own)), None) = (kind, own, found)
                && own == name.as_bytes()
                && let Some(Column::Integer(root)) = columns.nth(1)
            {
                found = u32::try_from(root).ok();
            }
        })?;
        Ok(found)
    }

    /// Calls back with row id and record of every row of the table that starts at this page.
    pub fn rows(&self, root: u32, each: &mut dyn FnMut(i64, &[u8])) -> Result<(), SqliteError> {
        let mut visit = Visit { database: self, left: self.pages };
        visit.tree(root, SQLITE_DEPTH, each)
    }

    fn page(&self, number: u32) -> Result<Page, SqliteError> {
        let size = u64::try_from(self.page_size).unwrap_or(u64::MAX);
        let logged = self.wal.as_ref().and_then(|wal| wal.page(number).map(|offset| (wal.source(), offset)));
        let at = u64::from(number).checked_sub(1).map(|before| before.saturating_mul(size));
        let (source, offset) = match (logged, at) {
            (Some(logged), Some(_)) => logged,
            (None, Some(offset)) => (self.file, offset),
            (_, None) => return Err(SqliteError::Page { page: number }),
        };
        let bytes = source.bytes(offset, size, self.page_size)?;
        Ok(Page::new(number, bytes, self.usable))
    }
}

/// One walk through a table.
struct Visit<'a, 'b> {
    database: &'a Database<'b>,
    /// Pages that may still be read.
    left: u64,
}

impl Visit<'_, '_> {
    fn page(&mut self, number: u32) -> Result<Page, SqliteError> {
        self.left = self.left.checked_sub(1).ok_or(SqliteError::Circle { page: number })?;
        self.database.page(number)
    }

    fn tree(&mut self, number: u32, depth: u32, each: &mut dyn FnMut(i64, &[u8])) -> Result<(), SqliteError> {
        let depth = depth.checked_sub(1).ok_or(SqliteError::Depth { page: number })?;
        let page = self.page(number)?;
        // Cells that share their bytes would cost a page's length for each of thousands.
        let mut budget = self.database.usable;
        for cell in page.cells()? {
            match cell? {
                Cell::Child(child) => self.tree(child, depth, each)?,
                Cell::Row { id, size, local, overflow } => {
                    let rest = budget.checked_sub(local.len());
                    budget = rest.ok_or(SqliteError::Page { page: number })?;
                    match overflow {
                        None => each(id, local),
                        Some(next) => each(id, &self.payload(number, local, size, next)?),
                    }
                }
            }
        }
        Ok(())
    }

    /// A payload that goes on in a chain of pages.
    //= SQLite file format §1.6: cell payload overflow pages
    fn payload(
        &mut self,
        number: u32,
        local: &[u8],
        size: u64,
        mut next: u32,
    ) -> Result<Vec<u8>, SqliteError> {
        let limit = SqliteError::Payload { page: number, size };
        let size = usize::try_from(size).ok().filter(|size| *size <= SQLITE_PAYLOAD_BYTES).ok_or(limit)?;
        // Not the size, which a hostile file may lie about: it grows with the pages that are there.
        let mut payload = local.to_vec();
        while payload.len() < size {
            let page = self.page(next)?;
            let (following, content) = page.overflow()?;
            let wanted = size.saturating_sub(payload.len()).min(content.len());
            payload.extend_from_slice(content.get(..wanted).unwrap_or_default());
            next = following;
        }
        Ok(payload)
    }
}

//= SQLite file format §1.3: the database header
fn page_size(header: &[u8]) -> Result<usize, SqliteError> {
    if !header.starts_with(MAGIC) {
        return Err(SqliteError::Header { offset: 0 });
    }
    let field: Option<[u8; 2]> = header.get(16..18).and_then(|field| field.try_into().ok());
    let size = match field.map(u16::from_be_bytes) {
        Some(1) => 65_536,
        Some(size) if size.is_power_of_two() && size >= 512 => usize::from(size),
        _ => return Err(SqliteError::Header { offset: 16 }),
    };
    if header.get(19).is_none_or(|version| *version > 2) {
        return Err(SqliteError::Header { offset: 19 });
    }
    // 0: nothing was ever written.
    if !matches!(header.get(56..60), Some([0, 0, 0, 0 | 1])) {
        return Err(SqliteError::Header { offset: 56 });
    }
    Ok(size)
}

/// Why a database cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqliteError {
    /// The file is shorter than it says, or reading failed.
    #[error("SQLite: {0}")]
    Source(#[from] SourceError),
    /// The header, of the file or of its log, is none that is known.
    #[error("SQLite: at byte {offset}: not a header of this format")]
    Header {
        /// Where in the header.
        offset: usize,
    },
    /// A page that is none of a table, or contradicts itself.
    #[error("SQLite: page {page} is damaged")]
    Page {
        /// Its number.
        page: u32,
    },
    /// A tree of pages that is deeper than any.
    #[error("SQLite: page {page} is more than {SQLITE_DEPTH} deep")]
    Depth {
        /// Its number.
        page: u32,
    },
    /// More pages are pointed to than there are.
    #[error("SQLite: pages point in a circle at page {page}")]
    Circle {
        /// The page that was one too many.
        page: u32,
    },
    /// A record that is longer than any.
    #[error("SQLite: a record of {size} bytes in page {page}; the limit is {SQLITE_PAYLOAD_BYTES}")]
    Payload {
        /// The page that it starts in.
        page: u32,
        /// Its length.
        size: u64,
    },
}

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: u64 = 100;
//= SQLite file format §1.3.4: the usable size is not allowed to be less than 480
const LEAST_USABLE: usize = 480;

/// A variable-length number and how many bytes it took.
//= SQLite file format §1.6: a varint has 1 to 9 bytes, big-endian, seven bits each but for the ninth
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((value << 8 | u64::from(*byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests;
