//! Tones of text: what is good, bad, or beside the point.
//!
//! In: text and a tone. Out: text with the terminal's escape sequences where the screen wants them.

use super::{Colour, Screen};

/// How text is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Plain text.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Tone {
    /// The tone of a status word, as hosts, results, tokens and checks have them.
    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "trusted" | "affirming" | "valid" | "verified" | "holds" | "ok" => Self::Good,
            "warning" | "stale" | "pending" | "violation" => Self::Warn,
            "not-trusted" | "contraindicated" | "mismatch" | "refused" | "revoked" | "fails" => Self::Bad,
            "none" | "opaque" | "used" | "expired" | "not-extended" => Self::Dim,
            _ => Self::Plain,
        }
    }

    const fn sequence(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Dim => "\x1b[2m",
            Self::Strong => "\x1b[1m",
        }
    }
}

/// Text in its tone.
pub(crate) fn paint(text: &str, tone: Tone, screen: Screen) -> String {
    match (screen.colour, tone) {
        (Colour::Off, _) | (_, Tone::Plain) => text.to_owned(),
        (Colour::On, tone) => format!("{}{text}\x1b[0m", tone.sequence()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_they_are_wanted() {
        let on = Screen { width: None, colour: Colour::On };
        assert_eq!(paint("trusted", Tone::Good, on), "\x1b[32mtrusted\x1b[0m");
        assert_eq!(paint("trusted", Tone::Good, Screen::PIPE), "trusted");
        assert_eq!(paint("plain", Tone::Plain, on), "plain");
    }
}
