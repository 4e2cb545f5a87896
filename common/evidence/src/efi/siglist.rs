//! Signature lists, one behind the other.
//!
//! In: the contents of a variable. Out: its lists and their entries, borrowed and read when they are asked for, or an
//! error with the offset of the list that cannot be. A list whose sizes contradict each other ends the reading, as it
//! does in firmware; the lists before it stand.
//= UEFI 2.10 §32.4.1: EFI_SIGNATURE_LIST, EFI_SIGNATURE_DATA

use crate::cursor::{Cursor, Truncated};

use super::{EntryValue, Guid, SignatureType};

/// Type, three sizes.
const HEADER: usize = 28;
const OWNER: usize = 16;

/// Why bytes are no signature list or update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EfiError {
    /// The bytes ended within a field.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A list that is longer than what is left, or shorter than its own header.
    #[error("at byte {offset}: a signature list of {size} bytes, with {left} left")]
    ListSize {
        /// Where the list starts.
        offset: usize,
        /// `SignatureListSize`.
        size: u32,
        /// How many bytes are left from there.
        left: usize,
    },
    /// A header that does not fit in its list.
    #[error("at byte {offset}: a signature header of {size} bytes in a list of {list} bytes")]
    HeaderSize {
        /// Where the list starts.
        offset: usize,
        /// `SignatureHeaderSize`.
        size: u32,
        /// `SignatureListSize`.
        list: u32,
    },
    /// Entries too small to have an owner, or whose size does not divide the list.
    #[error("at byte {offset}: signatures of {size} bytes in {entries} bytes of a list")]
    SignatureSize {
        /// Where the list starts.
        offset: usize,
        /// `SignatureSize`.
        size: u32,
        /// How many bytes of the list hold entries.
        entries: usize,
    },
    /// A `WIN_CERTIFICATE` whose length cannot be.
    #[error("at byte {offset}: a certificate of {size} bytes, with {left} left")]
    CertificateSize {
        /// Where it starts.
        offset: usize,
        /// `dwLength`.
        size: u32,
        /// How many bytes are left from there.
        left: usize,
    },
}

impl EfiError {
    /// Where reading stopped.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated(truncated) => truncated.offset,
            Self::ListSize { offset, .. }
            | Self::HeaderSize { offset, .. }
            | Self::SignatureSize { offset, .. }
            | Self::CertificateSize { offset, .. } => *offset,
        }
    }
}

/// Lists, one behind the other; the iteration ends behind the first error.
#[derive(Clone, Debug)]
pub struct SignatureLists<'a> {
    cursor: Cursor<'a>,
}

impl<'a> SignatureLists<'a> {
    /// Reads the contents of a variable.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Reads what lies at `offset` of a larger input.
    pub const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { cursor: Cursor::at(bytes, offset) }
    }

    /// All entries of all lists up to the first error.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.clone().map_while(Result::ok).flat_map(|list| list.entries())
    }

    fn list(&mut self) -> Result<SignatureList<'a>, EfiError> {
        let (offset, left) = (self.cursor.offset(), self.cursor.left());
        let mut fields = self.cursor.clone();
        let kind = SignatureType::of(Guid(fields.array()?));
        let [size, header_size, entry_size] = [fields.u32_le()?, fields.u32_le()?, fields.u32_le()?];
        let whole = usize_of(size);
        if whole < HEADER || whole > left {
            return Err(EfiError::ListSize { offset, size, left });
        }
        let mut body = Cursor::at(self.cursor.take(whole)?, offset);
        body.take(HEADER)?;
        let header = body.take(usize_of(header_size)).map_err(|_| EfiError::HeaderSize {
            offset,
            size: header_size,
            list: size,
        })?;
        let (entries, first) = (body.rest(), body.offset());
        let each = usize_of(entry_size);
        if each < OWNER || !entries.len().is_multiple_of(each) {
            return Err(EfiError::SignatureSize { offset, size: entry_size, entries: entries.len() });
        }
        Ok(SignatureList { offset, kind, header, each, entries, first })
    }
}

