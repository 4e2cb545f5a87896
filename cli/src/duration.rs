//! Durations as people write them, and times as people read them.
//!
//! In: `24h` on a command line; RFC 3339 text in an answer. Out: seconds; `3 min ago`. A time that cannot be read is
//! shown as it came.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds, written as `90s`, `30m`, `24h`, `7d` or `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) u64);

impl std::str::FromStr for Seconds {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Self, BadDuration> {
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(BadDuration)?;
        let (number, unit) = text.split_at_checked(split).ok_or(BadDuration)?;
        let number: u64 = number.parse().map_err(|_| BadDuration)?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit).ok_or(BadDuration)?.1;
        match number.checked_mul(unit) {
            Some(0) | None => Err(BadDuration),
            Some(seconds) => Ok(Self(seconds)),
        }
    }
}

/// Why text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a duration is written like 90s, 30m, 24h, 7d or 2w, and is not zero")]
pub(crate) struct BadDuration;

const UNITS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400), ("w", 604_800)];

/// How long ago, or in how long, a time is.
pub(crate) fn relative(rfc3339: &str, now: OffsetDateTime) -> String {
    let Ok(at) = OffsetDateTime::parse(rfc3339, &Rfc3339) else {
        return rfc3339.to_owned();
    };
    let seconds = (now - at).whole_seconds();
    let text = match seconds.unsigned_abs() {
        0..=1 => return "now".to_owned(),
        s @ 2..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    };
    if seconds < 0 { format!("in {text}") } else { format!("{text} ago") }
}

/// The time, and how long ago it is.
pub(crate) fn both(rfc3339: &str, now: OffsetDateTime) -> String {
    match relative(rfc3339, now) {
        same if same == rfc3339 => same,
        relative => format!("{rfc3339} ({relative})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_others_refused() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
        for text in ["", "24", "h", "-1h", "1.5h", "0s", "1y", "99999999999999999w", "1h30m"] {
            assert_eq!(text.parse::<Seconds>(), Err(BadDuration), "{text}");
        }
    }

    #[test]
    fn times_are_told_as_people_do() {
        let now = OffsetDateTime::parse("2026-01-02T00:00:00Z", &Rfc3339).unwrap();
        for (at, text) in [
            ("2026-01-02T00:00:00Z", "now"),
            ("2026-01-01T23:59:00Z", "60 s ago"),
            ("2026-01-01T23:00:00Z", "60 min ago"),
            ("2026-01-01T00:00:00+02:00", "26 h ago"),
            ("2025-12-01T00:00:00Z", "32 days ago"),
            ("2026-01-02T12:00:00Z", "in 12 h"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(relative(at, now), text, "{at}");
        }
    }
}
