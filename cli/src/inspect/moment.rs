//! Points in time, from the command line and for answers.
//!
//! In: RFC 3339, a date, or seconds since 1970. Out: a [`UnixTime`]; and RFC 3339 in UTC, without fractions.

use evidence::time::UnixTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::error::CliError;

/// The time of `--at`, or the program's start.
pub(super) fn of_option(at: Option<&str>, now: OffsetDateTime) -> Result<UnixTime, CliError> {
    match at {
        None => Ok(of_date(now).unwrap_or(UnixTime::from_secs(0))),
        Some(text) => of_text(text).ok_or_else(|| {
            CliError::value("--at", "not a time: RFC 3339, YYYY-MM-DD, or seconds since 1970")
        }),
    }
}

fn of_text(text: &str) -> Option<UnixTime> {
    if let Ok(seconds) = text.parse() {
        return Some(UnixTime::from_secs(seconds));
    }
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let day = day.ok().map(|day| day.midnight().assume_utc());
    of_date(day.or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok())?)
}

fn of_date(time: OffsetDateTime) -> Option<UnixTime> {
    u64::try_from(time.unix_timestamp()).ok().map(UnixTime::from_secs)
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn rfc3339(seconds: u32) -> String {
    let text = UnixTime::from_secs(u64::from(seconds)).to_string();
    text.split_once('.').map_or(text.clone(), |(whole, _)| format!("{whole}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_ways_and_written_in_one() {
        for text in ["1700000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"] {
            assert_eq!(of_text(text), Some(UnixTime::from_secs(1_700_000_000)), "{text}");
        }
        assert_eq!(of_text("2023-11-14"), Some(UnixTime::from_secs(1_699_920_000)));
        for text in ["", "yesterday", "1960-01-01", "2023-13-01"] {
            assert_eq!(of_text(text), None, "{text}");
        }
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
    }
}
