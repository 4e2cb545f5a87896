//! Records of an IMA list from its bytes, one at a time.
//!
//! In: bytes and the algorithm of the listed template hashes. Out: records that borrow the bytes, or the
//! damage with its offset, after which nothing more is read. Nothing is allocated.
//= Linux security/integrity/ima/ima_fs.c: PCR, template hash, name's length, name, data's length, data

use super::ImaRecord;
use super::fields::LEGACY_TEMPLATE;
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
    /// Integers most significant byte first, as kernels of big-endian machines write without `ima_canonical_fmt`.
    #[error("record {record} at byte {offset}: the list is big-endian; boot with ima_canonical_fmt")]
    BigEndian {
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
    listed: HashAlg,
    next: u64,
    damaged: bool,
}

impl<'a> Records<'a> {
    pub(super) const fn new(bytes: &'a [u8], listed: HashAlg) -> Self {
        Self { cursor: Cursor::new(bytes), listed, next: 0, damaged: false }
    }

    fn read(&mut self) -> Result<ImaRecord<'a>, ImaError> {
        let (offset, number, left) = (self.cursor.offset(), self.next, self.cursor.left());
        if number == 0 && left > limits::IMA_LIST_BYTES {
            return Err(ImaError::TooLong { found: left, limit: limits::IMA_LIST_BYTES });
        }
        let short = |cause| ImaError::Truncated { record: number, cause };
        let pcr = read_pcr(self.cursor.u32_le().map_err(short)?, number, offset)?;
        let listed_hash = read_hash(&mut self.cursor, self.listed).map_err(short)?;
        let template = read_name(&mut self.cursor, number)?;
        let data = if template == LEGACY_TEMPLATE {
            read_legacy_data(&mut self.cursor, number)?
        } else {
            let (at, size) = (self.cursor.offset(), self.cursor.u32_le().map_err(short)?);
            let size = checked_data_size(size, at, number)?;
            self.cursor.take(size).map_err(short)?
        };
        let size = left.saturating_sub(self.cursor.left());
        Ok(ImaRecord { number, offset, size, pcr, listed_hash, template, data })
    }
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
        Ok(_) => ImaError::BigEndian { record, offset },
        Err(_) => ImaError::Pcr { record, offset, found },
    })
}

fn read_hash(cursor: &mut Cursor<'_>, alg: HashAlg) -> Result<Digest, Truncated> {
    let (offset, left) = (cursor.offset(), cursor.left());
    let bytes = cursor.take(alg.size())?;
    Digest::new(alg, bytes).map_err(|_| Truncated { offset, needed: alg.size(), left })
}

fn read_name<'a>(cursor: &mut Cursor<'a>, record: u64) -> Result<&'a str, ImaError> {
    let short = |cause| ImaError::Truncated { record, cause };
    let offset = cursor.offset();
    let found = cursor.u32_le().map_err(short)?;
    let bad = ImaError::TemplateName { record, offset, found };
    let size = usize::try_from(found).map_err(|_| bad)?;
    if size == 0 || size > limits::IMA_TEMPLATE_NAME_BYTES {
        return Err(bad);
    }
    let name = cursor.take(size).map_err(short)?;
    let printable = name.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(name).ok().filter(|_| printable).ok_or(bad)
}

/// The old template has no length of its data: a SHA-1 digest, the name's length, and the name.
fn read_legacy_data<'a>(cursor: &mut Cursor<'a>, record: u64) -> Result<&'a [u8], ImaError> {
    let short = |cause| ImaError::Truncated { record, cause };
    let mut ahead = cursor.clone();
    ahead.take(HashAlg::Sha1.size()).map_err(short)?;
    let (at, size) = (ahead.offset(), ahead.u32_le().map_err(short)?);
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
