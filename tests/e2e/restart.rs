//! Processes are killed at moments that nobody chose, and nothing is lost or told twice.
//!
//! In: a seed, which decides who is killed when and what changes meanwhile. Out: a chain without a gap or a
//! duplicate that ends in the state of the tree. The long form runs as `make soak`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evidence::digest::Sha256Digest;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use support::{
    Agent, AgentSettings, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierClient, VerifierSettings,
    elf, wait,
};
use wire::operator::{HostDetail, Scope};

use crate::scene::history;

const NAME: &str = "survivor";

/// Who is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Agent,
    Verifier,
    Both,
    Tpm,
}

struct World {
    agent: Agent,
    verifier: Verifier,
    operator: VerifierClient,
    host: SimulatedHost,
    rng: ChaCha20Rng,
    written: BTreeSet<String>,
}

impl World {
    async fn new(seed: u64) -> Result<Self> {
        let verifier = Verifier::start(&VerifierSettings::default()).await?;
        let operator = verifier.operator(Scope::Read).await?;
        let host = SimulatedHost::boot(&Recording::load("direct")?, &SwtpmSpec::default())?;
        let mut agent = Agent::configure(&host, &AgentSettings::default())?;
        agent.enrol(&verifier, NAME).await?;
        agent.start().await?;
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let world = Self { agent, verifier, operator, host, rng, written: BTreeSet::new() };
        // What is there at the start is a state, not a change.
        wait::until("the first evidence", async || {
            let detail: HostDetail = world.operator.read(&format!("/v1/hosts/{NAME}")).await?;
            Ok(detail.summary.seq)
        })
        .await?;
        Ok(world)
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound
    }

    /// One more executable, of content that was never there.
    fn change(&mut self) -> Result<()> {
        let number = self.written.len();
        let content = elf(&format!("change {number}"));
        self.host.write_executable(&format!("/usr/bin/change-{number}"), &content)?;
        self.written.insert(Sha256Digest::of(&[&content]).to_string());
        Ok(())
    }

    /// The moment of the kill is the test's input, not something to wait for.
    async fn some_time(&mut self) {
        let pause = Duration::from_millis(self.below(150).into());
        tokio::time::sleep(pause).await;
    }

    async fn round(&mut self) -> Result<Victim> {
        let victim = [Victim::Agent, Victim::Verifier, Victim::Both, Victim::Tpm];
        let victim = *victim.get(self.below(4) as usize).context("four kinds")?;
        self.change()?;
        self.some_time().await;
        match victim {
            Victim::Agent => self.agent.kill_9().await?,
            Victim::Verifier => self.verifier.kill_9().await?,
            Victim::Both => {
                self.agent.kill_9().await?;
                self.verifier.kill_9().await?;
            }
            Victim::Tpm => self.host.crash_tpm()?,
        }
        self.change()?;
        self.some_time().await;
        if matches!(victim, Victim::Verifier | Victim::Both) {
            self.verifier.restart().await?;
        }
        if matches!(victim, Victim::Agent | Victim::Both) {
            self.agent.start().await?;
        }
        Ok(victim)
    }

    /// Waits until everything that was written is in the recorded state, and checks the chain that led there.
    async fn settle(&mut self) -> Result<()> {
        self.change()?;
        let entries = wait::until("every change is recorded", async || {
            let entries = history(&self.operator, NAME).await?;
            let changes = entries.iter().flat_map(|entry| &entry.changes);
            let seen: BTreeSet<_> = changes.filter_map(|change| change.after.clone()).collect();
            Ok(self.written.is_subset(&seen).then_some(entries))
        });
        let entries = entries.await?;
        // Newest first.
        let seqs: Vec<_> = entries.iter().filter_map(|entry| entry.seq).rev().collect();
        let expected: Vec<_> = (0..u64::try_from(seqs.len())?).collect();
        ensure!(seqs == expected, "the chain has gaps or duplicates: {seqs:?}");
        let leaves: BTreeSet<_> = entries.iter().filter_map(|entry| entry.leaf).collect();
        ensure!(leaves.len() == seqs.len() + 1, "a leaf for each evidence and one for the enrolment");
        let detail: HostDetail = self.operator.read(&format!("/v1/hosts/{NAME}")).await?;
        let wrong = detail.refusals.iter().filter(|refusal| !HARMLESS.contains(&refusal.code.as_str()));
        let wrong: Vec<_> = wrong.collect();
        ensure!(wrong.is_empty(), "an honest agent was refused: {wrong:?}");
        Ok(())
    }
}

/// What an agent meets that lost an answer, or a verifier's memory of a boot.
const HARMLESS: [&str; 2] = ["replayed", "firmware-log-needed"];

async fn survive(seed: u64, rounds: u32) -> Result<()> {
    let mut world = World::new(seed).await?;
    for round in 0..rounds {
        let victim = world.round().await.with_context(|| format!("seed {seed}, round {round}"))?;
        if round % 5 == 4 {
            world.settle().await.with_context(|| format!("seed {seed}, round {round}, {victim:?}"))?;
        }
    }
    world.settle().await.with_context(|| format!("seed {seed}, at the end"))
}

#[tokio::test]
async fn fifty_kills_at_random_points_lose_and_repeat_nothing() -> Result<()> {
    survive(1, 50).await
}

#[tokio::test]
#[ignore = "the long form: some minutes, run by `make soak`"]
async fn kills_of_many_seeds_lose_and_repeat_nothing() -> Result<()> {
    for seed in 2..12 {
        survive(seed, 50).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_verifier_that_is_away_is_waited_for() -> Result<()> {
    let mut world = World::new(3).await?;
    world.settle().await?;
    world.verifier.kill_9().await?;
    for _ in 0..3 {
        world.change()?;
        world.some_time().await;
    }
    world.verifier.restart().await?;
    world.settle().await
}
