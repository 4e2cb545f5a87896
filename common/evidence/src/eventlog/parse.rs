//! Records of a firmware log from its bytes.
//!
//! In: a whole log, perhaps damaged. Out: the events up to the first damage, and the damage with its offset.
//! Parsing says that the bytes are well formed, not that anything in them was measured.

use super::{Event, EventLog, EventType, LogFormat};
use crate::cursor::{Cursor, Truncated};
use crate::digest::{Digest, HashAlg};
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

/// The signature of the record that announces the crypto-agile form.
pub(super) const SPEC_ID_03: &[u8] = b"Spec ID Event03\0";

impl<'a> EventLog<'a> {
    /// Reads a log as far as it is well formed.
    pub fn parse(bytes: &'a [u8]) -> Parsed<'a> {
        let mut log = EventLog {
            format: LogFormat::LegacySha1,
            banks: vec![HashAlg::Sha1],
            events: Vec::new(),
            padding_bytes: 0,
        };
        let damage = read_log(bytes, &mut log).err();
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
    let first = read_legacy(&mut cursor, 0)?;
    let table = announced_table(&first)?;
    log.events.push(first);
    if let Some(table) = &table {
        log.format = LogFormat::CryptoAgile;
        log.banks = table.known().collect();
    }
    let padding_start = bytes.len().saturating_sub(trailing_padding(bytes));
    while !cursor.is_empty() {
        if cursor.offset() >= padding_start {
            log.padding_bytes = cursor.left();
            break;
        }
        let number = next_number(log, cursor.offset())?;
        let event = match &table {
            Some(table) => read_agile(&mut cursor, number, table)?,
            None => read_legacy(&mut cursor, number)?,
        };
        log.events.push(event);
    }
    Ok(())
}

fn next_number(log: &EventLog<'_>, offset: usize) -> Result<u32, EventLogError> {
    let limit = limits::EVENT_LOG_EVENTS;
    match u32::try_from(log.events.len()) {
        Ok(number) if log.events.len() < limit => Ok(number),
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

/// `TCG_PCR_EVENT`: register, type, SHA-1 digest, size, data.
fn read_legacy<'a>(cursor: &mut Cursor<'a>, number: u32) -> Result<Event<'a>, EventLogError> {
    let offset = cursor.offset();
    let mut read = || {
        let register = cursor.u32_le()?;
        let event_type = EventType(cursor.u32_le()?);
        let digest = cursor.take(HashAlg::Sha1.size())?;
        let data = sized(cursor)?;
        let digests = Digest::new(HashAlg::Sha1, digest).into_iter().collect();
        Ok(Event { number, offset, register, event_type, digests, data })
    };
    read().map_err(|cause| EventLogError::Truncated { event: number, cause })
}

/// `TCG_PCR_EVENT2`: register, type, count of digests, each with its algorithm, size, data.
fn read_agile<'a>(cursor: &mut Cursor<'a>, number: u32, table: &Table) -> Result<Event<'a>, EventLogError> {
    let short = |cause| EventLogError::Truncated { event: number, cause };
    let offset = cursor.offset();
    let register = cursor.u32_le().map_err(short)?;
    let event_type = EventType(cursor.u32_le().map_err(short)?);
    let digests = read_digests(cursor, number, table)?;
    let data = sized(cursor).map_err(short)?;
    Ok(Event { number, offset, register, event_type, digests, data })
}

fn read_digests(cursor: &mut Cursor<'_>, event: u32, table: &Table) -> Result<Vec<Digest>, EventLogError> {
    let short = |cause| EventLogError::Truncated { event, cause };
    let offset = cursor.offset();
    let found = cursor.u32_le().map_err(short)?;
    let limit = table.0.len();
    if usize::try_from(found).map_or(true, |found| found > limit) {
        return Err(EventLogError::DigestCount { offset, found, limit });
    }
    let mut seen = Vec::with_capacity(limit);
    let mut digests = Vec::new();
    for _ in 0..found {
        let offset = cursor.offset();
        let id = cursor.u16_le().map_err(short)?;
        if seen.contains(&id) {
            return Err(EventLogError::DuplicateAlgorithm { offset, id });
        }
        seen.push(id);
        let size = table.size(id).ok_or(EventLogError::UnknownAlgorithm { offset, id })?;
        let bytes = cursor.take(size).map_err(short)?;
        // Digests of algorithms that Lydian does not know are skipped by the table's size.
        digests.extend(HashAlg::from_tpm_id(id).and_then(|alg| Digest::new(alg, bytes).ok()));
    }
    Ok(digests)
}

fn sized<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Truncated> {
    let size = cursor.u32_le()?;
    // A length that does not even fit a usize cannot fit what is left either.
    cursor.take(usize::try_from(size).unwrap_or(usize::MAX))
}

/// The algorithms of a crypto-agile log with their digests' sizes.
struct Table(Vec<(u16, u16)>);

impl Table {
    fn size(&self, id: u16) -> Option<usize> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, size)| usize::from(*size))
    }

    fn known(&self) -> impl Iterator<Item = HashAlg> {
        self.0.iter().filter_map(|(id, _)| HashAlg::from_tpm_id(*id))
    }
}

/// The table of a `Spec ID Event03` record; `None` for any other first record.
//= TCG PFP 1.06 §10.4.5.1: TCG_EfiSpecIDEvent
fn announced_table(first: &Event<'_>) -> Result<Option<Table>, EventLogError> {
    if first.event_type != EventType::NO_ACTION {
        return Ok(None);
    }
    let Some(rest) = first.data.strip_prefix(SPEC_ID_03) else {
        return Ok(None);
    };
    let start = first.offset.saturating_add(LEGACY_HEADER_BYTES).saturating_add(SPEC_ID_03.len());
    read_table(&mut Cursor::at(rest, start)).map(Some)
}

fn read_table(cursor: &mut Cursor<'_>) -> Result<Table, EventLogError> {
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
    let mut table = Table(Vec::with_capacity(count));
    for _ in 0..count {
        let offset = cursor.offset();
        let id = cursor.u16_le().map_err(short)?;
        if table.size(id).is_some() {
            return Err(EventLogError::DuplicateAlgorithm { offset, id });
        }
        let offset = cursor.offset();
        let size = cursor.u16_le().map_err(short)?;
        match HashAlg::from_tpm_id(id) {
            Some(alg) if alg.size() != usize::from(size) => {
                let expected = alg.size();
                return Err(EventLogError::DigestSize { offset, alg, expected, found: size });
            }
            _ => table.0.push((id, size)),
        }
    }
    Ok(table)
}

/// Register, type, SHA-1 digest and size of a `TCG_PCR_EVENT`.
const LEGACY_HEADER_BYTES: usize = 32;
