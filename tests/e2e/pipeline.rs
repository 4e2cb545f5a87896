//! The whole way through: a host enrols, attests, changes, and an operator sees it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evidence::digest::Sha256Digest;
use evidence::ima::ImaList;
use ledger::checkpoint::SignedCheckpoint;
use ledger::cosignature::CosignerKey;
use ledger::note::VerifierKey;
use support::{
    Agent, AgentSettings, Package, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierClient,
    VerifierSettings, elf, swtpm, wait,
};
use wire::operator::{Change, HistoryEntry, HostDetail, HostHistory, HostList, HostStatus, Scope, Version};

const NAME: &str = "web-1";

/// A verifier that trusts the makers of these TPMs, a booted host with a package, and its agent, enrolled.
struct World {
    agent: Agent,
    verifier: Verifier,
    operator: VerifierClient,
    host: SimulatedHost,
}

impl World {
    async fn new(recording: &str) -> Result<Self> {
        let ek_roots = swtpm::ca_certificates()?.into_iter().map(String::from_utf8);
        let ek_roots = ek_roots.collect::<std::result::Result<_, _>>()?;
        let verifier = Verifier::start(&VerifierSettings { ek_roots, ..VerifierSettings::default() }).await?;
        let operator = verifier.operator(Scope::Read).await?;
        let host = SimulatedHost::boot(&Recording::load(recording)?, &SwtpmSpec::default())?;
        install(&host, "1.0")?;
        let agent = Agent::configure(&host, &AgentSettings::default())?;
        agent.enrol(&verifier, NAME).await.context("enrol")?;
        Ok(Self { agent, verifier, operator, host })
    }

    async fn detail(&self) -> Result<HostDetail> {
        self.operator.read(&format!("/v1/hosts/{NAME}")).await
    }

    /// Waits until the host's newest state fits.
    async fn shown(&self, what: &str, fits: impl Fn(&HostDetail) -> bool) -> Result<HostDetail> {
        wait::until(what, async || {
            let detail = self.detail().await?;
            Ok(fits(&detail).then_some(detail))
        })
        .await
    }

    /// Waits until the history tells of a change.
    async fn change(&self, fits: impl Fn(&Change) -> bool) -> Result<(HistoryEntry, Change)> {
        wait::until("the change is in the history", async || {
            let history: HostHistory = self.operator.read(&format!("/v1/hosts/{NAME}/history")).await?;
            Ok(history.entries.into_iter().find_map(|entry| {
                let change = entry.changes.iter().find(|change| fits(change))?.clone();
                Some((entry, change))
            }))
        })
        .await
    }
}

fn install(host: &SimulatedHost, version: &str) -> Result<()> {
    let content = hello(version);
    let files: [(&str, &[u8]); 1] = [("/usr/bin/hello", &content)];
    host.install(&Package { name: "hello", version, architecture: "amd64", files: &files })
}

fn hello(version: &str) -> Vec<u8> {
    elf(&format!("hello {version}"))
}

/// Whether a digest in hex is the one of these bytes.
fn is(shown: Option<&str>, bytes: &[u8]) -> bool {
    shown == Some(Sha256Digest::of(&[bytes]).to_string().as_str())
}

