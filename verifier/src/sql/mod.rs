//! Statements for SQLite and PostgreSQL alike, over sqlx.
//!
//! In: a statement as SQLite takes it (`?`, `?1`), values, and a connection of either kind. Out: rows. Statements keep to what both
//! understand; what PostgreSQL lacks of that (`hex`, `instr`, a few more) its schema makes. So each statement is written once, and what is
//! tested with one is what the other runs.

mod batch;
mod build;
mod connection;
mod row;
mod value;
mod words;

use std::borrow::Cow;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

pub(crate) use batch::{Batch, BatchError, Rows};
pub(crate) use build::QueryBuilder;
use connection::Source;
pub(crate) use connection::{Connection, Executor, Handle, Kind, Pool, Transaction};
pub(crate) use row::{Field, FromRow, Row};
pub(crate) use value::Value;

/// A statement with its values.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// What a statement did that gives no rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Executed(u64);

impl Executed {
    pub(crate) const fn rows_affected(self) -> u64 {
        self.0
    }
}

/// A statement.
pub(crate) fn query(text: &'static str) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

/// A statement that was put together, of this program's own words alone: what anybody else says is bound and never becomes text.
pub(crate) fn assembled(text: String) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

/// A statement whose rows are tuples.
pub(crate) fn query_as<T: FromRow>(text: &'static str) -> QueryAs<T> {
    QueryAs { query: query(text), read: T::from_row }
}

/// A statement whose rows have one column.
pub(crate) fn query_scalar<T: Field>(text: &'static str) -> QueryAs<T> {
    QueryAs { query: query(text), read: |row| row.try_get(0) }
}

impl Query {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it, and says how many rows it changed.
    pub(crate) fn execute<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Executed, sqlx::Error>> {
        self.executed(executor.source()).boxed()
    }

    async fn executed(self, source: Source<'_>) -> Result<Executed, sqlx::Error> {
        let mut lease = source.lease().await?;
        Ok(Executed(match lease.handle() {
            Handle::Sqlite(connection) => {
                let (text, values) = self.for_sqlite()?;
                sqlx::query_with(text, values).execute(connection).await?.rows_affected()
            }
            Handle::Postgres(connection) => {
                let (text, values) = self.for_postgres()?;
                sqlx::query_with(text, values).execute(connection).await?.rows_affected()
            }
        }))
    }

    pub(crate) fn fetch_all<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Vec<Row>, sqlx::Error>> {
        self.all(executor.source()).boxed()
    }

    async fn all(self, source: Source<'_>) -> Result<Vec<Row>, sqlx::Error> {
        let mut lease = source.lease().await?;
        self.rows(lease.handle()).try_collect().await
    }

    pub(crate) fn fetch_optional<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Option<Row>, sqlx::Error>> {
        self.first(executor.source()).boxed()
    }

    async fn first(self, source: Source<'_>) -> Result<Option<Row>, sqlx::Error> {
        let mut lease = source.lease().await?;
        Ok(match lease.handle() {
            Handle::Sqlite(connection) => {
                let (text, values) = self.for_sqlite()?;
                sqlx::query_with(text, values).fetch_optional(connection).await?.map(Row::Sqlite)
            }
            Handle::Postgres(connection) => {
                let (text, values) = self.for_postgres()?;
                sqlx::query_with(text, values).fetch_optional(connection).await?.map(Row::Postgres)
            }
        })
    }

    pub(crate) fn fetch_one<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Row, sqlx::Error>> {
        let first = self.fetch_optional(executor);
        async { first.await?.ok_or(sqlx::Error::RowNotFound) }.boxed()
    }

    /// The rows one by one, as they come.
    pub(crate) fn fetch<'c>(
        self,
        connection: &'c mut Connection<'_>,
    ) -> BoxStream<'c, Result<Row, sqlx::Error>> {
        self.rows(connection.handle())
    }

    fn rows(self, handle: Handle<'_>) -> BoxStream<'_, Result<Row, sqlx::Error>> {
        let failed = |error: sqlx::Error| futures_util::stream::once(async { Err(error) }).boxed();
        match handle {
            Handle::Sqlite(connection) => match self.for_sqlite() {
                Ok((text, values)) => {
                    sqlx::query_with(text, values).fetch(connection).map_ok(Row::Sqlite).boxed()
                }
                Err(error) => failed(error),
            },
            Handle::Postgres(connection) => match self.for_postgres() {
                Ok((text, values)) => {
                    sqlx::query_with(text, values).fetch(connection).map_ok(Row::Postgres).boxed()
                }
                Err(error) => failed(error),
            },
        }
    }

    fn for_sqlite(self) -> Result<(SqlStr, sqlx::sqlite::SqliteArguments), sqlx::Error> {
        let mut values = sqlx::sqlite::SqliteArguments::default();
        for value in self.values {
            value.add_to_sqlite(&mut values).map_err(sqlx::Error::Encode)?;
        }
        let text = match self.text {
            Cow::Borrowed(text) => text.into_sql_str(),
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        };
        Ok((text, values))
    }

    fn for_postgres(self) -> Result<(SqlStr, sqlx::postgres::PgArguments), sqlx::Error> {
        let mut values = sqlx::postgres::PgArguments::default();
        for value in self.values {
            value.add_to_postgres(&mut values).map_err(sqlx::Error::Encode)?;
        }
        Ok((AssertSqlSafe(words::numbered(&self.text)).into_sql_str(), values))
    }
}

/// A statement and how its rows are read.
#[derive(Debug)]
#[must_use]
pub(crate) struct QueryAs<T> {
    query: Query,
    read: fn(&Row) -> Result<T, sqlx::Error>,
}

impl<T: Send + 'static> QueryAs<T> {
    pub(crate) fn bind(self, value: impl Into<Value>) -> Self {
        Self { query: self.query.bind(value), ..self }
    }

    pub(crate) fn fetch_all<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Vec<T>, sqlx::Error>> {
        let all = self.query.all(executor.source());
        async move { all.await?.iter().map(self.read).collect() }.boxed()
    }

    pub(crate) fn fetch_optional<'c>(
        self,
        executor: impl Executor<'c>,
    ) -> BoxFuture<'c, Result<Option<T>, sqlx::Error>> {
        let first = self.query.first(executor.source());
        async move { first.await?.as_ref().map(self.read).transpose() }.boxed()
    }

    pub(crate) fn fetch_one<'c>(self, executor: impl Executor<'c>) -> BoxFuture<'c, Result<T, sqlx::Error>> {
        let first = self.fetch_optional(executor);
        async { first.await?.ok_or(sqlx::Error::RowNotFound) }.boxed()
    }
}
