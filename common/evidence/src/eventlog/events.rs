//! Events of a log, read again from its bytes whenever they are asked for.
//!
//! In: a parsed log. Out: its events by number or in order, each with its digests. Nothing is copied, so that a log of
//! the smallest records takes no more memory than one of the largest; reading one again costs less than keeping it.

use super::parse::{self, Table};
use super::{Event, EventLog};
use crate::cursor::Cursor;
use crate::digest::{Digest, HashAlg};

/// The events of a log.
#[derive(Clone, Copy, Debug)]
pub struct Events<'l, 'a> {
    log: &'l EventLog<'a>,
}

impl<'l, 'a> Events<'l, 'a> {
    pub(super) const fn new(log: &'l EventLog<'a>) -> Self {
        Self { log }
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.log.starts.len()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.log.starts.is_empty()
    }

    /// The event with this number.
    pub fn get(self, number: usize) -> Option<Event<'a>> {
        let offset = usize::try_from(*self.log.starts.get(number)?).ok()?;
        let number = u32::try_from(number).ok()?;
        let mut cursor = Cursor::at(self.log.bytes.get(offset..)?, offset);
        // It was read once without an error, or it would have no start.
        let table = self.log.table.filter(|_| number > 0);
        parse::read_event(&mut cursor, number, table).ok()
    }

    /// The first event: the table of banks in a crypto-agile log.
    pub fn first(self) -> Option<Event<'a>> {
        self.get(0)
    }

    /// The last event.
    pub fn last(self) -> Option<Event<'a>> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The events in order.
    pub const fn iter(self) -> EventIter<'l, 'a> {
        EventIter { events: self, next: 0 }
    }
}

impl<'l, 'a> IntoIterator for Events<'l, 'a> {
    type Item = Event<'a>;
    type IntoIter = EventIter<'l, 'a>;

    fn into_iter(self) -> EventIter<'l, 'a> {
        self.iter()
    }
}

/// Events in order.
#[derive(Clone, Debug)]
pub struct EventIter<'l, 'a> {
    events: Events<'l, 'a>,
    next: usize,
}

impl<'a> Iterator for EventIter<'_, 'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        let event = self.events.get(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(event)
    }

    fn nth(&mut self, skip: usize) -> Option<Event<'a>> {
        self.next = self.next.saturating_add(skip);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.events.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for EventIter<'_, '_> {}

/// The digests of an event, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawDigests<'a> {
    /// One SHA-1 digest.
    Legacy(&'a [u8]),
    /// Identifiers, each with its digest.
    Agile {
        /// The identifiers and digests, one behind the other.
        bytes: &'a [u8],
        /// How long each is.
        table: Table<'a>,
    },
}

impl<'a> RawDigests<'a> {
    /// Those that Lydian knows; the others are skipped by their size in the log's table.
    pub(super) fn iter(self) -> Digests<'a> {
        match self {
            Self::Legacy(digest) => {
                Digests { legacy: Some(digest), cursor: Cursor::new(&[]), table: Table::EMPTY }
            }
            Self::Agile { bytes, table } => Digests { legacy: None, cursor: Cursor::new(bytes), table },
        }
    }
}

/// The digests of an event in the banks that Lydian knows, in the log's order.
#[derive(Clone, Debug)]
pub struct Digests<'a> {
    legacy: Option<&'a [u8]>,
    cursor: Cursor<'a>,
    table: Table<'a>,
}

impl Iterator for Digests<'_> {
    type Item = Digest;

    fn next(&mut self) -> Option<Digest> {
        if let Some(digest) = self.legacy.take() {
            return Digest::new(HashAlg::Sha1, digest).ok();
        }
        loop {
            let id = self.cursor.u16_le().ok()?;
            let bytes = self.cursor.take(self.table.size(id)?).ok()?;
            if let Some(alg) = HashAlg::from_tpm_id(id) {
                return Digest::new(alg, bytes).ok();
            }
        }
    }
}
