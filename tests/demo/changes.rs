//! From a change on disk to the verdict at the verifier, as an operator would meet it: default settle time.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use evidence::digest::Sha256Digest;
use support::elf;

use crate::stage::Stage;
use crate::talk::say;

/// How many changes are made.
pub(crate) const ROUNDS: usize = 7;

/// Makes the changes and gives the median time.
pub(crate) async fn measure(stage: &mut Stage) -> Result<Duration> {
    let mut times = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let (content, digest) = (content(round), digest(round));
        let start = Instant::now();
        stage.host.write_executable("/usr/sbin/sshd", &content)?;
        stage.change_of("/usr/sbin/sshd", &digest).await?;
        times.push(start.elapsed());
        say(&format!("  change {}: {} ms", round + 1, start.elapsed().as_millis()));
    }
    times.sort_unstable();
    times.get(ROUNDS / 2).copied().context("an odd number of rounds")
}

fn content(round: usize) -> Vec<u8> {
    elf(&format!("sshd 9.2 with a back door, build {round}"))
}

/// The SHA-256 of what was written in this round.
pub(crate) fn digest(round: usize) -> String {
    Sha256Digest::of(&[&content(round)]).to_string()
}
