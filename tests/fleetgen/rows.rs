//! A life as rows of the verifier's tables.

use anyhow::Result;
use evidence::digest::Sha256Digest;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use support::course::{Life, Stay};

/// Rows of one statement: four numbers each stay below SQLite's limit of 32,766.
const ROWS: usize = 4_000;
/// Files of a package.
const FILES: u64 = 10;
/// When the first hour begins, in milliseconds since 1970.
const EPOCH_MS: u64 = 1_700_000_000_000;

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) async fn hosts(connection: &mut SqliteConnection, life: &Life) -> Result<()> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    for host in 0..life.hosts {
        let identity = Sha256Digest::of(&[b"fleetgen host", &life.seed.to_be_bytes(), &host.to_be_bytes()]);
        let chain = identity.as_bytes().first_chunk::<16>().map(|chain| chain.to_vec()).unwrap_or_default();
        sqlx::query(
            "INSERT INTO host (id, identity, name, ek_public, ak_public, selection, tier, agent_version, enrolled_ms, chain, next_seq,
               prev, components, silent) VALUES (?, ?, ?, X'', X'', 'sha256:0,7', 'manufacturer', '1', ?, ?, 0, X'', 0, 0)",
        )
        .bind(signed(host + 1))
        .bind(identity.as_bytes().as_slice())
        .bind(format!("host-{host:06}"))
        .bind(signed(EPOCH_MS))
        .bind(chain)
        .execute(&mut *connection)
        .await?;
        let last = life.leaf(life.hours() - 1, host);
        sqlx::query(
            "INSERT INTO host_index (host_id, first_leaf, first_named, last_leaf, last_named, boot_leaf, reach) VALUES (?, ?, 0, ?, ?, ?, ?)",
        )
        .bind(signed(host + 1))
        .bind(signed(host))
        .bind(signed(last))
        .bind(signed(last.saturating_sub(life.hosts)))
        .bind(signed(host))
        .bind(signed(2 * life.hosts))
        .execute(&mut *connection)
        .await?;
        gaps(connection, life, host).await?;
    }
    for hour in 0..life.hours() {
        sqlx::query("INSERT INTO log_time (size, at_ms) VALUES (?, ?)")
            .bind(signed((hour + 1) * life.hosts))
            .bind(signed(EPOCH_MS + hour * 3_600_000))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("UPDATE log_head SET size = ?")
        .bind(signed(life.hours() * life.hosts))
        .execute(&mut *connection)
        .await?;
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// One host in ten has a time in which its agent did not run; one in fifty has a file system that is only walked.
async fn gaps(connection: &mut SqliteConnection, life: &Life, host: u64) -> Result<()> {
    let mut gap = async |cause: &str, scope: &str, from: Option<u64>, to: Option<u64>| -> Result<()> {
        sqlx::query(
            "INSERT INTO coverage_gap (host_id, source, cause, scope, from_leaf, to_leaf, of_boot) VALUES (?, 1, ?, ?, ?, ?, 0)",
        )
        .bind(signed(host + 1))
        .bind(cause)
        .bind(scope)
        .bind(from.map(signed))
        .bind(to.map(signed))
        .execute(&mut *connection)
        .await?;
        Ok(())
    };
    if host % 10 == 3 {
        let hour = life.hours() / 2 + host % 24;
        let (from, to) = (life.leaf(hour, host), life.leaf(hour + 1, host));
        gap("not-running", "agent", Some(from), Some(to)).await?;
    }
    if host % 50 == 7 {
        gap("walks-only", "/srv", None, None).await?;
    }
    Ok(())
}

pub(crate) async fn components(
    connection: &mut SqliteConnection,
    life: &Life,
    say: &mut impl FnMut(&str),
) -> Result<u64> {
    let mut intervals = 0;
    let mut row = 0;
    for package in 0..life.packages {
        sqlx::query("BEGIN").execute(&mut *connection).await?;
        for version in 0..life.versions(package) {
            row += 1;
            component(connection, life, row, package, version).await?;
            let stays = life.stays(package, version);
            intervals += stays.len() as u64;
            for some in stays.chunks(ROWS) {
                let mut query = QueryBuilder::<Sqlite>::new(
                    "INSERT INTO host_component (component_id, from_leaf, host_id, to_leaf) ",
                );
                query.push_values(some, |mut values, stay: &Stay| {
                    values
                        .push_bind(signed(row))
                        .push_bind(signed(life.leaf(stay.from, stay.host)))
                        .push_bind(signed(stay.host + 1))
                        .push_bind(stay.to.map(|to| signed(life.leaf(to, stay.host))));
                });
                query.build().execute(&mut *connection).await?;
            }
        }
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        if package % 100 == 99 {
            say(&format!("{} of {} packages", package + 1, life.packages));
        }
    }
    Ok(intervals)
}

async fn component(
    connection: &mut SqliteConnection,
    life: &Life,
    row: u64,
    package: u64,
    version: u64,
) -> Result<()> {
    let digest = Sha256Digest::of(&[b"fleetgen component", life.file(package, version, 0).as_bytes()]);
    sqlx::query(
        "INSERT INTO component (id, digest, first_leaf, kind, name, version, architecture, artefacts)
         VALUES (?, ?, 0, 'package', ?, ?, 'amd64', ?)",
    )
    .bind(signed(row))
    .bind(digest.as_bytes().as_slice())
    .bind(format!("package-{package:04}"))
    .bind(format!("1.{version}-1"))
    .bind(signed(FILES))
    .execute(&mut *connection)
    .await?;
    for number in 0..FILES {
        sqlx::query("INSERT INTO component_artefact (digest, component_id, path) VALUES (?, ?, ?)")
            .bind(life.file(package, version, number).as_bytes().as_slice())
            .bind(signed(row))
            .bind(format!("/usr/lib/package-{package:04}/file-{number}").into_bytes())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Subjects of every spread, with the evidence that shows when they came and went.
pub(crate) async fn truth(connection: &mut SqliteConnection, life: &Life) -> Result<Vec<String>> {
    let everywhere = (0..life.packages * 9 / 10).step_by(usize::try_from(life.packages / 20)?.max(1));
    let fifth = life.packages * 9 / 10..life.packages - 2;
    let few = life.packages - 2..life.packages;
    let mut lines = Vec::new();
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    for package in everywhere.chain(fifth).chain(few) {
        let version = life.versions(package) / 2;
        let stays = life.stays(package, version);
        for stay in &stays {
            evidence(connection, life, stay.from, stay.host).await?;
            if let Some(to) = stay.to {
                evidence(connection, life, to, stay.host).await?;
            }
        }
        let file = life.file(package, version, 0);
        lines.push(format!(
            "{{\"subject\": \"file:{file}\", \"package\": \"package:package-{package:04}=1.{version}-1\", \"hosts\": {}}}",
            stays.len()
        ));
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(lines)
}

/// Evidence of an hour and of the one before.
async fn evidence(connection: &mut SqliteConnection, life: &Life, hour: u64, host: u64) -> Result<()> {
    for hour in hour.saturating_sub(1)..=hour {
        let leaf = life.leaf(hour, host);
        let before = hour.checked_sub(1).map(|hour| life.leaf(hour, host));
        sqlx::query(
            "INSERT INTO moment (leaf, seq, received_ms, age, back, lag_ms) VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
        )
        .bind(signed(leaf))
        .bind(signed(hour))
        .bind(signed(EPOCH_MS + hour * 3_600_000))
        .bind(signed(leaf - before.unwrap_or_default()))
        .bind(before.map(|before| signed(leaf - before)))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Statistics for the planner, and one file.
pub(crate) async fn finish(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query("ANALYZE").execute(&mut *connection).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await?;
    Ok(())
}
