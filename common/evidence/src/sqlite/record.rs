//! Records: a row's columns.
//!
//! In: a record's bytes. Out: its columns one by one, up to the place where they stop making sense.
//= SQLite file format §2.1: record format

use super::varint;

/// A column's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Column<'a> {
    /// Nothing; also what stands for a row id.
    Null,
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// Bytes.
    Blob(&'a [u8]),
    /// Text as its bytes, which may be no UTF-8.
    Text(&'a [u8]),
}

/// The columns of a record.
#[derive(Clone, Debug)]
pub struct Columns<'a> {
    types: &'a [u8],
    values: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Of a record; of bytes that are none it has no columns.
    pub fn of(record: &'a [u8]) -> Self {
        let split = varint(record).and_then(|(header, taken)| {
            let (header, values) = record.split_at_checked(usize::try_from(header).ok()?)?;
            Some(Self { types: header.get(taken..)?, values })
        });
        split.unwrap_or(Self { types: &[], values: &[] })
    }

    fn integer(&mut self, size: usize) -> Option<i64> {
        let (bytes, rest) = self.values.split_at_checked(size)?;
        self.values = rest;
        let start = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
        Some(bytes.iter().fold(start, |value: i64, byte| value << 8 | i64::from(*byte)))
    }

    fn bytes(&mut self, twice: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.values.split_at_checked(usize::try_from(twice / 2).ok()?)?;
        self.values = rest;
        Some(bytes)
    }
}

impl<'a> Iterator for Columns<'a> {
    type Item = Column<'a>;

    fn next(&mut self) -> Option<Column<'a>> {
        let (serial, taken) = varint(self.types)?;
        self.types = self.types.get(taken..)?;
        Some(match serial {
            0 => Column::Null,
            1..=4 => Column::Integer(self.integer(usize::try_from(serial).ok()?)?),
            5 => Column::Integer(self.integer(6)?),
            6 => Column::Integer(self.integer(8)?),
            7 => Column::Real(f64::from_bits(self.integer(8)?.cast_unsigned())),
            8 => Column::Integer(0),
            9 => Column::Integer(1),
            10 | 11 => return None,
            even if even % 2 == 0 => Column::Blob(self.bytes(even - 12)?),
            odd => Column::Text(self.bytes(odd - 13)?),
        })
    }
}
