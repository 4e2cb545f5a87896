//! Statements that are run one after the other, of which nothing is read.
//!
//! In: statements, and how many rows each must change where that is known. Out: all of them were run, as one step of a transaction, or none
//! of them; but where one changed other rows than it must, the database is damaged and the whole transaction is to be given up. SQLite's
//! driver hands each statement to a thread of its own and waits: together they cost that once.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::error::ErrorKind;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection as _, Either, Executor as _, SqlSafeStr as _, SqliteConnection};

use super::{Connection, Handle, Query, words};

/// Statements to be run.
#[derive(Clone, Debug, Default)]
#[must_use]
pub(crate) struct Batch {
    statements: Vec<(Query, Option<u64>)>,
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
        self.statements.push((statement, None));
    }

    /// Adds one that must change so many rows.
    pub(crate) fn push_changing(&mut self, statement: Query, rows: u64) {
        self.statements.push((statement, Some(rows)));
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
        for (statement, expected) in self.statements {
            let (text, values) = statement.for_postgres()?;
            let done = sqlx::query_with(text, values).execute(&mut *step).await?;
            check(expected, done.rows_affected())?;
        }
        Ok(step.commit().await?)
    }

    async fn run_together(self, connection: &mut SqliteConnection) -> Result<(), BatchError> {
        let groups = self.statements.len().div_ceil(STATEMENTS_AT_ONCE);
        // What is of several groups is of a shape of its own: it would only push others out of the driver's cache.
        let is_kept = groups <= 1;
        let mut statements = self.statements.into_iter().peekable();
        let mut group = Group::begun(BEGIN);
        loop {
            for (statement, rows) in statements.by_ref().take(STATEMENTS_AT_ONCE) {
                group.push(&statement, rows)?;
            }
            let is_last = statements.peek().is_none();
            if is_last {
                group.text.push_str(END);
            }
            match group.run(connection, is_kept).await {
                Ok(()) if is_last => return Ok(()),
                Ok(()) => group = Group::begun(""),
                Err(BatchError::Database(failed)) => return Err(undo(connection, failed).await.into()),
                Err(damaged) => return Err(damaged),
            }
        }
    }
}

/// Statements that SQLite's driver is handed at once.
struct Group {
    text: String,
    arguments: SqliteArguments,
    expected: Vec<Option<u64>>,
}

impl Group {
    fn begun(text: &str) -> Self {
        let expected = if text.is_empty() { Vec::new() } else { vec![None] };
        Self { text: text.to_owned(), arguments: SqliteArguments::default(), expected }
    }

    fn push(&mut self, statement: &Query, rows: Option<u64>) -> Result<(), sqlx::Error> {
        // Each statement counts its places from the first again: a place that is named twice has its value twice.
        for place in words::in_order(&statement.text, &mut self.text) {
            let value = statement.values.get(place).ok_or_else(|| without_value(place))?;
            value.clone().add_to_sqlite(&mut self.arguments).map_err(sqlx::Error::Encode)?;
        }
        self.text.push_str(";\n");
        self.expected.push(rows);
        Ok(())
    }

    async fn run(self, connection: &mut SqliteConnection, is_kept: bool) -> Result<(), BatchError> {
        let query = sqlx::query_with(AssertSqlSafe(self.text).into_sql_str(), self.arguments);
        let mut results = connection.fetch_many(query.persistent(is_kept));
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
                batch.push_changing(query("INSERT INTO single (a) VALUES (?)").bind(number), 1);
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
    async fn all_of_them_are_run_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = migrated(&database(dir.path())).await.unwrap();
        query("CREATE TABLE pair (a BIGINT PRIMARY KEY, b BIGINT)").execute(&mut db).await.unwrap();
        let insert = |a: i64, b: i64| query("INSERT INTO pair (b, a) VALUES (?2, ?1)").bind(a).bind(b);
        let update = |a: i64| query("UPDATE pair SET b = b + ?1 WHERE a = ?2 AND b <> ?1").bind(1).bind(a);
        let mut tx = db.begin_write().await.unwrap();
        let mut batch = Batch::default();
        batch.push(insert(1, 2));
        batch.push_changing(update(1), 1);
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
        damaged.push_changing(update(10), 1);
        damaged.push(insert(11, 12));
        let error = damaged.run(&mut tx).await;
        assert!(matches!(error, Err(BatchError::Rows { expected: 1, changed: 0 })), "{error:?}");
        drop(tx);
        assert_eq!(rows(&mut db).await, [(1, 3), (3, 4)]);
    }
}
