//! What this machine's real /usr, with its real packages, costs the network: the first host, and a second that is the same.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use support::relay::{Relay, Traffic};
use support::{
    Agent, AgentSettings, Figure, Goal, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierClient,
    VerifierSettings, usage,
};
use toml::{Table, Value};
use wire::operator::{HostDetail, Scope};

const FIRST_BYTES: f64 = 1_500_000.0;
const SECOND_BYTES: f64 = 20_000.0;
const GOAL_MIB: f64 = 64.0;

pub(crate) fn run() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(fleet())
}

async fn fleet() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let operator = verifier.operator(Scope::Read).await?;
    for (name, identity, goal) in [("first", 1, FIRST_BYTES), ("second", 2, SECOND_BYTES)] {
        let relay = Relay::start(verifier.address()).await?;
        let spec = SwtpmSpec { identity, ..SwtpmSpec::default() };
        let host = SimulatedHost::boot(&Recording::load("shim-sb")?.without_ima_policy()?, &spec)?;
        let settings =
            AgentSettings { verifier_url: Some(relay.url()), settle_ms: None, ..AgentSettings::default() };
        let mut agent = Agent::configure(&host, &settings)?;
        measure_this_machine(agent.config())?;
        agent.enrol(&verifier, name).await.context("enrol")?;
        let enrolment = relay.traffic();
        agent.start().await?;
        let detail = settled(&operator, name).await?;
        let traffic = relay.traffic().since(enrolment);
        told(name, &detail, traffic)?;
        let what = format!("{name} submission of this machine's /usr, as TCP carries it");
        let up = f64::from(u32::try_from(traffic.up)?);
        Figure { name: &what, ours: up, peer: None, unit: "bytes", goal: Goal::AtMost(goal) }.write()?;
        if name == "first" {
            let pid = agent.service()?.pid()?.as_raw_nonzero().to_string();
            let what = "resident memory of the whole agent on this machine's /usr";
            let ours = usage::memory(&pid)?.resident;
            Figure { name: what, ours, peer: None, unit: "MiB", goal: Goal::AtMost(GOAL_MIB) }.write()?;
        }
        agent.terminate().await?;
    }
    Ok(())
}

fn told(name: &str, detail: &HostDetail, traffic: Traffic) -> Result<()> {
    let artefacts: u64 = detail.component_list.iter().map(|part| part.artefacts).sum();
    let components = detail.summary.components;
    writeln!(io::stdout(), "{name} host: {components} components, {artefacts} artefacts, {traffic:?}")?;
    ensure!(artefacts > 0, "nothing was found in /usr");
    Ok(())
}

/// The agent's trees are not those of the simulated host.
fn measure_this_machine(config: &Path) -> Result<()> {
    let mut table: Table = std::fs::read_to_string(config)?.parse()?;
    let measure = table.get_mut("measure").and_then(Value::as_table_mut).context("a table [measure]")?;
    measure.insert("roots".to_owned(), Value::Array(vec![Value::from("/usr")]));
    measure.insert("path-prefix".to_owned(), Value::from("/"));
    measure.insert("dpkg-admin-dir".to_owned(), Value::from("/var/lib/dpkg"));
    Ok(std::fs::write(config, toml::to_string(&table)?)?)
}

/// Waits until the verifier knows all of a host.
pub(crate) async fn settled(operator: &VerifierClient, name: &str) -> Result<HostDetail> {
    let deadline = Instant::now() + SETTLED;
    loop {
        let detail: HostDetail = operator.read(&format!("/v1/hosts/{name}")).await?;
        let known = detail.component_list.iter().all(|part| part.kind != "unresolved");
        if detail.summary.components > 0 && known {
            return Ok(detail);
        }
        ensure!(Instant::now() < deadline, "{name}: the verifier does not know all of it within {SETTLED:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// With a cold cache and a busy machine.
const SETTLED: Duration = Duration::from_mins(5);
