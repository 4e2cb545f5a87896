//! `apt-get install` and `upgrade` of a dozen packages: every new artefact has its package, and each is one change.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use evidence::digest::Sha256Digest;
use support::debian::{DOZEN, Debian};
use support::{
    Agent, AgentSettings, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierClient, VerifierSettings,
    swtpm, wait,
};
use wire::operator::{Change, HistoryEntry, HostDetail, HostHistory, Scope};

const NAME: &str = "debian";
const ROOTS: [&str; 3] = ["/usr", "/opt", "/boot"];
/// A run of apt is one change; a second for what a trigger writes after the lock was let go.
const SEALS: usize = 2;

#[tokio::test]
async fn a_run_of_apt_is_one_change_with_owners() -> Result<()> {
    let host = SimulatedHost::boot(&Recording::load("shim-sb")?, &SwtpmSpec::default())?;
    let debian = match Debian::unpack(&host.root())? {
        Ok(debian) => debian,
        Err(missing) => {
            eprintln!("skipped: apt at work was not watched: there is no {}", missing.0);
            return Ok(());
        }
    };
    let mut world = World::new(host, debian).await?;
    let installed = world.watch(Debian::install).await?;
    let upgraded = world.watch(Debian::upgrade).await?;
    let (before, after) = (&installed.versions, &upgraded.versions);
    for name in DOZEN {
        ensure!(before.get(name) != after.get(name), "{name} was not upgraded: {:?}", after.get(name));
    }
    let detail = world.detail().await?;
    ensure!(detail.open_gaps.is_empty(), "{:?}", detail.open_gaps);
    ensure!(detail.refusals.is_empty(), "{:?}", detail.refusals);
    world.agent.terminate().await?;
    Ok(())
}

/// A Debian whose agent has attested it once.
struct World {
    agent: Agent,
    operator: VerifierClient,
    _verifier: Verifier,
    debian: Debian,
    _host: SimulatedHost,
}

/// What a run of apt left behind.
struct Ran {
    versions: BTreeMap<String, String>,
}

impl World {
    async fn new(host: SimulatedHost, debian: Debian) -> Result<Self> {
        let ek_roots = swtpm::ca_certificates()?.into_iter().map(String::from_utf8);
        let ek_roots = ek_roots.collect::<std::result::Result<_, _>>()?;
        let verifier = Verifier::start(&VerifierSettings { ek_roots, ..VerifierSettings::default() }).await?;
        let operator = verifier.operator(Scope::Read).await?;
        let settings = AgentSettings {
            // As an administrator would have it.
            settle_ms: None,
            // The first heartbeat after a change says that the change is over.
            heartbeat_secs: Some(3),
            roots: ROOTS.map(str::to_owned).to_vec(),
            ..AgentSettings::default()
        };
        let mut agent = Agent::configure(&host, &settings)?;
        agent.enrol(&verifier, NAME).await.context("enrol")?;
        agent.start().await?;
        let world = Self { agent, operator, _verifier: verifier, debian, _host: host };
        wait::until("the first evidence", async || {
            let detail = world.detail().await?;
            let known = detail.component_list.iter().all(|part| part.kind != "unresolved");
            Ok((known && detail.summary.components > 0).then_some(()))
        })
        .await?;
        Ok(world)
    }

    async fn detail(&self) -> Result<HostDetail> {
        self.operator.read(&format!("/v1/hosts/{NAME}")).await
    }

    /// Runs apt, and compares what the verifier was told of it with what dpkg says.
    async fn watch(&mut self, work: fn(&Debian) -> Result<()>) -> Result<Ran> {
        let since = self.newest().await?;
        self.quiet(since).await?;
        let since = self.newest().await?;
        let before = artefacts(self.debian.root())?;
        let debian = self.debian.clone();
        // The runtime goes on: services tell it that they are alive.
        tokio::task::spawn_blocking(move || work(&debian)).await??;
        let mut fresh = artefacts(self.debian.root())?;
        fresh.retain(|path, digest| before.get(path) != Some(digest));
        ensure!(fresh.len() >= DOZEN.len(), "{} new artefacts", fresh.len());
        self.told(since, &fresh).await?;
        let entries = self.quiet(since).await?;
        let seals = entries.iter().filter(|entry| entry.trigger.as_deref() == Some("change")).count();
        eprintln!("{} new artefacts in {seals} change(s)", fresh.len());
        ensure!(seals <= SEALS, "{seals} changes: {:?}", triggers(&entries));
        self.compare(&fresh, &entries)?;
        Ok(Ran { versions: self.debian.installed()? })
    }

