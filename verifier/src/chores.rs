//! What a running verifier does without being asked, now and then.
//!
//! In: the recorder, the store and the clock. Out: hosts that fell silent are written down, what a command line did beside the server gets its
//! leaf, the log says what the index is, and the server's certificate is renewed. Each ends when the verifier is asked to.

use std::sync::Arc;
use std::time::Duration;

use evidence::time::UnixTime;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::limits::OUTBOX;
use crate::pki::{RENEWAL, ServerIdentity};
use crate::record::{self, NewRoot, Recorder, Work};
use crate::store::{Store, action};

/// What the chores work with.
#[derive(Debug)]
pub(crate) struct Chores {
    pub(crate) recorder: Recorder,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
}

impl Chores {
    /// Begins all of them.
    pub(crate) fn begin(self, config: &Config, identity: Arc<ServerIdentity>) {
        let Self { recorder, store, clock, stop } = self;
        tokio::spawn(outbox(recorder.clone(), store.clone(), stop.clone()));
        let roots = (clock.clone(), config.index_root_every);
        tokio::spawn(index_roots(recorder.clone(), store, roots, stop.clone()));
        tokio::spawn(sweep(recorder, clock.clone(), config.hosts.stale_after, stop.clone()));
        tokio::spawn(renew(identity, clock, stop));
    }
}

/// Writes down which hosts have fallen silent, without anybody asking.
async fn sweep(recorder: Recorder, clock: Clock, stale_after: Duration, stop: CancellationToken) {
    let mut interval = tokio::time::interval((stale_after / 10).clamp(SWEEP_MIN, SWEEP_MAX));
    let after_ms = u64::try_from(stale_after.as_millis()).unwrap_or(u64::MAX);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let before = UnixTime::from_ms(clock.now().as_ms().saturating_sub(after_ms));
        if let Err(error) = recorder.record(Work::Silence(before)).await {
            tracing::error!(%error, "looking for silent hosts failed");
        }
    }
}

/// Has actions logged that a command line beside this server wrote.
async fn outbox(recorder: Recorder, store: Store, stop: CancellationToken) {
    let mut interval = tokio::time::interval(OUTBOX);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let waiting = action::is_waiting(store.readers()).await;
        let done = match waiting {
            Ok(false) => continue,
            Ok(true) => recorder.record(Work::Outbox).await.map(|_| ()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = done {
            tracing::error!(%error, "operators' actions could not be logged");
        }
    }
}

/// Has the log say what the index is, now and then.
async fn index_roots(
    recorder: Recorder,
    store: Store,
    (clock, every): (Clock, Duration),
    stop: CancellationToken,
) {
    let mut interval = tokio::time::interval((every / 10).clamp(SWEEP_MIN, INDEX_ROOTS_LOOK));
    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = index_root_if_due(&recorder, &store, clock.now(), every_ms).await {
            tracing::error!(error, "the root of the index could not be logged");
        }
    }
}

async fn index_root_if_due(
    recorder: &Recorder,
    store: &Store,
    now: UnixTime,
    every_ms: u64,
) -> Result<(), String> {
    let mut reading = store.readers().acquire().await.map_err(|error| error.to_string())?;
    let last = record::last_root(&mut reading).await.map_err(|error| error.to_string())?;
    drop(reading);
    // Before a host has enrolled there is no index.
    if last.is_none_or(|last| now.as_ms() < last.as_ms().saturating_add(every_ms)) {
        return Ok(());
    }
    let salt = crate::random::bytes().map_err(|error| error.to_string())?;
    let recorded = recorder.record(Work::IndexRoot(NewRoot { salt })).await;
    recorded.map(|_| ()).map_err(|error| error.to_string())
}

async fn renew(identity: Arc<ServerIdentity>, clock: Clock, stop: CancellationToken) {
    let mut interval = tokio::time::interval(RENEWAL);
    interval.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        if let Err(error) = identity.renew(clock.now()) {
            tracing::error!(%error, "the server's certificate could not be renewed");
        }
    }
}

/// How often it is looked whether a root of the index is due.
const INDEX_ROOTS_LOOK: Duration = Duration::from_secs(60);
const SWEEP_MIN: Duration = Duration::from_millis(100);
const SWEEP_MAX: Duration = Duration::from_secs(30);
