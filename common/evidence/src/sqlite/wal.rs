//! The write-ahead log: pages that were committed and are not in the file yet.
//!
//! In: the log. Out: where the newest committed form of each page lies. A log is read up to the first frame whose salt or
//! checksum is wrong, which is where the writer's last transaction ended or was broken off: `SQLite` itself does so.
//= SQLite file format §4: the write-ahead log

use std::collections::BTreeMap;

use super::SqliteError;
use crate::cursor::{Cursor, Truncated};
use crate::limits::SQLITE_LOG_BYTES;
use crate::source::{Source, SourceError};

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalEnd {
    /// Every frame counts.
    Whole,
    /// Frames behind the last commit do not count: an unfinished transaction, or what an older log left there.
    Unfinished {
        /// Where the first of them is.
        offset: u64,
    },
}

pub(super) struct Wal<'a> {
    source: &'a dyn Source,
    page_size: usize,
    pages: BTreeMap<u32, u64>,
    frames: u64,
    end: WalEnd,
}

/// The running checksum over pairs of words.
//= SQLite file format §4.2: checksum algorithm
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sum {
    big_endian: bool,
    words: [u32; 2],
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let word = |word: [u8; 4]| {
            if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
        };
        let [mut first, mut second] = self.words;
        for &[a, b, c, d, e, f, g, h] in bytes.as_chunks::<8>().0 {
            first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
            second = second.wrapping_add(word([e, f, g, h])).wrapping_add(first);
        }
        self.words = [first, second];
    }
}

#[derive(Clone, Copy)]
struct Head {
    page_size: usize,
    salts: [u32; 2],
    sum: Sum,
}

impl<'a> Wal<'a> {
    pub(super) fn read(source: &'a dyn Source) -> Result<Self, SqliteError> {
        let length = source.length();
        if length > SQLITE_LOG_BYTES {
            let limit = usize::try_from(SQLITE_LOG_BYTES).unwrap_or(usize::MAX);
            return Err(SourceError::Limit { offset: 0, limit }.into());
        }
        let mut wal = Self { source, page_size: 0, pages: BTreeMap::new(), frames: 0, end: WalEnd::Whole };
        // A log shorter than its header, or whose header's checksum is wrong, has no frames: a writer broke off.
        let head = if length < HEADER_BYTES { None } else { head(&source.bytes(0, HEADER_BYTES, 32)?) };
        let Some(head) = head else {
            wal.end = WalEnd::Unfinished { offset: 0 };
            return Ok(wal);
        };
        wal.page_size = head.page_size;
        wal.walk(head)?;
        Ok(wal)
    }

    fn walk(&mut self, head: Head) -> Result<(), SqliteError> {
        let Head { page_size, salts, mut sum } = head;
        let size = FRAME_HEADER_BYTES.saturating_add(u64::try_from(page_size).unwrap_or(u64::MAX));
        let mut transaction = Vec::new();
        let (mut offset, mut committed) = (HEADER_BYTES, HEADER_BYTES);
        while offset.saturating_add(size) <= self.source.length() {
            let frame = self.source.bytes(offset, size, page_size + 24)?;
            let Ok(Some((page, commit))) = taken(&frame, salts, &mut sum) else { break };
            transaction.push((page, offset.saturating_add(FRAME_HEADER_BYTES)));
            offset = offset.saturating_add(size);
            if commit {
                self.frames += u64::try_from(transaction.len()).unwrap_or(u64::MAX);
                self.pages.extend(transaction.drain(..));
                committed = offset;
            }
        }
        if committed < self.source.length() {
            self.end = WalEnd::Unfinished { offset: committed };
        }
        Ok(())
    }

    pub(super) fn page(&self, number: u32) -> Option<u64> {
        self.pages.get(&number).copied()
    }

    pub(super) const fn source(&self) -> &'a dyn Source {
        self.source
    }

    pub(super) const fn page_size(&self) -> usize {
        self.page_size
    }

    /// Committed frames.
    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    pub(super) const fn end(&self) -> WalEnd {
        self.end
    }
}

/// A log's header, if its checksum is right.
//= SQLite file format §4.1: WAL header format
fn head(bytes: &[u8]) -> Option<Head> {
    let mut cursor = Cursor::new(bytes);
    let big_endian = match cursor.u32_be().ok()? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let (version, page_size, _sequence) =
        (cursor.u32_be().ok()?, cursor.u32_be().ok()?, cursor.u32_be().ok()?);
    let salts = [cursor.u32_be().ok()?, cursor.u32_be().ok()?];
    let told = [cursor.u32_be().ok()?, cursor.u32_be().ok()?];
    let mut sum = Sum { big_endian, words: [0, 0] };
    sum.add(bytes.get(..24)?);
    let page_size = usize::try_from(page_size).ok()?;
    let known = version == 3_007_000 && page_size.is_power_of_two() && (512..=65_536).contains(&page_size);
    (known && sum.words == told).then_some(Head { page_size, salts, sum })
}

/// A frame's page and whether it ends a transaction; `None` where it is none of this log.
//= SQLite file format §4.1: WAL frame header format
fn taken(frame: &[u8], salts: [u32; 2], sum: &mut Sum) -> Result<Option<(u32, bool)>, Truncated> {
    let mut cursor = Cursor::new(frame);
    let (page, pages) = (cursor.u32_be()?, cursor.u32_be()?);
    let found = [cursor.u32_be()?, cursor.u32_be()?];
    let told = [cursor.u32_be()?, cursor.u32_be()?];
    if found != salts || page == 0 {
        return Ok(None);
    }
    sum.add(frame.get(..8).unwrap_or_default());
    sum.add(cursor.rest());
    Ok((sum.words == told).then_some((page, pages != 0)))
}

const HEADER_BYTES: u64 = 32;
const FRAME_HEADER_BYTES: u64 = 24;
