//! What people get wrong, and what each program says then: one error, a hint, its exit status.

use std::path::Path;

use anyhow::{Result, ensure};
use support::{
    Agent, AgentSettings, Finished, Program, Recording, SimulatedHost, SwtpmSpec, Verifier, VerifierSettings,
};
use tokio::net::TcpListener;

mod agent;
mod operator;
mod verifier;

/// That a program ended with this status, said all of these words, and how to mend it.
fn told(finished: &Finished, code: i32, words: &[&str]) -> Result<()> {
    let said = &finished.stderr;
    ensure!(finished.code() == code, "ended with {} and not {code}: {said}", finished.status);
    for word in ["error: ", "hint: "].iter().chain(words) {
        ensure!(said.contains(word), "nothing of `{word}` in: {said}");
    }
    ensure!(!said.contains("panicked") && !said.contains("stack backtrace"), "it broke: {said}");
    ensure!(finished.stdout.is_empty(), "words among the data: {}", finished.stdout);
    Ok(())
}

/// A file of this content in a directory.
fn file(dir: &Path, name: &str, content: &str) -> Result<String> {
    let path = dir.join(name);
    std::fs::write(&path, content)?;
    Ok(path.display().to_string())
}

/// The same program on a disk that is full from the start: a tmpfs over `state_dir` that nobody else sees, with
/// ballast in it.
fn on_a_full_disk(program: &Program, state_dir: &Path) -> Program {
    const MOUNT: &str = r#"mount -t tmpfs -o size=64k,mode=700 none "$0" &&
        ! cat /dev/zero 2>/dev/null >"$0/ballast" && exec "$@""#;
    let unshare = Program::other("unshare").args(["--map-root-user", "--mount", "sh", "-c", MOUNT]);
    unshare.args([state_dir]).args(program.words()).environment_of(program)
}

async fn host() -> Result<(SimulatedHost, Agent)> {
    let host = SimulatedHost::boot(&Recording::load("direct")?, &SwtpmSpec::default())?;
    let agent = Agent::configure(&host, &AgentSettings::default())?;
    Ok((host, agent))
}
