//! A bounded walker over BER and DER, for certificates and signatures as they are found in the wild.
//!
//! In: bytes. Out: values one after the other, each borrowed with its offset, or an error with the offset at which
//! reading stopped. It allocates nothing and recurses nowhere. It takes what firmware takes (lengths that are not the
//! shortest, indefinite lengths, negative serial numbers), so that a fingerprint can be had of whatever is in use; it
//! does not establish that an encoding is canonical, and nobody may re-encode from it.

mod identifier;
pub mod oid;
mod pem;
mod text;
mod time;

use crate::cursor::{Cursor, Truncated};

pub use identifier::Oid;
pub use pem::{PemBlock, decode as decode_base64, from_pem, pem_blocks};
pub use text::{text, write_text};
pub use time::time;

/// Identifier octets that certificates and signatures use.
pub mod tag {
    /// `BOOLEAN`.
    pub const BOOLEAN: u8 = 0x01;
    /// `INTEGER`.
    pub const INTEGER: u8 = 0x02;
    /// `BIT STRING`.
    pub const BIT_STRING: u8 = 0x03;
    /// `OCTET STRING`.
    pub const OCTET_STRING: u8 = 0x04;
    /// `OCTET STRING` in pieces, which BER allows.
    pub const OCTET_STRING_PIECES: u8 = 0x24;
    /// `NULL`.
    pub const NULL: u8 = 0x05;
    /// `OBJECT IDENTIFIER`.
    pub const OID: u8 = 0x06;
    /// `UTCTime`.
    pub const UTC_TIME: u8 = 0x17;
    /// `GeneralizedTime`.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// `SEQUENCE`.
    pub const SEQUENCE: u8 = 0x30;
    /// `SET`.
    pub const SET: u8 = 0x31;
    /// `[n]`, primitive.
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }
    /// `[n]`, constructed.
    pub const fn context_constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

const CONSTRUCTED: u8 = 0x20;
const HIGH_TAG_NUMBER: u8 = 0x1f;
/// Octets of a length: those of an address, some encoders put zeros in front.
const LENGTH_OCTETS: usize = 8;

/// Why bytes are not the value that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Asn1Error {
    /// The bytes ended within a value.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// Another kind of value stands there.
    #[error("at byte {offset}: a value with tag {expected:#04x} expected, found {found:#04x}")]
    Tag {
        /// Where the value starts.
        offset: usize,
        /// The tag that was looked for.
        expected: u8,
        /// The tag that was found.
        found: u8,
    },
    /// A length that no value here can have.
    #[error("at byte {offset}: a length that cannot be")]
    Length {
        /// Where the value starts.
        offset: usize,
    },
    /// Something follows where nothing should.
    #[error("at byte {offset}: {left} bytes more than the value has")]
    Trailing {
        /// Where it starts.
        offset: usize,
        /// How much it is.
        left: usize,
    },
    /// A value whose content its kind does not allow.
    #[error("at byte {offset}: the value is no {what}")]
    Content {
        /// Where the value starts.
        offset: usize,
        /// What it should have been.
        what: &'static str,
    },
}

/// One value: its tag, its content, and both with the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    tag: u8,
    offset: usize,
    raw: &'a [u8],
    content: &'a [u8],
    content_offset: usize,
}

impl<'a> Value<'a> {
    /// The first value of `bytes`; what follows is left alone.
    pub fn first(bytes: &'a [u8]) -> Result<Self, Asn1Error> {
        Reader::new(bytes).value()
    }

    /// The identifier octet.
    pub const fn tag(&self) -> u8 {
        self.tag
    }

    /// Where it starts, from the start of the whole input.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Header and content: what was hashed or signed.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The content alone.
    pub const fn content(&self) -> &'a [u8] {
        self.content
    }

    /// A reader of the values within.
    pub const fn reader(&self) -> Reader<'a> {
        Reader::at(self.content, self.content_offset)
    }

    /// The value, if it has this tag.
    pub const fn expect(self, expected: u8) -> Result<Self, Asn1Error> {
        if self.tag == expected {
            Ok(self)
        } else {
            Err(Asn1Error::Tag { offset: self.offset, expected, found: self.tag })
        }
    }

    /// The only value within: what an explicit tag wraps.
    pub fn only(&self) -> Result<Self, Asn1Error> {
        let mut reader = self.reader();
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }

    /// The object identifier that it is.
    pub fn oid(&self) -> Result<Oid<'a>, Asn1Error> {
        self.expect(tag::OID).map(|value| Oid::new(value.content))
    }

    /// The octets of a bit string, whose last bits may be unused.
    pub fn bits(&self) -> Result<&'a [u8], Asn1Error> {
        let value = self.expect(tag::BIT_STRING)?;
        match value.content {
            [unused, octets @ ..] if *unused < 8 => Ok(octets),
            _ => Err(Asn1Error::Content { offset: self.offset, what: "bit string" }),
        }
    }

    /// A small number that is not negative.
    pub fn small(&self) -> Result<u64, Asn1Error> {
        let value = self.expect(tag::INTEGER)?;
        let bad = Asn1Error::Content { offset: self.offset, what: "small number" };
        match value.content {
            [] => Err(bad),
            [first, ..] if *first >= 0x80 => Err(bad),
            digits => {
                let digits = unsigned(digits);
                if digits.len() > 8 {
                    return Err(bad);
                }
                Ok(digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
            }
        }
    }
}

/// The digits of a number that is not negative, without the zeros in front.
pub fn unsigned(content: &[u8]) -> &[u8] {
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    content.get(zeros..).unwrap_or_default()
}

