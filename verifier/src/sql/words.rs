//! What SQLite and PostgreSQL say differently: how places for values are numbered. The few functions that PostgreSQL lacks are made with its
//! schema, so that nothing else needs to be translated.

use std::fmt::Write as _;

/// The statement with numbered places for its values: `?` is the one after the highest before it, `?7` the seventh.
pub(super) fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut highest) = (text, 0_u32);
    while let Some((before, after)) = rest.split_once('?') {
        out.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = after.split_at(digits);
        let place = number.parse().unwrap_or(highest + 1);
        highest = highest.max(place);
        // A string takes whatever is written.
        let _ = write!(out, "${place}");
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Appends the statement with a bare `?` for each of its places, and gives which value each has, counted from 0.
pub(super) fn in_order(text: &str, to: &mut String) -> Vec<usize> {
    let (mut rest, mut highest, mut places) = (text, 0_usize, Vec::new());
    while let Some((before, after)) = rest.split_once('?') {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = after.split_at(digits);
        let place: usize = number.parse().unwrap_or(highest + 1);
        highest = highest.max(place);
        places.push(place.saturating_sub(1));
        to.push_str(before);
        to.push('?');
        rest = tail;
    }
    to.push_str(rest);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_named_twice_is_there_twice() {
        let mut to = String::from("BEGIN; ");
        assert_eq!(in_order("a = ?2 OR a = ?1 OR b = ? AND a = ?2", &mut to), [1, 0, 2, 1]);
        assert_eq!(to, "BEGIN; a = ? OR a = ? OR b = ? AND a = ?");
        assert_eq!(in_order("SELECT 1", &mut to), [0_usize; 0]);
    }

    #[test]
    fn places_are_numbered_as_sqlite_numbers_them() {
        for (text, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("?2, ?1, ?", "$2, $1, $3"),
            ("?11 ?1", "$11 $1"),
        ] {
            assert_eq!(numbered(text), expected);
        }
    }
}
