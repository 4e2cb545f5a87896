//! System calls of the running verifier fail one after another, SQLite's own among them, and it keeps its word.
//!
//! In: a seed, which decides which call fails, how, and as which of its kind in a thread; `strace` makes it so. Out: a verifier that
//! starts again by itself, a chain without a hole, every receipt still true, a log that the auditor accepts. What a crash of the
//! machine would tear is not here: a model of the disk has that, below the verifier's own tests of the log.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use evidence::envelope::Envelope;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use support::{KeyKind, Program, SoftAttester, TestEkCa, Verifier, VerifierSettings};
use tempfile::TempDir;
use wire::operator::Scope;
use wire::submit::Receipt;

use crate::durability::settle;
use crate::scene::{booted, history, package};

/// Calls by which the database and the log's files are written.
const WRITING: [&str; 8] =
    ["pwrite64", "pwrite64", "fdatasync", "fsync", "ftruncate", "rename", "mkdir", "unlink"];

/// Calls that are not made to fail, since others than the stores' need them too; at these the verifier is killed.
const OTHERS: [&str; 3] = ["write", "openat", "close"];

/// What happens at which call.
#[derive(Debug)]
struct Fault {
    call: &'static str,
    /// `error=EIO`, say.
    what: &'static str,
    when: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {} at {}", self.call, self.what, self.when)
    }
}

impl Fault {
    fn draw(rng: &mut ChaCha20Rng) -> Result<Self> {
        let mut below = |bound: usize| Ok::<_, anyhow::Error>(rng.next_u32() as usize % bound);
        let kill = below(3)? == 0;
        let calls: Vec<&str> = if kill { [&WRITING[..], &OTHERS].concat() } else { WRITING.to_vec() };
        let call = *calls.get(below(calls.len())?).context("a call")?;
        // Early ones and late ones alike.
        let most = *[2, 6, 20, 60].get(below(4)?).context("a bound")?;
        let first = below(most)? + 1;
        let (what, when) = match below(2)? {
            _ if kill => ("signal=KILL", first.to_string()),
            0 => ("error=EIO", first.to_string()),
            // A disk stays full for a while.
            _ => ("error=ENOSPC", format!("{first}..{}", first + below(4)?)),
        };
        Ok(Self { call, what, when })
    }

    /// A program that runs its last arguments with this fault, and writes down where it struck.
    fn program(&self, notes: &PathBuf) -> Program {
        // `rename` is `renameat` for some libraries, and so on: those are the same call to us.
        let calls = match self.call {
            "rename" => "rename,renameat,renameat2",
            "mkdir" => "mkdir,mkdirat",
            "unlink" => "unlink,unlinkat",
            call => call,
        };
        let (trace, inject) =
            (format!("trace={calls}"), format!("inject={calls}:{}:when={}", self.what, self.when));
        Program::other("strace").args(["-D", "-f", "-qq", "-e", &trace, "-e", &inject, "-o"]).args([notes])
    }
}

/// A verifier, one host, and the evidence whose receipt is still to come.
struct World {
    verifier: Verifier,
    attester: SoftAttester,
    dir: TempDir,
    receipts: Vec<Receipt>,
    waiting: Option<Envelope>,
    made: u64,
}

impl World {
    async fn new(seed: u64) -> Result<Self> {
        let ca = TestEkCa::new("Test TPM maker")?;
        let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
        let verifier = Verifier::start(&settings).await?;
        let mut attester = booted(&ca, seed, KeyKind::EccP256)?;
        attester.enrol(&verifier.client()?, &verifier.join_token().await?).await?;
        let dir = tempfile::tempdir()?;
        Ok(Self { verifier, attester, dir, receipts: Vec::new(), waiting: None, made: 0 })
    }

    /// Evidence until one is not answered as it should be.
    async fn submit(&mut self) -> Result<()> {
        for _ in 0..4 {
            self.attester.toggle(&package("changing", &self.made.to_string())?);
            self.made += 1;
            let envelope = self.attester.host.next()?;
            let answer = self.verifier.client()?.submit(&envelope, self.attester.from_size()).await;
            let Ok(Ok(receipt)) = answer else {
                self.waiting = Some(envelope);
                return Ok(());
            };
            self.attester.recorded(&envelope, &receipt)?;
            self.receipts.push(receipt);
        }
        Ok(())
    }

