//! The database: opening it, and reading what is recorded.
//!
//! SQLite in WAL mode with full synchronisation, so that a transaction that was committed survives a power cut. One
//! connection writes and belongs to the recorder; a few others read and never block it. Rows are checked as they are
//! read: bytes of a wrong length are damage, not data.

pub(crate) mod action;
pub(crate) mod blob;
pub(crate) mod directory;
pub(crate) mod host;
pub(crate) mod incident;
pub(crate) mod log;
pub(crate) mod pack;
pub(crate) mod packed;
pub(crate) mod packed_rows;
pub(crate) mod token;
pub(crate) mod unpack;
pub(crate) mod watch;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqliteConnection};

use self::directory::Directories;
use crate::failure::{Exit, Failure};
use crate::limits::{BUSY_TIMEOUT, CACHE_KIB, READERS, WAL_PAGES};
use crate::log::LogReader;

/// The schema's steps, forward only.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// What was recorded, for reading: the database, and the log's files.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    log: LogReader,
    directories: Directories,
}

impl Store {
    pub(crate) fn new(readers: SqlitePool, log: LogReader) -> Self {
        Self { readers, log, directories: Directories::default() }
    }

    /// Every host, as questions need them.
    pub(crate) const fn directories(&self) -> &Directories {
        &self.directories
    }

    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub(crate) const fn log(&self) -> &LogReader {
        &self.log
    }

    /// Ends the connections, so that SQLite can fold its write-ahead log into the database.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}

/// Opens the database, brings its schema up to date, and gives out connections that read and the one that writes.
pub(crate) async fn open(path: &Path) -> Result<(SqlitePool, SqliteConnection), OpenError> {
    let writer = migrated(path).await?;
    let readers =
        SqlitePoolOptions::new().max_connections(READERS).connect_with(options(path).read_only(true)).await?;
    Ok((readers, writer))
}

/// Opens a connection that writes to a database that exists.
pub async fn open_existing(path: &Path) -> Result<SqliteConnection, OpenError> {
    if !path.exists() {
        return Err(OpenError::Absent { path: path.to_owned() });
    }
    migrated(path).await
}

/// Opens a connection that writes, and brings the schema up to date.
pub async fn migrated(path: &Path) -> Result<SqliteConnection, OpenError> {
    make_private(path).map_err(sqlx::Error::Io)?;
    let mut connection = connect(&options(path)).await?;
    MIGRATIONS.run(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => OpenError::Newer { version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => OpenError::Schema(other),
    })?;
    Ok(connection)
}

/// Makes the file for its owner alone where it is not there; SQLite gives its other files the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().create_new(true).write(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens another connection that writes, to a database that is open already.
pub(crate) async fn reopen(path: &Path) -> Result<SqliteConnection, OpenError> {
    connect(&options(path)).await
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    Ok(options.connect().await?)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // The commit returns when the write-ahead log is on the disk: what is acknowledged is not lost.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", WAL_PAGES.to_string())
        .pragma("cache_size", CACHE_KIB.to_string())
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
}

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not there.
    #[error("there is no database at {}", path.display())]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A newer program has written it.
    #[error("the database has schema {version}, which is newer than this program")]
    Newer {
        /// The newest step that it has seen.
        version: i64,
    },
    /// The recorded steps are not this program's.
    #[error("the database's schema: {0}")]
    Schema(MigrateError),
    /// SQLite refused.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match &error {
            OpenError::Absent { .. } => Self::new(Exit::Config, &error)
                .hint("start lydian-verifier once or run `lydian-verifier migrate`; is --state-dir right?"),
            OpenError::Newer { .. } => Self::new(Exit::Software, &error)
                .hint("install the version of lydian-verifier that was used last, or a newer one"),
            OpenError::Schema(_) => {
                Self::new(Exit::Software, &error).hint("restore the database from a backup")
            }
            OpenError::Database(cause) => match Trouble::of(cause) {
                Trouble::Full => Self::new(Exit::Io, &error).hint("free some disk space"),
                Trouble::Disk => Self::new(Exit::Io, &error).hint("look at the disk and at the kernel's log"),
                Trouble::Permission => Self::new(Exit::Permission, &error)
                    .hint("run it as the user that owns the state directory"),
                Trouble::Busy => {
                    Self::new(Exit::Unavailable, &error).hint("another process holds the database")
                }
                Trouble::Row | Trouble::Fenced | Trouble::Other => Self::new(Exit::Software, &error),
            },
        }
    }
}

/// Why something could not be read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row is not what this program writes.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// What is wrong, and where.
        what: &'static str,
    },
    /// Another sequencer has taken the log over.
    #[error("another verifier appends to this log")]
    Fenced,
    /// A failure that was reported to somebody already.
    #[error("{message}")]
    Failed {
        /// Its kind.
        trouble: Trouble,
        /// What it said.
        message: String,
    },
}

impl StoreError {
    /// What kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Database(error) => Trouble::of(error),
            Self::Damaged { .. } => Trouble::Other,
            Self::Fenced => Trouble::Fenced,
            Self::Failed { trouble, .. } => *trouble,
        }
    }
}

/// What a database's error comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full.
    Full,
    /// The disk fails.
    Disk,
    /// Not allowed.
    Permission,
    /// Locked by another process for too long.
    Busy,
    /// A constraint refused one row; everything else is well.
    Row,
    /// The log belongs to another sequencer now.
    Fenced,
    /// Anything else.
    Other,
}

impl Trouble {
    fn of(error: &sqlx::Error) -> Self {
        let error = match error {
            sqlx::Error::Database(error) => error,
            sqlx::Error::Io(error) => return Self::of_io(error),
            _ => return Self::Other,
        };
        // SQLite's primary result code is the low byte of the extended one.
        match error.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff) {
            Some(13) => Self::Full,
            Some(10) => Self::Disk,
            Some(3 | 8 | 14) => Self::Permission,
            Some(5 | 6) => Self::Busy,
            Some(19) => Self::Row,
            _ => Self::Other,
        }
    }

    fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Permission,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Disk,
        }
    }
}

/// SQLite has signed integers only; nothing of ours comes near their end.
pub(crate) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number that was stored from an unsigned one.
pub(crate) fn to_u64(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests;
