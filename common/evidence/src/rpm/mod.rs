//! RPM package headers as the database of installed packages keeps them.
//!
//! In: one header's bytes: an index of tags and the store that it points into. Out: the package's name, version and
//! architecture, its files with their packaged digests, and who signed it. Nothing is verified: digests and signature
//! stand in a file of the host, and whoever can write it can write others.
//= rpm, docs/manual/hregions.md and format_header.md; lib/rpmtag.h for the numbers

mod files;
mod ndb;
mod signers;

pub use files::{DigestAlgorithm, File, Files};
pub use ndb::{Blobs, NdbError, blobs};

use crate::cursor::{Cursor, Truncated};
use crate::limits::{RPM_HEADER_BYTES, RPM_INDEX_ENTRIES};

/// A header whose index lies within its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

/// What a tag's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Half,
    Char,
    Text,
    Binary,
    Texts,
}

/// A tag of the index.
#[derive(Clone, Copy, Debug)]
struct Value<'a> {
    kind: Kind,
    count: usize,
    /// From the value's first byte to the end of the store.
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the header's two lengths; values are read on demand.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RpmError> {
        if bytes.len() > RPM_HEADER_BYTES {
            return Err(RpmError::TooLong { found: bytes.len() });
        }
        let mut cursor = Cursor::new(bytes);
        let entries = cursor.u32_be()?;
        let store = cursor.u32_be()?;
        let count = usize::try_from(entries).unwrap_or(usize::MAX);
        if count > RPM_INDEX_ENTRIES {
            return Err(RpmError::Entries { offset: 0, found: entries });
        }
        let index = cursor.take(count.saturating_mul(ENTRY_BYTES))?;
        let store = cursor.take(usize::try_from(store).unwrap_or(usize::MAX))?;
        if !cursor.is_empty() {
            return Err(RpmError::Trailing { offset: cursor.offset(), left: cursor.left() });
        }
        Ok(Self { index, store })
    }

    /// The package's name.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.text(tag::NAME)
    }

    /// What it was built for.
    pub fn architecture(&self) -> Option<&'a [u8]> {
        self.text(tag::ARCH)
    }

    /// Epoch, version and release as `rpm -q` writes them; an absent epoch is not written.
    pub fn version(&self) -> String {
        let text = |tag| String::from_utf8_lossy(self.text(tag).unwrap_or_default()).into_owned();
        let (version, release) = (text(tag::VERSION), text(tag::RELEASE));
        match self.words(tag::EPOCH).next() {
            Some(epoch) => format!("{epoch}:{version}-{release}"),
            None => format!("{version}-{release}"),
        }
    }

    /// Name and version of the source package that it was built from. Its epoch is the package's own: the name of the source's file has none.
    pub fn source(&self) -> Option<(String, String)> {
        let file = String::from_utf8_lossy(self.text(tag::SOURCE_RPM)?).into_owned();
        let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        let epoch = self.words(tag::EPOCH).next().map_or_else(String::new, |epoch| format!("{epoch}:"));
        Some((name.to_owned(), format!("{epoch}{version}-{release}")))
    }

    fn value(&self, tag: u32) -> Option<Value<'a>> {
        let (entries, _) = self.index.as_chunks::<ENTRY_BYTES>();
        // Of a tag that comes twice the first counts, which is the one within the signed region.
        let entry = entries.iter().find(|entry| entry.starts_with(&tag.to_be_bytes()))?;
        let mut cursor = Cursor::new(entry.get(4..)?);
        let kind = match cursor.u32_be().ok()? {
            1 | 2 => Kind::Char,
            3 => Kind::Half,
            4 => Kind::Word,
            6 => Kind::Text,
            7 => Kind::Binary,
            8 | 9 => Kind::Texts,
            _ => return None,
        };
        let offset = usize::try_from(cursor.u32_be().ok()?).ok()?;
        let count = usize::try_from(cursor.u32_be().ok()?).ok()?;
        Some(Value { kind, count, bytes: self.store.get(offset..)? })
    }

    fn text(&self, tag: u32) -> Option<&'a [u8]> {
        let value = self.value(tag).filter(|value| matches!(value.kind, Kind::Text | Kind::Texts))?;
        until_nul(value.bytes)
    }

    /// Texts one by one, as far as there are any.
    fn texts(&self, tag: u32) -> Texts<'a> {
        let value = self.value(tag).filter(|value| matches!(value.kind, Kind::Text | Kind::Texts));
        value.map_or(Texts { left: 0, bytes: &[] }, |value| Texts { left: value.count, bytes: value.bytes })
    }

    fn binary(&self, tag: u32) -> Option<&'a [u8]> {
        let value = self.value(tag).filter(|value| value.kind == Kind::Binary)?;
        value.bytes.get(..value.count)
    }

    fn words(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let value = self.value(tag).filter(|value| value.kind == Kind::Word);
        let (words, _) = value.map_or(&[][..], |value| value.bytes).as_chunks::<4>();
        words.iter().take(value.map_or(0, |value| value.count)).map(|word| u32::from_be_bytes(*word))
    }
}

/// Texts of the store, each ended by a NUL.
#[derive(Clone, Debug)]
struct Texts<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let text = until_nul(self.bytes)?;
        self.bytes = self.bytes.get(text.len() + 1..)?;
        Some(text)
    }
}

fn until_nul(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..bytes.iter().position(|byte| *byte == 0)?)
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpmError {
    /// Shorter than its lengths say.
    #[error("RPM header ends early: {0}")]
    Truncated(#[from] Truncated),
    /// Longer than any.
    #[error("RPM header of {found} bytes; the limit is {RPM_HEADER_BYTES}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// More tags than any has.
    #[error("at byte {offset}: RPM header with {found} tags; the limit is {RPM_INDEX_ENTRIES}")]
    Entries {
        /// Where the number stands.
        offset: usize,
        /// The number found.
        found: u32,
    },
    /// Bytes follow it.
    #[error("at byte {offset}: {left} bytes follow the RPM header")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many there are.
        left: usize,
    },
}

/// Tag, type, offset, count.
const ENTRY_BYTES: usize = 16;

mod tag {
    pub(super) const PGP: u32 = 259;
    pub(super) const GPG: u32 = 262;
    pub(super) const DSA_HEADER: u32 = 267;
    pub(super) const RSA_HEADER: u32 = 268;
    pub(super) const OPENPGP: u32 = 278;
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const ARCH: u32 = 1022;
    pub(super) const FILE_STATES: u32 = 1029;
    pub(super) const FILE_DIGESTS: u32 = 1035;
    pub(super) const FILE_FLAGS: u32 = 1037;
    pub(super) const SOURCE_RPM: u32 = 1044;
    pub(super) const DIRECTORY_INDEXES: u32 = 1116;
    pub(super) const BASENAMES: u32 = 1117;
    pub(super) const DIRECTORIES: u32 = 1118;
    pub(super) const FILE_COLOURS: u32 = 1140;
    pub(super) const FILE_DIGEST_ALGORITHM: u32 = 5011;
}

#[cfg(test)]
mod tests;
