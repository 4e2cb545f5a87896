//! Writes JSON: objects and arrays in the order in which they are given, without white space.
//!
//! In: calls that nest as the document does. Out: its text. Control characters and the two characters that JSON itself
//! needs are escaped, all else is written as it is.

use std::fmt::Write as _;

/// A document that is being written.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: String,
    comma: bool,
}

impl Writer {
    /// An empty document.
    pub const fn new() -> Self {
        Self { out: String::new(), comma: false }
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.out
    }

    /// The text so far, which is taken out; a writer of many documents goes on with an empty one.
    pub fn take(&mut self) -> String {
        self.comma = false;
        std::mem::take(&mut self.out)
    }

    /// An object, whose members `fill` writes.
    pub fn object(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.nested('{', '}', fill)
    }

    /// An array, whose items `fill` writes.
    pub fn array(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.nested('[', ']', fill)
    }

    /// A key; its value is written next.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.text(key);
        self.out.push(':');
        self.comma = false;
        self
    }

    /// Text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.item();
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                c if u32::from(c) < 0x20 => {
                    // Writing to a String cannot fail.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
        self
    }

    /// Bytes as text of hexadecimal digits.
    pub fn hex(&mut self, bytes: &[u8]) -> &mut Self {
        self.item();
        self.out.reserve(bytes.len().saturating_mul(2).saturating_add(2));
        self.out.push('"');
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(self.out, "{byte:02x}");
        }
        self.out.push('"');
        self
    }

    /// A number.
    pub fn unsigned(&mut self, number: u64) -> &mut Self {
        self.item();
        // Writing to a String cannot fail.
        let _ = write!(self.out, "{number}");
        self
    }

    /// A value of another document, as it stood there.
    pub fn value(&mut self, value: super::Value<'_>) -> &mut Self {
        self.item();
        self.out.push_str(value.raw());
        self
    }

    fn nested(&mut self, open: char, close: char, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.item();
        self.out.push(open);
        self.comma = false;
        fill(self);
        self.out.push(close);
        self.comma = true;
        self
    }

    /// A comma, unless this is the first of its kind.
    fn item(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }
}
