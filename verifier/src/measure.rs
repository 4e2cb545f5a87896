//! What benchmarks ask of the recorder; no part of the program.
//!
//! In: a directory, and a rate or a number of writers. Out: how many leaves were committed, made durable as files and published in
//! a time, and how long each took from being handed over to that.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use appraisal::state::HostState;
use evidence::body::BootCounters;
use evidence::digest::{ChainId, Sha256Digest};
use evidence::time::UnixTime;
use inquiry::profile::Reading;
use inquiry::replay::Begins;
use ledger::leaf::{Leaf, Salt};
use ledger::note::{KeyName, SignerKey};
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;
use wire::trusted::{AskTrusted, Trusted};

use crate::clock::Clock;
use crate::failure::{Exit, Failure};
use crate::log::LogReader;
use crate::log::sequence::{Committed, OpenError, Sequencer};
use crate::record::{Heads, IndexEntry, NewEvidence, Place, Recorder, Work, log, start};
use crate::sql::{self, Connection};
use crate::store::action::Who;
use crate::store::packed::{Kept, Packed};
use crate::store::{Database, Store};

/// What was measured.
#[derive(Debug)]
pub struct Appends {
    /// Leaves that were acknowledged.
    pub count: u64,
    /// From the first to the last.
    pub time: Duration,
    /// Of each leaf, from being handed over to its answer.
    pub latencies: Vec<Duration>,
    /// Bytes of the log's files at the end, partial ones among them.
    pub bytes: u64,
}

/// Appends bare leaves that arrive at a steady rate, whatever was appended meanwhile: the transaction, the files and the
/// published checkpoint of the recorder, without any facts beside them.
pub async fn leaves(dir: &Path, rate: u32, time: Duration) -> Result<Appends, Failure> {
    let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
    let log_dir = dir.join("log");
    let place = Place::local(dir.join("verifier.db").as_path().into(), &log_dir, key()?, Heads::Published)?;
    let (readers, mut connection) = crate::store::open(&place.database).await?;
    let empty = log::begin(&mut connection, &place.key).await.map_err(|error| software(&error))?;
    let (objects, patience) = (Arc::clone(&place.objects), place.patience);
    let mut sequencer =
        Sequencer::open(objects, Arc::clone(&place.key), patience, &Committed::nothing(empty))?;
    let (begun, mut latencies) = (Instant::now(), Vec::new());
    let each = Duration::from_secs(1) / rate;
    while begun.elapsed() < time {
        let count = latencies.len();
        let arrived = usize::try_from(begun.elapsed().as_nanos() / each.as_nanos()).unwrap_or(usize::MAX);
        let batch: Vec<_> = (count..arrived).map(leaf).collect();
        if batch.is_empty() {
            tokio::time::sleep(each).await;
            continue;
        }
        let entries: Vec<_> = batch.iter().map(Leaf::to_bytes).collect();
        let draft = sequencer.draft(&entries).map_err(|error| software(&error))?;
        let mut tx = connection.begin_write().await.map_err(|error| software(&error))?;
        let (head, now) = (&draft.head().checkpoint, Clock::system().now());
        log::append(&mut tx, &sequencer, &batch, head, 1, now).await.map_err(|error| software(&error))?;
        tx.commit().await.map_err(|error| software(&error))?;
        let written = tokio::task::spawn_blocking(move || {
            let head = sequencer.adopt(draft)?;
            sequencer.publish(&head.checkpoint)?;
            Ok::<_, OpenError>(sequencer)
        });
        sequencer = written.await.map_err(|error| software(&error))??;
        let published = begun.elapsed();
        latencies.extend((count..arrived).map(|number| {
            published.saturating_sub(each.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX)))
        }));
    }
    let time = begun.elapsed();
    readers.close().await;
    let bytes = bytes_below(&log_dir).map_err(|error| Failure::io(log_dir.display(), &error))?;
    Ok(Appends { count: latencies.len() as u64, time, latencies, bytes })
}

fn key() -> Result<Arc<SignerKey>, Failure> {
    let name = KeyName::new("example.com/measure").map_err(|error| Failure::new(Exit::Software, error))?;
    Ok(Arc::new(SignerKey::from_seed(name, &[1; 32])))
}

fn leaf(number: usize) -> Leaf {
    let mut record = [0; 32];
    for (to, from) in record.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    Leaf::attestation(&Salt::from_bytes([7; 32]), &record)
}

