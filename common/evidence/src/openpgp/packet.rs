//! Packets: a tag, a length, a body.
//!
//! In: bytes. Out: packets one by one, in the old and the new format, or the place at which they stop making sense. A
//! body in parts, which only data has, is walked over and not joined.
//= RFC 9580 §4.2

use crate::cursor::{Cursor, Truncated};

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u8);

impl Tag {
    /// A signature.
    pub const SIGNATURE: Self = Self(2);
    /// A primary key with its secret.
    pub const SECRET_KEY: Self = Self(5);
    /// A primary key.
    pub const PUBLIC_KEY: Self = Self(6);
    /// A subkey with its secret.
    pub const SECRET_SUBKEY: Self = Self(7);
    /// A marker, which means nothing.
    pub const MARKER: Self = Self(10);
    /// GnuPG's own note on trust.
    pub const TRUST: Self = Self(12);
    /// A user id.
    pub const USER_ID: Self = Self(13);
    /// A subkey.
    pub const PUBLIC_SUBKEY: Self = Self(14);
    /// A user attribute: a picture.
    pub const USER_ATTRIBUTE: Self = Self(17);
    /// Padding.
    pub const PADDING: Self = Self(21);

    /// Whether a certificate starts with it.
    pub const fn starts_certificate(self) -> bool {
        matches!(self, Self::PUBLIC_KEY | Self::SECRET_KEY)
    }
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it starts among the packets.
    pub offset: usize,
    /// What it holds.
    pub tag: Tag,
    /// Its bytes; `None` where they come in parts.
    pub body: Option<&'a [u8]>,
    /// Where its body starts.
    pub body_offset: usize,
}

/// Why there are no further packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// A packet's header or body ends early.
    #[error("in the packet at byte {offset}: {error}")]
    Truncated {
        /// Where the packet starts.
        offset: usize,
        /// Where the bytes ran out.
        error: Truncated,
    },
    /// No packet starts so.
    #[error("at byte {offset}: {found:#04x} starts no packet")]
    Header {
        /// Where.
        offset: usize,
        /// What is there.
        found: u8,
    },
    /// The first part of a body in parts is shorter than it must be.
    #[error("at byte {offset}: a body's first part has {found} bytes, fewer than 512")]
    ShortPart {
        /// Where the packet starts.
        offset: usize,
        /// The part's length.
        found: usize,
    },
}

impl PacketError {
    /// Where the packet starts that could not be read.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated { offset, .. } | Self::Header { offset, .. } | Self::ShortPart { offset, .. } => {
                *offset
            }
        }
    }
}

/// Packets, one by one; after an error there are no more.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Packets<'a> {
    /// The packets of bytes that lie at `offset` of a larger input.
    pub const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { cursor: Cursor::at(bytes, offset) }
    }

    /// Where the next packet starts.
    pub const fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// What has not been read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.cursor.rest()
    }

    fn read(&mut self) -> Result<Packet<'a>, PacketError> {
        let offset = self.cursor.offset();
        let truncated = |error| PacketError::Truncated { offset, error };
        let first = self.cursor.u8().map_err(truncated)?;
        let (tag, length) = match first {
            0xc0.. => (Tag(first & 0x3f), new_length(&mut self.cursor).map_err(truncated)?),
            0x80..=0xbf => {
                let length = old_length(&mut self.cursor, first & 3).map_err(truncated)?;
                (Tag((first >> 2) & 0x0f), length)
            }
            found => return Err(PacketError::Header { offset, found }),
        };
        let body_offset = self.cursor.offset();
        let body = match length {
            Length::Bytes(count) => Some(self.cursor.take(count).map_err(truncated)?),
            Length::Part(count) => {
                self.skip_parts(offset, count)?;
                None
            }
        };
        Ok(Packet { offset, tag, body, body_offset })
    }

    fn skip_parts(&mut self, offset: usize, first: usize) -> Result<(), PacketError> {
        let truncated = |error| PacketError::Truncated { offset, error };
        //= RFC 9580 §4.2.1.4: the first partial length MUST be at least 512 octets long
        if first < SHORTEST_FIRST_PART {
            return Err(PacketError::ShortPart { offset, found: first });
        }
        let mut part = Length::Part(first);
        while let Length::Part(count) = part {
            self.cursor.take(count).map_err(truncated)?;
            part = new_length(&mut self.cursor).map_err(truncated)?;
        }
        let Length::Bytes(count) = part else { return Ok(()) };
        self.cursor.take(count).map(|_| ()).map_err(truncated)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let packet = self.read();
        if packet.is_err() {
            self.cursor = Cursor::at(&[], self.cursor.offset());
        }
        Some(packet)
    }
}

enum Length {
    Bytes(usize),
    Part(usize),
}

const SHORTEST_FIRST_PART: usize = 512;

//= RFC 9580 §4.2.1
fn new_length(cursor: &mut Cursor<'_>) -> Result<Length, Truncated> {
    Ok(match cursor.u8()? {
        first @ ..=191 => Length::Bytes(usize::from(first)),
        first @ 192..=223 => {
            Length::Bytes((usize::from(first) - 192) * 256 + usize::from(cursor.u8()?) + 192)
        }
        first @ 224..=254 => Length::Part(1 << (first & 0x1f)),
        255 => Length::Bytes(long(cursor)?),
    })
}

//= RFC 9580 §4.2.2
fn old_length(cursor: &mut Cursor<'_>, kind: u8) -> Result<Length, Truncated> {
    Ok(Length::Bytes(match kind {
        0 => usize::from(cursor.u8()?),
        1 => usize::from(cursor.u16_be()?),
        2 => long(cursor)?,
        // Of an unspecified length: all that is left.
        _ => cursor.left(),
    }))
}

/// Four bytes of length; what is longer than any input will not be found.
pub(super) fn long(cursor: &mut Cursor<'_>) -> Result<usize, Truncated> {
    cursor.u32_be().map(|length| usize::try_from(length).unwrap_or(usize::MAX))
}
