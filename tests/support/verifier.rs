//! A real verifier on a port of its own, with a store that outlives its process.
//!
//! In: whom it trusts, and what a test wants to be different. Out: a guard with clients that pin its CA. It listens on
//! the loopback address only; everything it keeps goes away with the guard.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use toml::{Table, Value};
use wire::operator::{CreateJoinToken, NewToken, Scope};

use crate::client::{VerifierClient, granted};
use crate::database;
use crate::process::{Program, Service};

/// What a test decides about its verifier.
#[derive(Clone, Debug)]
pub struct VerifierSettings {
    /// Roots of TPM makers, PEM; without any, first use is believed.
    pub ek_roots: Vec<String>,
    /// Seconds between signs of life of a host that does not change.
    pub heartbeat_secs: u64,
    /// Seconds without evidence until a host is stale.
    pub stale_after_secs: u64,
    /// Requests of one address in a minute.
    pub requests_per_minute: u32,
    /// Evidence of one host in a minute.
    pub evidence_per_minute: u32,
    /// What else is in the section `log`.
    pub log: Table,
    /// The section `alerts`.
    pub alerts: Table,
    /// Where it keeps its history.
    pub kept: Kept,
    /// A directory in which all its files stay, in `verifier`; otherwise they go away with the guard.
    pub stays_in: Option<PathBuf>,
}

/// Where a verifier keeps its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the server that `LYDIAN_TEST_POSTGRES` names, or in a file without one.
    AsOthers,
    /// In a file, whatever others do.
    InAFile,
}

impl Default for VerifierSettings {
    /// Room for everything that a test does; hosts do not go stale while it runs.
    fn default() -> Self {
        Self {
            ek_roots: Vec::new(),
            heartbeat_secs: 600,
            stale_after_secs: 1_800,
            requests_per_minute: 1_000_000,
            evidence_per_minute: 1_000_000,
            log: Table::new(),
            alerts: Table::new(),
            kept: Kept::AsOthers,
            stays_in: None,
        }
    }
}

/// A verifier's process and its store.
#[derive(Debug)]
pub struct Verifier {
    dir: TempDir,
    settings: VerifierSettings,
    service: Service,
    address: SocketAddr,
    enroller: OnceCell<VerifierClient>,
}

impl Verifier {
    /// Starts a verifier on an empty store and waits until it is ready.
    pub async fn start(settings: &VerifierSettings) -> Result<Self> {
        let dir = match &settings.stays_in {
            None => tempfile::Builder::new().prefix("lydian-verifier").tempdir()?,
            Some(out) => {
                let mut fixed = tempfile::Builder::new();
                fixed.prefix("verifier").rand_bytes(0).disable_cleanup(true).tempdir_in(out)?
            }
        };
        let roots = dir.path().join("ek-roots");
        std::fs::create_dir(&roots)?;
        for (number, pem) in settings.ek_roots.iter().enumerate() {
            std::fs::write(roots.join(format!("{number}.pem")), pem)?;
        }
        if settings.kept == Kept::AsOthers {
            database::make(dir.path()).await?;
        }
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (mut service, address) = launch(dir.path(), settings, anywhere).await?;
        if settings.stays_in.is_some() {
            service.file_words();
        }
        Ok(Self { dir, settings: settings.clone(), service, address, enroller: OnceCell::new() })
    }

    /// Starts it again on the same store and port.
    pub async fn restart(&mut self) -> Result<()> {
        self.service.kill_9().await?;
        (self.service, self.address) = launch(self.dir.path(), &self.settings, self.address).await?;
        Ok(())
    }

    /// Ends it in order and starts it again, with somebody who is told what watches find.
    pub async fn restart_alerting(&mut self, alerts: Table) -> Result<()> {
        self.settings.alerts = alerts;
        self.restart_with(self.settings.log.clone()).await
    }

    /// Ends it in order and starts it again, with other settings of the log.
    pub async fn restart_with(&mut self, log: Table) -> Result<()> {
        self.terminate().await?;
        self.settings.log = log;
        (self.service, self.address) = launch(self.dir.path(), &self.settings, self.address).await?;
        Ok(())
    }

    /// The address of its database, where a server has it.
    pub fn database_address(&self) -> Result<Option<String>> {
        database::address(self.dir.path())
    }

    /// Ends it, has its history copied from its file to the server, and starts it there. Gives what the copying said.
    pub async fn move_to_server(&mut self) -> Result<String> {
        self.terminate().await?;
        database::make(self.dir.path()).await?;
        let address = database::address(self.dir.path())?.context("LYDIAN_TEST_POSTGRES")?;
        let copy = Program::new("lydian-verifier")?
            .args(["copy-to-server", &address, "--config"])
            .args([self.config()]);
        let said = copy.run().await?.succeeded()?;
        self.settings.kept = Kept::AsOthers;
        (self.service, self.address) = launch(self.dir.path(), &self.settings, self.address).await?;
        Ok(said)
    }

