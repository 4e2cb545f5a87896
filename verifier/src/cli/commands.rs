//! What each command does.

use std::fmt::Write as _;
use std::future::Future;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use wire::operator::{NewToken, TokenView};

use super::init;
use super::witness;
use super::{Command, JoinTokenCommand, LogFormat, Settings, TokenCommand};
use crate::clock::Clock;
use crate::config::{self, Config, EndorsementPolicy, LogFiles, Publishing, TlsSource};
use crate::export::{self, ExportError, Exported, Wanted};
use crate::failure::{Exit, Failure};
use crate::limits::{OPERATOR_TOKEN_TTL_MAX, TOKEN_NAME_BYTES};
use crate::notify;
use crate::pki;
use crate::record::{self, Reindexed};
use crate::relocate::{self, Copied};
use crate::serve;
use crate::sql::Connection;
use crate::store::action::ActionError;
use crate::store::action::Who;
use crate::store::token::{self, TokenError, TokenKind};
use crate::store::{self, StoreError};

pub(super) fn run(settings: &Settings, command: Command) -> Result<(), Failure> {
    // A witness has a configuration of its own, so that the verifier's is read by those commands that go by it.
    let config = || config::load(settings.config.as_deref(), &settings.overrides());
    match command {
        Command::Serve { log_format } => {
            let config = config()?;
            log_to_stderr(log_format);
            block_on(serve(config))
        }
        Command::Init(arguments) => block_on(init::run(settings, &arguments)),
        Command::Migrate => block_on(migrate(&config()?)),
        Command::CheckConfig => check(&config()?),
        Command::Token(command) => block_on(operator_token(&config()?, command)),
        Command::JoinToken(command) => block_on(join_token(&config()?, command)),
        Command::Ca { fingerprint: false } => print(&serve::ca_pem(&config()?)?),
        Command::Ca { fingerprint: true } => print(&format!("{}\n", fingerprint(&config()?)?)),
        Command::LogKey => print(&format!("{}\n", serve::existing_log_key(&config()?)?)),
        Command::Reindex => block_on(reindex(&config()?)),
        Command::CopyToServer { address } => block_on(copy_to_server(&config()?, &address)),
        Command::Export { dir, hosts, no_manifests } => {
            block_on(export(&config()?, &Wanted { dir, hosts, manifests: !no_manifests }))
        }
        Command::Witness { command } => witness::run(settings, &command.unwrap_or_default()),
    }
}

pub(super) fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::io("starting threads", &error))?;
    runtime.block_on(work)
}

pub(super) fn log_to_stderr(format: LogFormat) {
    let asked = std::env::var("RUST_LOG").ok().and_then(|filter| filter.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry();
    // systemd's journal has colours and times of its own.
    match format {
        LogFormat::Text => {
            registry.with(layer.with_ansi(false).with_target(false).with_filter(filter)).init();
        }
        LogFormat::Json => registry.with(layer.json().with_filter(filter)).init(),
    }
}

/// The SHA-256 of the authority's certificate; of several, of the last: it is the one that the others lead to.
pub(super) fn fingerprint(config: &Config) -> Result<Sha256Digest, Failure> {
    let pem = serve::ca_pem(config)?;
    let last = pki::certificates(&pem)?.pop();
    let last = last.ok_or_else(|| Failure::new(Exit::Config, "the authority's file has no certificate"))?;
    Ok(Sha256Digest::of(&[&last]))
}

async fn serve(config: Config) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let running = serve::start(config, Clock::system()).await?;
    tracing::info!(address = %running.address(), log_key = running.log_key(), "listening");
    notify::ready(running.address());
    signals.call(running.stopper());
    let watchdog = tokio::spawn(notify::watchdog(running.liveness()));
    let ended = running.ended().await;
    watchdog.abort();
    ended
}

/// The signals that ask a service to end; from here on they wait to be looked at.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::io("waiting for signals", &error));
        let (terminate, interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    /// Tells systemd and calls `stop` at the first of them.
    pub(super) fn call(mut self, stop: impl Fn() + Send + 'static) {
        tokio::spawn(async move {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            tracing::info!("stopping");
            notify::stopping();
            stop();
        });
    }
}

async fn migrate(config: &Config) -> Result<(), Failure> {
    serve::make_state_dir(&config.state_dir)?;
    refuse_foreign_state_dir(config)?;
    let connection = store::migrated(&config.database).await?;
    connection.close().await.map_err(|error| Failure::from(store::OpenError::from(error)))?;
    print(&format!("{} is up to date\n", config.database))
}

/// A database that root makes in another user's directory would lock that user out.
fn refuse_foreign_state_dir(config: &Config) -> Result<(), Failure> {
    let owner = std::fs::metadata(&config.state_dir)
        .map_err(|error| Failure::io(config.state_dir.display(), &error))?
        .uid();
    let own = rustix::process::geteuid().as_raw();
    if owner == own || config.database.is_there() {
        return Ok(());
    }
    let what = format!("{} belongs to user {owner}, this is user {own}", config.state_dir.display());
    Err(Failure::new(Exit::Permission, what).hint("run it as that user, for example with `sudo -u`"))
}

