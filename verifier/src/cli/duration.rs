//! Durations as people write them: a number and a unit.

use std::time::Duration;

/// Reads `90d`, `24h`, `30m` or `60s`.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    const FORM: &str = "write a number and d, h, m or s, such as 90d";
    let unit = text.chars().last().ok_or(FORM)?;
    let secs = match unit {
        'd' => 24 * 3_600,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return Err(FORM),
    };
    let number: u32 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or(FORM)?;
    if number == 0 { Err("nothing lasts no time") } else { Ok(Duration::from_secs(u64::from(number) * secs)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units() {
        let check = |text: &str, secs: Option<u64>| {
            assert_eq!(parse(text).ok(), secs.map(Duration::from_secs), "{text}");
        };
        check("90d", Some(7_776_000));
        check("24h", Some(86_400));
        check("30m", Some(1_800));
        check("1s", Some(1));
        for bad in ["", "d", "5", "-1d", "0h", "5w", "5 d", "99999999999d"] {
            check(bad, None);
        }
    }
}
