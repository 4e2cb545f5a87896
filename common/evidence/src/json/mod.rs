//! A small, strict and bounded reader of JSON, and a writer for the few documents that this crate makes.
//!
//! In: bytes. Out: a [`Value`] that borrows them, or an error with the byte at which they stop being JSON. A document is
//! checked as a whole before anything of it is given out: grammar, UTF-8, depth, surrogates, and that no object names a key
//! twice, since two readers that pick different ones read different documents. Members and items are then read on demand, so
//! nothing is copied but text with escapes. Numbers keep their text. What a document means is its caller's business.
//= RFC 8259, with the strictness of RFC 7493 (I-JSON) where RFC 8259 leaves a choice

mod scan;
mod value;
mod write;

pub use value::{Decoded, Items, Kind, Members, Number, Text, Value};
pub use write::Writer;

use crate::limits::{JSON_BYTES, JSON_DEPTH};

impl<'a> Value<'a> {
    /// Reads a whole document.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        Self::parse_at(bytes, 0)
    }

    /// Reads a whole document that lies at `offset` of a larger input; errors count from that input's start.
    pub fn parse_at(bytes: &'a [u8], offset: usize) -> Result<Self, JsonError> {
        let (value, rest) = Self::parse_prefix(bytes, offset)?;
        match rest.iter().position(|byte| !scan::is_space(*byte)) {
            None => Ok(value),
            Some(at) => {
                let read = bytes.len().saturating_sub(rest.len());
                Err(JsonError::Trailing { offset: offset.saturating_add(read).saturating_add(at) })
            }
        }
    }

    /// Reads one document and gives the bytes behind it.
    pub fn parse_prefix(bytes: &'a [u8], offset: usize) -> Result<(Self, &'a [u8]), JsonError> {
        scan::document(bytes, offset)
    }
}

/// Why bytes are not a JSON document. Offsets are of the byte that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// A document of this size is not read.
    #[error("at byte {offset}: more than {JSON_BYTES} bytes of JSON")]
    TooLong {
        /// Where the document starts.
        offset: usize,
    },
    /// The bytes end within the document.
    #[error("at byte {offset}: the document ends early")]
    Ended {
        /// Where they end.
        offset: usize,
    },
    /// Another byte than the grammar has here.
    #[error("at byte {offset}: expected {expected}")]
    Unexpected {
        /// Where it is.
        offset: usize,
        /// What may stand here.
        expected: &'static str,
    },
    /// More nesting than is read.
    #[error("at byte {offset}: nested more than {JSON_DEPTH} deep")]
    Depth {
        /// Where it goes too deep.
        offset: usize,
    },
    /// A control character within text, which has to be escaped.
    #[error("at byte {offset}: a control character within text")]
    Control {
        /// Where it is.
        offset: usize,
    },
    /// No such escape.
    #[error("at byte {offset}: not an escape of JSON")]
    Escape {
        /// Where its backslash is.
        offset: usize,
    },
    /// Half of a surrogate pair: not a character.
    #[error("at byte {offset}: half of a surrogate pair")]
    Surrogate {
        /// Where its backslash is.
        offset: usize,
    },
    /// Not UTF-8.
    #[error("at byte {offset}: not UTF-8")]
    Utf8 {
        /// The first byte that is none.
        offset: usize,
    },
    /// An object that names a key twice.
    #[error("at byte {offset}: a key that its object has already")]
    DuplicateKey {
        /// Where the second one is.
        offset: usize,
    },
    /// Something behind the document.
    #[error("at byte {offset}: something follows the document")]
    Trailing {
        /// Where it is.
        offset: usize,
    },
}

impl JsonError {
    /// Whether more bytes could have made it a document.
    pub const fn is_truncation(&self) -> bool {
        matches!(self, Self::Ended { .. })
    }

    /// The byte that is wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::TooLong { offset }
            | Self::Ended { offset }
            | Self::Unexpected { offset, .. }
            | Self::Depth { offset }
            | Self::Control { offset }
            | Self::Escape { offset }
            | Self::Surrogate { offset }
            | Self::Utf8 { offset }
            | Self::DuplicateKey { offset }
            | Self::Trailing { offset } => *offset,
        }
    }
}

#[cfg(test)]
mod tests;
