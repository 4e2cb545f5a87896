//! Whether bytes are JSON: one pass, before anything of them is given out.
//!
//! In: bytes. Out: the extent of one value, or the byte that is wrong. Memory: four bytes for each key of the objects that
//! are open; time: linear but for sorting keys to find one that comes twice.

use std::cmp::Ordering;

use super::JsonError;
use super::value::{Decoded, Value};
use crate::limits::{JSON_BYTES, JSON_DEPTH};

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// One value with white space before it, and the bytes behind it.
pub(super) fn document(bytes: &[u8], base: usize) -> Result<(Value<'_>, &[u8]), JsonError> {
    let mut scanner = Scanner { bytes, at: 0, base, keys: Vec::new() };
    scanner.skip_space();
    let start = scanner.at;
    scanner.value(0)?;
    let (before, rest) = bytes.split_at_checked(scanner.at).unwrap_or((bytes, &[]));
    let raw = before.get(start..).unwrap_or_default();
    let offset = base.saturating_add(start);
    match std::str::from_utf8(raw) {
        Ok(raw) => Ok((Value::new(raw, offset), rest)),
        Err(error) => Err(JsonError::Utf8 { offset: offset.saturating_add(error.valid_up_to()) }),
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    base: usize,
    /// Where the keys of the open objects start, behind their quotes; within a document, so 32 bits are enough.
    keys: Vec<u32>,
}

impl Scanner<'_> {
    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.text(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(self.wrong("a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        let outer = self.keys.len();
        self.open(depth)?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let start = self.at.saturating_add(1);
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key"));
            }
            self.text()?;
            let start = u32::try_from(start).map_err(|_| JsonError::TooLong { offset: self.base })?;
            self.keys.push(start);
            self.skip_space();
            self.expect(b':', "a colon")?;
            self.skip_space();
            self.value(depth.saturating_add(1))?;
            self.skip_space();
            if self.eat(b'}') {
                return self.close(outer);
            }
            self.expect(b',', "a comma or the object's end")?;
        }
    }

    /// The keys of the innermost object, which has been read, are its own and no two are the same.
    fn close(&mut self, outer: usize) -> Result<(), JsonError> {
        let bytes = self.bytes;
        let key = |start: u32| {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            Decoded::new(bytes.get(start..).unwrap_or_default())
        };
        let own = self.keys.get_mut(outer..).unwrap_or_default();
        own.sort_unstable_by(|one, other| key(*one).cmp(key(*other)).then(one.cmp(other)));
        let twice = own.windows(2).find_map(|pair| match pair {
            [one, other] if key(*one).cmp(key(*other)) == Ordering::Equal => Some(*other),
            _ => None,
        });
        if let Some(start) = twice {
            let start = usize::try_from(start).unwrap_or(usize::MAX).saturating_sub(1);
            return Err(JsonError::DuplicateKey { offset: self.base.saturating_add(start) });
        }
        self.keys.truncate(outer);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.open(depth)?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.skip_space();
            self.value(depth.saturating_add(1))?;
            self.skip_space();
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',', "a comma or the array's end")?;
        }
    }

    fn open(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= JSON_DEPTH {
            return Err(JsonError::Depth { offset: self.offset() });
        }
        self.at = self.at.saturating_add(1);
        self.skip_space();
        Ok(())
    }

    fn text(&mut self) -> Result<(), JsonError> {
        self.at = self.at.saturating_add(1);
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            self.at = self.at.saturating_add(plain);
            self.within_limit()?;
            match self.peek() {
                None => return Err(JsonError::Ended { offset: self.offset() }),
                Some(b'"') => {
                    self.at = self.at.saturating_add(1);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(JsonError::Control { offset: self.offset() }),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let offset = self.offset();
        self.at = self.at.saturating_add(1);
        match self.peek() {
            None => return Err(JsonError::Ended { offset: self.offset() }),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at = self.at.saturating_add(1);
                return Ok(());
            }
            Some(b'u') => {}
            Some(_) => return Err(JsonError::Escape { offset }),
        }
        match self.unit(offset)? {
            0xd800..=0xdbff => {
                for half in [b'\\', b'u'] {
                    match self.peek() {
                        None => return Err(JsonError::Ended { offset: self.offset() }),
                        Some(found) if found == half => {}
                        Some(_) => return Err(JsonError::Surrogate { offset }),
                    }
                    if half == b'\\' {
                        self.at = self.at.saturating_add(1);
                    }
                }
                match self.unit(offset)? {
                    0xdc00..=0xdfff => Ok(()),
                    _ => Err(JsonError::Surrogate { offset }),
                }
            }
            0xdc00..=0xdfff => Err(JsonError::Surrogate { offset }),
            _ => Ok(()),
        }
    }

    /// A `u` and four digits.
    fn unit(&mut self, escape: usize) -> Result<u32, JsonError> {
        self.at = self.at.saturating_add(1);
        let mut unit = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else { return Err(JsonError::Ended { offset: self.offset() }) };
            let digit = char::from(byte).to_digit(16).ok_or(JsonError::Escape { offset: escape })?;
            unit = unit << 4 | digit;
            self.at = self.at.saturating_add(1);
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            self.digits()?;
        }
        self.within_limit()
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(self.wrong("a digit"));
        }
        self.at = self.at.saturating_add(digits);
        Ok(())
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        for letter in word {
            self.expect(*letter, "true, false or null")?;
        }
        Ok(())
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), JsonError> {
        if self.eat(byte) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn skip_space(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.at.saturating_add(rest.iter().take_while(|byte| is_space(**byte)).count());
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn within_limit(&self) -> Result<(), JsonError> {
        if self.at > JSON_BYTES { Err(JsonError::TooLong { offset: self.base }) } else { Ok(()) }
    }

    fn wrong(&self, expected: &'static str) -> JsonError {
        let offset = self.offset();
        match self.peek() {
            None => JsonError::Ended { offset },
            Some(_) => JsonError::Unexpected { offset, expected },
        }
    }

    const fn offset(&self) -> usize {
        self.base.saturating_add(self.at)
    }
}
