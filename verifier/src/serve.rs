//! The running verifier: everything put together, started and ended in order.
//!
//! In: a [`Config`]. Out: a [`Running`] server that tells its address. Started in this order: state directory and its
//! lock, keys, database and recorder, socket; ended the other way round, so that what was accepted is recorded.

use std::fs::{DirBuilder, File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use appraisal::policy::Policy;
use ledger::note::{KeyName, SignerKey, VerifierKey};
use rustix::fs::{FlockOperation, flock};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::alert::{self, Alerter};
use crate::chores::Chores;
use crate::clock::Clock;
use crate::config::{Config, Publishing, TlsSource};
use crate::cosign::{self, Board, Cosigner};
use crate::endorse::Endorser;
use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::fold;
use crate::http::{App, Books, Server, router, tls_config};
use crate::limits::PEM_BYTES;
use crate::notify;
use crate::pki::ServerIdentity;
use crate::record::{self, Liveness, Place, Recorder};
use crate::sql;
use crate::store::{self, Database, Store};
use crate::watch::{self, Watcher, Watching};

/// A verifier that serves.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    ca_pem: String,
    log_key: String,
    liveness: Liveness,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Failure>>,
    #[cfg(test)]
    watched: Watched,
}

/// What tests wait for.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    heads: tokio::sync::watch::Receiver<Arc<crate::store::log::Head>>,
    pub(crate) board: Board,
}

#[cfg(test)]
impl Watched {
    /// Waits until the log has so many leaves in durable files.
    pub(crate) async fn leaves(&self, leaves: u64) {
        let fits = |head: &Arc<crate::store::log::Head>| head.size().get() >= leaves;
        self.heads.clone().wait_for(fits).await.expect("the verifier runs");
    }
}

impl Running {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its clients pin.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The log's verifier key.
    pub fn log_key(&self) -> &str {
        &self.log_key
    }

    /// Asks it to end; [`Running::ended`] says when it has.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// A handle that asks it to end, for a task that waits for a signal.
    pub fn stopper(&self) -> impl Fn() + Send + 'static {
        let stop = self.stop.clone();
        move || stop.cancel()
    }

    /// Whether it still works, for whoever watches over it. It holds nothing up when the verifier ends.
    pub fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    #[cfg(test)]
    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// Asks it to end and waits.
    #[cfg(test)]
    pub(crate) async fn end(self) {
        self.stop();
        self.ended().await.expect("the verifier ends in order");
    }

    /// Waits until it has ended, by [`Running::stop`] or by a failure.
    pub async fn ended(self) -> Result<(), Failure> {
        self.task.await.unwrap_or_else(|error| Err(Failure::new(Exit::Software, error)))
    }
}

/// Makes what a verifier is known by, without starting it: its authority, the log's key, the database. What is there already stays as it is.
pub async fn prepare(config: &Config, clock: &Clock) -> Result<VerifierKey, Failure> {
    let _lock = lock_state_dir(&config.state_dir)?;
    ServerIdentity::open(&config.tls, &config.state_dir, &config.names, clock.now())?;
    // Before the database: one that is there without a key is one whose key was lost.
    let key = log_key(config, log_is_begun(config).await?)?;
    let connection = store::migrated(&config.database).await?;
    connection.close().await.map_err(|error| Failure::from(store::OpenError::from(error)))?;
    Ok(key.verifier_key().clone())
}

/// Starts the verifier.
pub async fn start(config: Config, clock: Clock) -> Result<Running, Failure> {
    let lock = lock_state_dir(&config.state_dir)?;
    let endorser = Endorser::open(&config.endorsement)?;
    let alerts = config.alerts.as_ref().map(alert::Place::open).transpose()?;
    let identity =
        Arc::new(ServerIdentity::open(&config.tls, &config.state_dir, &config.names, clock.now())?);
    let key = Arc::new(log_key(&config, log_is_begun(&config).await?)?);
    let verifier_key = key.verifier_key().clone();
    let place = Place::configured(&config, key).await?;
    index_if_needed(&config).await?;
    let (recorder, store, recording) = record::start(place, clock.clone()).await?;
    let (board, cosigner) = witnesses(&config.publishing, &verifier_key, &store, &recorder, &clock).await?;
    let listener = listen(config.listen).await?;
    let address = listener.local_addr().map_err(|error| Failure::io("the listening socket", &error))?;
    let stop = CancellationToken::new();
    #[cfg(test)]
    let watched = Watched { heads: recorder.heads(), board: board.clone() };
    let (folder, folding) = fold::queue();
    let watcher = Watcher::default();
    let app = App {
        store: store.clone(),
        recorder: recorder.clone(),
        folder,
        watcher: watcher.clone(),
        clock: clock.clone(),
        rules: config.hosts.clone(),
        join_token_ttl_max: config.join_token_ttl_max,
        endorser,
        policy: Policy::built_in(),
        log_key: verifier_key.to_string(),
        origin: verifier_key.name().to_string(),
        witnesses: board,
        books: Books::new(&config.limits),
    };
    let server = Server {
        listener,
        tls: Arc::new(tls_config(Arc::clone(&identity))?),
        router: router(Arc::new(app)),
        connections: config.limits.connections,
    };
    let ca_pem = identity.ca_pem().to_owned();
    let liveness = recorder.liveness();
    tokio::spawn(fold::run(store.clone(), recorder.clone(), folding, stop.clone()));
    let watching = Watching {
        store: store.clone(),
        recorder: recorder.clone(),
        clock: clock.clone(),
        stale_after: config.hosts.stale_after,
        watcher,
    };
    // Before watches look, so that what they find is told.
    alert(alerts, verifier_key.name().to_string(), &watching, &stop).await?;
    tokio::spawn(watch::run(watching, stop.clone()));
    let chores = Chores { recorder, store: store.clone(), clock, stop: stop.clone() };
    chores.begin(&config, identity);
    let mut ending = vec![ends_all(recording, stop.clone())];
    ending.extend(cosigner.map(|cosigner| ends_all(tokio::spawn(cosigner.run(stop.clone())), stop.clone())));
    let task = tokio::spawn(run(server, ending, stop.clone(), store, lock));
    Ok(Running {
        address,
        ca_pem,
        log_key: verifier_key.to_string(),
        liveness,
        stop,
        task,
        #[cfg(test)]
        watched,
    })
}

