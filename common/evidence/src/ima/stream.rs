//! A list of any length, in chunks, with a record's worth of memory.
//!
//! In: chunks as they come, cut anywhere. Out: every record, given to a function while it lasts; then the end, or the
//! damage behind which a binary list is not read. Lines that are not records end no text list: they are reported, and
//! the next line is read. How the chunks were cut changes nothing.

use super::ascii::{AsciiLine, LineError};
use super::layout::{ByteOrder, DETECT_BYTES, ListForm, ListLayout};
use super::parse::{ImaError, read_record};
use super::record::{DataSource, ImaRecord};
use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits;

/// A reader of a list that comes in chunks.
#[derive(Clone, Debug)]
pub struct ImaStream {
    form: Option<Form>,
    /// What of the chunks before is not read yet: less than a record, or a list's first bytes.
    carry: Vec<u8>,
    /// How much of `carry` is known to hold no line's end.
    searched: usize,
    /// What comes is the rest of a line that was too long.
    overlong: bool,
    /// Template data that is written again from text.
    scratch: Vec<u8>,
    next: u64,
    offset: usize,
    /// The layout is certain: a record's data gave its listed hash.
    settled: bool,
    damage: Option<ImaError>,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Binary(ListLayout),
    /// Text; the layout is what the text was written from, as far as is known.
    Ascii(ListLayout),
}

/// What a stream gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamItem<'a> {
    /// A record.
    Record(ImaRecord<'a>),
    /// A line of a text list that is not a record.
    BadLine {
        /// Where it starts.
        offset: usize,
        /// What is wrong.
        error: LineError,
    },
}

impl Default for ImaStream {
    fn default() -> Self {
        Self::new()
    }
}

impl ImaStream {
    /// A list of either form, from its first record or a later one.
    pub const fn new() -> Self {
        Self {
            form: None,
            carry: Vec::new(),
            searched: 0,
            overlong: false,
            scratch: Vec::new(),
            next: 0,
            offset: 0,
            settled: false,
            damage: None,
        }
    }

    /// A binary list of a layout that is known.
    pub fn binary(layout: ListLayout) -> Self {
        Self { form: Some(Form::Binary(layout)), settled: true, ..Self::new() }
    }

    /// The list's form, once it is known.
    pub fn form(&self) -> Option<ListForm> {
        self.form.map(|form| match form {
            Form::Binary(layout) => ListForm::Binary(layout),
            Form::Ascii(_) => ListForm::Ascii,
        })
    }

    /// How records are written: in a text list, what its template data was hashed from.
    pub fn layout(&self) -> Option<ListLayout> {
        self.form.map(|(Form::Binary(layout) | Form::Ascii(layout))| layout)
    }

    /// How many records were given.
    pub const fn count(&self) -> u64 {
        self.next
    }

