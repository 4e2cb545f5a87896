//! Statements that are run one after the other, of which nothing is read.
//!
//! In: statements, and how many rows each must change where that is known. Out: all of them were run, as one step of a transaction, or none
//! of them; but where one changed other rows than it must, the database is damaged and the whole transaction is to be given up. SQLite's
//! driver hands each statement to a thread of its own and waits: together they cost that once.

use std::fmt::Write as _;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::error::ErrorKind;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::SqliteArguments;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor as _, SqlSafeStr as _, SqlStr, SqliteConnection,
};

use super::{Connection, Handle, Query, QueryBuilder, Value, words};
use crate::limits::{ROWS_PER_STATEMENT, VALUES_PER_STATEMENT};

/// A statement for any number of rows of values, which stand between two texts.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    /// Whether it must change as many rows as it is given.
    pub(crate) changes_each: bool,
}

impl Rows {
    /// An `INSERT` that nothing keeps from adding each row.
    pub(crate) const fn inserted(before: &'static str) -> Self {
        Self { before, after: "", changes_each: false }
    }
}

/// Statements to be run.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Batch {
    statements: Vec<Statement>,
}

#[derive(Debug)]
enum Statement {
    One(Query),
    Many { rows: &'static Rows, columns: usize, values: Vec<Value> },
}

/// A statement as it is run.
struct Ready {
    query: Query,
    expected: Option<u64>,
    /// Whether the same text is likely to be run again.
    is_kept: bool,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// A statement changed other rows than it must: the rows are not what this program wrote. The transaction must not be committed.
    #[error("a statement changed {changed} rows in the place of {expected}")]
    Rows { expected: u64, changed: u64 },
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Batch {
    /// Adds a statement.
    pub(crate) fn push(&mut self, statement: Query) {
        self.statements.push(Statement::One(statement));
    }

    /// Adds a row. All rows of a statement are written where its first one was added.
    pub(crate) fn row<const N: usize>(&mut self, of: &'static Rows, row: [Value; N]) {
        let known = self.statements.iter_mut().find_map(|statement| match statement {
            Statement::Many { rows, columns, values } if std::ptr::eq(*rows, of) && *columns == N => {
                Some(values)
            }
            _ => None,
        });
        match known {
            Some(values) => values.extend(row),
            None => {
                self.statements.push(Statement::Many { rows: of, columns: N, values: Vec::from(row) });
            }
        }
    }

    /// Runs them as a step of the connection's transaction.
    pub(crate) fn run<'c>(self, connection: &'c mut Connection<'_>) -> BoxFuture<'c, Result<(), BatchError>> {
        match connection.handle() {
            Handle::Sqlite(connection) => self.run_together(connection).boxed(),
            Handle::Postgres(connection) => self.run_apart(connection).boxed(),
        }
    }

    async fn run_apart(self, connection: &mut PgConnection) -> Result<(), BatchError> {
        let mut step = connection.begin().await?;
        for statement in self.statements {
            let (text, values, expected) = statement.for_postgres()?;
            let done = sqlx::query_with(text, values).execute(&mut *step).await?;
            check(expected, done.rows_affected())?;
        }
        Ok(step.commit().await?)
    }

    async fn run_together(self, connection: &mut SqliteConnection) -> Result<(), BatchError> {
        let mut statements = self.statements.into_iter().flat_map(Statement::ready).peekable();
        let mut group = Group::begun(BEGIN);
        loop {
            for Ready { query, expected, is_kept } in statements.by_ref().take(STATEMENTS_AT_ONCE) {
                group.push(query, expected)?;
                group.is_kept &= is_kept;
            }
            let is_last = statements.peek().is_none();
            if is_last {
                group.text.push_str(END);
            }
            // What is of several groups is of a shape of its own: it would only push others out of the driver's cache.
            group.is_kept &= is_last;
            match group.run(connection).await {
                Ok(()) if is_last => return Ok(()),
                Ok(()) => group = Group { is_kept: false, ..Group::begun("") },
                Err(BatchError::Database(failed)) => return Err(undo(connection, failed).await.into()),
                Err(damaged) => return Err(damaged),
            }
        }
    }
}

impl Statement {
    /// A list for each column: as a statement of as many values as there are it would take longer to be read than to be run.
    fn for_postgres(self) -> Result<(SqlStr, PgArguments, Option<u64>), sqlx::Error> {
        let (rows, columns, values) = match self {
            Self::One(query) => return query.for_postgres().map(|(text, values)| (text, values, None)),
            Self::Many { rows, columns, values } => (rows, columns.max(1), values),
        };
        let count = values.len() / columns;
        let mut lists: Vec<Vec<Value>> = (0..columns).map(|_| Vec::with_capacity(count)).collect();
        let mut values = values.into_iter();
        while values.len() > 0 {
            for (list, value) in lists.iter_mut().zip(values.by_ref()) {
                list.push(value);
            }
        }
        let (mut text, mut arguments) =
            (format!("{}SELECT * FROM unnest(", rows.before), PgArguments::default());
        for (place, list) in (1..).zip(lists) {
            // A string takes whatever is written.
            let _ = write!(text, "{}${place}", if place > 1 { ", " } else { "" });
            Value::add_list_to_postgres(list, &mut arguments).map_err(sqlx::Error::Encode)?;
        }
        text.push(')');
        text.push_str(rows.after);
        let expected = rows.changes_each.then_some(count as u64);
        Ok((AssertSqlSafe(text).into_sql_str(), arguments, expected))
    }

