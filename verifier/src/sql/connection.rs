//! Connections, pools and transactions of either kind.

use std::ops::{Deref, DerefMut};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, Postgres, Sqlite};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A connection, or a transaction on one.
#[derive(Debug)]
pub(crate) struct Connection<'c>(Inner<'c>);

#[derive(Debug)]
enum Inner<'c> {
    Sqlite(SqliteConnection),
    PooledSqlite(PoolConnection<Sqlite>),
    BegunSqlite(sqlx::Transaction<'c, Sqlite>),
    Postgres(Box<PgConnection>),
    PooledPostgres(PoolConnection<Postgres>),
    BegunPostgres(sqlx::Transaction<'c, Postgres>),
}

/// The driver's own connection.
#[derive(Debug)]
pub(crate) enum Handle<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl From<SqliteConnection> for Connection<'_> {
    fn from(connection: SqliteConnection) -> Self {
        Self(Inner::Sqlite(connection))
    }
}

impl From<PgConnection> for Connection<'_> {
    fn from(connection: PgConnection) -> Self {
        Self(Inner::Postgres(Box::new(connection)))
    }
}

impl Connection<'_> {
    pub(crate) fn handle(&mut self) -> Handle<'_> {
        match &mut self.0 {
            Inner::Sqlite(connection) => Handle::Sqlite(connection),
            Inner::PooledSqlite(connection) => Handle::Sqlite(connection),
            Inner::BegunSqlite(connection) => Handle::Sqlite(connection),
            Inner::Postgres(connection) => Handle::Postgres(connection),
            Inner::PooledPostgres(connection) => Handle::Postgres(connection),
            Inner::BegunPostgres(connection) => Handle::Postgres(connection),
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        match &self.0 {
            Inner::Sqlite(_) | Inner::PooledSqlite(_) | Inner::BegunSqlite(_) => Kind::Sqlite,
            Inner::Postgres(_) | Inner::PooledPostgres(_) | Inner::BegunPostgres(_) => Kind::Postgres,
        }
    }

    /// A transaction that writes, or a step of one; one at a time, also of several programs.
    pub(crate) fn begin_write(&mut self) -> BoxFuture<'_, Result<Transaction<'_>, sqlx::Error>> {
        begin_write(self.handle()).boxed()
    }

    /// A step of a transaction, which may fail by itself.
    pub(crate) fn step(&mut self) -> BoxFuture<'_, Result<Transaction<'_>, sqlx::Error>> {
        step(self.handle()).boxed()
    }

    /// The driver's own, where it is SQLite's and nobody else's.
    pub(crate) fn into_sqlite(self) -> Option<SqliteConnection> {
        match self.0 {
            Inner::Sqlite(connection) => Some(connection),
            _ => None,
        }
    }

    /// Ends a connection that is no pool's in order.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Inner::Sqlite(connection) => connection.close().await,
            Inner::Postgres(connection) => connection.close().await,
            _ => Ok(()),
        }
    }
}

// Futures of two lifetimes are more than the compiler can see to be `Send`; these have one.

async fn begin_write(handle: Handle<'_>) -> Result<Transaction<'_>, sqlx::Error> {
    let within = match &handle {
        Handle::Sqlite(connection) => connection.is_in_transaction(),
        Handle::Postgres(connection) => connection.is_in_transaction(),
    };
    if within {
        return step(handle).await;
    }
    Ok(Transaction::from(match handle {
        Handle::Sqlite(connection) => Inner::BegunSqlite(connection.begin_with("BEGIN IMMEDIATE").await?),
        Handle::Postgres(connection) => {
            let mut begun = connection.begin().await?;
            // As SQLite does by itself; it ends with the transaction.
            let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITERS);
            lock.execute(&mut *begun).await?;
            Inner::BegunPostgres(begun)
        }
    }))
}

