//! One section of an image.
//!
//! In: a section's header, the file and its string table. Out: the name, the addresses, and the contents as far as the
//! file has them.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::limits::PE_SECTION_NAME_BYTES;

use super::image::usize_of;

/// A section's header.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    number: usize,
    name: &'a [u8],
    virtual_size: usize,
    virtual_address: u32,
    raw_size: usize,
    raw_offset: usize,
    characteristics: u32,
    file: &'a [u8],
}

impl<'a> Section<'a> {
    pub(super) fn new(number: usize, header: &'a [u8], file: &'a [u8], strings: &'a [u8]) -> Self {
        let (short, fields) = header.split_at_checked(8).unwrap_or((header, &[]));
        let mut fields = Cursor::new(fields);
        // A header has its 40 bytes; the fields are there.
        let mut next = || fields.u32_le().unwrap_or_default();
        let [virtual_size, virtual_address, raw_size, raw_offset] = [next(), next(), next(), next()];
        let _relocations_and_lines = [next(), next(), next()];
        Self {
            number,
            name: name(short, strings),
            virtual_size: usize_of(virtual_size),
            virtual_address,
            raw_size: usize_of(raw_size),
            raw_offset: usize_of(raw_offset),
            characteristics: next(),
            file,
        }
    }

    /// Its number in the table, from 0.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Its name, without the zeros behind it.
    pub fn name(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }

    /// Whether it has this name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name.as_bytes()
    }

    /// `VirtualSize`: how much of memory it takes.
    pub const fn virtual_size(&self) -> usize {
        self.virtual_size
    }

    /// `VirtualAddress`.
    pub const fn virtual_address(&self) -> u32 {
        self.virtual_address
    }

    /// `SizeOfRawData`: how much of the file it takes.
    pub const fn raw_size(&self) -> usize {
        self.raw_size
    }

    /// `PointerToRawData`.
    pub const fn raw_offset(&self) -> usize {
        self.raw_offset
    }

    /// `Characteristics`.
    pub const fn characteristics(&self) -> u32 {
        self.characteristics
    }

    /// All that the file has of it, with the padding; `None` where it lies behind the file's end.
    pub fn raw(&self) -> Option<&'a [u8]> {
        self.file.get(self.raw_offset..self.raw_offset.checked_add(self.raw_size)?)
    }

    /// Its contents, without the padding of the file.
    pub fn contents(&self) -> Option<&'a [u8]> {
        let raw = self.raw()?;
        let size = if self.virtual_size == 0 { raw.len() } else { self.virtual_size.min(raw.len()) };
        raw.get(..size)
    }

    /// Its contents as text, to the first zero.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        let text = self.contents()?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text))
    }
}

/// The name's bytes: those of the header, or where it has `/` and a number, those of the string table.
//= Microsoft PE Format, section table: a slash followed by an ASCII representation of a decimal number
fn name<'a>(short: &'a [u8], strings: &'a [u8]) -> &'a [u8] {
    let short = until_zero(short);
    long_name(short, strings).unwrap_or(short)
}

fn long_name<'a>(short: &[u8], strings: &'a [u8]) -> Option<&'a [u8]> {
    let offset: usize = std::str::from_utf8(short.strip_prefix(b"/")?).ok()?.parse().ok()?;
    let found = strings.get(offset..)?;
    Some(until_zero(found.get(..PE_SECTION_NAME_BYTES).unwrap_or(found)))
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
