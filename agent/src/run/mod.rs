//! The running agent: one loop on one thread that carries out what the session decides.
//!
//! In: a configuration. Out: sealed evidence at the verifier, until SIGTERM. Snapshots, ended tasks, timers and signals
//! come in one at a time; the journal is touched here and nowhere else. A failure of the TPM, the disk or the verifier
//! is told in the log and in `status`, and tried again; the loop ends for signals alone.

mod agent;
mod answers;
mod exchange;
mod jobs;
mod memory;
mod troubles;
mod view;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cli;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, MeasureSettings};
use crate::failure::{Failure, Status};
use crate::journal::{Identity, Journal};
use crate::lock::StateLock;
use crate::measure::{MeasureConfig, Measurer, Pace, Report};
use crate::notify::{ServiceManager, Word};
use crate::quote::{TpmError, TpmHandle};
use crate::submit::VerifierClient;
use crate::warnings;
use agent::{Agent, Others};
use answers::Answers;

/// Runs until SIGTERM or SIGINT.
pub async fn run(config: Config) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let lock = StateLock::take(&config.state_dir)?;
    let journal = Journal::open(&config.state_dir)?;
    let identity = journal.identity().cloned().ok_or_else(not_enrolled)?;
    let client = client(&config, &identity)?;
    for warning in warnings::of(&config) {
        tracing::warn!("{warning}");
    }
    let tpm = cli::tpm(&config)?;
    tokio::select! {
        reached = reach(&tpm) => reached?,
        () = signals.end() => return Ok(()),
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (out, reports) = mpsc::channel(REPORTS);
    let answers = Answers::open(&config.state_dir, clock.now());
    let known = answers.known_of(journal.components());
    let measurer = Measurer::start(measure_config(&config), known, Arc::clone(&clock), out)?;
    tracing::info!(host = %identity.host, verifier = identity.url, "attesting");
    let others = Others { client, tpm, clock, asking: measurer.asking() };
    let agent = Agent::new(config, identity, journal, others, answers)?;
    let manager = ServiceManager::find();
    manager.tell(Word::Ready);
    manager.tell(Word::Status("measuring".to_owned()));
    let result = serve(agent, reports, &measurer, &mut signals, &manager).await;
    manager.tell(Word::Stopping);
    measurer.stop();
    drop(lock);
    result
}

/// The loop.
async fn serve(
    mut agent: Agent,
    mut reports: mpsc::Receiver<Report>,
    measurer: &Measurer,
    signals: &mut Signals,
    manager: &ServiceManager,
) -> Result<(), Failure> {
    let mut watchdog = sd_notify::watchdog_enabled().map(|period| tokio::time::interval(period / 2));
    loop {
        let deadline = agent.deadline();
        tokio::select! {
            report = reports.recv(), if agent.has_room() => match report {
                Some(report) => agent.measured(report),
                None => return Err(measuring_ended()),
            },
            () = tokio::time::sleep(SAVE_AGAIN), if !agent.has_room() => agent.try_to_save(),
            Some(done) = agent.ended() => agent.done(done),
            () = until(deadline) => agent.tick(),
            () = tick(&mut watchdog) => manager.tell(Word::Alive),
            told = signals.next() => match told {
                Told::Rescan => measurer.rescan(),
                Told::End => return Ok(()),
            },
        }
        if let Some(words) = agent.tell() {
            manager.tell(Word::Status(words));
        }
    }
}

/// Waits for a TPM that is slow to appear, as at boot.
async fn reach(tpm: &TpmHandle) -> Result<(), TpmError> {
    let end = Instant::now() + REACH;
    loop {
        match tpm.banks().await {
            Err(error @ TpmError::NotReachable { .. }) if Instant::now() < end => {
                tracing::warn!(hint = error.hint(), "{error}; trying again");
                tokio::time::sleep(REACH_AGAIN).await;
            }
            other => return other.map(drop),
        }
    }
}

/// The configuration goes before what enrolment recorded: a verifier may move, and its authority be renewed.
pub(crate) fn client(config: &Config, identity: &Identity) -> Result<VerifierClient, Failure> {
    let url = match &config.verifier_url {
        Some(url) => url.clone(),
        None => identity.url.parse().map_err(|_| not_enrolled())?,
    };
    let ca = match &config.verifier_ca {
        Some(path) => std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?,
        None => identity.ca.clone(),
    };
    Ok(VerifierClient::new(&url, &ca)?)
}

fn measure_config(config: &Config) -> MeasureConfig {
    let measure = &config.measure;
    MeasureConfig {
        roots: measure.roots.clone(),
        excludes: measure.excludes.clone(),
        dpkg_admin_dir: measure.dpkg_admin_dir.clone(),
        path_prefix: measure.path_prefix.clone(),
        cache_path: config.state_dir.join("digests.redb"),
        settle: measure.settle,
        settle_max: measure.settle_max,
        reconcile_every: measure.reconcile_every,
        events: measure.events,
        namespaces: measure.namespaces,
        hash_threads: measure.hash_threads,
        first_pace: pace(measure, Pace::UNLIMITED),
        pace: pace(measure, Pace::SANE),
    }
}

/// What is configured, or else as it is for this walk.
fn pace(measure: &MeasureSettings, or: Pace) -> Pace {
    Pace {
        bytes_per_second: measure.hash_bytes_per_second.map_or(or.bytes_per_second, NonZeroU64::new),
        cpu_percent: measure.cpu_percent.unwrap_or(or.cpu_percent),
    }
}

fn not_enrolled() -> Failure {
    let hint = "enrol it first: lydian-agent enroll --url https://VERIFIER --ca-fingerprint SHA256 --token-file FILE";
    Failure::new(Status::Configuration, "this host is not enrolled", hint)
}

fn measuring_ended() -> Failure {
    Failure::new(
        Status::Software,
        "the measuring thread has ended",
        "the log says why; systemd starts the agent again",
    )
}

/// Signals that the agent answers to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    rescan: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(Status::Software, format_args!("signals: {error}"), ""))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            rescan: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End,
            _ = self.interrupt.recv() => Told::End,
            _ = self.rescan.recv() => Told::Rescan,
        }
    }

    /// Waits for the end; whoever asks for a walk before the first gets that one.
    async fn end(&mut self) {
        while self.next().await == Told::Rescan {}
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    End,
    Rescan,
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn tick(interval: &mut Option<tokio::time::Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Reports on their way: some manifests, which are small but for a few.
const REPORTS: usize = 16;
/// How soon manifests that could not be written are tried again.
const SAVE_AGAIN: Duration = Duration::from_secs(5);
/// A TPM that is not there half a minute after boot will not come by itself.
const REACH: Duration = Duration::from_secs(30);
const REACH_AGAIN: Duration = Duration::from_secs(1);
