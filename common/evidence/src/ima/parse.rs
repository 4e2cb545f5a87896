//! Records of an IMA list from its bytes, one at a time.
//!
//! In: bytes and the algorithm of the listed template hashes. Out: records that borrow the bytes, or the
//! damage with its offset, after which nothing more is read. Nothing is allocated.
//= Linux security/integrity/ima/ima_fs.c: PCR, template hash, name's length, name, data's length, data

use super::layout::{ByteOrder, ListLayout, printable};
use super::record::{DataSource, ImaRecord};
use super::template;
use crate::cursor::{Cursor, Truncated};
use crate::digest::{Digest, HashAlg};
use crate::limits;
use crate::pcr::PcrIndex;

/// Why a record could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImaError {
    /// The list is too long.
    #[error("the IMA list has {found} bytes, at most {limit}")]
    TooLong {
        /// Its length.
        found: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// A record goes on past the list's end.
    #[error("record {record} ends early: {cause}")]
    Truncated {
        /// The record's number.
        record: u64,
        /// Where and by how much.
        cause: Truncated,
    },
    /// A PCR that no TPM has.
    #[error("record {record} at byte {offset}: there is no PCR {found}")]
    Pcr {
        /// The record's number.
        record: u64,
        /// Where the record starts.
        offset: usize,
        /// What it names.
        found: u32,
    },
    /// Integers in the other order than the list's: those of a big-endian machine without `ima_canonical_fmt`, mostly.
    #[error("record {record} at byte {offset}: the record's integers are in the other byte order")]
    ByteOrder {
        /// The record's number.
        record: u64,
        /// Where the record starts.
        offset: usize,
    },
    /// A template's name is empty, too long, or not printable.
    #[error(
        "record {record} at byte {offset}: the template's name has a length of {found} or is not printable"
    )]
    TemplateName {
        /// The record's number.
        record: u64,
        /// Where the name's length is.
        offset: usize,
        /// The length.
        found: u32,
    },
    /// Neither a binary list nor a text.
    #[error("neither a binary list nor the text of one")]
    NotAList,
    /// A record's data is too long.
    #[error("record {record} at byte {offset}: {found} bytes of data, at most {limit}")]
    DataLength {
        /// The record's number.
        record: u64,
        /// Where the data's length is.
        offset: usize,
        /// The length.
        found: u32,
        /// The longest that is read.
        limit: usize,
    },
}

/// The records of a list, in order. Ends behind the first error.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    cursor: Cursor<'a>,
    layout: ListLayout,
    next: u64,
    damaged: bool,
}

impl<'a> Records<'a> {
    pub(super) const fn new(bytes: &'a [u8], layout: ListLayout) -> Self {
        Self { cursor: Cursor::new(bytes), layout, next: 0, damaged: false }
    }

    fn read(&mut self) -> Result<ImaRecord<'a>, ImaError> {
        let left = self.cursor.left();
        if self.next == 0 && left > limits::IMA_LIST_BYTES {
            return Err(ImaError::TooLong { found: left, limit: limits::IMA_LIST_BYTES });
        }
        read_record(&mut self.cursor, self.layout, self.next)
    }
}

/// Reads one record; the error is the same for every cut of the list in which it shows.
pub(super) fn read_record<'a>(
    cursor: &mut Cursor<'a>,
    layout: ListLayout,
    number: u64,
) -> Result<ImaRecord<'a>, ImaError> {
    let (offset, left, order) = (cursor.offset(), cursor.left(), layout.order);
    let short = |cause| ImaError::Truncated { record: number, cause };
    let pcr = read_pcr(order.u32(cursor).map_err(short)?, number, offset)?;
    let listed_hash = read_hash(cursor, layout.listed).map_err(short)?;
    let template = read_name(cursor, order, number)?;
    let data = if template == template::LEGACY {
        read_legacy_data(cursor, order, number)?
    } else {
        let (at, size) = (cursor.offset(), order.u32(cursor).map_err(short)?);
        let size = checked_data_size(size, at, number)?;
        cursor.take(size).map_err(short)?
    };
    let size = left.saturating_sub(cursor.left());
    let source = DataSource::Binary;
    Ok(ImaRecord { number, offset, size, pcr, listed_hash, template, data, source, order })
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<ImaRecord<'a>, ImaError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.damaged || self.cursor.is_empty() {
            return None;
        }
        let record = self.read();
        self.damaged = record.is_err();
        self.next = self.next.saturating_add(1);
        Some(record)
    }
}

fn read_pcr(found: u32, record: u64, offset: usize) -> Result<PcrIndex, ImaError> {
    PcrIndex::new(found).map_err(|_| match PcrIndex::new(found.swap_bytes()) {
        Ok(_) => ImaError::ByteOrder { record, offset },
        Err(_) => ImaError::Pcr { record, offset, found },
    })
}

fn read_hash(cursor: &mut Cursor<'_>, alg: HashAlg) -> Result<Digest, Truncated> {
    let (offset, left) = (cursor.offset(), cursor.left());
    let bytes = cursor.take(alg.size())?;
    Digest::new(alg, bytes).map_err(|_| Truncated { offset, needed: alg.size(), left })
}

fn read_name<'a>(cursor: &mut Cursor<'a>, order: ByteOrder, record: u64) -> Result<&'a str, ImaError> {
    let short = |cause| ImaError::Truncated { record, cause };
    let offset = cursor.offset();
    let found = order.u32(cursor).map_err(short)?;
    let bad = ImaError::TemplateName { record, offset, found };
    let size = usize::try_from(found).map_err(|_| bad)?;
    if size == 0 || size > limits::IMA_TEMPLATE_NAME_BYTES {
        return Err(bad);
    }
    printable(cursor.take(size).map_err(short)?).ok_or(bad)
}

/// The old template has no length of its data: a SHA-1 digest, the name's length, and the name.
fn read_legacy_data<'a>(
    cursor: &mut Cursor<'a>,
    order: ByteOrder,
    record: u64,
) -> Result<&'a [u8], ImaError> {
    let short = |cause| ImaError::Truncated { record, cause };
    let mut ahead = cursor.clone();
    ahead.take(HashAlg::Sha1.size()).map_err(short)?;
    let (at, size) = (ahead.offset(), order.u32(&mut ahead).map_err(short)?);
    let name = checked_data_size(size, at, record)?;
    let header = ahead.offset().saturating_sub(cursor.offset());
    cursor.take(header.saturating_add(name)).map_err(short)
}

fn checked_data_size(found: u32, offset: usize, record: u64) -> Result<usize, ImaError> {
    let limit = limits::IMA_FIELD_BYTES;
    match usize::try_from(found) {
        Ok(size) if size <= limit => Ok(size),
        _ => Err(ImaError::DataLength { record, offset, found, limit }),
    }
}