    /// Kills it and starts it again as another program's last arguments: `strace` with faults, say. The other program must leave the
    /// verifier the process that was started (`strace -D`). Fails where the verifier does not get ready.
    pub async fn restart_under(&mut self, other: Program) -> Result<()> {
        self.service.kill_9().await?;
        let config = write_config(self.dir.path(), &self.settings, self.address)?;
        let words: Vec<_> = serve(&config)?.words().map(ToOwned::to_owned).collect();
        self.service = other.args(words).start(self.dir.path())?;
        self.address = self.service.listening().await?;
        Ok(())
    }

    /// Kills the process.
    pub async fn kill_9(&mut self) -> Result<()> {
        self.service.kill_9().await
    }

    /// Asks the process to end, and says how long it took.
    pub async fn terminate(&mut self) -> Result<(Duration, ExitStatus)> {
        self.service.terminate().await
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for agents and operators.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// The certificate authority to pin.
    pub fn ca(&self) -> PathBuf {
        self.state_dir().join("ca.pem")
    }

    /// Its state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Runs a statement of SQL on its database, beside it, and gives what it gives: a line for each row, with bars between the columns.
    pub async fn statement(&self, statement: &str) -> Result<String> {
        database::run(self.dir.path(), statement).await
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("verifier.toml")
    }

    /// Its process.
    pub const fn service(&self) -> &Service {
        &self.service
    }

    /// A client without a token.
    pub fn client(&self) -> Result<VerifierClient> {
        let ca = std::fs::read_to_string(self.ca()).context("the verifier's CA")?;
        VerifierClient::new(self.address, &ca)
    }

    /// A client with a new operator's token, made on the verifier's own machine as its administrator does.
    pub async fn operator(&self, scope: Scope) -> Result<VerifierClient> {
        let scope = match scope {
            Scope::Read => "read",
            Scope::Enrol => "enrol",
            Scope::Admin => "admin",
        };
        let create = Program::new("lydian-verifier")?
            .args(["token", "create", "--name", "test", "--scope", scope, "--config"])
            .args([self.config()]);
        let printed = create.run().await?.succeeded()?;
        let secret = printed.split_whitespace().last().context("a token on standard output")?;
        Ok(self.client()?.with_token(secret))
    }

    /// A new join token.
    pub async fn join_token(&self) -> Result<String> {
        let ask = CreateJoinToken { note: "test".to_owned(), ttl_secs: 600 };
        let enroller = self.enroller.get_or_try_init(|| self.operator(Scope::Enrol)).await?;
        let made: NewToken = granted(enroller.post("/v1/join-tokens", &ask).await?)?;
        Ok(made.secret)
    }
}

async fn launch(
    dir: &Path,
    settings: &VerifierSettings,
    listen: SocketAddr,
) -> Result<(Service, SocketAddr)> {
    let config = write_config(dir, settings, listen)?;
    let mut service = serve(&config)?.start(dir)?;
    let address = service.listening().await?;
    Ok((service, address))
}

fn write_config(dir: &Path, settings: &VerifierSettings, listen: SocketAddr) -> Result<PathBuf> {
    let config = dir.join("verifier.toml");
    std::fs::write(&config, configuration(dir, settings, listen)?)?;
    Ok(config)
}

fn serve(config: &Path) -> Result<Program> {
    Ok(Program::new("lydian-verifier")?.args(["serve", "--config"]).args([config]))
}

fn configuration(dir: &Path, settings: &VerifierSettings, listen: SocketAddr) -> Result<String> {
    let text = |value: &dyn ToString| Value::from(value.to_string());
    let table = |keys: Vec<(&str, Value)>| {
        Value::Table(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let endorsement = if settings.ek_roots.is_empty() {
        vec![("policy", text(&"danger-first-use"))]
    } else {
        let roots = dir.join("ek-roots");
        vec![("policy", text(&"require-chain")), ("roots", text(&roots.display()))]
    };
    let hosts = vec![
        ("heartbeat-secs", Value::from(i64::try_from(settings.heartbeat_secs)?)),
        ("stale-after-secs", Value::from(i64::try_from(settings.stale_after_secs)?)),
    ];
    let limits = vec![
        ("requests-per-minute", Value::from(settings.requests_per_minute)),
        ("evidence-per-minute", Value::from(settings.evidence_per_minute)),
    ];
    let mut config = Table::new();
    config.insert("listen".to_owned(), text(&listen));
    if let (Kept::AsOthers, Some(address)) = (settings.kept, database::address(dir)?) {
        config.insert("database".to_owned(), text(&address));
    }
    config.insert("state-dir".to_owned(), text(&dir.join("state").display()));
    let mut log = settings.log.clone();
    log.insert("origin".to_owned(), text(&"verifier.test/lydian"));
    config.insert("log".to_owned(), Value::Table(log));
    config.insert("endorsement".to_owned(), table(endorsement));
    config.insert("hosts".to_owned(), table(hosts));
    config.insert("limits".to_owned(), table(limits));
    if !settings.alerts.is_empty() {
        config.insert("alerts".to_owned(), Value::Table(settings.alerts.clone()));
    }
    Ok(toml::to_string(&config)?)
}
