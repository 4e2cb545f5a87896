//! Where a database is.
//!
//! In: a file, or the address of a PostgreSQL server. Out: connections of the right kind, with the promises that recording needs: what was
//! committed survives a power cut.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::OpenError;
use crate::limits::{BUSY_TIMEOUT, CACHE_KIB, READERS, WAL_PAGES};
use crate::sql::{Connection, Pool};

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Server(Box<PgConnectOptions>),
}

impl Database {
    /// The database at an address such as `postgres://lydian@db.example.com/lydian`.
    pub fn server(address: &str) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(address)?
            .application_name("lydian-verifier")
            // A server may be told to acknowledge before its disk does. Answers are many rows from few pages, which compiling a statement anew each time makes slow.
            .options([("synchronous_commit", "on"), ("jit", "off")])
            .disable_statement_logging();
        Ok(Self::Server(Box::new(options)))
    }

    /// Whether it is a file that is there; of a server's database only asking tells.
    pub(crate) fn is_there(&self) -> bool {
        matches!(self, Self::File(path) if path.exists())
    }

    /// Those who only use a database do not make its file.
    pub(crate) fn must_be_there(&self) -> Result<(), OpenError> {
        match self {
            Self::File(path) if !path.exists() => Err(OpenError::Absent { path: path.clone() }),
            _ => Ok(()),
        }
    }

    /// Whether others on the way to it could read along or stand in for it.
    pub(crate) fn is_exposed(&self) -> bool {
        let Self::Server(options) = self else { return false };
        let is_here = options.get_socket().is_some()
            || options.get_host().starts_with('/')
            || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&options.get_host());
        !is_here && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull)
    }

    pub(super) async fn connect(&self) -> Result<Connection<'static>, sqlx::Error> {
        match self {
            Self::File(path) => file(path).connect().await.map(Connection::from),
            Self::Server(options) => {
                // Whoever writes looks rows up by their keys. How many there will be is not known when a table is new, and a plan for few rows that
                // reads the whole table would stay.
                let by_key = [
                    ("enable_hashjoin", "off"),
                    ("enable_mergejoin", "off"),
                    ("plan_cache_mode", "force_generic_plan"),
                ];
                (**options).clone().options(by_key).connect().await.map(Connection::from)
            }
        }
    }

    pub(super) async fn readers(&self) -> Result<Pool, sqlx::Error> {
        match self {
            Self::File(path) => {
                let pool = SqlitePoolOptions::new().max_connections(READERS);
                pool.connect_with(file(path).read_only(true)).await.map(Pool::Sqlite)
            }
            Self::Server(options) => {
                let pool = PgPoolOptions::new().max_connections(READERS);
                pool.connect_with((**options).clone()).await.map(Pool::Postgres)
            }
        }
    }
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// Without a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(options) => {
                let database = options.get_database().unwrap_or_else(|| options.get_username());
                if let Some(socket) = options.get_socket() {
                    return write!(f, "PostgreSQL at {}, database {database}", socket.display());
                }
                let (host, port) = (options.get_host(), options.get_port());
                write!(f, "PostgreSQL at {host}:{port}, database {database}")
            }
        }
    }
}

fn file(path: &Path) -> SqliteConnectOptions {
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

#[cfg(test)]
pub(crate) mod tests {
    use std::process::Command;

    use evidence::digest::Sha256Digest;

    use super::*;

    /// The database of a test: a file in its directory, or one of its own of the server that `LYDIAN_TEST_POSTGRES` names.
    pub(crate) fn database(dir: &Path) -> Database {
        let Ok(server) = std::env::var("LYDIAN_TEST_POSTGRES") else {
            return Database::File(dir.join("verifier.db"));
        };
        let name = Sha256Digest::of(&[dir.as_os_str().as_encoded_bytes()]).to_string();
        let name = format!("lydian_{}", &name[..16]);
        let made = dir.join("database-is-made");
        if !made.exists() {
            let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
            let told =
                Command::new("psql").args(["-X", "-q", "-d", &server, "-c", &create]).output().unwrap();
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            std::fs::create_dir_all(dir).unwrap();
            std::fs::write(made, "").unwrap();
        }
        let Database::Server(options) = Database::server(&server).unwrap() else {
            panic!("{server} is no server")
        };
        Database::Server(Box::new(options.database(&name)))
    }

    /// The connection is encrypted, and to whom the authority vouches for.
    #[tokio::test]
    async fn a_server_is_known_by_its_certificate() {
        let Ok(address) = std::env::var("LYDIAN_TEST_POSTGRES_TLS") else {
            eprintln!("skipped: LYDIAN_TEST_POSTGRES_TLS names no server");
            return;
        };
        let place = Database::server(&address).unwrap();
        let mut db = place.connect().await.unwrap();
        let encrypted =
            crate::sql::query_scalar::<bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        assert!(encrypted.fetch_one(&mut db).await.unwrap());
        // Another name, and an authority that has not signed it.
        let other = Database::server(&address.replace("@localhost:", "@127.0.0.1:")).unwrap();
        assert!(other.connect().await.is_err());
        let root = address.split_once("sslrootcert=").unwrap().1;
        let dir = tempfile::tempdir().unwrap();
        let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = dir.path().join("ca.pem");
        std::fs::write(&pem, stranger.cert.pem()).unwrap();
        let other = Database::server(&address.replace(root, pem.to_str().unwrap())).unwrap();
        assert!(other.connect().await.is_err());
    }

    #[test]
    fn a_server_elsewhere_must_be_known_by_its_certificate() {
        for (address, exposed) in [
            ("postgres://db.example.com/fleet", true),
            ("postgres://db.example.com/fleet?sslmode=require", true),
            ("postgres://db.example.com/fleet?sslmode=verify-ca", true),
            ("postgres://db.example.com/fleet?sslmode=verify-full", false),
            ("postgres://127.0.0.1/fleet", false),
            ("postgres://[::1]/fleet", false),
            ("postgres:///fleet?host=/run/postgresql", false),
            ("postgres://localhost.example.com/fleet", true),
        ] {
            assert_eq!(Database::server(address).unwrap().is_exposed(), exposed, "{address}");
        }
    }

    #[test]
    fn a_server_is_told_without_its_password() {
        let place = Database::server("postgres://who:secret@db.example.com:5433/fleet").unwrap();
        assert_eq!(place.to_string(), "PostgreSQL at db.example.com:5433, database fleet");
        let place = Database::server("postgres:///fleet?host=/run/postgresql&user=who").unwrap();
        assert_eq!(place.to_string(), "PostgreSQL at /run/postgresql, database fleet");
        assert!(Database::server("postgres://[").is_err());
    }
}
