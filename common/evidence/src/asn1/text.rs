//! The texts of distinguished names.
//!
//! In: a value of any of ASN.1's string types. Out: text. Octets that are no text of their type become the replacement
//! character: a name is shown, and never decided on.

use std::fmt::{self, Write};

use super::Value;

const UTF8: u8 = 0x0c;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;
const TELETEX: u8 = 0x14;

/// The text of a string value; other values are written as RFC 4514 does it, `#` and their DER in hexadecimal.
pub fn text(value: &Value<'_>) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _infallible = write_text(&mut text, value);
    text
}

/// Writes the text of a string value.
pub fn write_text(out: &mut impl Write, value: &Value<'_>) -> fmt::Result {
    let content = value.content();
    match value.tag() {
        // PrintableString, NumericString, VisibleString and IA5String are subsets of UTF-8, and some encoders put
        // UTF-8 into them.
        UTF8 | 0x12 | 0x13 | 0x16 | 0x1a => out.write_str(&String::from_utf8_lossy(content)),
        //= X.690 §8.23: what is called T.61 in certificates is ISO 8859-1 in practice
        TELETEX => content.iter().try_for_each(|byte| out.write_char(char::from(*byte))),
        BMP => {
            let units = content.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            });
            let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
            chars.into_iter().try_for_each(|c| out.write_char(c))
        }
        UNIVERSAL => content.chunks(4).try_for_each(|unit| {
            let unit = <[u8; 4]>::try_from(unit).ok().map(u32::from_be_bytes);
            out.write_char(unit.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER))
        }),
        _ => {
            out.write_char('#')?;
            value.raw().iter().try_for_each(|byte| write!(out, "{byte:02x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_type_is_read() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(text(&Value::first(bytes).unwrap()), expected);
        };
        check(&[0x0c, 3, b'a', 0xc3, 0xa9], "aé");
        check(&[0x13, 1, b'a'], "a");
        check(&[0x14, 2, b'a', 0xe9], "aé");
        check(&[0x1e, 4, 0, b'a', 0, 0xe9], "aé");
        check(&[0x1e, 3, 0, b'a', 0], "a\u{fffd}");
        check(&[0x1c, 4, 0, 0, 0, b'a'], "a");
        check(&[0x0c, 1, 0xff], "\u{fffd}");
        check(&[0x02, 1, 0x0a], "#02010a");
    }
}
