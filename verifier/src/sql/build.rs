//! Statements that are put together.
//!
//! In: pieces of text that this program wrote, and values. Out: a statement. Values never become text.

use std::fmt::{Display, Write as _};

use super::{FromRow, Query, QueryAs, Value, assembled};

/// A statement that grows.
#[derive(Clone, Debug)]
pub(crate) struct QueryBuilder {
    text: String,
    values: Vec<Value>,
}

impl QueryBuilder {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: impl Display) -> &mut Self {
        // A string takes whatever is written.
        let _ = write!(self.text, "{text}");
        self
    }

    /// Appends a value.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.text.push('?');
        self.values.push(value.into());
        self
    }

    /// What follows is a list.
    pub(crate) fn separated(&mut self, separator: &'static str) -> Separated<'_> {
        Separated { builder: self, separator, begun: false }
    }

    /// Rows of values.
    pub(crate) fn push_values<T>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
        mut row: impl FnMut(Separated<'_>, T),
    ) -> &mut Self {
        self.text.push_str("VALUES ");
        for (number, of) in rows.into_iter().enumerate() {
            self.text.push_str(if number == 0 { "(" } else { ", (" });
            row(self.separated(", "), of);
            self.text.push(')');
        }
        self
    }

    pub(crate) fn build(&mut self) -> Query {
        Query { values: std::mem::take(&mut self.values), ..assembled(std::mem::take(&mut self.text)) }
    }

    pub(crate) fn build_query_as<T: FromRow>(&mut self) -> QueryAs<T> {
        QueryAs { query: self.build(), read: T::from_row }
    }
}

/// A list within a statement.
#[derive(Debug)]
pub(crate) struct Separated<'b> {
    builder: &'b mut QueryBuilder,
    separator: &'static str,
    begun: bool,
}

impl Separated<'_> {
    fn next(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.builder.text.push_str(self.separator);
        }
    }

    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.next();
        self.builder.push_bind(value);
        self
    }
}
