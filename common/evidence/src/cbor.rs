//! Deterministically encoded CBOR: the subset that evidence is made of, written and read strictly.
//!
//! Unsigned integers, byte strings, text strings, arrays and maps with small unsigned keys in rising order;
//! shortest heads, definite lengths, nothing else. So every value has one encoding, and what was read can be
//! compared by its bytes. The reader walks a schema that the caller knows: it never recurses and never
//! allocates, and a length is checked against the bytes that are left before it is believed.
//= RFC 8949 §4.2.1: core deterministic encoding requirements

use crate::cursor::{Cursor, Truncated};

/// Why bytes are not the CBOR that was expected, with the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The input ends within an item.
    #[error("CBOR ends early: {0}")]
    Truncated(#[from] Truncated),
    /// An item of another type.
    #[error("at byte {offset}: expected {expected}, found CBOR major type {found}")]
    Type {
        /// Where the item starts.
        offset: usize,
        /// What the schema asks for.
        expected: &'static str,
        /// The major type found.
        found: u8,
    },
    /// A head that is longer than it need be, or of indefinite length.
    #[error("at byte {offset}: not the deterministic encoding")]
    NotDeterministic {
        /// Where the item starts.
        offset: usize,
    },
    /// A length, count or number above its limit.
    #[error("at byte {offset}: {found} is over the limit of {limit}")]
    Limit {
        /// Where the item starts.
        offset: usize,
        /// The limit.
        limit: u64,
        /// What was found.
        found: u64,
    },
    /// A map's key, an array's length or a constant is not the one of the schema.
    #[error("at byte {offset}: expected {expected}, found {found}")]
    Schema {
        /// Where the item starts.
        offset: usize,
        /// What the schema asks for.
        expected: u64,
        /// What was found.
        found: u64,
    },
    /// A text string that is not UTF-8.
    #[error("at byte {offset}: text is not UTF-8")]
    Utf8 {
        /// Where the string starts.
        offset: usize,
    },
    /// A list that must rise strictly does not.
    #[error("at byte {offset}: list is not sorted or holds an entry twice")]
    Order {
        /// Where the entry starts.
        offset: usize,
    },
    /// Bytes follow the last item.
    #[error("at byte {offset}: {left} bytes follow the last item")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many there are.
        left: usize,
    },
}

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Appends items in deterministic encoding.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub const fn new() -> Self {
        Self { out: Vec::new() }
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(UINT, value)
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.head(BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
        self
    }

    /// A text string.
    pub fn text(&mut self, value: &str) -> &mut Self {
        self.head(TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
        self
    }

    /// The head of an array of `count` items, which the caller writes next.
    pub fn array(&mut self, count: usize) -> &mut Self {
        self.head(ARRAY, count as u64)
    }

    /// The head of a map of `count` entries, which the caller writes next with rising keys.
    pub fn map(&mut self, count: usize) -> &mut Self {
        self.head(MAP, count as u64)
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        let [b7, b6, b5, b4, b3, b2, b1, b0] = value.to_be_bytes();
        match value {
            0..=23 => self.out.push(major | b0),
            24..=0xff => self.out.extend_from_slice(&[major | 0x18, b0]),
            0x100..=0xffff => self.out.extend_from_slice(&[major | 0x19, b1, b0]),
            0x1_0000..=0xffff_ffff => self.out.extend_from_slice(&[major | 0x1a, b3, b2, b1, b0]),
            _ => self.out.extend_from_slice(&[major | 0x1b, b7, b6, b5, b4, b3, b2, b1, b0]),
        }
        self
    }
}

/// Reads items in the order of a schema; refuses whatever is not deterministic.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes) }
    }

    /// Offset of the next item.
    pub const fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// Bytes that are not read yet.
    pub const fn left(&self) -> usize {
        self.cursor.left()
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        self.head(UINT, "an unsigned integer")
    }

    /// An unsigned integer of at most `limit`.
    pub fn uint_up_to(&mut self, limit: u64) -> Result<u64, CborError> {
        let offset = self.offset();
        let found = self.uint()?;
        if found > limit { Err(CborError::Limit { offset, limit, found }) } else { Ok(found) }
    }

    /// An unsigned integer of 32 bits.
    pub fn u32(&mut self) -> Result<u32, CborError> {
        let offset = self.offset();
        let found = self.uint()?;
        u32::try_from(found).map_err(|_| CborError::Limit { offset, limit: u64::from(u32::MAX), found })
    }

    /// One of some values, by its code.
    pub(crate) fn coded<T: Copy>(&mut self, all: &[T], code: impl Fn(T) -> u64) -> Result<T, CborError> {
        let offset = self.offset();
        let found = self.uint()?;
        let limit = all.len() as u64;
        let value = all.iter().copied().find(|value| code(*value) == found);
        value.ok_or(CborError::Limit { offset, limit, found })
    }

    /// A byte string of at most `limit` bytes.
    pub fn bytes(&mut self, limit: usize) -> Result<&'a [u8], CborError> {
        let len = self.length(BYTES, "a byte string", limit)?;
        Ok(self.cursor.take(len)?)
    }

    /// A byte string of exactly `N` bytes.
    pub fn array_bytes<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let offset = self.offset();
        let bytes = self.bytes(N)?;
        let found = bytes.len() as u64;
        bytes.try_into().map_err(|_| CborError::Schema { offset, expected: N as u64, found })
    }

    /// A text string of at most `limit` bytes.
    pub fn text(&mut self, limit: usize) -> Result<&'a str, CborError> {
        let offset = self.offset();
        let len = self.length(TEXT, "a text string", limit)?;
        std::str::from_utf8(self.cursor.take(len)?).map_err(|_| CborError::Utf8 { offset })
    }

    /// The head of an array of at most `limit` items; returns their count. Each item takes a byte at least, so
    /// a count above the bytes that are left is refused here.
    pub fn array(&mut self, limit: usize) -> Result<usize, CborError> {
        let offset = self.offset();
        let count = self.length(ARRAY, "an array", limit)?;
        if count > self.cursor.left() {
            return Err(Truncated { offset, needed: count, left: self.cursor.left() }.into());
        }
        Ok(count)
    }

    /// The head of an array of exactly `count` items.
    pub fn array_of(&mut self, count: usize) -> Result<(), CborError> {
        let offset = self.offset();
        let found = self.head(ARRAY, "an array")?;
        expect(offset, count as u64, found)
    }

    /// The head of a map of exactly `count` entries.
    pub fn map_of(&mut self, count: usize) -> Result<(), CborError> {
        let offset = self.offset();
        let found = self.head(MAP, "a map")?;
        expect(offset, count as u64, found)
    }

    /// The next key of a map, or any other constant.
    pub fn key(&mut self, expected: u64) -> Result<(), CborError> {
        let offset = self.offset();
        let found = self.uint()?;
        expect(offset, expected, found)
    }

    /// Refuses bytes behind the last item.
    pub fn end(&self) -> Result<(), CborError> {
        if self.cursor.is_empty() {
            return Ok(());
        }
        Err(CborError::Trailing { offset: self.offset(), left: self.cursor.left() })
    }

    fn length(&mut self, major: u8, expected: &'static str, limit: usize) -> Result<usize, CborError> {
        let offset = self.offset();
        let found = self.head(major, expected)?;
        let limit_error = CborError::Limit { offset, limit: limit as u64, found };
        if found > limit as u64 {
            return Err(limit_error);
        }
        usize::try_from(found).map_err(|_| limit_error)
    }

    fn head(&mut self, major: u8, expected: &'static str) -> Result<u64, CborError> {
        let offset = self.offset();
        let first = self.cursor.u8()?;
        if first >> 5 != major {
            return Err(CborError::Type { offset, expected, found: first >> 5 });
        }
        let (value, least) = match first & 0x1f {
            small @ 0..=23 => (u64::from(small), 0),
            24 => (u64::from(self.cursor.u8()?), 24),
            25 => (u64::from(self.cursor.u16_be()?), 0x100),
            26 => (u64::from(self.cursor.u32_be()?), 0x1_0000),
            27 => (self.cursor.u64_be()?, 0x1_0000_0000),
            _ => return Err(CborError::NotDeterministic { offset }),
        };
        if value < least { Err(CborError::NotDeterministic { offset }) } else { Ok(value) }
    }
}

