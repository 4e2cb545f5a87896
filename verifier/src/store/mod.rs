//! The database: opening it, and reading what is recorded.
//!
//! SQLite in WAL mode with full synchronisation, or PostgreSQL, so that a transaction that was committed survives a power cut. One
//! connection writes and belongs to the recorder; a few others read and never block it. Rows are checked as they are
//! read: bytes of a wrong length are damage, not data.

pub(crate) mod action;
pub(crate) mod blob;
pub(crate) mod directory;
pub(crate) mod host;
pub(crate) mod host_sets;
pub(crate) mod incident;
pub(crate) mod log;
pub(crate) mod pack;
pub(crate) mod packed;
pub(crate) mod packed_rows;
pub(crate) mod place;
pub(crate) mod token;
pub(crate) mod unpack;
pub(crate) mod watch;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgDatabaseError;

use self::directory::Directories;
pub use self::place::Database;
use crate::failure::{Exit, Failure};
use crate::log::LogReader;
use crate::sql::{BatchError, Connection, Handle, Pool};

/// The schema's steps, forward only.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// The same for PostgreSQL, which begins with what SQLite had at its thirteenth step.
static MIGRATIONS_OF_SERVERS: Migrator = sqlx::migrate!("./migrations-postgres");

/// What was recorded, for reading: the database, and the log's files.
#[derive(Clone, Debug)]
pub struct Store {
    readers: Pool,
    log: LogReader,
    directories: Directories,
}

impl Store {
    pub(crate) fn new(readers: Pool, log: LogReader) -> Self {
        Self { readers, log, directories: Directories::default() }
    }

    /// Every host, as questions need them.
    pub(crate) const fn directories(&self) -> &Directories {
        &self.directories
    }

    pub(crate) const fn readers(&self) -> &Pool {
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
pub(crate) async fn open(place: &Database) -> Result<(Pool, Connection<'static>), OpenError> {
    let writer = migrated(place).await?;
    Ok((place.readers().await.map_err(|error| OpenError::at(place, error))?, writer))
}

/// Opens a connection that writes to a database that exists.
pub(crate) async fn open_existing(place: &Database) -> Result<Connection<'static>, OpenError> {
    place.must_be_there()?;
    migrated(place).await
}

/// Opens a connection that writes, and brings the schema up to date.
pub(crate) async fn migrated(place: &Database) -> Result<Connection<'static>, OpenError> {
    if let Database::File(path) = place {
        make_private(path).map_err(sqlx::Error::Io)?;
    }
    let mut connection = reopen(place).await?;
    let done = match connection.handle() {
        Handle::Sqlite(connection) => MIGRATIONS.run(connection).await,
        Handle::Postgres(connection) => MIGRATIONS_OF_SERVERS.run(connection).await,
    };
    done.map_err(|error| match error {
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
pub(crate) async fn reopen(place: &Database) -> Result<Connection<'static>, OpenError> {
    place.connect().await.map_err(|error| OpenError::at(place, error))
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
    /// It refused.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The server cannot be reached, or does not let us in.
    #[error("{place}: {cause}")]
    Server {
        /// Which.
        place: String,
        /// Why.
        cause: sqlx::Error,
    },
}

impl OpenError {
    fn at(place: &Database, cause: sqlx::Error) -> Self {
        match place {
            Database::File(_) => Self::Database(cause),
            Database::Server(_) => Self::Server { place: place.to_string(), cause },
        }
    }
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
            OpenError::Server { .. } => Self::new(Exit::Unavailable, &error).hint(
                "does it run, is `database` in the configuration right, and does pg_hba.conf let this user in?",
            ),
            OpenError::Database(cause) => match Trouble::of(cause) {
                Trouble::Full => Self::new(Exit::Io, &error).hint("free some disk space"),
                Trouble::Disk => Self::new(Exit::Io, &error).hint("look at the disk and at the kernel's log"),
                Trouble::Permission => Self::new(Exit::Permission, &error)
                    .hint("run it as the user that owns the state directory"),
                Trouble::Busy => {
                    Self::new(Exit::Unavailable, &error).hint("another process holds the database")
                }
                Trouble::Row | Trouble::Fenced | Trouble::Lost | Trouble::Other => Self::new(Exit::Software, &error),
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

impl From<BatchError> for StoreError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Rows { .. } => Self::Damaged { what: "rows that should be there, and once, are not" },
            BatchError::Database(error) => error.into(),
        }
    }
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
    /// The connection to the server broke: whether what was written last is committed, only another one tells.
    Lost,
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
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return Self::of_server(error.code());
        }
        let code = error.code().unwrap_or_default();
        // SQLite's primary result code is the low byte of the extended one.
        match code.parse::<u32>().ok().map(|code| code & 0xff) {
            Some(13) => Self::Full,
            Some(10) => Self::Disk,
            Some(3 | 8 | 14) => Self::Permission,
            Some(5 | 6) => Self::Busy,
            Some(19) => Self::Row,
            _ => Self::Other,
        }
    }

    /// PostgreSQL's codes have five characters, of which the first two are the class.
    fn of_server(code: &str) -> Self {
        match (code.get(..2).unwrap_or_default(), code) {
            ("23", _) => Self::Row,
            (_, "53100") => Self::Full,
            ("58" | "XX", _) => Self::Disk,
            ("28", _) | (_, "42501") => Self::Permission,
            (_, "55P03" | "40001" | "40P01") => Self::Busy,
            ("08", _) | (_, "57P01" | "57P02" | "57P03") => Self::Lost,
            _ => Self::Other,
        }
    }

    fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Permission,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut => Self::Lost,
            _ => Self::Disk,
        }
    }
}

/// Databases have signed integers only; nothing of ours comes near their end.
pub(crate) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number that was stored from an unsigned one.
pub(crate) fn to_u64(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests;
