//! Views for people: tables, cards and tones.
//!
//! In: answers and findings. Out: text, whose columns line up. On a terminal long cells are wrapped to its width; on a
//! pipe nothing is wrapped, cut or coloured. Everything that came from a host is escaped before it gets into a cell.

mod card;
mod document;
mod ear;
mod host;
mod incident;
mod table;
mod tone;
mod trusted;

use std::ffi::OsStr;

pub(crate) use card::Card;
pub(crate) use ear::{ClaimLine, result_of};
pub(crate) use host::{claim_rows, denominator, history, host_card, host_table};
pub(crate) use incident::{incident_report, incident_summary, incident_table};
pub(crate) use table::{Cell, Table};
pub(crate) use tone::{Tone, paint};
pub(crate) use trusted::{trusted_card, trusted_csv, trusted_names, trusted_summary, trusted_table};

/// What the place that text goes to can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns; `None` where lines may be as long as they are.
    pub(crate) width: Option<u16>,
    /// Whether colours are wanted.
    pub(crate) colour: Colour,
}

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Escape sequences are understood.
    On,
    /// Text alone.
    Off,
}

impl Screen {
    /// A pipe or a file.
    pub(crate) const PIPE: Self = Self { width: None, colour: Colour::Off };

    /// A terminal, whose width the table library asks for.
    pub(crate) fn terminal(colour: Colour) -> Self {
        let width = comfy_table::Table::new().width().or(Some(FALLBACK_COLUMNS));
        Self { width, colour }
    }
}

impl Colour {
    /// What a terminal's owner wants, by `NO_COLOR` and `TERM`.
    pub(crate) fn wanted(no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        if refused || term.is_some_and(|term| term == "dumb") { Self::Off } else { Self::On }
    }
}

/// Columns of a terminal that does not tell.
const FALLBACK_COLUMNS: u16 = 100;

/// The first characters of a long hexadecimal digest.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(SHORT_DIGEST).collect()
}

/// A number with its noun: `1 host`, `2 hosts`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

const SHORT_DIGEST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_and_dumb_terminals_are_honoured() {
        let wanted = |no_color: Option<&str>, term: Option<&str>| {
            Colour::wanted(no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert_eq!(wanted(None, Some("xterm")), Colour::On);
        assert_eq!(wanted(Some(""), None), Colour::On, "an empty NO_COLOR is none");
        assert_eq!(wanted(Some("1"), Some("xterm")), Colour::Off);
        assert_eq!(wanted(None, Some("dumb")), Colour::Off);
    }
}
