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
    sections: Vec<Section>,
}

/// A heading, rows, and a line below them.
#[derive(Clone, Debug)]
struct Section {
    heading: String,
    rows: Table,
    foot: Cell,
}

impl Card {
    /// A card of something that has a status.
    pub(crate) fn new(title: &str, status: Cell) -> Self {
        Self { title: Cell::toned(title, Tone::Strong), status, sections: Vec::new() }
    }

    /// Starts a section.
    pub(crate) fn section(&mut self, heading: impl Into<String>) {
        let (heading, rows) = (heading.into(), Table::indented(INDENT));
        self.sections.push(Section { heading, rows, foot: Cell::default() });
    }

    /// Adds a labelled value to the section.
    pub(crate) fn row(&mut self, label: &str, value: impl Into<Cell>) {
        self.cells(vec![Cell::toned(label, Tone::Dim), value.into()]);
    }

    /// Adds a row of cells to the section.
    pub(crate) fn cells(&mut self, cells: Vec<Cell>) {
        if let Some(section) = self.sections.last_mut() {
            section.rows.row(cells);
        }
    }

    /// Puts a line below the section's rows.
    pub(crate) fn foot(&mut self, foot: Cell) {
        if let Some(section) = self.sections.last_mut() {
            section.foot = foot;
        }
    }

    /// The text; sections without rows are left out.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let cell = |cell: &Cell| paint(cell.text(), cell.tone(), screen);
        let mut text = format!("{}  {}\n", cell(&self.title), cell(&self.status));
        for section in self.sections.iter().filter(|section| !section.rows.is_empty()) {
            let heading = paint(&safe(&section.heading), Tone::Strong, screen);
            text.extend(["\n", &heading, "\n", &section.rows.render(screen)]);
            if !section.foot.text().is_empty() {
                text.extend([&" ".repeat(INDENT), cell(&section.foot).as_str(), "\n"]);
            }
        }
        text
    }
}

const INDENT: usize = 2;
