//! Pages of a table's tree: interior ones, which point to others, and leaves, which hold rows.
//!
//! In: a page's bytes. Out: its cells, with the part of each record that lies in the page.
//= SQLite file format §1.6: B-tree pages

use super::{SqliteError, varint};

pub(super) struct Page {
    number: u32,
    bytes: Vec<u8>,
    usable: usize,
}

pub(super) enum Cell<'a> {
    /// Another page of the tree.
    Child(u32),
    /// A row; its record goes on in the page `overflow` where it does not fit.
    Row { id: i64, size: u64, local: &'a [u8], overflow: Option<u32> },
}

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

impl Page {
    pub(super) fn new(number: u32, mut bytes: Vec<u8>, usable: usize) -> Self {
        bytes.truncate(usable);
        Self { number, bytes, usable }
    }

    const fn damaged(&self) -> SqliteError {
        SqliteError::Page { page: self.number }
    }

    fn u16(&self, at: usize) -> Option<usize> {
        let field: [u8; 2] = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(usize::from(u16::from_be_bytes(field)))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let field = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(u32::from_be_bytes(field))
    }

    /// The cells in their order; an interior page's last is its right-most child.
    pub(super) fn cells(&self) -> Result<impl Iterator<Item = Result<Cell<'_>, SqliteError>>, SqliteError> {
        // The first page starts with the file's header.
        let header = if self.number == 1 { 100 } else { 0 };
        let (pointers, right) = match self.bytes.get(header) {
            Some(&INTERIOR) => (header + 12, Some(self.u32(header + 8).ok_or(self.damaged())?)),
            Some(&LEAF) => (header + 8, None),
            _ => return Err(self.damaged()),
        };
        let count = self.u16(header + 3).ok_or(self.damaged())?;
        let interior = right.is_some();
        let cells = (0..count).map(move |number| {
            let at = self.u16(pointers + 2 * number);
            at.and_then(|at| if interior { self.child(at) } else { self.row(at) }).ok_or(self.damaged())
        });
        Ok(cells.chain(right.map(|right| Ok(Cell::Child(right)))))
    }

    fn child(&self, at: usize) -> Option<Cell<'_>> {
        self.u32(at).map(Cell::Child)
    }

    fn row(&self, at: usize) -> Option<Cell<'_>> {
        let rest = self.bytes.get(at..)?;
        let (size, taken) = varint(rest)?;
        let rest = rest.get(taken..)?;
        let (id, taken) = varint(rest)?;
        let rest = rest.get(taken..)?;
        let whole = usize::try_from(size).ok();
        let local_size = self.local(whole.unwrap_or(usize::MAX));
        let local = rest.get(..local_size)?;
        let overflow = if whole == Some(local_size) {
            None
        } else {
            let next = rest.get(local_size..local_size.checked_add(4)?)?.try_into().ok()?;
            Some(u32::from_be_bytes(next))
        };
        Some(Cell::Row { id: id.cast_signed(), size, local, overflow })
    }

    /// How much of a record lies in its leaf.
    //= SQLite file format §1.6: U, P, X, M and K of a table leaf cell
    fn local(&self, size: usize) -> usize {
        let usable = self.usable;
        let most = usable.saturating_sub(35);
        if size <= most {
            return size;
        }
        let least = (usable.saturating_sub(12) * 32 / 255).saturating_sub(23);
        let fitting = least + size.saturating_sub(least) % usable.saturating_sub(4).max(1);
        if fitting <= most { fitting } else { least }
    }

    /// As a page of a chain: the number of the next one, and the content.
    pub(super) fn overflow(&self) -> Result<(u32, &[u8]), SqliteError> {
        let content = self.bytes.get(4..).filter(|content| !content.is_empty());
        self.u32(0).zip(content).ok_or(self.damaged())
    }
}
