//! What benchmarks ask of the recorder; no part of the program.
//!
//! In: a directory and a number of writers. Out: how many leaves were committed, made durable as files and published in a time,
//! and how long each took from being handed over to its answer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evidence::time::UnixTime;
use ledger::note::{KeyName, SignerKey};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::failure::{Exit, Failure};
use crate::record::{Heads, Place, Work, start};
use crate::store::action::Who;

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

/// Has so many writers make join tokens, each a row and a leaf, one after the other, for a time.
pub async fn appends(dir: &Path, writers: usize, time: Duration) -> Result<Appends, Failure> {
    let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
    let name = KeyName::new("example.com/measure").map_err(|error| software(&error))?;
    let key = Arc::new(SignerKey::from_seed(name, &[1; 32]));
    let log_dir = dir.join("log");
    let place = Place::local(&dir.join("verifier.db"), &log_dir, key, Heads::Published)?;
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

fn bytes_below(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        bytes += if kind.is_dir() { bytes_below(&entry)? } else { kind.len() };
    }
    Ok(bytes)
}
