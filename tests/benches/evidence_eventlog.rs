//! A firmware log of 100 kB: read, every event decoded and its digest recomputed, replayed, and facts drawn, on one core.
//!
//! The log is a recorded boot with Secure Boot, shim and GRUB, its events repeated up to that length. The peer is
//! `tpm2_eventlog` on the same bytes, a process of its own that also writes all of it as YAML; where it is not installed
//! there is none. Lines go to `target/bench/results.jsonl`.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use evidence::digest::HashAlg;
use evidence::eventlog::{DigestCheck, EventLog};
use support::{Figure, Goal, medians};

const BYTES: usize = 100_000;
const ROUNDS: usize = 101;
const BANK: HashAlg = HashAlg::Sha256;

fn main() -> Result<()> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/shim-sb/binary_bios_measurements");
    let log = enlarged(&std::fs::read(&vectors).with_context(|| vectors.display().to_string())?)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("log");
    std::fs::write(&file, &log)?;
    let has_peer = tpm2_eventlog(&file).is_ok();
    let mut parse_only = || {
        black_box(EventLog::parse(black_box(&log)));
        Ok(())
    };
    let mut ours = || everything(black_box(&log));
    let mut peer = || if has_peer { tpm2_eventlog(&file) } else { Ok(()) };
    let [parsed, all, peer] = medians(ROUNDS, [&mut parse_only, &mut ours, &mut peer])?;
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1_000.0;
    let figure = |name, ours, peer| Figure { name, ours, peer, unit: "ms", goal: Goal::AtMost(1.0) }.write();
    figure("firmware log of 100 kB: read", ms(parsed), None)?;
    let peer = has_peer.then(|| ms(peer));
    figure("firmware log of 100 kB: read, decoded, checked, replayed, facts", ms(all), peer)
}

/// All that a verifier does with a log.
fn everything(bytes: &[u8]) -> Result<()> {
    let parsed = EventLog::parse(bytes);
    ensure!(parsed.damage.is_none(), "the enlarged log is damaged");
    let mut verified = 0_u32;
    for event in parsed.log.events() {
        let _payload = black_box(event.payload());
        verified += u32::from(event.digest_check(BANK) == DigestCheck::Verified);
    }
    ensure!(verified > 100, "the log's events are checked");
    black_box(parsed.log.replay(BANK)?);
    black_box(parsed.log.facts(BANK));
    Ok(())
}

/// The log with its events behind the first one repeated.
fn enlarged(log: &[u8]) -> Result<Vec<u8>> {
    let parsed = EventLog::parse(log).log;
    let second = parsed.events().get(1).context("a log with events")?.offset;
    let events = log.get(second..).context("events")?;
    let mut bytes = log.to_vec();
    while bytes.len() < BYTES {
        bytes.extend_from_slice(events);
    }
    Ok(bytes)
}

fn tpm2_eventlog(file: &Path) -> Result<()> {
    let run = Command::new("tpm2_eventlog").arg(file).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.context("tpm2_eventlog is the peer")?;
    Ok(())
}
