//! The main job, shown on this machine: a verifier, a host with a software TPM, the agent, a change, an answer, and
//! what is refused. Every step is done by the programs that are shipped, and the demo fails where one does not do what
//! it says. With `DEMO_EXIT=1` it ends by itself; without, it stays up.

mod changes;
mod stage;
mod talk;
mod tampering;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use tokio::signal::unix::{SignalKind, signal};

use stage::Stage;
use talk::{say, step};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("error: no runtime: {error}"));
            return ExitCode::from(70);
        }
    };
    match runtime.block_on(play()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("\nerror: the demo stopped here: {error:#}"));
            say("hint: the programs' own words are in demo/*.stderr");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<()> {
    step(
        1,
        "A verifier starts on an empty store under ./demo: it makes its own CA, certificate and log key.",
    );
    let mut stage = Stage::set().await?;
    say(&format!("  it listens on {} (TLS 1.3, pinned CA {})", stage.url(), stage.ca().display()));

    step(
        2,
        "A host boots: a software TPM whose PCRs are extended as a recorded Secure Boot start of shim, GRUB and Linux says.",
    );
    say("  its endorsement key has a certificate from a local CA, which the verifier was told to trust");
    stage.lydian(&["enroll", "token", "list"]).await?;

    step(
        3,
        "An operator makes a join token, and the agent enrols: the TPM proves that its attestation key lives beside its endorsement key.",
    );
    stage.enrol().await?;

    step(
        4,
        "The agent runs: it hashes a small tree and /usr/bin, and has its first evidence quoted, recorded and proved.",
    );
    stage.start_agent().await?;
    let first = stage.first_attestation().await?;
    say(&format!("  first evidence recorded {:.1} s after the agent's start", first.as_secs_f64()));
    stage.lydian(&["host", "list"]).await?;
    stage.lydian(&["host", "show", stage::HOST]).await?;

    step(
        5,
        "A watched program is changed, as by an intruder or an upgrade. How long until the verifier has the verdict?",
    );
    let median = changes::measure(&mut stage).await?;
    say(&format!(
        "  median of {} changes: {} ms from the change on disk to the recorded verdict",
        changes::ROUNDS,
        median.as_millis()
    ));
    stage.lydian(&["host", "history", stage::HOST, "--limit", "3"]).await?;

    ask(&stage).await?;

    step(7, "Now somebody lies. Each lie meets its own refusal:");
    tampering::play(&mut stage).await?;

    step(
        8,
        "The log's signed checkpoint, and the proof that the host's evidence is in it, for anybody's C2SP tools:",
    );
    stage.lydian(&["log", "checkpoint"]).await?;
    stage.lydian(&["log", "proof", "1"]).await?;

    audit(&stage).await?;

    say("\nEvery step did what it says.");
    if std::env::var_os("DEMO_EXIT").is_some_and(|value| value == "1") {
        let took = stage.end().await?;
        say(&format!("The agent ended cleanly in {} ms.", took.as_millis()));
        ensure!(took.as_millis() < 1_000, "the agent took more than a second to end");
        return Ok(());
    }
    say("It stays up. In another terminal:\n");
    say(&format!("  {}\n", stage.command_line()));
    say("Ctrl-C ends it.");
    // Whoever ends it in another way must not leave the programs running either.
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("waiting for Ctrl-C")?,
        _ = terminate.recv() => {}
    }
    stage.end().await.map(drop)
}

/// What an auditor takes away.
async fn audit(stage: &Stage) -> Result<()> {
    step(
        9,
        "An auditor takes one piece of evidence away and verifies it again, offline, with nothing but the file and the pinned log key:",
    );
    stage.audit().await?;
    step(
        10,
        "And an answer, with all evidence that it follows from; the auditor makes it again without the verifier:",
    );
    stage.prove(&format!("file:{}", changes::digest(0))).await
}

/// The answers of a fleet of one host.
async fn ask(stage: &Stage) -> Result<()> {
    step(
        6,
        "The bad day: who ever had the first of these back doors, who ever ran it, and who ever booted without Secure Boot?",
    );
    let bad = format!("file:{}", changes::digest(0));
    stage.lydian(&["trusted", &bad]).await?;
    stage.lydian(&["trusted", &bad, "--role", "present", "--explain", stage::HOST]).await?;
    stage.lydian(&["trusted", "boot:secure-boot=off", "--all"]).await?;
    Ok(())
}