    /// Rows in statements of as many as SQLite takes.
    fn ready(self) -> Vec<Ready> {
        let (rows, columns, values) = match self {
            Self::One(query) => return vec![Ready { query, expected: None, is_kept: true }],
            Self::Many { rows, columns, values } => (rows, columns.max(1), values),
        };
        let most = (VALUES_PER_STATEMENT / columns).min(ROWS_PER_STATEMENT);
        let (mut values, mut ready) = (values.into_iter(), Vec::new());
        while values.len() > 0 {
            let mut query = QueryBuilder::new(rows.before);
            let count = most.min(values.len() / columns).max(1);
            query.push_values(0..count, |mut row, _| {
                for value in values.by_ref().take(columns) {
                    row.push_bind(value);
                }
            });
            query.push(rows.after);
            let expected = rows.changes_each.then_some(count as u64);
            ready.push(Ready { query: query.build(), expected, is_kept: count == 1 });
        }
        ready
    }
}

/// Statements that SQLite's driver is handed at once.
struct Group {
    text: String,
    arguments: SqliteArguments,
    expected: Vec<Option<u64>>,
    is_kept: bool,
}

impl Group {
    fn begun(text: &str) -> Self {
        let expected = if text.is_empty() { Vec::new() } else { vec![None] };
        Self { text: text.to_owned(), arguments: SqliteArguments::default(), expected, is_kept: true }
    }

    fn push(&mut self, statement: Query, rows: Option<u64>) -> Result<(), sqlx::Error> {
        let places = words::in_order(&statement.text, &mut self.text);
        let mut add = |value: Value| value.add_to_sqlite(&mut self.arguments).map_err(sqlx::Error::Encode);
        if places.iter().copied().eq(0..statement.values.len()) {
            statement.values.into_iter().try_for_each(add)?;
        } else {
            // Each statement counts its places from the first again: a place that is named twice has its value twice.
            for place in places {
                add(statement.values.get(place).ok_or_else(|| without_value(place))?.clone())?;
            }
        }
        self.text.push_str(";\n");
        self.expected.push(rows);
        Ok(())
    }

    async fn run(self, connection: &mut SqliteConnection) -> Result<(), BatchError> {
        let query = sqlx::query_with(AssertSqlSafe(self.text).into_sql_str(), self.arguments);
        let mut results = connection.fetch_many(query.persistent(self.is_kept));
        let (mut expected, mut checked) = (self.expected.into_iter(), Ok(()));
        // To the end: the statements behind one are run whether anybody listens or not.
        while let Some(result) = results.try_next().await? {
            if let Either::Left(done) = result {
                checked = checked.and(check(expected.next().flatten(), done.rows_affected()));
            }
        }
        checked
    }
}

/// SQLite would take a place without a value for nothing.
fn without_value(place: usize) -> sqlx::Error {
    sqlx::Error::Encode(format!("a statement's place {} has no value", place + 1).into())
}

/// What a statement before the failed one did is undone. After a failure of the disk there may be no transaction any more, and the first error
/// says why; after a row's refusal there is one, and if it cannot be undone that is worse than the refusal.
async fn undo(connection: &mut SqliteConnection, failed: sqlx::Error) -> sqlx::Error {
    let of_a_row = failed.as_database_error().is_some_and(|error| error.kind() != ErrorKind::Other);
    match sqlx::query(UNDO).execute(connection).await {
        Err(worse) if of_a_row => worse,
        _ => failed,
    }
}

fn check(expected: Option<u64>, changed: u64) -> Result<(), BatchError> {
    match expected {
        Some(expected) if expected != changed => Err(BatchError::Rows { expected, changed }),
        _ => Ok(()),
    }
}

/// Some kilobytes of a prepared statement each; evidence of a usual hour has a dozen.
const STATEMENTS_AT_ONCE: usize = 64;
const BEGIN: &str = "SAVEPOINT batch;\n";
const END: &str = "RELEASE batch";
const UNDO: &str = "ROLLBACK TO batch; RELEASE batch";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{query, query_as, query_scalar};
    use crate::store::migrated;
    use crate::store::place::tests::database;

    #[tokio::test]
    async fn a_place_without_a_value_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = migrated(&database(dir.path())).await.unwrap();
        let mut batch = Batch::default();
        batch.push(query("DELETE FROM host WHERE id = ? AND name = ?").bind(1));
        assert!(batch.run(&mut db).await.is_err());
    }

