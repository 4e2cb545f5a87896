//! Text of firmware and loaders, which is of two widths and often not text at all.
//!
//! In: bytes. Out: their characters, decoded when they are asked for; what is no text shows as U+FFFD, which no known
//! name holds. Nothing is allocated: a name can be as long as the log.

use std::fmt::{self, Write as _};

/// Text as it was logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a> {
    bytes: &'a [u8],
    width: Width,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Width {
    /// ASCII, or UTF-8.
    Narrow,
    /// UTF-16, least significant byte first.
    Wide,
}

impl<'a> Text<'a> {
    /// One byte a character, up to a NUL at the end.
    pub(in crate::eventlog) fn narrow(bytes: &'a [u8]) -> Self {
        Self { bytes: bytes.strip_suffix(&[0]).unwrap_or(bytes), width: Width::Narrow }
    }

    /// Two bytes a character, up to a NUL at the end.
    pub(in crate::eventlog) fn wide(bytes: &'a [u8]) -> Self {
        let even = bytes.get(..bytes.len() & !1).unwrap_or(bytes);
        Self { bytes: even.strip_suffix(&[0, 0]).unwrap_or(even), width: Width::Wide }
    }

    /// Two bytes a character, every one of them: a name with its length in front has no NUL of its own.
    pub(in crate::eventlog) const fn wide_exact(bytes: &'a [u8]) -> Self {
        Self { bytes, width: Width::Wide }
    }

    /// Two bytes a character where it begins like Latin text of that width, else one.
    pub(in crate::eventlog) fn of_either_width(bytes: &'a [u8]) -> Self {
        match bytes {
            [first, 0, ..] if *first != 0 && bytes.len().is_multiple_of(2) => Self::wide(bytes),
            _ if bytes.iter().all(|byte| *byte == 0) => Self::narrow(&[]),
            _ => Self::narrow(bytes),
        }
    }

    /// The text, if all of the bytes but zeros at their end read as some.
    pub fn printable(bytes: &'a [u8]) -> Option<Self> {
        let used = bytes.iter().rposition(|byte| *byte != 0)?;
        // The last character's second byte may be a zero.
        let text = match Self::of_either_width(bytes) {
            Self { width: Width::Wide, .. } => Self::wide(bytes.get(..used.saturating_add(2) & !1)?),
            Self { width: Width::Narrow, .. } => Self::narrow(bytes.get(..=used)?),
        };
        let is_text = |c: char| c != char::REPLACEMENT_CHARACTER && (!c.is_control() || c.is_whitespace());
        text.chars().all(is_text).then_some(text)
    }

    /// The characters.
    pub fn chars(self) -> impl Iterator<Item = char> + use<'a> {
        let narrow = if self.width == Width::Narrow { self.bytes } else { &[] };
        let wide = if self.width == Width::Wide { self.bytes } else { &[] };
        let (units, rest) = wide.as_chunks::<2>();
        let broken = (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        let units = char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)));
        let wide = units.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).chain(broken);
        let narrow = narrow.utf8_chunks().flat_map(|chunk| {
            let broken = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
            chunk.valid().chars().chain(broken)
        });
        narrow.chain(wide)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// The text's bytes without the NUL at its end.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the text begins with this.
    pub fn starts_with(self, prefix: &str) -> bool {
        let mut chars = self.chars();
        prefix.chars().all(|c| chars.next() == Some(c))
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.chars().flat_map(char::escape_debug).try_for_each(|c| f.write_char(c))?;
        f.write_char('"')
    }
}