async fn step(handle: Handle<'_>) -> Result<Transaction<'_>, sqlx::Error> {
    Ok(Transaction::from(match handle {
        Handle::Sqlite(connection) => Inner::BegunSqlite(connection.begin().await?),
        Handle::Postgres(connection) => Inner::BegunPostgres(connection.begin().await?),
    }))
}

/// Connections that are shared.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) async fn acquire(&self) -> Result<Connection<'static>, sqlx::Error> {
        Ok(Connection(match self {
            Self::Sqlite(pool) => Inner::PooledSqlite(pool.acquire().await?),
            Self::Postgres(pool) => Inner::PooledPostgres(pool.acquire().await?),
        }))
    }

    /// A transaction that sees one moment of the database, whatever is written meanwhile.
    pub(crate) async fn begin_read(&self) -> Result<Transaction<'static>, sqlx::Error> {
        Ok(Transaction::from(match self {
            Self::Sqlite(pool) => Inner::BegunSqlite(pool.begin().await?),
            Self::Postgres(pool) => {
                const ONE_MOMENT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Inner::BegunPostgres(pool.begin_with(ONE_MOMENT).await?)
            }
        }))
    }

    #[cfg(test)]
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// What statements are run by.
pub(crate) trait Executor<'c> {
    /// Where a connection is to be had from.
    fn source(self) -> Source<'c>;
}

impl<'c> Executor<'c> for &'c mut Connection<'_> {
    fn source(self) -> Source<'c> {
        Source::Lent(self.handle())
    }
}

impl<'c> Executor<'c> for &'c Pool {
    fn source(self) -> Source<'c> {
        Source::Pool(self)
    }
}

/// Where a connection is to be had from.
#[derive(Debug)]
pub(crate) enum Source<'c> {
    Lent(Handle<'c>),
    Pool(&'c Pool),
}

impl<'c> Source<'c> {
    pub(super) async fn lease(self) -> Result<Lease<'c>, sqlx::Error> {
        match self {
            Self::Lent(handle) => Ok(Lease::Lent(handle)),
            Self::Pool(pool) => pool.acquire().await.map(Lease::Own),
        }
    }
}

/// A connection for a while.
#[derive(Debug)]
pub(super) enum Lease<'c> {
    Lent(Handle<'c>),
    Own(Connection<'static>),
}

impl Lease<'_> {
    pub(super) fn handle(&mut self) -> Handle<'_> {
        match self {
            Self::Lent(Handle::Sqlite(connection)) => Handle::Sqlite(connection),
            Self::Lent(Handle::Postgres(connection)) => Handle::Postgres(connection),
            Self::Own(connection) => connection.handle(),
        }
    }
}

/// A transaction, or a step of one. It is undone where it is dropped before it was committed.
#[derive(Debug)]
#[must_use]
pub(crate) struct Transaction<'c>(Connection<'c>);

impl<'c> From<Inner<'c>> for Transaction<'c> {
    fn from(begun: Inner<'c>) -> Self {
        Self(Connection(begun))
    }
}

impl Transaction<'_> {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.0.0 {
            Inner::BegunSqlite(begun) => begun.commit().await,
            Inner::BegunPostgres(begun) => begun.commit().await,
            _ => Err(not_begun()),
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self.0.0 {
            Inner::BegunSqlite(begun) => begun.rollback().await,
            Inner::BegunPostgres(begun) => begun.rollback().await,
            _ => Err(not_begun()),
        }
    }
}

/// What is no transaction cannot have been committed.
fn not_begun() -> sqlx::Error {
    sqlx::Error::Protocol("no transaction was begun".to_owned())
}

impl<'c> Deref for Transaction<'c> {
    type Target = Connection<'c>;

    fn deref(&self) -> &Connection<'c> {
        &self.0
    }
}

impl<'c> DerefMut for Transaction<'c> {
    fn deref_mut(&mut self) -> &mut Connection<'c> {
        &mut self.0
    }
}

/// The lock of those who write: "lydian" in ASCII.
const WRITERS: i64 = 0x6c79_6469_616e;
