//! Records of a firmware log from its bytes.
//!
//! In: a whole log, perhaps damaged. Out: the events up to the first damage, and the damage with its offset.
//! Parsing says that the bytes are well formed, not that anything in them was measured.

use super::events::RawDigests;
use super::{Event, EventLog, EventType, LogFormat, ccel};
use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::limits;

/// What could be read of a log, and why no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The events up to the damage, or all.
    pub log: EventLog<'a>,
    /// What stopped the reader, if anything. Policy decides what a damaged log is worth.
    pub damage: Option<EventLogError>,
}

/// Why a log could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventLogError {
    /// There is no log.
    #[error("the event log is empty")]
    Empty,
    /// The log is too long.
    #[error("the event log has {found} bytes, at most {limit}")]
    TooLong {
        /// Its length.
        found: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// A record goes on past the log's end.
    #[error("event {event} ends early: {cause}")]
    Truncated {
        /// The event's number.
        event: u32,
        /// Where and by how much.
        cause: Truncated,
    },
    /// More events than are read.
    #[error("at byte {offset}: more than {limit} events")]
    TooManyEvents {
        /// Where the first unread event starts.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// The table of algorithms is empty or too long.
    #[error("at byte {offset}: {found} hash algorithms, expected 1 to {limit}")]
    AlgorithmCount {
        /// Where the count is.
        offset: usize,
        /// The count.
        found: u32,
        /// The limit.
        limit: usize,
    },
    /// The table gives a known algorithm a wrong size.
    #[error("at byte {offset}: {alg} digests have {expected} bytes, the log says {found}")]
    DigestSize {
        /// Where the size is.
        offset: usize,
        /// The algorithm.
        alg: HashAlg,
        /// Its size.
        expected: usize,
        /// The size in the table.
        found: u16,
    },
    /// The table, or an event, names an algorithm twice.
    #[error("at byte {offset}: hash algorithm {id:#06x} comes twice")]
    DuplicateAlgorithm {
        /// Where the second one is.
        offset: usize,
        /// The `TPM_ALG_ID`.
        id: u16,
    },
    /// An event has a digest of an algorithm that the table lacks, so that its length is unknown.
    #[error("at byte {offset}: hash algorithm {id:#06x} is not in the log's table")]
    UnknownAlgorithm {
        /// Where the algorithm is.
        offset: usize,
        /// The `TPM_ALG_ID`.
        id: u16,
    },
    /// An event has more digests than the table has algorithms.
    #[error("at byte {offset}: {found} digests, the log's table has {limit}")]
    DigestCount {
        /// Where the count is.
        offset: usize,
        /// The count.
        found: u32,
        /// How many algorithms the table has.
        limit: usize,
    },
}

impl EventLogError {
    /// Where in the log the reader stopped.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::TooLong { limit, .. } => *limit,
            Self::Truncated { cause, .. } => cause.offset,
            Self::TooManyEvents { offset, .. }
            | Self::AlgorithmCount { offset, .. }
            | Self::DigestSize { offset, .. }
            | Self::DuplicateAlgorithm { offset, .. }
            | Self::UnknownAlgorithm { offset, .. }
            | Self::DigestCount { offset, .. } => *offset,
        }
    }
}

/// The signature of the record that announces the crypto-agile form.
pub(super) const SPEC_ID_03: &[u8] = b"Spec ID Event03\0";