/// Has somebody told what watches find.
async fn alert(
    place: Option<alert::Place>,
    origin: String,
    watching: &Watching,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(place) = place else { return Ok(()) };
    let Watching { store, recorder, watcher, .. } = watching;
    let alerter = Alerter::begin(place, origin, store.clone(), recorder.clone(), watcher.clone()).await?;
    tokio::spawn(alerter.run(stop.clone()));
    Ok(())
}

/// Serves until it is asked to end or one of the tasks has ended; then lets them finish. The recorder ends last: it goes on as
/// long as somebody may send it work.
async fn run(
    server: Server,
    ending: Vec<JoinHandle<Result<(), Failure>>>,
    stop: CancellationToken,
    store: Store,
    lock: File,
) -> Result<(), Failure> {
    server.run(stop).await;
    let mut ended = Ok(());
    for task in ending {
        let died = |error| Err(Failure::new(Exit::Software, format_args!("a task died: {error}")));
        let task = task.await.unwrap_or_else(died);
        // The first failure is the cause of the others.
        ended = ended.and(task);
    }
    store.close().await;
    drop(lock);
    ended
}

/// A task whose end, in order or not, ends the verifier.
fn ends_all(
    task: JoinHandle<Result<(), Failure>>,
    stop: CancellationToken,
) -> JoinHandle<Result<(), Failure>> {
    tokio::spawn(async move {
        let ended = task.await;
        stop.cancel();
        ended.unwrap_or_else(|error| Err(Failure::new(Exit::Software, format_args!("a task died: {error}"))))
    })
}

/// Who has heads cosigned, after each witness was asked once whether this log may go on.
async fn witnesses(
    publishing: &Publishing,
    log: &VerifierKey,
    store: &Store,
    recorder: &Recorder,
    clock: &Clock,
) -> Result<(Board, Option<Cosigner>), Failure> {
    let Publishing::Witnessed(rules) = publishing else { return Ok((Board::without_policy(), None)) };
    let mut cosigner =
        Cosigner::new(rules.clone(), log.clone(), store, recorder.clone(), clock.clone()).await?;
    cosigner.first_round().await?;
    Ok((cosigner.board(), Some(cosigner)))
}

/// Two verifiers on one state directory would be two writers of one log.
pub(crate) fn lock_state_dir(dir: &Path) -> Result<File, Failure> {
    make_state_dir(dir)?;
    let path = dir.join("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| Failure::io(format_args!("cannot open {}", path.display()), &error))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::new(Exit::Unavailable, format_args!("another verifier uses {}", dir.display()))
            .hint("stop it, or give this one a --state-dir of its own")
    })?;
    Ok(lock)
}

/// Evidence of an earlier program, or of another version of the extractor, is indexed before anybody can ask.
async fn index_if_needed(config: &Config) -> Result<(), Failure> {
    let mut connection = store::migrated(&config.database).await?;
    let current = record::is_current(&mut connection).await.map_err(|error| Failure::new(Exit::Io, error))?;
    // A tidy end; nothing was written.
    let _ = connection.close().await;
    if current {
        return Ok(());
    }
    notify::starting("indexing evidence");
    let mut told = Instant::now();
    let progress = |done, of| {
        if told.elapsed() >= INDEX_TOLD_EVERY {
            told = Instant::now();
            tracing::info!(done, of, "indexing evidence");
            notify::starting(&format!("indexing evidence: {done} of {of}"));
        }
    };
    let done = record::reindex(&config.database, progress).await?;
    if done.evidence > 0 {
        tracing::info!(
            hosts = done.hosts,
            evidence = done.evidence,
            manifests = done.manifests,
            "indexed evidence"
        );
    }
    if let Some(first) = done.roots.other.first() {
        // It serves all the same: what is here is what can be answered from.
        tracing::error!("{}", record::root_differs(*first, done.roots.other.len()));
    }
    Ok(())
}