    /// Where the next record starts; where the damage is, once there is some.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Reads a chunk. Behind damage nothing is read, and the damage is given again.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(StreamItem<'_>)) -> Result<(), ImaError> {
        self.feed(chunk, false, &mut each)
    }

    /// Reads what is left, which has to be whole. Text without a single record is no list, however it starts.
    pub fn finish(&mut self, mut each: impl FnMut(StreamItem<'_>)) -> Result<(), ImaError> {
        self.feed(&[], true, &mut each)?;
        if matches!(self.form, Some(Form::Ascii(_))) && self.next == 0 {
            self.damage = Some(ImaError::NotAList);
            return Err(ImaError::NotAList);
        }
        Ok(())
    }

    fn feed(
        &mut self,
        chunk: &[u8],
        last: bool,
        each: &mut dyn FnMut(StreamItem<'_>),
    ) -> Result<(), ImaError> {
        if let Some(damage) = self.damage {
            return Err(damage);
        }
        let mut carry = std::mem::take(&mut self.carry);
        let read = if carry.is_empty() {
            self.read(chunk, last, each)
        } else {
            carry.extend_from_slice(chunk);
            self.read(&carry, last, each)
        };
        match read {
            Ok(used) if carry.is_empty() => carry.extend_from_slice(chunk.get(used..).unwrap_or_default()),
            Ok(used) => drop(carry.drain(..used.min(carry.len()))),
            Err(damage) => {
                self.damage = Some(damage);
                return Err(damage);
            }
        }
        self.carry = carry;
        Ok(())
    }

    /// Reads all whole records of `bytes`; tells how many bytes they have.
    fn read(
        &mut self,
        bytes: &[u8],
        last: bool,
        each: &mut dyn FnMut(StreamItem<'_>),
    ) -> Result<usize, ImaError> {
        if self.form.is_none() {
            if bytes.is_empty() || (bytes.len() < DETECT_BYTES && !last) {
                return Ok(0);
            }
            let head = bytes.get(..DETECT_BYTES).unwrap_or(bytes);
            self.form = match ListForm::detect(head).ok_or(ImaError::NotAList)? {
                ListForm::Binary(layout) => Some(Form::Binary(layout)),
                ListForm::Ascii => Some(Form::Ascii(ListLayout::USUAL)),
            };
        }
        match self.form {
            None => Ok(0),
            Some(Form::Binary(_)) => self.read_binary(bytes, last, each),
            Some(Form::Ascii(_)) => Ok(self.read_lines(bytes, last, each)),
        }
    }

    fn read_binary(
        &mut self,
        bytes: &[u8],
        last: bool,
        each: &mut dyn FnMut(StreamItem<'_>),
    ) -> Result<usize, ImaError> {
        let start = self.offset;
        let mut cursor = Cursor::at(bytes, start);
        while let Some(Form::Binary(layout)) = self.form
            && !cursor.is_empty()
        {
            match read_record(&mut cursor, layout, self.next) {
                Ok(record) => {
                    let record = if self.settled { record } else { self.settle(record) };
                    each(StreamItem::Record(record));
                    self.next = self.next.saturating_add(1);
                    self.offset = cursor.offset();
                }
                Err(ImaError::Truncated { .. }) if !last => break,
                Err(damage) => return Err(damage),
            }
        }
        Ok(self.offset.saturating_sub(start))
    }

    /// Between algorithms with hashes of one size, the first that gives a record's hash is the list's.
    fn settle<'a>(&mut self, record: ImaRecord<'a>) -> ImaRecord<'a> {
        if record.is_violation() {
            return record;
        }
        match record.hashed_by() {
            Some(listed) => self.listed_by(record, listed),
            None => record,
        }
    }

    fn listed_by<'a>(&mut self, mut record: ImaRecord<'a>, listed: HashAlg) -> ImaRecord<'a> {
        if let Some(Form::Binary(layout) | Form::Ascii(layout)) = &mut self.form {
            layout.listed = listed;
        }
        self.settled = true;
        record.listed_hash = record.listed_hash.padded(listed);
        record
    }

    fn read_lines(&mut self, bytes: &[u8], last: bool, each: &mut dyn FnMut(StreamItem<'_>)) -> usize {
        let mut used = 0_usize;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let fresh = rest.get(self.searched..).unwrap_or_default();
            let end = fresh.iter().position(|byte| *byte == b'\n').map(|at| self.searched.saturating_add(at));
            let line = end.map_or(rest, |end| rest.get(..end).unwrap_or(rest));
            if end.is_none() && !last && !self.overlong && line.len() <= limits::IMA_LINE_BYTES {
                self.searched = rest.len();
                break;
            }
            if !self.overlong {
                self.take_line(line, each);
            }
            self.overlong = end.is_none();
            let size = end.map_or(rest.len(), |end| end.saturating_add(1));
            self.searched = 0;
            used = used.saturating_add(size);
            self.offset = self.offset.saturating_add(size);
        }
        used
    }

    fn take_line(&mut self, line: &[u8], each: &mut dyn FnMut(StreamItem<'_>)) {
        let Some(Form::Ascii(layout)) = self.form else { return };
        let offset = self.offset;
        if line.len() > limits::IMA_LINE_BYTES {
            let error = LineError::TooLong { limit: limits::IMA_LINE_BYTES };
            return each(StreamItem::BadLine { offset, error });
        }
        let parsed = match AsciiLine::parse(line, layout.listed) {
            Ok(parsed) => parsed,
            Err(error) => return each(StreamItem::BadLine { offset, error }),
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        let (source, order) = self.rebuild(&parsed, &mut scratch);
        let data = if source == DataSource::Rebuilt { scratch.as_slice() } else { parsed.text };
        let record = parsed.record(data, order);
        let record = ImaRecord { number: self.next, offset, size: line.len(), source, ..record };
        let settles = !self.settled && source == DataSource::Rebuilt;
        let record = if settles { self.settle(record) } else { record };
        each(StreamItem::Record(record));
        self.next = self.next.saturating_add(1);
        self.scratch = scratch;
    }

    /// Writes the data in the list's order of integers; while that is not known, in the one that gives the listed hash.
    fn rebuild(&mut self, line: &AsciiLine<'_>, out: &mut Vec<u8>) -> (DataSource, ByteOrder) {
        let known = self.layout().map_or(ByteOrder::Little, |layout| layout.order);
        if !self.settled && !line.listed_hash.is_zero() {
            for order in [ByteOrder::Little, ByteOrder::Big] {
                if line.rebuild(order, out).is_ok() && line.record(out, order).hashed_by().is_some() {
                    if let Some(Form::Ascii(layout)) = &mut self.form {
                        layout.order = order;
                    }
                    return (DataSource::Rebuilt, order);
                }
            }
        }
        let rebuilt = line.rebuild(known, out);
        (rebuilt.map_or_else(DataSource::Text, |()| DataSource::Rebuilt), known)
    }
}
