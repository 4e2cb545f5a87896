//! A whole agent on a host with 5,000 executables: what it costs when nothing happens, and how long a change takes to
//! become a verdict at the verifier, with the default settle time.
//!
//! There is no peer that does the same work; the goals stand in the peer's place. Lines go to
//! `target/bench/results.jsonl`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use evidence::digest::Sha256Digest;
use support::{
    Agent, AgentSettings, Figure, Goal, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierClient,
    VerifierSettings, elf, wait,
};
use wire::operator::{HostDetail, HostHistory, Scope};

const NAME: &str = "bench-host";
const FILES: usize = 5_000;
const CHANGES: usize = 15;
const IDLE: Duration = Duration::from_secs(10);
const GOAL_MIB: f64 = 12.0;
const GOAL_MS: f64 = 2_000.0;

#[tokio::main]
async fn main() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let operator = verifier.operator(Scope::Read).await?;
    let host = SimulatedHost::boot(&Recording::load("shim-sb")?, &SwtpmSpec::default())?;
    for number in 0..FILES {
        let path = format!("/usr/lib/part-{}/lib{number}.so", number / 100);
        host.write_executable(&path, &elf(&format!("library {number}")))?;
    }
    let settings = AgentSettings { settle_ms: None, ..AgentSettings::default() };
    let mut agent = Agent::configure(&host, &settings)?;
    agent.enrol(&verifier, NAME).await?;
    agent.start().await?;
    wait::until("the first evidence", async || {
        let detail: HostDetail = operator.read(&format!("/v1/hosts/{NAME}")).await?;
        Ok(detail.summary.seq)
    })
    .await?;
    let latency = latency(&host, &operator).await?;
    line("change on disk to verdict, median, default settle time", latency, GOAL_MS, "ms")?;
    let pid = agent.service()?.pid()?.as_raw_nonzero();
    let before = processor_ms(pid.get())?;
    tokio::time::sleep(IDLE).await;
    let busy = processor_ms(pid.get())? - before;
    line("idle agent, 5,000 executables: processor time in 10 s", busy, 10.0, "ms")?;
    line("idle agent, 5,000 executables: resident memory", resident_mib(pid.get())?, GOAL_MIB, "MiB")?;
    agent.terminate().await?;
    Ok(())
}

async fn latency(host: &SimulatedHost, operator: &VerifierClient) -> Result<f64> {
    let mut times = Vec::with_capacity(CHANGES);
    for number in 0..CHANGES {
        let content = elf(&format!("changed {number}"));
        let digest = Sha256Digest::of(&[&content]).to_string();
        let begun = Instant::now();
        host.write_executable("/usr/lib/part-0/lib0.so", &content)?;
        wait::until("the change", async || {
            let history: HostHistory = operator.read(&format!("/v1/hosts/{NAME}/history?limit=3")).await?;
            let mut changes = history.entries.iter().flat_map(|entry| &entry.changes);
            Ok(changes.any(|change| change.after.as_deref() == Some(digest.as_str())).then_some(()))
        })
        .await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let median = times.get(CHANGES / 2).context("a median")?;
    Ok(median.as_secs_f64() * 1_000.0)
}

fn processor_ms(pid: i32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    // utime and stime are fields 14 and 15 of proc(5); the first behind the name is 3. A tick is 10 ms.
    let ticks = fields.get(11..13).context("stat")?.iter().map(|field| field.parse::<f64>());
    Ok(ticks.sum::<Result<f64, _>>()? * 10.0)
}

fn resident_mib(pid: i32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1_024.0)
}

fn line(name: &str, ours: f64, goal: f64, unit: &str) -> Result<()> {
    Figure { name, ours, peer: None, unit, goal: Goal::AtMost(goal) }.write()
}