fn check(config: &Config) -> Result<(), Failure> {
    serve::check_files(config)?;
    let mut text = String::new();
    let policy = match &config.endorsement {
        EndorsementPolicy::RequireChain { roots, revocation_lists, .. } => {
            let lists = match revocation_lists {
                Some(path) => format!("lists of revoked certificates in {}", path.display()),
                None => "revocation not checked".to_owned(),
            };
            format!("require-chain, roots in {}, {lists}", roots.display())
        }
        EndorsementPolicy::DangerFirstUse => "danger-first-use".to_owned(),
    };
    let tls = match &config.tls {
        TlsSource::OwnCa => "own authority".to_owned(),
        TlsSource::Files { certificate, .. } => certificate.display().to_string(),
    };
    let files = match &config.log_files {
        LogFiles::Directory => config.log_dir().display().to_string(),
        LogFiles::Bucket(place) => {
            format!("{} at {}", place.url(), place.endpoint.as_deref().unwrap_or("AWS"))
        }
    };
    let witnesses = match &config.publishing {
        Publishing::DangerUnwitnessed => "none: each head is published as it is".to_owned(),
        Publishing::Witnessed(rules) => {
            format!("those of {}, asked every {} s", rules.policy.display(), rules.every.as_secs())
        }
    };
    let hosts = &config.hosts;
    for (key, value) in [
        ("listen", config.listen.to_string()),
        ("state-dir", config.state_dir.display().to_string()),
        ("database", config.database.to_string()),
        ("names", config.names.join(", ")),
        ("tls", tls),
        ("log key", config.log_key.display().to_string()),
        ("log files", files),
        ("witnesses", witnesses),
        ("endorsement", policy),
        (
            "heartbeat",
            format!("{} s, stale after {} s", hosts.heartbeat.as_secs(), hosts.stale_after.as_secs()),
        ),
        ("selection", hosts.selection.to_string()),
    ] {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{key:<12} {value}");
    }
    print(&text)
}

async fn operator_token(config: &Config, command: TokenCommand) -> Result<(), Failure> {
    let mut db = store::open_existing(&config.database).await?;
    let now = Clock::system().now();
    match command {
        TokenCommand::Create { name, scope, ttl } => {
            check_text(&name, "--name")?;
            let expires = expiry(now, ttl, OPERATOR_TOKEN_TTL_MAX)?;
            let made =
                token::create_operator(&mut db, &Who::command_line(), &name, scope.into(), now, expires)
                    .await;
            show_new(&made.map_err(token_failure)?)
        }
        TokenCommand::List => show_list(&mut db, TokenKind::Operator, now).await,
        TokenCommand::Revoke { id } => revoke(&mut db, TokenKind::Operator, &id, now).await,
    }
}

async fn join_token(config: &Config, command: JoinTokenCommand) -> Result<(), Failure> {
    let mut db = store::open_existing(&config.database).await?;
    let now = Clock::system().now();
    match command {
        JoinTokenCommand::Create { note, ttl } => {
            check_text(&note, "--note")?;
            let expires = expiry(now, ttl, config.join_token_ttl_max)?;
            show_new(
                &token::create_join(&mut db, &Who::command_line(), &note, now, expires)
                    .await
                    .map_err(token_failure)?,
            )
        }
        JoinTokenCommand::List => show_list(&mut db, TokenKind::Join, now).await,
        JoinTokenCommand::Revoke { id } => revoke(&mut db, TokenKind::Join, &id, now).await,
    }
}

fn check_text(text: &str, what: &str) -> Result<(), Failure> {
    if text.len() > TOKEN_NAME_BYTES || text.chars().any(char::is_control) {
        let limit = format!("{what} has more than {TOKEN_NAME_BYTES} bytes or is not printable");
        return Err(Failure::new(Exit::Config, limit));
    }
    Ok(())
}

pub(super) fn expiry(now: UnixTime, ttl: Duration, max: Duration) -> Result<UnixTime, Failure> {
    if ttl > max {
        let limit = format!("--ttl is above the maximum of {} s", max.as_secs());
        return Err(
            Failure::new(Exit::Config, limit).hint("tokens.join-max-ttl-secs is the maximum of join tokens")
        );
    }
    Ok(now.plus_ms(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)))
}

/// The secret alone on stdout, so that a script can take it.
fn show_new(token: &NewToken) -> Result<(), Failure> {
    let _ = writeln!(
        std::io::stderr(),
        "token {} expires {}; its secret is shown this once:",
        token.id,
        token.expires
    );
    print(&format!("{}\n", token.secret))
}