impl<'a> EventLog<'a> {
    /// Reads a log as far as it is well formed.
    pub fn parse(bytes: &'a [u8]) -> Parsed<'a> {
        let mut log = EventLog {
            bytes,
            format: LogFormat::LegacySha1,
            table: None,
            banks: vec![HashAlg::Sha1],
            starts: Vec::new(),
            padding_bytes: 0,
        };
        let damage = read_log(bytes, &mut log).err();
        if ccel::is_ccel(&log) {
            log.format = LogFormat::Ccel;
        }
        Parsed { log, damage }
    }
}

fn read_log<'a>(bytes: &'a [u8], log: &mut EventLog<'a>) -> Result<(), EventLogError> {
    if bytes.is_empty() {
        return Err(EventLogError::Empty);
    }
    let (found, limit) = (bytes.len(), limits::EVENT_LOG_BYTES);
    if found > limit {
        return Err(EventLogError::TooLong { found, limit });
    }
    let mut cursor = Cursor::new(bytes);
    //= TCG PFP 1.06 §10.2.1: the first event of either form is a TCG_PCR_EVENT
    let first = read_event(&mut cursor, 0, None)?;
    log.table = announced_table(&first)?;
    log.starts.push(0);
    if let Some(table) = log.table {
        log.format = LogFormat::CryptoAgile;
        log.banks = table.known().collect();
    }
    let padding_start = bytes.len().saturating_sub(trailing_padding(bytes));
    while !cursor.is_empty() {
        if cursor.offset() >= padding_start {
            log.padding_bytes = cursor.left();
            break;
        }
        let (number, start) = next_event(log, cursor.offset())?;
        read_event(&mut cursor, number, log.table)?;
        log.starts.push(start);
    }
    Ok(())
}

/// The next event's number, and where it starts.
fn next_event(log: &EventLog<'_>, offset: usize) -> Result<(u32, u32), EventLogError> {
    let limit = limits::EVENT_LOG_EVENTS;
    match (u32::try_from(log.starts.len()), u32::try_from(offset)) {
        (Ok(number), Ok(start)) if log.starts.len() < limit => Ok((number, start)),
        _ => Err(EventLogError::TooManyEvents { offset, limit }),
    }
}

/// How many equal bytes of 0x00 or 0xFF the log ends with. A record's own last bytes may be among them; only
/// a record that *starts* there is padding.
fn trailing_padding(bytes: &[u8]) -> usize {
    match bytes.last() {
        Some(pad @ (0 | 0xff)) => bytes.iter().rev().take_while(|byte| *byte == pad).count(),
        _ => 0,
    }
}

/// One record: of the crypto-agile form where there is a table.
pub(super) fn read_event<'a>(
    cursor: &mut Cursor<'a>,
    number: u32,
    table: Option<Table<'a>>,
) -> Result<Event<'a>, EventLogError> {
    let short = |cause| EventLogError::Truncated { event: number, cause };
    let offset = cursor.offset();
    let register = cursor.u32_le().map_err(short)?;
    let event_type = EventType(cursor.u32_le().map_err(short)?);
    let digests = match table {
        //= TCG PFP 1.06 §10.2.1: TCG_PCR_EVENT has one SHA-1 digest
        None => RawDigests::Legacy(cursor.take(HashAlg::Sha1.size()).map_err(short)?),
        //= TCG PFP 1.06 §10.2.2: TCG_PCR_EVENT2 has a count of digests, each with its algorithm
        Some(table) => RawDigests::Agile { bytes: read_digests(cursor, number, table)?, table },
    };
    let data = sized(cursor).map_err(short)?;
    Ok(Event { number, offset, register, event_type, data, digests })
}

/// Steps over the digests of an event, each of an algorithm of the table and none twice.
fn read_digests<'a>(
    cursor: &mut Cursor<'a>,
    event: u32,
    table: Table<'_>,
) -> Result<&'a [u8], EventLogError> {
    let short = |cause| EventLogError::Truncated { event, cause };
    let offset = cursor.offset();
    let found = cursor.u32_le().map_err(short)?;
    let limit = table.len();
    if usize::try_from(found).map_or(true, |found| found > limit) {
        return Err(EventLogError::DigestCount { offset, found, limit });
    }
    let (bytes, start) = (cursor.rest(), cursor.offset());
    let mut seen = 0_u32;
    for _ in 0..found {
        let offset = cursor.offset();
        let id = cursor.u16_le().map_err(short)?;
        let (place, size) = table.find(id).ok_or(EventLogError::UnknownAlgorithm { offset, id })?;
        if seen >> place & 1 == 1 {
            return Err(EventLogError::DuplicateAlgorithm { offset, id });
        }
        seen |= 1 << place;
        cursor.take(size).map_err(short)?;
    }
    Ok(bytes.get(..cursor.offset().saturating_sub(start)).unwrap_or_default())
}

