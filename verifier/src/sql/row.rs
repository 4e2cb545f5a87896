//! Rows of either driver, read alike.
//!
//! In: a row, and a column by its name or place. Out: a number, a truth value, a text, bytes, or nothing. What a column has is checked against
//! what is asked for: another kind is an error, and no number is cut short.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Row as _, TypeInfo as _, ValueRef as _};

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Row(..)")
    }
}

impl Row {
    /// What is in a column.
    pub(crate) fn try_get<T: Field>(&self, column: impl Column) -> Result<T, sqlx::Error> {
        let column = match self {
            Self::Sqlite(row) => column.index(row)?,
            Self::Postgres(row) => column.index(row)?,
        };
        T::read(self, column)
    }

    /// The text in a column, where it is.
    pub(crate) fn text(&self, column: impl Column) -> Result<&str, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    /// The bytes in a column, where they are.
    pub(crate) fn bytes(&self, column: impl Column) -> Result<&[u8], sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    fn is_null(&self, column: usize) -> Result<bool, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get_raw(column)?.is_null(),
            Self::Postgres(row) => row.try_get_raw(column)?.is_null(),
        })
    }
}

/// A column's name or place.
pub(crate) trait Column: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {}

impl<T: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>> Column for T {}

/// What a column may have.
pub(crate) trait Field: Sized {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error>;
}

impl Field for i64 {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => {
                let kind = row.try_get_raw(column)?.type_info().name().to_owned();
                match kind.as_str() {
                    "INT4" => row.try_get::<i32, _>(column).map(Self::from),
                    "INT2" => row.try_get::<i16, _>(column).map(Self::from),
                    "BOOL" => row.try_get::<bool, _>(column).map(Self::from),
                    _ => row.try_get(column),
                }
            }
        }
    }
}

impl Field for bool {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(_) => i64::read(row, column).map(|number| number != 0),
        }
    }
}

impl Field for String {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }
}

impl Field for Vec<u8> {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn read(row: &Row, column: usize) -> Result<Self, sqlx::Error> {
        if row.is_null(column)? { Ok(None) } else { T::read(row, column).map(Some) }
    }
}

/// What a row is read as.
pub(crate) trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error>;
}

macro_rules! tuples {
    ($(($($name:ident $place:tt),+);)*) => {
        $(impl<$($name: Field),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
                Ok(($($name::read(row, $place)?,)+))
            }
        })*
    };
}

tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
}
