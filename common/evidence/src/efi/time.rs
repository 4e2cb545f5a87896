//! `EFI_TIME`.
//!
//! In: its 16 bytes. Out: the time as it was written, and as a point in time. Authenticated updates leave the fields of
//! fractions and zones zero; others need not.
//= UEFI 2.10 §8.3: EFI_TIME

use std::fmt;

use crate::cursor::{Cursor, Truncated};
use crate::time::UnixTime;

/// A date and time, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EfiTime {
    /// 1900 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl EfiTime {
    /// How long it is.
    pub const SIZE: usize = 16;

    /// Reads an `EFI_TIME`, whatever its fields say.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Truncated> {
        let mut fields = Cursor::at(cursor.take(Self::SIZE)?, cursor.offset());
        let year = fields.u16_le()?;
        let [month, day, hour, minute, second] = fields.array()?;
        Ok(Self { year, month, day, hour, minute, second })
    }

    /// Whether no field says anything: what dbx writes for "always".
    pub const fn is_zero(&self) -> bool {
        self.year == 0
            && self.month == 0
            && self.day == 0
            && self.hour == 0
            && self.minute == 0
            && self.second == 0
    }

    /// The point in time, taken as UTC; `None` where there is no such date.
    pub fn unix(&self) -> Option<UnixTime> {
        let [month, day] = [self.month, self.day].map(u32::from);
        let [hour, minute, second] = [self.hour, self.minute, self.second].map(u32::from);
        UnixTime::from_civil([u32::from(self.year), month, day, hour, minute, second])
    }
}

impl fmt::Display for EfiTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}