fn sized<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Truncated> {
    let size = cursor.u32_le()?;
    // A length that does not even fit a usize cannot fit what is left either.
    cursor.take(usize::try_from(size).unwrap_or(usize::MAX))
}

/// The algorithms of a crypto-agile log with their digests' sizes, as its first event has them: two 16-bit numbers each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table<'a>(&'a [u8]);

impl<'a> Table<'a> {
    pub(super) const EMPTY: Self = Self(&[]);

    const fn len(self) -> usize {
        self.0.len() / TABLE_ENTRY_BYTES
    }

    /// Identifiers and sizes.
    pub(super) fn entries(self) -> impl Iterator<Item = (u16, u16)> + use<'a> {
        let (entries, _) = self.0.as_chunks::<TABLE_ENTRY_BYTES>();
        entries.iter().map(|[a, b, c, d]| (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d])))
    }

    /// Where in the table an algorithm is, and its digest's size.
    fn find(self, id: u16) -> Option<(u32, usize)> {
        let place = (0..).zip(self.entries()).find(|(_, (known, _))| *known == id);
        place.map(|(place, (_, size))| (place, usize::from(size)))
    }

    pub(super) fn size(self, id: u16) -> Option<usize> {
        self.find(id).map(|(_, size)| size)
    }

    fn known(self) -> impl Iterator<Item = HashAlg> + use<'a> {
        self.entries().filter_map(|(id, _)| HashAlg::from_tpm_id(id))
    }
}

/// The table of a `Spec ID Event03` record; `None` for any other first record.
//= TCG PFP 1.06 §10.4.5.1: TCG_EfiSpecIDEvent
fn announced_table<'a>(first: &Event<'a>) -> Result<Option<Table<'a>>, EventLogError> {
    if first.event_type != EventType::NO_ACTION {
        return Ok(None);
    }
    let Some(rest) = first.data.strip_prefix(SPEC_ID_03) else {
        return Ok(None);
    };
    let start = first.offset.saturating_add(LEGACY_HEADER_BYTES).saturating_add(SPEC_ID_03.len());
    read_table(&mut Cursor::at(rest, start)).map(Some)
}

fn read_table<'a>(cursor: &mut Cursor<'a>) -> Result<Table<'a>, EventLogError> {
    let short = |cause| EventLogError::Truncated { event: 0, cause };
    // Platform class, version (minor, major), errata and the size of a UINTN: none changes the reading.
    cursor.take(8).map_err(short)?;
    let offset = cursor.offset();
    let found = cursor.u32_le().map_err(short)?;
    let limit = limits::EVENT_LOG_BANKS;
    let count = usize::try_from(found).unwrap_or(usize::MAX);
    if count == 0 || count > limit {
        return Err(EventLogError::AlgorithmCount { offset, found, limit });
    }
    let start = cursor.offset();
    let table = Table(cursor.take(count.saturating_mul(TABLE_ENTRY_BYTES)).map_err(short)?);
    for (at, (id, size)) in table.entries().enumerate() {
        let offset = start.saturating_add(at.saturating_mul(TABLE_ENTRY_BYTES));
        if table.entries().take(at).any(|(before, _)| before == id) {
            return Err(EventLogError::DuplicateAlgorithm { offset, id });
        }
        if let Some(alg) = HashAlg::from_tpm_id(id)
            && alg.size() != usize::from(size)
        {
            let (offset, expected) = (offset.saturating_add(2), alg.size());
            return Err(EventLogError::DigestSize { offset, alg, expected, found: size });
        }
    }
    Ok(table)
}

/// An identifier and a size.
const TABLE_ENTRY_BYTES: usize = 4;
/// Register, type, SHA-1 digest and size of a `TCG_PCR_EVENT`.
const LEGACY_HEADER_BYTES: usize = 32;