    /// Every new artefact under its package and version, if it has one.
    fn compare(&self, fresh: &BTreeMap<String, String>, entries: &[HistoryEntry]) -> Result<()> {
        let owners = self.debian.owners(&fresh.keys().cloned().collect())?;
        let mut wrong = Vec::new();
        for (path, digest) in fresh {
            let told = changes(entries).find(|change| shows(change, path, digest));
            let told = told.map(|change| change.component.as_str()).unwrap_or_default();
            let right = match owners.get(path) {
                Some(owner) => {
                    told.split(' ').next() == Some(owner.name.as_str())
                        && told.split(' ').next_back() == Some(owner.version.as_str())
                }
                None => !told.is_empty(),
            };
            if !right {
                wrong.push(format!("{path}: told {told:?}, dpkg says {:?}", owners.get(path)));
            }
        }
        ensure!(!owners.is_empty(), "dpkg knows none of {fresh:?}");
        ensure!(wrong.is_empty(), "{} of {}: {}", wrong.len(), fresh.len(), wrong.join("\n"));
        Ok(())
    }

    /// Waits until all these are told.
    async fn told(&self, since: u64, fresh: &BTreeMap<String, String>) -> Result<()> {
        let told = wait::until("the change at the verifier", async || {
            Ok(self.untold(since, fresh).await?.is_empty().then_some(()))
        })
        .await;
        match told {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(format!("not told: {:?}", self.untold(since, fresh).await?))),
        }
    }

    async fn untold<'a>(&self, since: u64, fresh: &'a BTreeMap<String, String>) -> Result<Vec<&'a str>> {
        let entries = self.entries(since).await?;
        let told = |path: &str, digest: &str| changes(&entries).any(|change| shows(change, path, digest));
        let untold = fresh.iter().filter(|(path, digest)| !told(path, digest));
        Ok(untold.map(|(path, _)| path.as_str()).collect())
    }

    /// Waits for the heartbeat that says that nothing changed any more, and gives what came since.
    async fn quiet(&self, since: u64) -> Result<Vec<HistoryEntry>> {
        let from = self.newest().await?;
        wait::until("a heartbeat", async || {
            let entries = self.entries(since).await?;
            let newest = entries
                .first()
                .is_some_and(|entry| entry.id > from && entry.trigger.as_deref() == Some("heartbeat"));
            Ok(newest.then_some(entries))
        })
        .await
    }

    async fn newest(&self) -> Result<u64> {
        let history: HostHistory = self.operator.read(&format!("/v1/hosts/{NAME}/history?limit=1")).await?;
        Ok(history.entries.first().context("a history")?.id)
    }

    /// What came since this entry, newest first.
    async fn entries(&self, since: u64) -> Result<Vec<HistoryEntry>> {
        let history: HostHistory = self.operator.read(&format!("/v1/hosts/{NAME}/history?limit=100")).await?;
        Ok(history.entries.into_iter().filter(|entry| entry.id > since).collect())
    }
}

fn changes(entries: &[HistoryEntry]) -> impl Iterator<Item = &Change> {
    entries.iter().flat_map(|entry| &entry.changes)
}

fn shows(change: &Change, path: &str, digest: &str) -> bool {
    change.path == path && change.after.as_deref() == Some(digest)
}

fn triggers(entries: &[HistoryEntry]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry.trigger.as_deref()).collect()
}

/// Programs, libraries and scripts below the roots, by their path in the tree.
fn artefacts(tree: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut directories: Vec<_> = ROOTS.iter().map(|root| tree.join(root.trim_start_matches('/'))).collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file() {
                let content = std::fs::read(&path)?;
                let runs = entry.metadata()?.permissions().mode() & 0o111 != 0;
                if content.starts_with(b"\x7fELF") || (content.starts_with(b"#!") && runs) {
                    let shown = Path::new("/").join(path.strip_prefix(tree)?);
                    let digest = Sha256Digest::of(&[&content]).to_string();
                    found.insert(shown.to_string_lossy().into_owned(), digest);
                }
            }
        }
    }
    Ok(found)
}