#[tokio::test]
async fn a_host_joins_attests_and_changes() -> Result<()> {
    let mut world = World::new("shim-sb").await?;
    let pending = world.detail().await?;
    ensure!(pending.summary.status == HostStatus::Pending, "{:?}", pending.summary);
    world.agent.start().await?;

    let detail = world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    ensure!(detail.summary.status == HostStatus::Trusted, "{detail:#?}");
    let records = ImaList::new(&std::fs::read(world.host.ima_list())?).records().count();
    ensure!(detail.ima_records == u64::try_from(records)?, "{} of {records}", detail.ima_records);
    let resolved = |host: &HostDetail| {
        host.component_list
            .iter()
            .any(|part| (part.kind.as_str(), part.name.as_str()) == ("package", "hello"))
    };
    world.shown("the package's manifest", resolved).await?;

    install(&world.host, "1.1")?;
    let (entry, change) = world.change(|change| is(change.after.as_deref(), &hello("1.1"))).await?;
    ensure!(change.path == "/usr/bin/hello", "{change:?}");
    ensure!(is(change.before.as_deref(), &hello("1.0")), "{change:?}");
    ensure!(entry.status.as_deref() == Some("affirming"), "{entry:?}");

    let tool = elf("a tool of nobody's");
    world.host.write_executable("/usr/local/bin/tool", &tool)?;
    let (_, change) = world.change(|change| is(change.after.as_deref(), &tool)).await?;
    ensure!((change.action.as_str(), change.path.as_str()) == ("added", "/usr/local/bin/tool"), "{change:?}");
    world.host.remove("/usr/local/bin/tool")?;
    let (_, change) = world.change(|change| is(change.before.as_deref(), &tool)).await?;
    ensure!(change.action == "removed", "{change:?}");

    let (took, status) = world.agent.terminate().await?;
    ensure!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    let (took, status) = world.verifier.terminate().await?;
    ensure!(status.success() && took < Duration::from_secs(1), "{status} after {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_boot_without_secure_boot_is_recorded_and_not_trusted_blindly() -> Result<()> {
    let mut world = World::new("direct").await?;
    world.agent.start().await?;
    let detail = world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    let bad = matches!(detail.summary.status, HostStatus::Warning | HostStatus::NotTrusted);
    ensure!(bad, "Secure Boot is off: {detail:#?}");
    Ok(())
}

#[tokio::test]
async fn measurements_and_reboots_are_followed() -> Result<()> {
    let mut world = World::new("shim-sb").await?;
    world.agent.start().await?;
    let first = world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    world.host.append_ima("/usr/bin/hello", &Sha256Digest::of(&[&hello("1.0")]))?;
    // A record alone waits for the heartbeat; a change does not.
    install(&world.host, "1.1")?;
    let seen = world.shown("the new record", |host| host.ima_records == first.ima_records + 1).await?;
    // What is not acknowledged would be sent once more, and refused as a replay.
    let seq = seen.summary.seq.context("evidence")?;
    wait::until("the receipt", async || Ok((world.host.acknowledged()? > seq).then_some(()))).await?;

    let (_, status) = world.agent.terminate().await?;
    ensure!(status.success(), "{status}");
    world.host.reboot()?;
    world.agent.start().await?;
    let rebooted = |host: &HostDetail| host.reset_count > first.reset_count;
    let detail = world.shown("evidence of the new boot", rebooted).await?;
    ensure!(detail.ima_records == first.ima_records, "{} records", detail.ima_records);
    ensure!(detail.refusals.is_empty(), "{:?}", detail.refusals);
    Ok(())
}

#[tokio::test]
async fn what_systemd_measures_is_explained_by_its_log() -> Result<()> {
    let mut world = World::new("shim-sb").await?;
    for pcr in [0, 7, 9] {
        world.host.systemd_measures(pcr, "os-separator", "os-separator")?;
    }
    world.host.systemd_measures(11, "ready", "phase")?;
    world.host.systemd_measures(15, "machine-id:4691595be6a345f1833cc75fab63e475", "machine-id")?;
    world.agent.start().await?;
    let detail = world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    ensure!(detail.summary.status == HostStatus::Trusted, "{detail:#?}");
    let said = |detail: &HostDetail, what: &str| {
        detail.result.as_ref().is_some_and(|result| result.to_string().contains(what))
    };
    ensure!(said(&detail, "systemd-log-replayed") && !said(&detail, "beyond-log"), "{:#?}", detail.result);
    ensure!(said(&detail, "5 of the 5 records"), "{:#?}", detail.result);
    let posture = |claim: &&wire::operator::ClaimView| claim.key == "systemd.measurement-log";
    let posture = detail.posture.iter().find(posture).context("the agent tells of the log")?;
    ensure!(posture.value == "present", "{posture:?}");

    // What is measured while the system runs, too.
    world.host.systemd_measures(11, "custom-phase", "phase")?;
    install(&world.host, "1.1")?;
    let next = |host: &HostDetail| host.summary.seq > detail.summary.seq && said(host, "6 of the 6 records");
    let detail = world.shown("the new record", next).await?;
    ensure!(detail.refusals.is_empty(), "{:?}", detail.refusals);
    Ok(())
}

#[tokio::test]
async fn the_log_proves_what_the_history_tells() -> Result<()> {
    let mut world = World::new("shim-sb").await?;
    world.agent.start().await?;
    world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    let version: Version = world.operator.read("/v1/version").await?;
    let key: VerifierKey = version.log_key.parse()?;
    let history: HostHistory = world.operator.read(&format!("/v1/hosts/{NAME}/history")).await?;
    let leaves: Vec<_> = history.entries.iter().filter_map(|entry| entry.leaf).collect();
    ensure!(leaves.len() >= 2, "an enrolment and evidence: {history:#?}");
    // What is committed is published a moment later.
    let published = async || {
        let text = world.operator.read_text("/checkpoint").await?;
        let checkpoint = SignedCheckpoint::parse(text.as_bytes())?.verify(&key)?;
        let size = checkpoint.checkpoint().size().get();
        Ok(leaves.iter().all(|leaf| *leaf < size).then_some(()))
    };
    wait::until("a checkpoint with all of it", published).await?;
    for leaf in leaves {
        let proof = world.operator.read_text(&format!("/v1/log/proof/{leaf}")).await?;
        ensure!(proof.starts_with("c2sp.org/tlog-proof@v1\n"), "{proof}");
    }
    let list: HostList = world.operator.read("/v1/hosts").await?;
    ensure!(list.total == 1 && list.hosts.len() == 1, "{list:?}");
    Ok(())
}

/// A host is a witness: its word on the log is a cosignature that others verify, also while its agent runs.
#[tokio::test]
async fn a_host_cosigns_what_it_has_verified() -> Result<()> {
    let mut world = World::new("shim-sb").await?;
    world.agent.start().await?;
    world.shown("the first evidence", |host| host.summary.seq.is_some()).await?;
    let version: Version = world.operator.read("/v1/version").await?;
    let log_key: VerifierKey = version.log_key.parse()?;
    let key = world.agent.command("cosign")?.args(["--key"]).run().await?.succeeded()?;
    let key: CosignerKey = key.trim_end().parse()?;
    // The receipt may be a moment behind what the operator sees.
    let cosigned = wait::until("a checkpoint with the first evidence", async || {
        let text = world.agent.command("cosign")?.run().await?.succeeded()?;
        let signed = SignedCheckpoint::parse(text.as_bytes())?;
        Ok((signed.claim().size().get() >= 3).then_some(signed))
    })
    .await?;
    cosigned.verify(&log_key)?;
    ensure!(key.verify(&cosigned)?.is_some(), "{}", cosigned.note().as_str());
    let line = world.agent.command("cosign")?.args(["--line"]).run().await?.succeeded()?;
    ensure!(line.starts_with(&format!("\u{2014} {} ", key.name())), "{line}");
    Ok(())
}