fn expect(offset: usize, expected: u64, found: u64) -> Result<(), CborError> {
    if found == expected { Ok(()) } else { Err(CborError::Schema { offset, expected, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(build: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        build(&mut writer);
        writer.finish()
    }

    #[test]
    fn heads_are_shortest() {
        for (value, len) in
            [(0, 1), (23, 1), (24, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 5), (1 << 32, 9)]
        {
            let bytes = written(|w| {
                w.uint(value);
            });
            assert_eq!(bytes.len(), len, "{value}");
            assert_eq!(Reader::new(&bytes).uint(), Ok(value));
        }
    }

    #[test]
    fn a_longer_head_than_needed_is_refused() {
        for bytes in
            [&[0x18, 23][..], &[0x19, 0, 255], &[0x1a, 0, 0, 255, 255], &[0x1b, 0, 0, 0, 0, 1, 1, 1, 1]]
        {
            assert_eq!(Reader::new(bytes).uint(), Err(CborError::NotDeterministic { offset: 0 }));
        }
    }

    #[test]
    fn indefinite_lengths_are_refused() {
        assert_eq!(Reader::new(&[0x5f]).bytes(10), Err(CborError::NotDeterministic { offset: 0 }));
        assert_eq!(Reader::new(&[0x9f]).array(10), Err(CborError::NotDeterministic { offset: 0 }));
    }

    #[test]
    fn a_bomb_is_refused_before_anything_is_allocated() {
        let huge = [0x9b, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(Reader::new(&huge).array(usize::MAX), Err(CborError::Truncated(_))));
        assert!(matches!(Reader::new(&huge).array(100), Err(CborError::Limit { limit: 100, .. })));
        let deep = [0x81; 10_000];
        assert!(matches!(Reader::new(&deep).uint(), Err(CborError::Type { offset: 0, .. })));
    }

    #[test]
    fn what_follows_the_last_item_is_refused() {
        let mut reader = Reader::new(&[1, 2]);
        reader.uint().unwrap();
        assert_eq!(reader.end(), Err(CborError::Trailing { offset: 1, left: 1 }));
    }

    #[test]
    fn text_is_utf8() {
        assert_eq!(Reader::new(&[0x61, 0xff]).text(1), Err(CborError::Utf8 { offset: 0 }));
    }
}
