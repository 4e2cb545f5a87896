//! The history moves from a file into a server's database.
//!
//! In: a file of SQLite that nobody writes to, and a PostgreSQL database that has nothing yet. Out: the same rows there, counted, in one
//! transaction; the file stays as it is. The log's public files and the keys are not part of either.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::failure::{Exit, Failure};
use crate::sql::{self, Connection, Handle, Row};
use crate::store::{self, Database, OpenError, StoreError};
use futures_util::TryStreamExt as _;

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
}

/// Copies; `told` hears of each table, and how many of its rows are there.
pub(crate) async fn copy(
    from: &Database,
    to: &Database,
    mut told: impl FnMut(&str, u64),
) -> Result<Copied, Failure> {
    if !from.is_there() {
        return Err(Failure::new(Exit::Config, format_args!("{from} is no file that could be copied"))
            .hint("take `database` out of the configuration until the history is copied, or name it with --state-dir"));
    }
    let (mut from, mut to) = (store::migrated(from).await?, store::migrated(to).await?);
    let copied = all(&mut from, &mut to, &mut told).await?;
    for connection in [from, to] {
        // A tidy end; what was committed is committed.
        let _ = connection.close().await;
    }
    Ok(copied)
}

/// Why a history is not copied.
#[derive(Debug, thiserror::Error)]
enum CopyError {
    #[error("the server's database has a history already")]
    NotEmpty,
    #[error("the schema has tables that this program does not copy: {tables}")]
    Tables { tables: String },
    #[error("table {table}: {rows} rows are in the file, {arrived} have arrived")]
    Count { table: &'static str, rows: u64, arrived: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::NotEmpty => {
                Self::new(Exit::Config, error).hint("copy into an empty database: docs/database.md")
            }
            CopyError::Tables { .. } | CopyError::Count { .. } => Self::new(Exit::Software, error),
            CopyError::Store(StoreError::Database(error)) => OpenError::from(error).into(),
            CopyError::Store(_) => Self::new(Exit::Io, error),
        }
    }
}

async fn all(
    from: &mut Connection<'_>,
    to: &mut Connection<'_>,
    told: &mut impl FnMut(&str, u64),
) -> Result<Copied, CopyError> {
    // Nobody writes to the file meanwhile, a command line beside this one neither.
    let mut from = from.begin_write().await?;
    let mut tx = to.begin_write().await?;
    let rows: i64 = sql::query_scalar(
        "SELECT (SELECT count(*) FROM log_head) + (SELECT count(*) FROM host) + (SELECT count(*) FROM operator_action)",
    )
    .fetch_one(&mut *tx)
    .await?;
    if rows > 0 {
        return Err(CopyError::NotEmpty);
    }
    unknown_tables(&mut tx).await?;
    let mut copied = Copied::default();
    for table in TABLES {
        let columns = columns(&mut tx, table).await?;
        let rows = copy_table(&mut from, &mut tx, (table, &columns), told).await?;
        if columns.iter().any(|column| column.counts) {
            count_on(&mut from, &mut tx, table).await?;
        }
        copied.tables += 1;
        copied.rows += rows;
    }
    tx.commit().await?;
    Ok(copied)
}

