//! Values of a document that was checked: kinds, members, items, text and numbers, read on demand.
//!
//! In: the text of a value. Out: its parts, which borrow it. Everything here is total: on text that was not checked it would
//! give nonsense, never a panic.

use std::borrow::Cow;

use super::scan::is_space;

/// A value, as its text within a checked document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    raw: &'a str,
    offset: usize,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number<'a>),
    /// Text.
    Text(Text<'a>),
    /// Items in order.
    Array(Items<'a>),
    /// Keys and values in order.
    Object(Members<'a>),
}

impl<'a> Value<'a> {
    pub(super) const fn new(raw: &'a str, offset: usize) -> Self {
        Self { raw, offset }
    }

    /// The value's own bytes.
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// Where it starts in the input.
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// What it is.
    pub fn kind(self) -> Kind<'a> {
        match self.raw.as_bytes().first() {
            Some(b'{') => Kind::Object(Members(Parts::inside(self))),
            Some(b'[') => Kind::Array(Items(Parts::inside(self))),
            Some(b'"') => Kind::Text(Text::quoted(self)),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'-' | b'0'..=b'9') => Kind::Number(Number(self.raw)),
            _ => Kind::Null,
        }
    }

    /// Its members, if it is an object.
    pub fn members(self) -> Option<Members<'a>> {
        if let Kind::Object(members) = self.kind() { Some(members) } else { None }
    }

    /// Its items, if it is an array.
    pub fn items(self) -> Option<Items<'a>> {
        if let Kind::Array(items) = self.kind() { Some(items) } else { None }
    }

    /// Its text, if it is text.
    pub fn text(self) -> Option<Text<'a>> {
        if let Kind::Text(text) = self.kind() { Some(text) } else { None }
    }

    /// Its number, if it is an integer from 0 on.
    pub fn unsigned(self) -> Option<u64> {
        if let Kind::Number(number) = self.kind() { number.unsigned() } else { None }
    }

    /// The member with this key, if it is an object that has one.
    pub fn member(self, key: &str) -> Option<Value<'a>> {
        self.members()?.find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }
}

/// Text between its quotes, its escapes not resolved.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    raw: &'a str,
    offset: usize,
}

impl<'a> Text<'a> {
    fn quoted(value: Value<'a>) -> Self {
        let raw = value.raw.strip_prefix('"').unwrap_or(value.raw);
        Self { raw: raw.strip_suffix('"').unwrap_or(raw), offset: value.offset.saturating_add(1) }
    }

    /// As it stands in the document.
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// Where it starts in the input, behind its quote.
    pub const fn offset(self) -> usize {
        self.offset
    }

    /// The UTF-8 bytes that it stands for.
    pub const fn bytes(self) -> Decoded<'a> {
        Decoded::new(self.raw.as_bytes())
    }

    /// Whether it stands for this text.
    pub fn is(self, text: &str) -> bool {
        self.bytes().eq(text.bytes())
    }

    /// What it stands for; copied only where it has escapes.
    pub fn decode(self) -> Cow<'a, str> {
        if !self.raw.contains('\\') {
            return Cow::Borrowed(self.raw);
        }
        let mut bytes = Vec::with_capacity(self.raw.len());
        bytes.extend(self.bytes());
        match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            // Checked text decodes to UTF-8.
            Err(_) => Cow::Borrowed(self.raw),
        }
    }
}

/// The bytes that text stands for. Ends at a quote or at the end of what it was given.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    rest: &'a [u8],
    pending: [u8; 4],
    left: usize,
}

impl<'a> Decoded<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, pending: [0; 4], left: 0 }
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    }

    fn escaped(&mut self) -> Option<u8> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        let plain = match kind {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let high = self.unit()?;
                let code = if let (0xd800..=0xdbff, Some(rest)) = (high, self.rest.strip_prefix(b"\\u")) {
                    self.rest = rest;
                    let low = self.unit()?;
                    0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
                } else {
                    high
                };
                let mut buffer = [0; 4];
                let encoded = char::from_u32(code)?.encode_utf8(&mut buffer).len();
                buffer.reverse();
                buffer.rotate_left(4_usize.saturating_sub(encoded));
                // Reversed, so that the next byte is the last of what is left.
                self.pending = buffer;
                self.left = encoded;
                return self.take_pending();
            }
            other => *other,
        };
        Some(plain)
    }

    fn take_pending(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        self.pending.get(self.left).copied()
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.left > 0 {
            return self.take_pending();
        }
        match self.rest.split_first()? {
            (b'"', _) => None,
            (b'\\', rest) => {
                self.rest = rest;
                self.escaped()
            }
            (byte, rest) => {
                self.rest = rest;
                Some(*byte)
            }
        }
    }
}

/// A number, as its text: nothing is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    /// As it stands in the document.
    pub const fn raw(self) -> &'a str {
        self.0
    }

    /// As an integer from 0 on; `None` for all else, also for `1.0` and `1e3`.
    pub fn unsigned(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// As an integer; `None` for all else.
    pub fn signed(self) -> Option<i64> {
        self.0.parse().ok()
    }
}

/// Items of an array.
#[derive(Clone, Debug)]
pub struct Items<'a>(Parts<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.0.value()
    }
}

/// Members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a>(Parts<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<(Text<'a>, Value<'a>)> {
        let key = self.0.value()?;
        Some((Text::quoted(key), self.0.value()?))
    }
}

/// What an array or object holds, one value after the other; commas and colons are passed over.
#[derive(Clone, Debug)]
struct Parts<'a> {
    rest: &'a str,
    offset: usize,
}

impl<'a> Parts<'a> {
    fn inside(value: Value<'a>) -> Self {
        let rest = value.raw.get(1..value.raw.len().saturating_sub(1)).unwrap_or_default();
        Self { rest, offset: value.offset.saturating_add(1) }
    }

    fn value(&mut self) -> Option<Value<'a>> {
        let between = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b':');
        let skipped = self.rest.bytes().take_while(between).count();
        let (_, rest) = self.rest.split_at_checked(skipped)?;
        let (raw, behind) = rest.split_at_checked(extent(rest.as_bytes()))?;
        let value = Value { raw, offset: self.offset.saturating_add(skipped) };
        self.offset = value.offset.saturating_add(raw.len());
        self.rest = behind;
        if raw.is_empty() { None } else { Some(value) }
    }
}

/// The length of the value that checked text starts with.
fn extent(bytes: &[u8]) -> usize {
    let mut at = 0_usize;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = at.saturating_add(text_extent(bytes.get(at..).unwrap_or_default())),
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                at = at.saturating_add(1);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at = at.saturating_add(1);
            }
            _ if depth > 0 => at = at.saturating_add(1),
            byte if is_space(*byte) || *byte == b',' => return at,
            _ => {
                at = at.saturating_add(1);
                continue;
            }
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// The length of text with its quotes.
fn text_extent(bytes: &[u8]) -> usize {
    let mut at = 1_usize;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'"' => return at.saturating_add(1),
            b'\\' => at.saturating_add(2),
            _ => at.saturating_add(1),
        };
    }
    bytes.len()
}
