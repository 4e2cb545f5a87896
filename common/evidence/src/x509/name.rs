//! Distinguished names.
//!
//! In: a `Name`. Out: its text as RFC 4514 writes it, most specific part first. Names are compared by their bytes, and
//! where those differ, by their text: some authorities write a name in one string type and refer to it in another.

use std::fmt::{self, Write};

use crate::asn1::{Asn1Error, Oid, Reader, Value, tag, text, write_text};
use crate::limits::{NAME_BYTES, NAME_PARTS};

/// A distinguished name, borrowed.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    value: Value<'a>,
}

impl<'a> Name<'a> {
    /// From a `Name`, whose parts are read when they are asked for.
    pub fn parse(value: &Value<'a>) -> Result<Self, Asn1Error> {
        Ok(Self { value: value.expect(tag::SEQUENCE)? })
    }

    /// The whole of it, as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.value.raw()
    }

    /// Whether it has no part.
    pub const fn is_empty(&self) -> bool {
        self.value.content().is_empty()
    }

    /// The text of the most specific common name.
    pub fn common_name(&self) -> Option<String> {
        let common = self.attributes().filter(|(oid, _)| oid.as_bytes() == COMMON_NAME);
        let (_, value) = common.last()?;
        self.is_shown().then(|| text(&value))
    }

    /// Whether it is of a size that is shown.
    fn is_shown(&self) -> bool {
        self.raw().len() <= NAME_BYTES && self.value.reader().nth(NAME_PARTS).is_none()
    }

    /// Types and values, least specific first.
    fn attributes(&self) -> impl Iterator<Item = (Oid<'a>, Value<'a>)> + use<'a> {
        self.value.reader().map_while(Result::ok).flat_map(|relative| {
            relative.reader().map_while(Result::ok).filter_map(|pair| {
                let mut reader = pair.reader();
                Some((reader.value().ok()?.oid().ok()?, reader.value().ok()?))
            })
        })
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
            || self.is_shown()
                && other.is_shown()
                && self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    //= RFC 4514 §2.1: starting with the last element of the sequence and moving backwards toward the first
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_shown() {
            return write!(f, "(a name of {} bytes)", self.raw().len());
        }
        let relatives: Vec<Value<'_>> = self.value.reader().map_while(Result::ok).collect();
        for (at, relative) in relatives.iter().rev().enumerate() {
            if at > 0 {
                f.write_char(',')?;
            }
            write_relative(f, relative)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

fn write_relative(f: &mut fmt::Formatter<'_>, relative: &Value<'_>) -> fmt::Result {
    for (at, pair) in relative.reader().map_while(Result::ok).enumerate() {
        if at > 0 {
            f.write_char('+')?;
        }
        let mut reader: Reader<'_> = pair.reader();
        let (Ok(kind), Ok(value)) = (reader.value().and_then(|kind| kind.oid()), reader.value()) else {
            return f.write_char('?');
        };
        match KINDS.iter().find(|(oid, _)| *oid == kind.as_bytes()) {
            Some((_, name)) => write!(f, "{name}=")?,
            None => write!(f, "{kind}=")?,
        }
        let mut escaped = Escaped { out: &mut *f, at_start: true, spaces: 0, raw: !is_text(&value) };
        write_text(&mut escaped, &value)?;
        escaped.finish()?;
    }
    Ok(())
}

/// Whether a value is shown as text, and not as the hexadecimal form that is not escaped.
fn is_text(value: &Value<'_>) -> bool {
    matches!(value.tag(), 0x0c | 0x12..=0x14 | 0x16 | 0x1a | 0x1c | 0x1e)
}

/// Writes with what RFC 4514 asks to be escaped; control characters too.
//= RFC 4514 §2.4: escaped by a backslash, or as backslash and two hexadecimal digits
struct Escaped<'f, 'b> {
    out: &'f mut fmt::Formatter<'b>,
    at_start: bool,
    /// Spaces that were not written yet: only the last of a value is escaped.
    spaces: usize,
    raw: bool,
}

impl Escaped<'_, '_> {
    fn flush(&mut self) -> fmt::Result {
        for _ in 0..std::mem::take(&mut self.spaces) {
            self.out.write_char(' ')?;
        }
        Ok(())
    }

    fn finish(mut self) -> fmt::Result {
        if self.spaces == 0 {
            return Ok(());
        }
        self.spaces = self.spaces.saturating_sub(1);
        self.flush()?;
        self.out.write_str("\\ ")
    }
}

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        if self.raw {
            return self.out.write_char(c);
        }
        let start = std::mem::replace(&mut self.at_start, false);
        if c == ' ' && !start {
            self.spaces = self.spaces.saturating_add(1);
            return Ok(());
        }
        self.flush()?;
        match c {
            ' ' => self.out.write_str("\\ "),
            '#' if start => self.out.write_str("\\#"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => {
                self.out.write_char('\\')?;
                self.out.write_char(c)
            }
            c if c.is_control() => {
                let mut buffer = [0; 4];
                c.encode_utf8(&mut buffer).bytes().try_for_each(|byte| write!(self.out, "\\{byte:02x}"))
            }
            c => self.out.write_char(c),
        }
    }
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// Types that RFC 4514 and OpenSSL have a short name for.
const KINDS: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 13], "description"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A name of one relative name per group of (type, value TLV).
    fn name(relatives: &[&[(&[u8], &[u8])]]) -> Vec<u8> {
        let tlv = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let relative = |pairs: &&[(&[u8], &[u8])]| {
            let pairs = pairs.iter().map(|(kind, value)| tlv(0x30, &[&tlv(6, kind), *value].concat()));
            tlv(0x31, &pairs.collect::<Vec<_>>().concat())
        };
        tlv(0x30, &relatives.iter().map(relative).collect::<Vec<_>>().concat())
    }

    fn check(relatives: &[&[(&[u8], &[u8])]], expected: &str) {
        let bytes = name(relatives);
        assert_eq!(Name::parse(&Value::first(&bytes).unwrap()).unwrap().to_string(), expected);
    }

    #[test]
    fn names_are_written_backwards_and_escaped() {
        let (c, o, cn): (&[u8], &[u8], &[u8]) = (&[0x55, 4, 6], &[0x55, 4, 10], COMMON_NAME);
        check(&[], "");
        check(
            &[&[(c, b"\x13\x02US")], &[(o, b"\x0c\x05A, Bc")], &[(cn, b"\x0c\x01x")]],
            "CN=x,O=A\\, Bc,C=US",
        );
        check(&[&[(o, b"\x0c\x01y"), (cn, b"\x0c\x01x")]], "O=y+CN=x");
        check(&[&[(cn, b"\x0c\x04 #  ")]], "CN=\\ # \\ ");
        check(&[&[(cn, b"\x0c\x02#a")]], "CN=\\#a");
        check(&[&[(cn, b"\x0c\x04a\0\nb")]], "CN=a\\00\\0ab");
        check(&[&[(&[0x2a, 3], b"\x04\x02hi")]], "1.2.3=#04026869");
        check(&[&[(cn, b"")]], "?");
    }

    #[test]
    fn names_are_equal_by_bytes_or_by_text() {
        let (utf8, printable) =
            (name(&[&[(COMMON_NAME, b"\x0c\x02ab")]]), name(&[&[(COMMON_NAME, b"\x13\x02AB")]]));
        let other = name(&[&[(COMMON_NAME, b"\x13\x02AC")]]);
        let parse = |bytes| Name::parse(&Value::first(bytes).unwrap()).unwrap();
        assert_eq!(parse(&utf8), parse(&printable));
        assert_ne!(parse(&utf8), parse(&other));
        assert_eq!(parse(&utf8).common_name().as_deref(), Some("ab"));
    }
}
