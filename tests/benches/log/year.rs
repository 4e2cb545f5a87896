//! What a host costs in a year that attests once an hour: in the verifier's database, in the log, in an export, on the network.
//!
//! A year of an ordinary server is attested to a real verifier: now and then a program runs for the first time, packages are updated
//! once a week, and the host boots now and then. Older evidence is folded meanwhile, as it is in a year that takes longer. Names, digests and signatures are as real ones
//! are, so they compress no better.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use evidence::digest::{HostId, Sha256Digest};
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use support::client::granted;
use support::{
    Goal, KeyKind, Lifetime, Program, SecureBootSwitch, SoftAttester, SoftHost, SoftTpmSpec, TestEkCa,
    Verifier, VerifierClient, VerifierSettings,
};
use wire::operator::Scope;
use wire::submit::{Receipt, compress_against};

use super::line;

/// Bytes on disks and on the network.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    database: u64,
    log: u64,
    sent: u64,
    received: u64,
}

pub(crate) fn year(dir: &Path) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(weeks(dir))
}

async fn weeks(dir: &Path) -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let mut verifier = Verifier::start(&settings).await?;
    let spec = SoftTpmSpec { seed: 1, ak: KeyKind::EccP256, ..SoftTpmSpec::default() };
    let host = SoftHost::with(&spec, SecureBootSwitch::On)?;
    ca.certify(&host.tpm, Lifetime::Endless)?;
    let mut attester = SoftAttester::new(host, "web-1")?;
    let client = verifier.client()?;
    let begin = attester.enrol_begin(&verifier.join_token().await?)?;
    let finish = attester.enrol_finish(&granted(client.post("/v1/enrol/begin", &begin).await?)?)?;
    attester.enrolled(&granted(client.post("/v1/enrol/finish", &finish).await?)?)?;
    let packages: Vec<_> = (0..PACKAGES).map(|package| manifest(package, 0)).collect::<Result<_>>()?;
    for package in &packages {
        attester.toggle(package);
    }
    let mut traffic = Bytes::default();
    let mut reference = attest(&client, &mut attester, &[], &mut traffic).await?;
    upload(&client, &packages).await?;
    let begun = stored(&mut verifier).await?;
    let client = verifier.client()?;
    traffic = Bytes::default();
    for hour in 1..=HOURS {
        if hour % HOURS_BETWEEN_NEW_PROGRAMS == 0 {
            attester.host.run(&format!("/usr/lib/x86_64-linux-gnu/program-{hour}"))?;
        }
        if hour % (7 * 24) == 0 {
            for package in 0..UPDATED_A_WEEK {
                attester.toggle(&manifest(package, hour / (7 * 24) - 1)?);
                attester.toggle(&manifest(package, hour / (7 * 24))?);
            }
        }
        if hour % (14 * 24) == 0 {
            attester.host.reboot()?;
        }
        reference = attest(&client, &mut attester, &reference, &mut traffic).await?;
    }
    let ended = stored(&mut verifier).await?;
    let export = dir.join("export");
    let program = Program::new("lydian-verifier")?.args(["export", "--config"]).args([verifier.config()]);
    program.args([&export]).run().await?.succeeded()?;
    audited(&verifier, &export).await?;
    old(&verifier, attester.host.id()).await?;
    proved(&verifier, &dir.join("proof")).await?;
    report(&begun, &ended, &traffic, bytes_below(&export.join("hosts"))?)
}

/// All of it verified again, from files, by the auditor's program on one core; its start is in the figure.
async fn audited(verifier: &Verifier, export: &Path) -> Result<()> {
    let key = Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([verifier.config()]);
    let key = key.run().await?.succeeded()?;
    let audit = Program::new("lydian")?.args(["log", "audit"]).args([verifier.state_dir().join("log")]);
    let audit =
        audit.args(["--log-key", key.trim(), "--partial", "--jobs", "1", "--evidence"]).args([export]);
    let begun = Instant::now();
    audit.run().await?.succeeded()?;
    let rate = HOURS as f64 / begun.elapsed().as_secs_f64();
    line("evidence audited on one core, from an export", rate, "pieces/s", Goal::AtLeast(1_000.0))
}

/// An answer about the host with all evidence that it follows from: fetched and checked, and checked again on one core.
async fn proved(verifier: &Verifier, dir: &Path) -> Result<()> {
    let operator = verifier.operator(Scope::Read).await?;
    let ask = Program::new("lydian")?
        .args(["trusted", "package:package-1>=20", "--proof"])
        .args([dir])
        .env("LYDIAN_URL", verifier.url())
        .env("LYDIAN_CA", verifier.ca())
        .env("LYDIAN_TOKEN", operator.token().context("a token")?);
    let begun = Instant::now();
    let asked = ask.run().await?;
    let took = begun.elapsed().as_secs_f64();
    ensure!(asked.code() < 2 && asked.stderr.contains("1 answer follow"), "{asked:?}");
    line("a host's year proved: fetched from the verifier and checked", took, "s", Goal::AtMost(30.0))?;
    line("a host's year proved: bytes on disk", bytes_below(dir)? as f64 / 1e6, "MB", Goal::AtMost(10.0))?;
    let key = Program::new("lydian-verifier")?.args(["log-key", "--config"]).args([verifier.config()]);
    let key = key.run().await?.succeeded()?;
    let verify = Program::new("lydian")?.args(["verify", "--log-key", key.trim(), "--jobs", "1"]).args([dir]);
    let begun = Instant::now();
    verify.run().await?.succeeded()?;
    let rate = HOURS as f64 / begun.elapsed().as_secs_f64();
    line("evidence of a proof checked offline on one core", rate, "pieces/s", Goal::AtLeast(1_000.0))
}

