//! `UTCTime` and `GeneralizedTime`.
//!
//! In: a time value. Out: a point in time, or `None` where it is none. Certificates leave out seconds or give an offset
//! from UTC now and then; both are read.
//= RFC 5280 §4.1.2.5

use crate::time::UnixTime;

use super::{Value, tag};

/// The point in time; times before 1970 are 1970.
pub fn time(value: &Value<'_>) -> Option<UnixTime> {
    let digits = value.content();
    let (year, rest) = match value.tag() {
        tag::UTC_TIME => {
            let (year, rest) = number(digits, 2)?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, rest)
        }
        tag::GENERALIZED_TIME => number(digits, 4)?,
        _ => return None,
    };
    let (month, rest) = number(rest, 2)?;
    let (day, rest) = number(rest, 2)?;
    let (hour, rest) = number(rest, 2)?;
    let (minute, rest) = number(rest, 2)?;
    let (second, rest) = number(rest, 2).unwrap_or((0, rest));
    let time = UnixTime::from_civil([year, month, day, hour, minute, second])?;
    zone(without_fraction(rest), time)
}

/// Time-stamping authorities write fractions of a second.
fn without_fraction(rest: &[u8]) -> &[u8] {
    match rest {
        [b'.' | b',', digits @ ..] => {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits.get(count..).unwrap_or_default()
        }
        _ => rest,
    }
}

fn zone(rest: &[u8], time: UnixTime) -> Option<UnixTime> {
    let (sign, offset) = match rest {
        [] | [b'Z'] => return Some(time),
        [sign @ (b'+' | b'-'), offset @ ..] => (*sign, offset),
        _ => return None,
    };
    let (hours, offset) = number(offset, 2)?;
    let (minutes, offset) = number(offset, 2)?;
    if !offset.is_empty() {
        return None;
    }
    let ms = u64::from(hours * 60 + minutes) * 60_000;
    Some(match sign {
        b'+' => UnixTime::from_ms(time.as_ms().saturating_sub(ms)),
        _ => time.plus_ms(ms),
    })
}

/// A number of so many decimal digits, and what follows it.
fn number(digits: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = digits.split_at_checked(count)?;
    let number = number.iter().try_fold(0_u32, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit.wrapping_sub(b'0')))
    })?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: u8, text: &str, expected: Option<&str>) {
        let bytes = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let found = time(&Value::first(&bytes).unwrap()).map(|time| time.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn times_of_every_form_are_read() {
        check(0x17, "490101000000Z", Some("2049-01-01T00:00:00.000Z"));
        check(0x17, "991231235959Z", Some("1999-12-31T23:59:59.000Z"));
        check(0x17, "9912312359Z", Some("1999-12-31T23:59:00.000Z"));
        check(0x17, "500101000000Z", Some("1970-01-01T00:00:00.000Z"));
        check(0x17, "200229120000+0130", Some("2020-02-29T10:30:00.000Z"));
        check(0x18, "20200229120000.123Z", Some("2020-02-29T12:00:00.000Z"));
        check(0x18, "99991231235959Z", Some("9999-12-31T23:59:59.000Z"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        check(0x17, "190229000000Z", None);
        check(0x17, "20x101000000Z", None);
        check(0x17, "", None);
        check(0x18, "20201301000000Z", None);
        check(0x18, "20200101000000Zx", None);
        check(0x04, "200101000000Z", None);
    }
}