/// A size that does not fit is larger than what is left, whatever it is.
fn usize_of(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

impl<'a> Iterator for SignatureLists<'a> {
    type Item = Result<SignatureList<'a>, EfiError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let list = self.list();
        if list.is_err() {
            self.cursor = Cursor::at(&[], self.cursor.offset());
        }
        Some(list)
    }
}

/// One list: signatures of one kind and size.
#[derive(Clone, Copy, Debug)]
pub struct SignatureList<'a> {
    offset: usize,
    kind: SignatureType,
    header: &'a [u8],
    each: usize,
    entries: &'a [u8],
    first: usize,
}

impl<'a> SignatureList<'a> {
    /// Where it starts, from the start of the whole input.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The kind of its signatures.
    pub const fn kind(&self) -> SignatureType {
        self.kind
    }

    /// Its header, which no known kind has.
    pub const fn header(&self) -> &'a [u8] {
        self.header
    }

    /// The size of each entry with its owner.
    pub const fn entry_size(&self) -> usize {
        self.each
    }

    /// How many entries it has.
    pub const fn len(&self) -> usize {
        match self.entries.len().checked_div(self.each) {
            Some(len) => len,
            None => 0,
        }
    }

    /// Whether it has no entry.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether header and entries have the sizes that the kind asks for; firmware refuses the variable otherwise.
    pub fn has_sizes_of_kind(&self) -> bool {
        let size = self.kind.data_size().and_then(|size| size.checked_add(OWNER));
        let known = !matches!(self.kind, SignatureType::Other(_));
        size.is_none_or(|size| size == self.each) && (!known || self.header.is_empty())
    }

    /// The entries, in their order.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = Entry<'a>> + use<'a> {
        let Self { kind, first, each, .. } = *self;
        // The size was checked to be that of an owner at least.
        self.entries.chunks_exact(each.max(1)).enumerate().map(move |(at, raw)| Entry {
            kind,
            offset: first.saturating_add(at.saturating_mul(each)),
            raw,
        })
    }
}

/// One signature with its owner.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    kind: SignatureType,
    offset: usize,
    raw: &'a [u8],
}

impl<'a> Entry<'a> {
    /// An `EFI_SIGNATURE_DATA` that stands alone, as events of authorities hold it. Its kind does not stand in it: a
    /// certificate is recognised by its form, everything else is of an unknown kind. Use [`find_entry`] where the
    /// variable that it comes from is at hand.
    pub fn alone(raw: &'a [u8]) -> Self {
        let kind = match raw.get(OWNER..).and_then(|data| data.first()) {
            Some(0x30) if raw.len() > 128 => SignatureType::X509,
            _ => SignatureType::Other(Guid([0; 16])),
        };
        Self { kind, offset: 0, raw }
    }

    /// The kind of its list.
    pub const fn kind(&self) -> SignatureType {
        self.kind
    }

    /// Where it starts, from the start of the whole input.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Owner and data, as they came: `EFI_SIGNATURE_DATA`.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Who put it there, by its own word.
    pub fn owner(&self) -> Guid {
        Guid(self.raw.first_chunk().copied().unwrap_or_default())
    }

    /// The data behind the owner.
    pub fn data(&self) -> &'a [u8] {
        self.raw.get(OWNER..).unwrap_or_default()
    }

    /// What the data holds.
    pub fn value(&self) -> EntryValue<'a> {
        EntryValue::of(self.kind, self.data())
    }
}

/// The entry of a variable that an event of an authority names by its `EFI_SIGNATURE_DATA`.
///
/// Old shims measure one byte behind the entry too.
//= TCG PFP 1.06 §10.4.1 (EV_EFI_VARIABLE_AUTHORITY): the EFI_SIGNATURE_DATA of the entry that validated the image
pub fn find_entry<'a>(variable: &'a [u8], measured: &[u8]) -> Option<Entry<'a>> {
    let shorter = measured.split_last().map_or(measured, |(_, shorter)| shorter);
    let lists = SignatureLists::new(variable);
    let exact = lists.entries().find(|entry| entry.raw == measured);
    exact.or_else(|| lists.entries().find(|entry| entry.raw == shorter))
}