/// Has so many writers make join tokens, each a row and a leaf, one after the other, for a time.
pub async fn appends(dir: &Path, writers: usize, time: Duration) -> Result<Appends, Failure> {
    let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
    let log_dir = dir.join("log");
    let place = Place::local(dir.join("verifier.db").as_path().into(), &log_dir, key()?, Heads::Published)?;
    let (recorder, store, task) = start(place, Clock::system()).await?;
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..writers {
        let recorder = recorder.clone();
        running.spawn(async move {
            let mut latencies = Vec::new();
            while begun.elapsed() < time {
                let handed = Instant::now();
                let expires = UnixTime::from_secs(4_000_000_000);
                let work = Work::JoinToken { who: Who::token("measure"), note: String::new(), expires };
                recorder.record(work).await.map_err(|error| error.to_string())?;
                latencies.push(handed.elapsed());
            }
            Ok::<_, String>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = running.join_next().await {
        latencies.extend(done.map_err(|error| software(&error))?.map_err(|error| software(&error))?);
    }
    let time = begun.elapsed();
    let count = recorder.head().size().get();
    drop(recorder);
    task.await.map_err(|error| software(&error))??;
    store.close().await;
    let bytes = bytes_below(&log_dir).map_err(|error| Failure::io(log_dir.display(), &error))?;
    Ok(Appends { count, time, latencies, bytes })
}

/// Hosts that all have the same components, of which some are updated everywhere, again and again.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// Hosts.
    pub hosts: u32,
    /// Components that each has.
    pub components: u32,
    /// Of these, how many each update replaces.
    pub updated: u32,
    /// Updates.
    pub updates: u32,
}

/// Has verified evidence of an update recorded, of all hosts at once: as many intervals end as begin, beside everything else that is recorded with evidence.
/// The first evidence of each host is no part of the time; latencies are those of the evidence.
pub async fn wave(dir: &Path, database: Database, wave: Wave) -> Result<Appends, Failure> {
    let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
    let log_dir = dir.join("log");
    let place = Place::local(database, &log_dir, key()?, Heads::Published)?;
    let mut connection = crate::store::migrated(&place.database).await?;
    let mut tx = connection.begin_write().await.map_err(|error| software(&error))?;
    for host in 0..wave.hosts {
        enrol(&mut tx, host).await.map_err(|error| software(&error))?;
    }
    tx.commit().await.map_err(|error| software(&error))?;
    connection.close().await.map_err(|error| software(&error))?;
    let (recorder, store, task) = start(place, Clock::system()).await?;
    let mut hosts: Vec<Updated> = (0..wave.hosts).map(Updated::new).collect();
    let first: Vec<_> = (0..wave.components).map(|number| component(number, 0)).collect();
    round(&recorder, &mut hosts, (&first, &[])).await.map_err(|error| software(&error))?;
    let (begun, mut latencies) = (Instant::now(), Vec::new());
    for update in 1..=wave.updates {
        let of = |version| (0..wave.updated).map(|number| component(number, version)).collect::<Vec<_>>();
        let times = round(&recorder, &mut hosts, (&of(update), &of(update - 1))).await;
        latencies.extend(times.map_err(|error| software(&error))?);
    }
    let time = begun.elapsed();
    drop(recorder);
    task.await.map_err(|error| software(&error))??;
    store.close().await;
    let bytes = bytes_below(&log_dir).map_err(|error| Failure::io(log_dir.display(), &error))?;
    Ok(Appends { count: latencies.len() as u64, time, latencies, bytes })
}

/// A host, as if it had enrolled.
async fn enrol(tx: &mut Connection<'_>, host: u32) -> Result<(), sqlx::Error> {
    let (row, chain) = (i64::from(host) + 1, chain_of(host));
    let state = HostState::enrolled(chain);
    sql::query(
        "INSERT INTO host (id, identity, name, ek_public, ak_public, selection, tier, agent_version, enrolled_ms, chain, next_seq, prev,
           components, silent) VALUES (?, ?, ?, unhex(''), unhex(''), '', '', '', 0, ?, 0, ?, 0, 0)",
    )
    .bind(row)
    .bind(chain.as_bytes().as_slice())
    .bind(format!("host-{host}"))
    .bind(chain.as_bytes().as_slice())
    .bind(state.prev().as_bytes().as_slice())
    .execute(&mut *tx)
    .await?;
    sql::query("INSERT INTO host_state (host_id, state, intervals) VALUES (?, ?, unhex('80'))")
        .bind(row)
        .bind(state.encode())
        .execute(&mut *tx)
        .await?;
    sql::query(
        "INSERT INTO enrolment (host_id, chain, leaf, at_ms, join_token, ak_public, selection, tier, salt, record)
         VALUES (?, ?, ?, 0, '', unhex(''), '', '', unhex(''), unhex(''))",
    )
    .bind(row)
    .bind(chain.as_bytes().as_slice())
    // Leaves of enrolments are not there: they are before the log's.
    .bind(-row)
    .execute(tx)
    .await?;
    Ok(())
}

fn chain_of(host: u32) -> ChainId {
    let mut chain = [0; 16];
    for (to, from) in chain.iter_mut().zip(host.to_be_bytes()) {
        *to = from;
    }
    ChainId::new(chain)
}

fn component(number: u32, version: u32) -> Sha256Digest {
    Sha256Digest::of(&[b"a component", &number.to_be_bytes(), &version.to_be_bytes()])
}

struct Updated {
    host: u32,
    seq: u64,
    prev: Sha256Digest,
}

impl Updated {
    fn new(host: u32) -> Self {
        Self { host, seq: 0, prev: HostState::enrolled(chain_of(host)).prev() }
    }

    fn next(&mut self, added: &[Sha256Digest], removed: &[Sha256Digest]) -> std::io::Result<NewEvidence> {
        let name = format!("evidence {} of host {}, after {}", self.seq, self.host, self.prev);
        // As much as an hour's evidence takes when it is packed.
        let kept = Kept { sealed: name.repeat(6).into_bytes(), result: "{}".to_owned(), ..Kept::default() };
        let (seq, digest) = (self.seq, kept.digest());
        let prev = std::mem::replace(&mut self.prev, digest);
        self.seq += 1;
        let boot = BootCounters { reset_count: 1, restart_count: 0 };
        let sorted = |digests: &[Sha256Digest]| {
            let mut digests = digests.to_vec();
            digests.sort_unstable();
            digests
        };
        Ok(NewEvidence {
            host_row: i64::from(self.host) + 1,
            chain: chain_of(self.host),
            seq,
            prev,
            digest,
            salt: [1; 32],
            received_ms: 1,
            packed: Packed::new(&kept, None)?,
            blobs: Vec::new(),
            added: sorted(added),
            removed: sorted(removed),
            state: HostState::enrolled(chain_of(self.host)).encode(),
            state_root: digest,
            components: 0,
            agent_version: "1".to_owned(),
            status: 1,
            index: IndexEntry {
                named: 0,
                agent_time: UnixTime::from_ms(1),
                boot,
                begins: if seq == 0 { Begins::Chain } else { Begins::Nothing },
                reading: Reading::default(),
                read: Sha256Digest::new([0; 32]),
            },
        })
    }
}

/// Evidence of every host at once, and how long each took.
async fn round(
    recorder: &Recorder,
    hosts: &mut [Updated],
    (added, removed): (&[Sha256Digest], &[Sha256Digest]),
) -> Result<Vec<Duration>, String> {
    let mut running = JoinSet::new();
    for host in hosts {
        let new = host.next(added, removed).map_err(|error| error.to_string())?;
        let recorder = recorder.clone();
        running.spawn(async move {
            let handed = Instant::now();
            recorder.record(Work::Evidence(Box::new(new))).await.map_err(|error| error.to_string())?;
            Ok::<_, String>(handed.elapsed())
        });
    }
    let mut times = Vec::new();
    while let Some(done) = running.join_next().await {
        times.push(done.map_err(|error| error.to_string())??);
    }
    Ok(times)
}

fn bytes_below(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        bytes += if kind.is_dir() { bytes_below(&entry)? } else { kind.len() };
    }
    Ok(bytes)
}

