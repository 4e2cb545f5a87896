//! Cards: everything about one thing, under headings.
//!
//! In: headings with labelled values. Out: text.

use super::{Cell, Screen, Table, Tone, paint};
use crate::escape::safe;

/// A title and sections of labelled values.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    title: Cell,
    status: Cell,
    sections: Vec<(String, Table)>,
}

impl Card {
    /// A card of something that has a status.
    pub(crate) fn new(title: &str, status: Cell) -> Self {
        Self { title: Cell::toned(title, Tone::Strong), status, sections: Vec::new() }
    }

    /// Starts a section.
    pub(crate) fn section(&mut self, heading: impl Into<String>) {
        self.sections.push((heading.into(), Table::indented(INDENT)));
    }

    /// Adds a labelled value to the section.
    pub(crate) fn row(&mut self, label: &str, value: impl Into<Cell>) {
        self.cells(vec![Cell::toned(label, Tone::Dim), value.into()]);
    }

    /// Adds a row of cells to the section.
    pub(crate) fn cells(&mut self, cells: Vec<Cell>) {
        if let Some((_, table)) = self.sections.last_mut() {
            table.row(cells);
        }
    }

    /// The text; sections without rows are left out.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let cell = |cell: &Cell| paint(cell.text(), cell.tone(), screen);
        let mut text = format!("{}  {}\n", cell(&self.title), cell(&self.status));
        for (heading, table) in self.sections.iter().filter(|(_, table)| !table.is_empty()) {
            text.push('\n');
            text.push_str(&paint(&safe(heading), Tone::Strong, screen));
            text.push('\n');
            text.push_str(&table.render(screen));
        }
        text
    }
}

const INDENT: usize = 2;