/// What somebody asks for when it was folded long ago: a piece of evidence with all that proves it, and a page of history.
async fn old(verifier: &Verifier, host: HostId) -> Result<()> {
    let operator = verifier.operator(Scope::Read).await?;
    let host = host.to_string();
    for (what, goal) in [("a piece of evidence with its proof", 200.0), ("a page of history", 100.0)] {
        let mut times = Vec::new();
        for nth in 1..=20 {
            let place = HOURS / 2 + nth * 97;
            let path = match what {
                "a page of history" => format!("/v1/hosts/{host}/history?limit=100&before={place}"),
                _ => format!("/v1/hosts/{host}/evidence/{place}"),
            };
            let begun = Instant::now();
            operator.read_text(&path).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        line(&format!("{what}, of half a year ago"), times[times.len() / 2], "ms", Goal::AtMost(goal))?;
    }
    Ok(())
}

/// What packages consist of. A fleet's hosts share it, so that of later versions is no part of a host's year.
async fn upload(client: &VerifierClient, packages: &[Manifest]) -> Result<()> {
    let manifests: Vec<_> = packages.iter().map(Manifest::encode).collect();
    let stored = granted(client.manifests(&manifests).await?)?.stored;
    ensure!(stored == packages.len() as u64, "{stored} manifests were stored");
    Ok(())
}

/// The evidence of an hour; gives what the next one is compressed against.
async fn attest(
    client: &VerifierClient,
    attester: &mut SoftAttester,
    reference: &[u8],
    traffic: &mut Bytes,
) -> Result<Vec<u8>> {
    let envelope = attester.host.next()?;
    traffic.sent += compress_against(&envelope.encode(), reference)?.len() as u64;
    let receipt: Receipt = granted(client.submit(&envelope, attester.from_size()).await?)?;
    traffic.received += serde_json::to_vec(&receipt)?.len() as u64;
    attester.recorded(&envelope, &receipt)?;
    Ok(envelope.reference())
}

/// A package of twenty executables.
fn manifest(package: u64, version: u64) -> Result<Manifest> {
    let entry = |file: u64| Entry {
        path: format!("/usr/lib/package-{package}/file-{file}").into_bytes(),
        digest: Sha256Digest::of(&[&package.to_be_bytes(), &version.to_be_bytes(), &file.to_be_bytes()]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let (name, version) = (format!("package-{package}"), version.to_string());
    Ok(Manifest::new(ComponentKind::Package, name, version, "amd64".into(), (0..20).map(entry).collect())?)
}

/// What lies on the verifier's disk, when it has folded its write-ahead log into the database.
async fn stored(verifier: &mut Verifier) -> Result<Bytes> {
    verifier.terminate().await?;
    let state = verifier.state_dir();
    let database = std::fs::metadata(state.join("verifier.db")).context("the database")?.len();
    // Partial tiles go away as the log grows, so what is full counts.
    let log = std::fs::read(state.join("log/checkpoint"))?;
    let leaves: u64 = String::from_utf8_lossy(&log).lines().nth(1).context("a size")?.parse()?;
    verifier.restart().await?;
    Ok(Bytes { database, log: leaves * LOG_BYTES_A_LEAF, ..Bytes::default() })
}

fn bytes_below(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        bytes +=
            if entry.file_type()?.is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

fn report(begun: &Bytes, ended: &Bytes, traffic: &Bytes, export: u64) -> Result<()> {
    let a_year = |bytes: u64| bytes as f64 * HOURS_A_YEAR / HOURS as f64 / 1e6;
    let each = |bytes: u64| bytes as f64 / HOURS as f64;
    let (database, log) = (ended.database - begun.database, ended.log - begun.log);
    line("hourly attestation: bytes of its submission", each(traffic.sent), "bytes", Goal::AtMost(1_000.0))?;
    line("hourly attestation: bytes of its receipt", each(traffic.received), "bytes", Goal::AtMost(4_000.0))?;
    line("hourly attestation: bytes in the database", each(database), "bytes", Goal::AtMost(570.0))?;
    line("a host's year in database and log", a_year(database + log), "MB", Goal::AtMost(5.0))?;
    line("a host's year in an export, with how it enrolled", a_year(export), "MB", Goal::AtMost(5.0))?;
    line("a host's year of submissions", a_year(traffic.sent), "MB", Goal::AtMost(5.0))?;
    line("a host's year of receipts, in a log of its own", a_year(traffic.received), "MB", Goal::AtMost(25.0))
}

/// But for a day and a quarter, which is added by scaling.
const HOURS: u64 = 52 * 7 * 24;
const HOURS_A_YEAR: f64 = 365.25 * 24.0;
/// A program is run, read or loaded for the first time in a boot, so that IMA records it.
const HOURS_BETWEEN_NEW_PROGRAMS: u64 = 4;
const PACKAGES: u64 = 400;
const UPDATED_A_WEEK: u64 = 20;
/// 34 of the entry, two of its length, 32 of its hash, and their share of the levels above.
const LOG_BYTES_A_LEAF: u64 = 69;