    /// One start with a fault, and one without. Says whether the fault struck.
    async fn round(&mut self, fault: &Fault) -> Result<bool> {
        let notes = self.dir.path().join("strace");
        if self.verifier.restart_under(fault.program(&notes)).await.is_ok() {
            self.submit().await?;
        }
        self.verifier.restart().await.context("the start after it")?;
        if let Some(envelope) = self.waiting.take() {
            let (receipt, _) = settle(&self.verifier.client()?, &self.attester, &envelope).await?;
            self.attester.recorded(&envelope, &receipt)?;
            self.receipts.push(receipt);
        }
        let notes = std::fs::read(notes).context("strace is needed: apt-get install strace")?;
        let notes = String::from_utf8_lossy(&notes);
        Ok(notes.contains("(INJECTED)") || notes.contains("killed by SIGKILL") && fault.what == "signal=KILL")
    }

    /// Everything that was acknowledged is where the receipts say, and the log holds.
    async fn check(&self) -> Result<()> {
        let operator = self.verifier.operator(Scope::Read).await?;
        let entries = history(&operator, &self.attester.host.id().to_string()).await?;
        let recorded: Vec<_> = entries.iter().rev().filter(|entry| entry.seq.is_some()).collect();
        let leaves: Vec<_> = recorded.iter().filter_map(|entry| entry.leaf).collect();
        let promised: Vec<_> = self.receipts.iter().map(|receipt| receipt.index).collect();
        ensure!(leaves == promised, "receipts for {promised:?}, the history has {leaves:?}");
        let seqs: Vec<_> = recorded.iter().filter_map(|entry| entry.seq).collect();
        ensure!(seqs == (0..self.made).collect::<Vec<_>>(), "the chain: {seqs:?} of {}", self.made);
        let log = self.verifier.state_dir().join("log");
        let version: wire::operator::Version = self.verifier.client()?.read("/v1/version").await?;
        let verify =
            Program::new("lydian")?.args(["log", "verify"]).args([log]).args(["--log-key", &version.log_key]);
        verify.run().await?.succeeded().map(drop).context("lydian log verify")
    }
}

/// Gives how many faults struck.
async fn survive(seed: u64, rounds: u32) -> Result<u32> {
    let mut world = World::new(seed).await?;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut struck = 0;
    for round in 0..rounds {
        let fault = Fault::draw(&mut rng)?;
        let place = || format!("seed {seed}, round {round}: {fault}");
        struck += u32::from(world.round(&fault).await.with_context(place)?);
        if round % 8 == 7 {
            world.check().await.with_context(place)?;
        }
    }
    world.check().await?;
    Ok(struck)
}

/// Whether the machine lets a process trace another.
async fn can_trace() -> Result<bool> {
    match Program::other("strace").args(["-D", "-qq", "-o", "/dev/null", "true"]).run().await {
        Ok(finished) if finished.status.success() => Ok(true),
        other if std::env::var_os("CI").is_some() => bail!("strace does not work here: {other:?}"),
        other => {
            skipped(&format!("strace does not work here: {other:?}"));
            Ok(false)
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_breaks_no_promise() -> Result<()> {
    if support::database::server().is_some() {
        skipped("the calls that fail are SQLite's");
        return Ok(());
    }
    if can_trace().await? {
        let struck = survive(1, 24).await?;
        ensure!(struck >= 8, "only {struck} faults struck");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "the long form: two minutes, run by `make soak`"]
async fn a_thousand_calls_that_fail_break_no_promise() -> Result<()> {
    ensure!(can_trace().await?, "strace is needed");
    let seeds = (2..6).map(|seed| tokio::spawn(survive(seed, 250)));
    let mut struck = 0;
    for seed in seeds.collect::<Vec<_>>() {
        struck += seed.await??;
    }
    ensure!(struck >= 400, "only {struck} of a thousand faults struck");
    Ok(())
}

#[expect(clippy::print_stderr, reason = "whoever reads the tests' output wants to know what was not tested")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