    #[tokio::test]
    async fn many_are_one_step_too() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = migrated(&database(dir.path())).await.unwrap();
        query("CREATE TABLE single (a BIGINT PRIMARY KEY)").execute(&mut db).await.unwrap();
        let batch = |numbers: &[i64]| {
            let mut batch = Batch::default();
            for number in numbers {
                batch.push(query("INSERT INTO single (a) VALUES (?)").bind(number));
            }
            batch
        };
        let at_once = i64::try_from(STATEMENTS_AT_ONCE).unwrap();
        let mut tx = db.begin_write().await.unwrap();
        let mut begin = 0;
        for count in [1, at_once - 1, at_once, at_once + 1, 5 * at_once] {
            let numbers: Vec<i64> = (begin..begin + count).collect();
            batch(&numbers).run(&mut tx).await.unwrap();
            begin += count;
            // The last one is there already.
            let twice: Vec<i64> = (begin..begin + 2 * at_once).chain([begin - 1]).collect();
            assert!(batch(&twice).run(&mut tx).await.is_err(), "{count}");
        }
        tx.commit().await.unwrap();
        let count: i64 = query_scalar("SELECT count(*) FROM single").fetch_one(&mut db).await.unwrap();
        assert_eq!(count, begin);
    }

    #[tokio::test]
    async fn rows_of_a_statement_are_written_together_however_many_they_are() {
        static PAIRS: Rows = Rows::inserted("INSERT INTO many (a, b) ");
        static ADDED: Rows = Rows {
            before: "WITH of (a, plus) AS (",
            after: ") UPDATE many SET b = b + of.plus FROM of WHERE many.a = of.a",
            changes_each: true,
        };
        let dir = tempfile::tempdir().unwrap();
        let mut db = migrated(&database(dir.path())).await.unwrap();
        query("CREATE TABLE many (a BIGINT PRIMARY KEY, b BIGINT)").execute(&mut db).await.unwrap();
        let most = i64::try_from(ROWS_PER_STATEMENT).unwrap();
        let (mut begin, mut expected) = (0, 0);
        for count in [1, 2, most - 1, most, most + 1, 2 * most + 1] {
            let mut batch = Batch::default();
            for a in begin..begin + count {
                // Rows of one statement come between those of another.
                batch.row(&PAIRS, [a.into(), (a % 5).into()]);
                batch.row(&ADDED, [a.into(), (a % 3).into()]);
            }
            batch.run(&mut db).await.unwrap();
            expected += (begin..begin + count).map(|a| a % 5 + a % 3).sum::<i64>();
            begin += count;
            let sum: i64 =
                query_scalar("SELECT CAST(sum(b) AS BIGINT) FROM many").fetch_one(&mut db).await.unwrap();
            assert_eq!(sum, expected, "{count}");
        }
        let mut tx = db.begin_write().await.unwrap();
        let mut batch = Batch::default();
        (0..=begin).for_each(|a| batch.row(&ADDED, [a.into(), 1.into()]));
        assert!(matches!(batch.run(&mut tx).await, Err(BatchError::Rows { .. })), "one is not there");
    }

    #[tokio::test]
    async fn all_of_them_are_run_or_none() {
        static UPDATES: Rows = Rows {
            before: "WITH of (key) AS (",
            after: ") UPDATE pair SET b = b + 1 FROM of WHERE pair.a = of.key",
            changes_each: true,
        };
        let dir = tempfile::tempdir().unwrap();
        let mut db = migrated(&database(dir.path())).await.unwrap();
        query("CREATE TABLE pair (a BIGINT PRIMARY KEY, b BIGINT)").execute(&mut db).await.unwrap();
        let insert = |a: i64, b: i64| query("INSERT INTO pair (b, a) VALUES (?2, ?1)").bind(a).bind(b);
        let mut tx = db.begin_write().await.unwrap();
        let mut batch = Batch::default();
        batch.push(insert(1, 2));
        batch.row(&UPDATES, [1.into()]);
        batch.push(insert(3, 4));
        batch.run(&mut tx).await.unwrap();

        let mut twice = Batch::default();
        twice.push(insert(5, 6));
        twice.push(insert(1, 7));
        assert!(matches!(twice.run(&mut tx).await, Err(BatchError::Database(_))));
        Batch::default().run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let rows = async |db: &mut Connection<'_>| -> Vec<(i64, i64)> {
            query_as("SELECT a, b FROM pair ORDER BY a").fetch_all(db).await.unwrap()
        };
        assert_eq!(rows(&mut db).await, [(1, 3), (3, 4)]);

        // Rows that are not there: that much is known, and the transaction is given up.
        let mut tx = db.begin_write().await.unwrap();
        let mut damaged = Batch::default();
        damaged.push(insert(8, 9));
        damaged.row(&UPDATES, [10.into()]);
        damaged.push(insert(11, 12));
        let error = damaged.run(&mut tx).await;
        assert!(matches!(error, Err(BatchError::Rows { expected: 1, changed: 0 })), "{error:?}");
        drop(tx);
        assert_eq!(rows(&mut db).await, [(1, 3), (3, 4)]);
    }
}
