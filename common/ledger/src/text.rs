//! The small lexical rules that all C2SP texts share: base64, canonical decimals, lines, control characters.
//!
//! In: text from outside. Out: values of which exactly one spelling is accepted, so that reading and writing
//! again gives the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Standard base64 with padding.
//= RFC 4648 §4
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of canonical base64: padding required, unused bits zero, no white space.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// A decimal number without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    if canonical && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Offset of the first ASCII control character other than a newline.
//= C2SP signed-note v1.0.0, Format: no characters below U+0020 other than newline
pub(crate) fn first_control(text: &str) -> Option<usize> {
    text.bytes().position(|byte| byte < 0x20 && byte != b'\n')
}

/// A line with the offset of its first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) offset: usize,
    pub(crate) text: &'a str,
}

/// Lines that each end with a newline; what follows the last newline is never returned as a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a str,
    offset: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, offset: 0 }
    }

    /// The next line without its newline; `None` where there is no further newline.
    pub(crate) fn take(&mut self) -> Option<Line<'a>> {
        let (text, rest) = self.rest.split_once('\n')?;
        let line = Line { offset: self.offset, text };
        self.offset += text.len() + 1;
        self.rest = rest;
        Some(line)
    }

    /// What has not been taken.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Offset of what has not been taken.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("10"), Some(10));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "1_0", "18446744073709551616", "١"] {
            assert_eq!(decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(base64_decode("AA==").as_deref(), Some(&[0][..]));
        // Without padding, with unused bits set, with white space, in the URL alphabet.
        for wrong in ["AA", "AA=", "AB==", "AA==\n", "AA== ", "_-==", "AA==AA=="] {
            assert_eq!(base64_decode(wrong), None, "{wrong:?}");
        }
    }

    /// C2SP signed-note v1.0.0, Format.
    #[test]
    fn control_characters_are_those_below_a_space_but_newline() {
        for byte in 0..0x80_u8 {
            let expected = (byte < b' ' && byte != b'\n').then_some(1);
            assert_eq!(first_control(&format!("a{}", char::from(byte))), expected, "{byte:#04x}");
        }
        assert_eq!(first_control("\u{85}\u{2028}"), None);
    }

    #[test]
    fn lines_end_with_a_newline() {
        let mut lines = Lines::new("ab\n\nc");
        let first = lines.take().unwrap();
        assert_eq!((first.offset, first.text), (0, "ab"));
        let second = lines.take().unwrap();
        assert_eq!((second.offset, second.text), (3, ""));
        assert!(lines.take().is_none());
        assert_eq!((lines.offset(), lines.rest()), (4, "c"));
    }
}
