//! Where the records of a log are: the four layouts.
//!
//! In: bytes. Out: one JSON value a record, or what is wrong. In a text sequence a bad record ends at the next separator
//! and among lines at the next line's end, so reading goes on; in an array it cannot.

use super::CelProblem;
use crate::json::Value;
use crate::limits::CEL_BYTES;

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `application/json-seq`: each record behind a byte of 0x1E.
    Sequence,
    /// One behind the other, with nothing but white space between them.
    Lines,
    /// An array.
    Array,
    /// An array that is the only member, `records`, of an object.
    Wrapped,
}

impl Framing {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match trimmed(bytes) {
            [b'[', ..] => Self::Array,
            rest @ [b'{', ..] => match wrapped(rest) {
                Some(_) => Self::Wrapped,
                None => Self::Lines,
            },
            _ => Self::Sequence,
        }
    }

    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "json-seq",
            Self::Lines | Self::Array | Self::Wrapped => "cel-json",
        }
    }
}

/// The records as JSON values.
#[derive(Clone, Debug)]
pub(super) struct Frames<'a> {
    whole: usize,
    rest: &'a [u8],
    framing: Framing,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read yet.
    Start,
    /// A record was read.
    Within,
    /// Nothing more is read.
    Done,
}

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes.len(), rest: bytes, framing: Framing::of(bytes), state: State::Start }
    }

    /// Whether nothing follows.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done || trimmed(self.rest).is_empty()
    }

    /// Where reading goes on.
    pub(super) const fn offset(&self) -> usize {
        self.whole.saturating_sub(self.rest.len())
    }

    fn skip_space(&mut self) {
        self.rest = trimmed(self.rest);
    }

    fn read(&mut self) -> Result<Option<Value<'a>>, CelProblem> {
        if self.state == State::Start && self.whole > CEL_BYTES {
            self.state = State::Done;
            return Err(CelProblem::TooLong { found: self.whole });
        }
        match self.framing {
            Framing::Sequence => self.sequence(),
            Framing::Lines => self.lines(),
            Framing::Array | Framing::Wrapped => self.array(),
        }
    }

    //= RFC 7464 §2.1, §2.4: separators in a row are one; a text that cannot be parsed ends at the next separator
    fn sequence(&mut self) -> Result<Option<Value<'a>>, CelProblem> {
        self.state = State::Within;
        loop {
            self.skip_space();
            match self.rest.split_first() {
                None => return Ok(None),
                Some((&SEPARATOR, rest)) => self.rest = rest,
                Some(_) => break,
            }
        }
        let offset = self.offset();
        let end = self.rest.iter().position(|byte| *byte == SEPARATOR).unwrap_or(self.rest.len());
        let (record, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
        self.rest = rest;
        Ok(Some(Value::parse_at(record, offset)?))
    }

    fn lines(&mut self) -> Result<Option<Value<'a>>, CelProblem> {
        self.state = State::Within;
        self.skip_space();
        if self.rest.is_empty() {
            return Ok(None);
        }
        match Value::parse_prefix(self.rest, self.offset()) {
            Ok((value, rest)) => {
                self.rest = rest;
                Ok(Some(value))
            }
            Err(error) => {
                let wrong = error.offset().saturating_sub(self.offset());
                let behind = self.rest.get(wrong..).unwrap_or_default();
                let line = behind.iter().position(|byte| *byte == b'\n').unwrap_or(behind.len());
                self.rest = behind.get(line..).unwrap_or_default();
                Err(error.into())
            }
        }
    }

    fn array(&mut self) -> Result<Option<Value<'a>>, CelProblem> {
        let first = self.state == State::Start;
        self.state = State::Done;
        self.skip_space();
        if first {
            let inside =
                if self.framing == Framing::Wrapped { wrapped(self.rest) } else { self.rest.get(1..) };
            self.rest = inside.unwrap_or_default();
            self.skip_space();
        }
        match (self.rest.split_first(), first) {
            (Some((b']', rest)), _) => {
                self.rest = rest;
                return self.end().map(|()| None);
            }
            (Some((b',', rest)), false) => self.rest = rest,
            (Some(_), true) => {}
            (found, _) => return Err(self.wrong(found.is_none(), "a comma or the array's end")),
        }
        let (value, rest) = Value::parse_prefix(self.rest, self.offset())?;
        self.rest = rest;
        self.state = State::Within;
        Ok(Some(value))
    }

    /// What follows an array: its object's end, and nothing else.
    fn end(&mut self) -> Result<(), CelProblem> {
        self.skip_space();
        if self.framing == Framing::Wrapped {
            match self.rest.split_first() {
                Some((b'}', rest)) => self.rest = rest,
                found => return Err(self.wrong(found.is_none(), "the object's end")),
            }
            self.skip_space();
        }
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong(false, "nothing more")) }
    }

    fn wrong(&mut self, ended: bool, expected: &'static str) -> CelProblem {
        let offset = self.offset();
        self.rest = &[];
        if ended {
            return CelProblem::Json(crate::json::JsonError::Ended { offset });
        }
        CelProblem::Layout { offset, expected }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Value<'a>, CelProblem>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let read = self.read().transpose();
        if read.is_none() {
            self.state = State::Done;
        }
        read
    }
}

/// The first byte that may start a record of a text sequence.
const SEPARATOR: u8 = 0x1e;

fn trimmed(bytes: &[u8]) -> &[u8] {
    let space = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    bytes.get(space..).unwrap_or_default()
}

/// What is behind `{"records":[`.
fn wrapped(bytes: &[u8]) -> Option<&[u8]> {
    let key = trimmed(bytes.strip_prefix(b"{")?).strip_prefix(b"\"records\"")?;
    trimmed(trimmed(key).strip_prefix(b":")?).strip_prefix(b"[")
}
