//! Points in time. Nothing here reads a clock: shells do, and pass the value in.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// From milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// From whole seconds; times beyond the range become the last one.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// From year, month, day, hour, minute and second in UTC; `None` where there is no such date or time.
    ///
    /// Times before 1970 are 1970, and a leap second is the second before it.
    pub fn from_civil([year, month, day, hour, minute, second]: [u32; 6]) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 || year > 9_999 {
            return None;
        }
        let days = days_from_civil(u64::from(year), u64::from(month), u64::from(day));
        let Some(days) = days.checked_sub(DAYS_TO_1970) else {
            return Some(Self(0));
        };
        let of_day = u64::from(hour * 3_600 + minute * 60 + second.min(59));
        Some(Self::from_secs(days * 86_400 + of_day))
    }

    /// In milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// In whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// This time and `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this time; 0 where `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339 in UTC with milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms_of_day) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (secs, ms) = (ms_of_day / 1_000, ms_of_day % 1_000);
        let (hour, minute, second) = (secs / 3_600, secs / 60 % 60, secs % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

/// Days from 1 March 0000, of which years are counted so that a leap day is the last day of its year.
const DAYS_TO_1970: u64 = 719_468;

/// Days since 1 March 0000 of a date of the proleptic Gregorian calendar; dates before it are day 0.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let Some(year) = year.checked_sub(u64::from(month <= 2)) else {
        return 0;
    };
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian() {
        let check = |secs: u64, expected: &str| assert_eq!(UnixTime::from_secs(secs).to_string(), expected);
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400, "2000-02-29T00:00:00.000Z");
        check(951_868_800, "2000-03-01T00:00:00.000Z");
        check(1_795_392_000, "2026-11-23T00:00:00.000Z");
        check(4_102_444_799, "2099-12-31T23:59:59.000Z");
        check(253_402_300_799, "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn dates_and_times_round_trip() {
        for secs in (0..4_102_444_800_u64).step_by(86_400 * 7 + 12_345) {
            let text = UnixTime::from_secs(secs).to_string();
            let part = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap();
            let civil = [part(0..4), part(5..7), part(8..10), part(11..13), part(14..16), part(17..19)];
            assert_eq!(UnixTime::from_civil(civil), Some(UnixTime::from_secs(secs)), "{text}");
        }
        assert_eq!(UnixTime::from_civil([1969, 12, 31, 23, 59, 59]), Some(UnixTime::from_ms(0)));
        assert_eq!(UnixTime::from_civil([0, 1, 1, 0, 0, 0]), Some(UnixTime::from_ms(0)));
        for none in
            [[2019, 2, 29, 0, 0, 0], [2020, 0, 1, 0, 0, 0], [2020, 1, 0, 0, 0, 0], [2020, 1, 1, 24, 0, 0]]
        {
            assert_eq!(UnixTime::from_civil(none), None);
        }
    }
}
