//! Tables without lines, as they read best.
//!
//! In: headings and rows of cells. Out: text. Cells are escaped here, so that no caller can forget it.

use comfy_table::{Attribute, Color, ContentArrangement};

use super::{Colour, Screen, Tone};
use crate::escape::safe;

/// A cell: text and its tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text in a tone; it is escaped.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: safe(text.as_ref()).into_owned(), tone }
    }

    /// A status word in the tone that it has.
    pub(crate) fn status(word: &str) -> Self {
        Self::toned(word, Tone::of_word(word))
    }

    /// What stands where there is nothing.
    pub(crate) fn none() -> Self {
        Self::toned("-", Tone::Dim)
    }

    /// The escaped text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) const fn tone(&self) -> Tone {
        self.tone
    }

    fn styled(&self, screen: Screen) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new(&self.text);
        if screen.colour == Colour::Off {
            return cell;
        }
        match self.tone {
            Tone::Plain => cell,
            Tone::Good => cell.fg(Color::DarkGreen),
            Tone::Warn => cell.fg(Color::DarkYellow),
            Tone::Bad => cell.fg(Color::DarkRed),
            Tone::Dim => cell.add_attribute(Attribute::Dim),
            Tone::Strong => cell.add_attribute(Attribute::Bold),
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Rows of cells, with or without headings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    headings: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|heading| Cell::toned(heading, Tone::Strong)).collect();
        Self { headings, rows: Vec::new(), indent: 0 }
    }

    /// A table without headings, moved to the right.
    pub(crate) fn indented(indent: usize) -> Self {
        Self { headings: Vec::new(), rows: Vec::new(), indent }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The text, each line with its end; nothing where there is no row.
    pub(crate) fn render(&self, screen: Screen) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::NOTHING);
        match screen.width {
            None => table.set_content_arrangement(ContentArrangement::Disabled),
            Some(width) => {
                let indent = u16::try_from(self.indent).unwrap_or(0);
                table
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .set_width(width.saturating_sub(indent))
            }
        };
        match screen.colour {
            Colour::On => table.enforce_styling(),
            Colour::Off => table.force_no_tty(),
        };
        if !self.headings.is_empty() {
            table.set_header(self.headings.iter().map(|cell| cell.styled(screen)).collect::<Vec<_>>());
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| cell.styled(screen)).collect::<Vec<_>>());
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let indent = " ".repeat(self.indent);
        let mut text = String::new();
        for line in table.lines() {
            text.extend([&indent, line.trim_end(), "\n"]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", "STATUS"]);
        table.row(vec!["web-1".into(), Cell::status("trusted")]);
        table.row(vec!["evil\x1b[2J\n".into(), Cell::status("not-trusted")]);
        table
    }

    #[test]
    fn columns_line_up_and_control_characters_are_escaped() {
        let text = table().render(Screen::PIPE);
        assert_eq!(
            text,
            "NAME             STATUS\nweb-1            trusted\nevil\\u{1b}[2J\\n  not-trusted\n"
        );
    }

    #[test]
    fn a_pipe_never_cuts_and_a_terminal_wraps() {
        let mut table = Table::new(&["PATH"]);
        let path = "/usr/lib/".repeat(100);
        table.row(vec![path.as_str().into()]);
        assert!(table.render(Screen::PIPE).contains(&path));
        let wrapped = table.render(Screen { width: Some(80), colour: Colour::Off });
        assert!(wrapped.lines().all(|line| line.chars().count() <= 80), "{wrapped}");
        assert_eq!(wrapped.lines().skip(1).map(str::trim).collect::<String>(), path);
    }

    #[test]
    fn colours_stay_within_their_cells() {
        let text = table().render(Screen { width: None, colour: Colour::On });
        assert!(text.contains("\x1b["), "{text:?}");
        assert!(!table().render(Screen::PIPE).contains('\x1b'));
    }
}
