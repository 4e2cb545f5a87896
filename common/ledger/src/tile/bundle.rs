//! Bundles: the entries of a log, 256 to a file.
//!
//! In: a bundle's bytes from a stranger, or entries. Out: exactly as many entries as the name says, borrowed from
//! the bytes. That they are the log's shows only when their hashes are compared with its tiles.
//!
//! ```text
//! bundle = { length (2 bytes, big-endian) || entry }, once for each entry
//! ```

use crate::hash::Hash;
use crate::limits::MAX_ENTRY_BYTES;

use super::Width;

/// A bundle whose lengths add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle<'a> {
    bytes: &'a [u8],
}

impl<'a> Bundle<'a> {
    /// Reads a bundle of `width` entries.
    //= C2SP tlog-tiles v0.1.0, Log Entries
    pub fn parse(bytes: &'a [u8], width: Width) -> Result<Self, BundleError> {
        let mut rest = bytes;
        for found in 0..width.get() {
            let Some((_, tail)) = next_entry(rest) else {
                let offset = bytes.len() - rest.len();
                return Err(BundleError::Truncated { offset, found, width: width.get() });
            };
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(Self { bytes });
        }
        Err(BundleError::TrailingBytes { offset: bytes.len() - rest.len(), width: width.get() })
    }

    /// The entries, in their order.
    pub const fn entries(&self) -> Entries<'a> {
        Entries { rest: self.bytes }
    }

    /// The hashes of the entries, in their order.
    pub fn leaf_hashes(&self) -> impl Iterator<Item = Hash> + 'a {
        self.entries().map(Hash::leaf)
    }

    /// Appends an entry to the bytes of a bundle.
    pub(super) fn push(bytes: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
        let length =
            u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong { found: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
        Ok(())
    }
}

/// The bytes of a bundle whose lengths add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleBuf(Vec<u8>);

impl BundleBuf {
    /// Takes the bytes of a bundle of `width` entries.
    pub fn new(bytes: Vec<u8>, width: Width) -> Result<Self, BundleError> {
        Bundle::parse(&bytes, width)?;
        Ok(Self(bytes))
    }

    /// The bundle.
    pub fn bundle(&self) -> Bundle<'_> {
        Bundle { bytes: &self.0 }
    }

    /// The bytes, given away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The entries of a [`Bundle`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (entry, rest) = next_entry(self.rest)?;
        self.rest = rest;
        Some(entry)
    }
}

fn next_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Why bytes are no bundle, or an entry fits into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end before the last entry does.
    #[error("entry {found} of {width} does not end in the bundle (byte {offset})")]
    Truncated {
        /// Where the entry begins.
        offset: usize,
        /// Entries before it.
        found: u16,
        /// Entries that there should be.
        width: u16,
    },
    /// Something follows the last entry.
    #[error("something follows the last of {width} entries (byte {offset})")]
    TrailingBytes {
        /// Where it begins.
        offset: usize,
        /// Entries that there should be.
        width: u16,
    },
    /// Longer than a bundle can say.
    #[error("an entry has at most {MAX_ENTRY_BYTES} bytes, found {found}")]
    EntryTooLong {
        /// Bytes found.
        found: usize,
    },
}