/// A table that a later version made must not be left out in silence.
async fn unknown_tables(to: &mut Connection<'_>) -> Result<(), CopyError> {
    let found: Vec<String> = sql::query_scalar(
        "SELECT table_name::TEXT FROM information_schema.tables
         WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(to)
    .await?;
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = TABLES.into_iter().collect();
    if found == known {
        return Ok(());
    }
    let tables: Vec<&str> = found.symmetric_difference(&known).copied().collect();
    Err(CopyError::Tables { tables: tables.join(", ") })
}

/// A column, as the server has it.
struct Column {
    name: String,
    kind: Kind,
    /// Whether the server counts it on by itself.
    counts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Bytes,
}

async fn columns(to: &mut Connection<'_>, table: &str) -> Result<Vec<Column>, CopyError> {
    let rows: Vec<(String, String, bool)> = sql::query_as(
        "SELECT column_name::TEXT, data_type::TEXT, is_identity = 'YES' FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
    )
    .bind(table)
    .fetch_all(to)
    .await?;
    let column = |(name, kind, counts): (String, String, bool)| {
        let kind = match kind.as_str() {
            "bigint" => Kind::Number,
            "text" => Kind::Text,
            "bytea" => Kind::Bytes,
            _ => {
                return Err(
                    StoreError::Damaged { what: "a column of another type than this program's" }.into()
                );
            }
        };
        Ok(Column { name, kind, counts })
    };
    rows.into_iter().map(column).collect()
}

async fn copy_table(
    from: &mut Connection<'_>,
    to: &mut Connection<'_>,
    (table, columns): (&'static str, &[Column]),
    told: &mut impl FnMut(&str, u64),
) -> Result<u64, CopyError> {
    const OTHER: StoreError = StoreError::Damaged { what: "the copy goes to a server" };
    let Handle::Postgres(server) = to.handle() else { return Err(OTHER.into()) };
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let names = names.join(", ");
    let mut target = server.copy_in_raw(&format!("COPY {table} ({names}) FROM STDIN")).await?;
    let mut rows = sql::assembled(format!("SELECT {names} FROM {table}")).fetch(from);
    let (mut line, mut count) = (String::with_capacity(2 * CHUNK), 0);
    let read = loop {
        match rows.try_next().await {
            Ok(Some(row)) => {
                if let Err(error) = write_row(&mut line, &row, columns) {
                    break Err(error);
                }
                count += 1;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        if line.len() >= CHUNK {
            target.send(line.as_bytes()).await?;
            line.clear();
            told(table, count);
        }
    };
    drop(rows);
    if let Err(error) = read {
        // What went wrong is told; that the server drops what it has follows from the transaction.
        let _ = target.abort("the file could not be read").await;
        return Err(error.into());
    }
    target.send(line.as_bytes()).await?;
    let arrived = target.finish().await?;
    told(table, count);
    if arrived == count { Ok(count) } else { Err(CopyError::Count { table, rows: count, arrived }) }
}

/// A row in PostgreSQL's text format.
fn write_row(to: &mut String, row: &Row, columns: &[Column]) -> Result<(), sqlx::Error> {
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            to.push('\t');
        }
        match column.kind {
            Kind::Number => match row.try_get::<Option<i64>>(place)? {
                // A string takes whatever is written.
                Some(number) => drop(write!(to, "{number}")),
                None => to.push_str("\\N"),
            },
            Kind::Text => match row.try_get::<Option<String>>(place)? {
                Some(text) => write_text(to, &text),
                None => to.push_str("\\N"),
            },
            Kind::Bytes => match row.try_get::<Option<Vec<u8>>>(place)? {
                Some(bytes) => {
                    to.push_str("\\\\x");
                    to.push_str(&hex::encode(bytes));
                }
                None => to.push_str("\\N"),
            },
        }
    }
    to.push('\n');
    Ok(())
}

fn write_text(to: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            // PostgreSQL's texts have none.
            '\0' => to.push('\u{fffd}'),
            c => to.push(c),
        }
    }
}

/// The server goes on counting where the file ended, also where the last rows are gone.
async fn count_on(from: &mut Connection<'_>, to: &mut Connection<'_>, table: &str) -> Result<(), CopyError> {
    let last = sql::assembled(format!(
        "SELECT max(coalesce((SELECT max(id) FROM {table}), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0))"
    ))
    .fetch_one(from)
    .await?;
    let last: i64 = last.try_get(0)?;
    if last > 0 {
        let next = sql::query("SELECT setval(pg_get_serial_sequence(?, 'id'), ?)").bind(table).bind(last);
        next.fetch_one(to).await?;
    }
    Ok(())
}

/// Every table, each behind those that it refers to.
const TABLES: [&str; 53] = [
    "host",
    "blob",
    "enrolment",
    "retirement",
    "log_head",
    "log_time",
    "log_pending",
    "log_archive",
    "component",
    "component_wanted",
    "component_artefact",
    "host_component",
    "operator_token",
    "join_token",
    "operator_action",
    "moment",
    "principal",
    "component_principal",
    "component_partial",
    "component_image",
    "component_source",
    "component_sourceless",
    "component_run",
    "component_sbat",
    "image_signer",
    "key_list",
    "host_key",
    "host_label",
    "certificate",
    "component_unissued",
    "boot_profile",
    "boot_unissued",
    "boot_principal",
    "boot_setting",
    "host_boot_profile",
    "boot",
    "execution",
    "coverage_gap",
    "host_index",
    "index_state",
    "index_root",
    "attestation",
    "attestation_digest",
    "attestation_recent",
    "attestation_pack",
    "attestation_columns",
    "host_state",
    "event",
    "refusal",
    "watch",
    "watch_hit",
    "alert_state",
    "incident",
];
const CHUNK: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_table_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let file = Database::File(dir.path().join("verifier.db"));
        let mut db = store::migrated(&file).await.unwrap();
        let tables: Vec<String> = sql::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations'",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let tables: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
        assert_eq!(tables, TABLES.into_iter().collect());
    }

    #[test]
    fn texts_are_escaped() {
        let mut line = String::new();
        write_text(&mut line, "a\\b\tc\nd\re\0f");
        assert_eq!(line, "a\\\\b\\tc\\nd\\re\u{fffd}f");
    }
}