async fn show_list(db: &mut Connection<'_>, kind: TokenKind, now: UnixTime) -> Result<(), Failure> {
    let tokens = token::list(db, kind, now).await.map_err(store_failure)?;
    let mut text = String::new();
    for TokenView { id, name, scope, expires, state, used_by, .. } in &tokens {
        let used_by = used_by.as_deref().map_or(String::new(), |host| format!("  used by {host}"));
        // Writing into a string does not fail.
        let _ = writeln!(text, "{id}  {scope:<5}  {state:<7}  {expires}  {name}{used_by}");
    }
    print(&text)
}

async fn revoke(db: &mut Connection<'_>, kind: TokenKind, id: &str, now: UnixTime) -> Result<(), Failure> {
    if token::revoke(db, &Who::command_line(), kind, id, now).await.map_err(token_failure)? {
        return Ok(());
    }
    let command = match kind {
        TokenKind::Operator => "token",
        TokenKind::Join => "join-token",
    };
    Err(Failure::new(Exit::Config, format_args!("there is no token {id}"))
        .hint(format_args!("`lydian-verifier {command} list` shows their ids")))
}

pub(super) fn token_failure(error: TokenError) -> Failure {
    match error {
        TokenError::Store(error) => store_failure(error),
        TokenError::Random(_) => Failure::new(Exit::Software, error),
    }
}

fn store_failure(error: StoreError) -> Failure {
    match error {
        StoreError::Database(error) => store::OpenError::from(error).into(),
        other => Failure::new(Exit::Software, other),
    }
}

async fn export(config: &Config, wanted: &Wanted) -> Result<(), Failure> {
    let shows = std::io::stderr().is_terminal();
    let mut shown = Instant::now();
    let progress = |done, of| {
        if shows && (done == of || shown.elapsed() >= PROGRESS_EVERY) {
            shown = Instant::now();
            let _ = write!(std::io::stderr(), "\r{done} of {of} chains");
        }
    };
    let exported = export::export(&config.database, wanted, Clock::system().now(), progress).await;
    if shows {
        let _ = writeln!(std::io::stderr());
    }
    let Exported { size, chains, new_evidence, new_actions, new_index_roots, new_manifests } =
        exported.map_err(export_failure)?;
    print(&format!(
        "{}: everything up to leaf {size}; {chains} chains, new: {new_evidence} pieces of evidence, {new_actions} actions, {new_index_roots} roots of the index, {new_manifests} manifests\n",
        wanted.dir.display()
    ))
}

async fn reindex(config: &Config) -> Result<(), Failure> {
    let _lock = serve::lock_state_dir(&config.state_dir)?;
    let shows = std::io::stderr().is_terminal();
    let mut shown = Instant::now();
    let progress = |done, of| {
        if shows && (done == of || shown.elapsed() >= PROGRESS_EVERY) {
            shown = Instant::now();
            let _ = write!(std::io::stderr(), "\r{done} of {of} pieces of evidence");
        }
    };
    let began = Instant::now();
    let done = record::reindex(&config.database, progress).await?;
    if shows {
        let _ = writeln!(std::io::stderr());
    }
    let Reindexed { hosts, evidence, manifests, roots } = done;
    print(&format!(
        "{}: {hosts} hosts, {evidence} pieces of evidence and {manifests} manifests indexed in {:.1} s; roots of the index \
         in the log: {} agree, {} not compared\n",
        config.database,
        began.elapsed().as_secs_f64(),
        roots.equal,
        roots.passed_over,
    ))?;
    match roots.other.first() {
        None => Ok(()),
        Some(first) => Err(record::root_differs(*first, roots.other.len())),
    }
}

async fn copy_to_server(config: &Config, address: &str) -> Result<(), Failure> {
    let _lock = serve::lock_state_dir(&config.state_dir)?;
    let to = config::database(address)?;
    let shows = std::io::stderr().is_terminal();
    let told = |table: &str, rows| {
        if shows {
            let _ = write!(std::io::stderr(), "\r{table}: {rows} rows\x1b[K");
        }
    };
    let began = Instant::now();
    let Copied { tables, rows } = relocate::copy(&config.database, &to, told).await?;
    if shows {
        let _ = writeln!(std::io::stderr());
    }
    print(&format!(
        "{to}: {rows} rows of {tables} tables in {:.1} s; now name it as `database` in the configuration\n",
        began.elapsed().as_secs_f64()
    ))
}

fn export_failure(error: ExportError) -> Failure {
    match error {
        ExportError::Open(error) => error.into(),
        ExportError::Store(error) | ExportError::Action(ActionError::Store(error)) => store_failure(error),
        ExportError::Action(ActionError::Random(_)) => Failure::new(Exit::Software, error),
        ExportError::NoHost { .. } | ExportError::SeveralHosts { .. } => Failure::new(Exit::Config, error)
            .hint("`lydian host list` shows names and identities; name it with a longer beginning"),
        ExportError::File { ref path, ref cause } => Failure::io(path.display(), cause),
        ExportError::Earlier { .. } => {
            Failure::new(Exit::Software, error).hint("it is damaged; export into an empty directory")
        }
    }
}

pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever read has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::io("writing to stdout", &error)),
    }
}

const PROGRESS_EVERY: Duration = Duration::from_millis(200);
