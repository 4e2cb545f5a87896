//! Which form a list has: binary or text, the order of its integers, the algorithm of its template hashes.
//!
//! In: the first bytes of a list. Out: a layout that makes its first record well formed. Nothing says so in the list
//! itself, so this is a reading of shapes; a wrong guess shows as a template hash that is not its data's.
//= Linux security/integrity/ima/ima_fs.c: ima_measurements_show, ima_ascii_measurements_show

use super::template;
use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::limits;
use crate::pcr::PcrIndex;

/// Order of the bytes of a list's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant first: most machines, and every machine with `ima_canonical_fmt`.
    Little,
    /// Most significant first: s390x and big-endian POWER.
    Big,
}

impl ByteOrder {
    pub(super) fn u32(self, cursor: &mut Cursor<'_>) -> Result<u32, Truncated> {
        match self {
            Self::Little => cursor.u32_le(),
            Self::Big => cursor.u32_be(),
        }
    }

    pub(super) const fn u32_bytes(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// How the records of a binary list are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLayout {
    /// Algorithm of the listed template hashes.
    pub listed: HashAlg,
    /// Order of the integers' bytes.
    pub order: ByteOrder,
}

impl ListLayout {
    /// `binary_runtime_measurements` of little-endian machines.
    pub const USUAL: Self = Self { listed: HashAlg::Sha1, order: ByteOrder::Little };

    /// The layout in which the list's head is a record's: of those, one whose template is known if there is one.
    ///
    /// Looks at `DETECT_BYTES` at most. Of algorithms with digests of one size, the first stands for all.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..DETECT_BYTES).unwrap_or(bytes);
        let fits = |known: bool| {
            let layouts = [ByteOrder::Little, ByteOrder::Big].into_iter().flat_map(|order| {
                let algorithms = [HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384, HashAlg::Sha512];
                algorithms.into_iter().map(move |listed| Self { listed, order })
            });
            layouts.into_iter().find(|layout| match layout.template(head) {
                Some(name) => !known || template::format_of(name).is_some(),
                None => false,
            })
        };
        fits(true).or_else(|| fits(false))
    }

    fn template(self, head: &[u8]) -> Option<&str> {
        let mut cursor = Cursor::new(head);
        PcrIndex::new(self.order.u32(&mut cursor).ok()?).ok()?;
        cursor.take(self.listed.size()).ok()?;
        let size = usize::try_from(self.order.u32(&mut cursor).ok()?).ok()?;
        if size == 0 || size > limits::IMA_TEMPLATE_NAME_BYTES {
            return None;
        }
        printable(cursor.take(size).ok()?)
    }
}

/// A template's name or format: printable ASCII without spaces.
pub(super) fn printable(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name).ok()?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then_some(text)
}

/// Binary or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// `binary_runtime_measurements` and its like.
    Binary(ListLayout),
    /// `ascii_runtime_measurements` and its like.
    Ascii,
}

impl ListForm {
    /// The form that a list with these first bytes has; `None` where it is neither.
    ///
    /// Text starts with the PCR's number in two columns, whose first byte no binary list can start with.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii_start();
        let starts_like_text = text.first().is_some_and(u8::is_ascii_digit);
        let no_integer = bytes.get(..4).is_none_or(|first| !first.contains(&0));
        if starts_like_text && no_integer {
            return Some(Self::Ascii);
        }
        ListLayout::detect(bytes).map(Self::Binary)
    }
}

/// How much of a list has to be seen to know its form: a head with the longest hash and the longest name.
pub const DETECT_BYTES: usize = 4 + 64 + 4 + limits::IMA_TEMPLATE_NAME_BYTES;