/// Makes the state directory where it is not there, for its owner alone.
pub fn make_state_dir(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Failure::io(format_args!("cannot make {}", dir.display()), &error))
}

/// Makes a directory where it is not there, for everybody to read.
pub(crate) fn make_public_dir(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(dir)
        .map_err(|error| Failure::io(format_args!("cannot make {}", dir.display()), &error))
}

/// The certificate that clients pin, of a verifier that was started before.
pub fn ca_pem(config: &Config) -> Result<String, Failure> {
    let path = match &config.tls {
        TlsSource::OwnCa => config.state_dir.join("ca.pem"),
        TlsSource::Files { ca, .. } => ca.clone(),
    };
    let bytes = files::read_trusted(&path, PEM_BYTES)
        .map_err(|failure| failure.or_hint("it is made when lydian-verifier starts for the first time"))?;
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(Exit::Config, format_args!("{}: {error}", path.display())))
}

/// The log's public key, of a verifier that was started before.
pub fn existing_log_key(config: &Config) -> Result<VerifierKey, Failure> {
    if !config.log_key.exists() {
        let what = format!("there is no {}", config.log_key.display());
        return Err(Failure::new(Exit::Config, what)
            .hint("it is made when lydian-verifier starts for the first time"));
    }
    Ok(log_key(config, true)?.verifier_key().clone())
}

/// Reads every file that the configuration names, without making any.
pub fn check_files(config: &Config) -> Result<(), Failure> {
    Endorser::open(&config.endorsement)?;
    if matches!(config.tls, TlsSource::Files { .. }) {
        ServerIdentity::open(&config.tls, &config.state_dir, &config.names, Clock::system().now())?;
    }
    if config.log_key.exists() {
        log_key(config, true)?;
    }
    if let Publishing::Witnessed(rules) = &config.publishing {
        cosign::read_policy(rules)?;
    }
    Ok(())
}

/// Whether the database has a log, which has its key.
async fn log_is_begun(config: &Config) -> Result<bool, Failure> {
    if let Database::File(path) = &config.database {
        return Ok(path.exists());
    }
    let mut connection = store::migrated(&config.database).await?;
    let begun = sql::query_scalar("SELECT count(*) > 0 FROM log_head").fetch_one(&mut connection).await;
    // A tidy end; nothing was written.
    let _ = connection.close().await;
    begun.map_err(|error| Failure::new(Exit::Io, error))
}

/// Reads the log's key, or makes it and with it the log's origin.
fn log_key(config: &Config, begun: bool) -> Result<SignerKey, Failure> {
    let path = &config.log_key;
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Config, format_args!("cannot use {}: {error}", path.display()))
    };
    if !path.exists() {
        if begun {
            return Err(unusable(&"it is missing, and the log was begun already")
                .hint("restore the key from a backup: a log that changes its key is another log"));
        }
        let seed = Zeroizing::new(crate::random::bytes::<32>().map_err(|error| unusable(&error))?);
        let key = SignerKey::from_seed(new_origin(config)?, &seed);
        let text = Zeroizing::new(format!("{}\n", key.to_secret_text()));
        files::write_whole(path, text.as_bytes(), Audience::Owner)?;
        return Ok(key);
    }
    let bytes = Zeroizing::new(files::read_secret(path, PEM_BYTES)?);
    let text = std::str::from_utf8(&bytes).map_err(|error| unusable(&error))?;
    let key = SignerKey::from_secret_text(text.trim_end()).map_err(|error| unusable(&error))?;
    match &config.origin {
        Some(origin) if origin != key.verifier_key().name() => {
            let name = key.verifier_key().name();
            Err(Failure::new(Exit::Config, format_args!("log.origin is {origin}, the log's key says {name}"))
                .hint("an origin is for ever; take the setting out, or begin a new log in a new state directory"))
        }
        _ => Ok(key),
    }
}

fn new_origin(config: &Config) -> Result<KeyName, Failure> {
    if let Some(origin) = &config.origin {
        return Ok(origin.clone());
    }
    let uname = rustix::system::uname();
    let own = uname.nodename().to_string_lossy();
    let name = config.names.first().map_or(own.as_ref(), String::as_str);
    KeyName::new(format!("{name}/lydian")).map_err(|error| {
        Failure::new(Exit::Config, format_args!("no origin for the log can be made of {name}: {error}"))
            .hint("set log.origin")
    })
}

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    use std::io::ErrorKind;
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            Failure::new(Exit::Unavailable, format_args!("{address} is taken by another program"))
                .hint("choose another with --listen or `listen` in the configuration")
        }
        ErrorKind::PermissionDenied => {
            Failure::new(Exit::Permission, format_args!("may not listen on {address}"))
                .hint("ports below 1024 need CAP_NET_BIND_SERVICE")
        }
        _ => Failure::new(Exit::Unavailable, format_args!("cannot listen on {address}: {error}")),
    })
}

/// How often an indexing that takes long is told of.
const INDEX_TOLD_EVERY: Duration = Duration::from_secs(10);