/// Reads values one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Starts at the first byte of what lies at `offset` of a larger input.
    pub const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { cursor: Cursor::at(bytes, offset) }
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.cursor.is_empty()
    }

    /// The tag of the next value.
    pub fn peek(&self) -> Option<u8> {
        self.cursor.rest().first().copied()
    }

    /// The next value.
    pub fn value(&mut self) -> Result<Value<'a>, Asn1Error> {
        let start = self.cursor.clone();
        let (tag, length) = header(&mut self.cursor)?;
        let content_offset = self.cursor.offset();
        let content = match length {
            Length::Definite(length) => self.cursor.take(length)?,
            Length::Indefinite => {
                let length = indefinite_length(&self.cursor)?;
                let content = self.cursor.take(length)?;
                self.cursor.take(END_OF_CONTENTS)?;
                content
            }
        };
        let offset = start.offset();
        let raw = start.clone().take(self.cursor.offset().saturating_sub(offset))?;
        Ok(Value { tag, offset, raw, content, content_offset })
    }

    /// The next value, which must have this tag.
    pub fn expect(&mut self, expected: u8) -> Result<Value<'a>, Asn1Error> {
        match self.peek() {
            Some(found) if found != expected => {
                Err(Asn1Error::Tag { offset: self.cursor.offset(), expected, found })
            }
            _ => self.value(),
        }
    }

    /// The next value, if it has this tag.
    pub fn optional(&mut self, wanted: u8) -> Result<Option<Value<'a>>, Asn1Error> {
        if self.peek() == Some(wanted) { self.value().map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub const fn end(&self) -> Result<(), Asn1Error> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Asn1Error::Trailing { offset: self.cursor.offset(), left: self.cursor.left() })
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Value<'a>, Asn1Error>;

    /// Ends behind the first error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_empty() {
            return None;
        }
        let value = self.value();
        if value.is_err() {
            self.cursor = Cursor::at(&[], self.cursor.offset());
        }
        Some(value)
    }
}

#[derive(Clone, Copy, Debug)]
enum Length {
    Definite(usize),
    Indefinite,
}

const END_OF_CONTENTS: usize = 2;

fn header(cursor: &mut Cursor<'_>) -> Result<(u8, Length), Asn1Error> {
    let offset = cursor.offset();
    let tag = cursor.u8()?;
    if tag & HIGH_TAG_NUMBER == HIGH_TAG_NUMBER {
        return Err(Asn1Error::Content { offset, what: "value with a small tag number" });
    }
    let length = match cursor.u8()? {
        short @ ..=0x7f => Length::Definite(usize::from(short)),
        0x80 if tag & CONSTRUCTED != 0 => Length::Indefinite,
        octets => {
            let octets = usize::from(octets & 0x7f);
            if octets == 0 || octets > LENGTH_OCTETS {
                return Err(Asn1Error::Length { offset });
            }
            let digits = cursor.take(octets)?;
            let length = digits.iter().fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit));
            Length::Definite(usize::try_from(length).map_err(|_| Asn1Error::Length { offset })?)
        }
    };
    Ok((tag, length))
}

/// How long the content is that ends at its end-of-contents octets.
//= X.690 §8.1.3.6: the contents octets are followed by two zero octets
fn indefinite_length(start: &Cursor<'_>) -> Result<usize, Asn1Error> {
    let mut cursor = start.clone();
    let mut open = 1_usize;
    loop {
        let end = cursor.offset().saturating_sub(start.offset());
        match header(&mut cursor)? {
            (0, Length::Definite(0)) => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Ok(end);
                }
            }
            (_, Length::Definite(length)) => {
                cursor.take(length)?;
            }
            (_, Length::Indefinite) => open = open.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<(u8, &[u8]), Asn1Error>) {
        assert_eq!(Value::first(bytes).map(|value| (value.tag(), value.content())), expected);
    }

    #[test]
    fn lengths_of_every_form_are_read() {
        check(&[4, 1, 7, 9], Ok((4, &[7])));
        check(&[4, 0x81, 1, 7], Ok((4, &[7])));
        check(&[4, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 7], Ok((4, &[7])));
        check(&[0x30, 0x80, 4, 1, 7, 0, 0], Ok((0x30, &[4, 1, 7])));
        check(&[0x30, 0x80, 0x30, 0x80, 0, 0, 4, 2, 0, 0, 0, 0], Ok((0x30, &[0x30, 0x80, 0, 0, 4, 2, 0, 0])));
    }

    #[test]
    fn lengths_that_cannot_be_are_errors_with_their_place() {
        let short = |offset, needed, left| Err(Truncated { offset, needed, left }.into());
        check(&[], short(0, 1, 0));
        check(&[4], short(1, 1, 0));
        check(&[4, 5, 1], short(2, 5, 1));
        check(&[4, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], short(10, usize::MAX, 0));
        check(&[4, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7], Err(Asn1Error::Length { offset: 0 }));
        check(&[4, 0x80, 0, 0], Err(Asn1Error::Length { offset: 0 }));
        check(&[0x30, 0x80, 4, 1, 7], short(5, 1, 0));
    }

    #[test]
    fn numbers_are_small_and_not_negative() {
        let small = |bytes: &[u8]| Value::first(bytes).unwrap().small();
        assert_eq!(small(&[2, 1, 0]), Ok(0));
        assert_eq!(small(&[2, 2, 0, 0xff]), Ok(255));
        assert!(small(&[2, 1, 0x80]).is_err());
        assert!(small(&[2, 0]).is_err());
        assert!(small(&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn iteration_ends_behind_an_error() {
        let items: Vec<_> = Reader::new(&[5, 0, 4, 9, 1]).collect();
        assert_eq!(items.len(), 2);
        assert!(items[1].is_err());
    }
}