/// An empty database with a log without leaves, and a connection that writes to it.
pub async fn empty_database(path: &Path) -> Result<SqliteConnection, Failure> {
    let mut connection = crate::store::migrated(&Database::from(path)).await?;
    let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
    let key = key()?;
    log::begin(&mut connection, &key).await.map_err(|error| software(&error))?;
    connection.into_sqlite().ok_or_else(|| software(&"a file is SQLite's"))
}

/// Copies a database into a server's, which is empty; gives how many rows that were.
pub async fn copy(from: &Database, to: &Database) -> Result<u64, Failure> {
    crate::relocate::copy(from, to, |_, _| ()).await.map(|copied| copied.rows)
}

/// Has a server gather what it knows of its tables, as it does by itself after a while.
pub async fn analyze(database: &Database) -> Result<(), Failure> {
    let mut connection = crate::store::reopen(database).await?;
    let done = sql::query("ANALYZE").execute(&mut connection).await;
    done.map(drop).map_err(|error| Failure::new(Exit::Io, error))
}

/// Who answers questions about a database, as the server does.
#[derive(Debug)]
pub struct Asker(Store);

impl Asker {
    /// Opens a database.
    pub async fn open(database: &Database, log_dir: &Path) -> Result<Self, Failure> {
        let (readers, _) = crate::store::open(database).await?;
        let place = Place::local(database.clone(), log_dir, key()?, Heads::Published)?;
        Ok(Self(Store::new(readers, LogReader::new(place.objects))))
    }

    /// How many intervals of components there are.
    pub async fn intervals(&self) -> Result<u64, Failure> {
        let count: i64 = sql::query_scalar("SELECT count(*) FROM host_component")
            .fetch_one(self.0.readers())
            .await
            .map_err(|error| Failure::new(Exit::Io, error))?;
        Ok(crate::store::to_u64(count))
    }

    /// The answer; no host counts as silent.
    pub async fn ask(&self, question: &AskTrusted) -> Result<Trusted, Failure> {
        let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
        let asked = crate::http::understand(question).map_err(|fault| software(&fault.detail()))?;
        let answer = crate::query::trusted::answer(&self.0, &asked, UnixTime::from_ms(0)).await;
        answer.map_err(|error| software(&error))
    }
}
