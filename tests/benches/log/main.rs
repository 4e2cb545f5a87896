//! The transparency log: appending durably, auditing from files, checking proofs, and what it all takes.
//!
//! Peers are other people's crates where they do the same job (`tlog_tiles` checks proofs), hashing alone where the question is
//! how near the audit is to the limit, and the goals where nobody does it. Lines go to `target/bench/results.jsonl`.
//! Parts: audit, proof, append, grow, year; `append` uses the verifier's own recorder on the disk of the target directory.

#![expect(
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "figures are shown with some digits; a bench may end"
)]

mod year;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ledger::audit::{Auditor, Mark, Step};
use ledger::hash::Hash;
use ledger::leaf::{Leaf, Salt};
use ledger::proof::verify_inclusion;
use ledger::tile::{Growth, Resource, TileReader, TileSource, TileWriter};
use ledger::tree::{LeafIndex, prove_inclusion};
use support::{Figure, Goal, medians};
use verifier::measure::{Appends, appends, leaves};

fn main() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let asked = |part: &str| asked.is_empty() || asked.iter().any(|word| word == part);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/log");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir)?;
    if asked("audit") {
        audit(&Directory(dir.join("audit")))?;
    }
    if asked("proof") {
        proof(&Directory(dir.join("proof")))?;
    }
    if asked("append") {
        append(&dir)?;
    }
    if asked("grow") {
        grow(&Directory(dir.join("grow")))?;
    }
    if asked("year") {
        year::year(&dir)?;
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// A log's files in a directory.
struct Directory(PathBuf);

impl Directory {
    fn write(&self, growth: &Growth) -> Result<u64> {
        let mut bytes = 0;
        for (resource, content) in &growth.files {
            let path = self.0.join(resource.to_string());
            std::fs::create_dir_all(path.parent().context("a path without a directory")?)?;
            std::fs::write(path, content)?;
            bytes += content.len() as u64;
        }
        Ok(bytes)
    }

    /// Grows a log to so many leaves.
    fn grown(&self, leaves: u64) -> Result<TileWriter> {
        let mut writer = TileWriter::new();
        while writer.size().get() < leaves {
            self.write(
                &writer.append(&entries(writer.size().get(), 65_536.min(leaves - writer.size().get())))?,
            )?;
        }
        Ok(writer)
    }
}

impl TileSource for Directory {
    type Error = std::io::Error;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, std::io::Error> {
        match std::fs::read(self.0.join(resource.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn entries(first: u64, count: u64) -> Vec<[u8; Leaf::SIZE]> {
    let record = |index: u64| {
        let mut record = [0; 32];
        record[..8].copy_from_slice(&index.to_be_bytes());
        record
    };
    (first..first + count)
        .map(|index| Leaf::attestation(&Salt::from_bytes([7; 32]), &record(index)).to_bytes())
        .collect()
}

/// Everything read from files in the page cache, hashed and compared on one core, against hashing the same number of leaves and
/// nodes from memory.
fn audit(dir: &Directory) -> Result<()> {
    const LEAVES: u64 = 2_000_000;
    let writer = dir.grown(LEAVES)?;
    let end = Mark { size: writer.size(), root: writer.root() };
    let some = entries(0, 65_536);
    let pair = (Hash::leaf(b"left"), Hash::leaf(b"right"));
    let [audited, hashed] = medians(
        5,
        [
            &mut || {
                let mut auditor = Auditor::new(end, Vec::new())?;
                while auditor.step(dir, &mut |_, _| {})? == Step::More {}
                Ok(())
            },
            &mut || {
                for index in 0..usize::try_from(LEAVES)? {
                    black_box(Hash::leaf(&some[index % some.len()]));
                    black_box(Hash::node(black_box(&pair.0), &pair.1));
                }
                Ok(())
            },
        ],
    )?;
    let rate = |time: Duration| LEAVES as f64 / time.as_secs_f64() / 1e6;
    Figure {
        name: "audit from files on one core, against hashing alone",
        ours: rate(audited),
        peer: Some(rate(hashed)),
        unit: "M leaves/s",
        goal: Goal::AtLeast(3.0),
    }
    .write()
}

/// One proof in a log of two million leaves, checked.
fn proof(dir: &Directory) -> Result<()> {
    const LEAVES: u64 = 2_000_000;
    const ROUNDS: u32 = 10_000;
    let writer = dir.grown(LEAVES)?;
    let (size, root) = (writer.size(), writer.root());
    let index = LeafIndex::new(1_234_567)?;
    let reader = TileReader::new(dir, size, &root)?;
    let inclusion = prove_inclusion(&reader, index, size).map_err(|error| anyhow::anyhow!("{error}"))?;
    let leaf = Hash::leaf(&entries(index.get(), 1)[0]);
    let theirs: Vec<_> = inclusion.hashes().iter().map(|hash| tlog_tiles::Hash(*hash.as_bytes())).collect();
    let (their_root, their_leaf) = (tlog_tiles::Hash(*root.as_bytes()), tlog_tiles::Hash(*leaf.as_bytes()));
    let [ours, peer] = medians(
        7,
        [
            &mut || {
                for _ in 0..ROUNDS {
                    verify_inclusion(black_box(&leaf), index, size, &inclusion, &root)?;
                }
                Ok(())
            },
            &mut || {
                for _ in 0..ROUNDS {
                    tlog_tiles::check_record(
                        black_box(&theirs),
                        size.get(),
                        their_root,
                        index.get(),
                        their_leaf,
                    )
                    .map_err(|error| anyhow::anyhow!("{error:?}"))?;
                }
                Ok(())
            },
        ],
    )?;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(ROUNDS);
    Figure {
        name: "inclusion proof of 21 hashes checked, against tlog_tiles",
        ours: each(ours),
        peer: Some(each(peer)),
        unit: "us",
        goal: Goal::AtMost(100.0),
    }
    .write()
}

/// Leaves that arrive at 12,000 a second: committed, in durable files, and under a published checkpoint. Then through the whole
/// recorder, each with rows of its own beside it.
fn append(dir: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ten = Duration::from_secs(10);
    let (bare, whole) = (dir.join("bare"), dir.join("whole"));
    for dir in [&bare, &whole] {
        std::fs::create_dir_all(dir)?;
    }
    let Appends { count, time, mut latencies, bytes } = runtime.block_on(leaves(&bare, 12_000, ten))?;
    ensure!(count > 0, "nothing was appended");
    line(
        "durable appends, published",
        count as f64 / time.as_secs_f64(),
        "leaves/s",
        Goal::AtLeast(10_000.0),
    )?;
    let p99 = percentile(&mut latencies, 99);
    line("p99 from arrival to a published checkpoint, at that rate", p99, "s", Goal::AtMost(1.5))?;
    line("bytes of log files a leaf", bytes as f64 / count as f64, "bytes", Goal::AtMost(100.0))?;
    let Appends { count, time, mut latencies, .. } = runtime.block_on(appends(&whole, 500, ten))?;
    line(
        "the same with a row of facts each, 500 at once",
        count as f64 / time.as_secs_f64(),
        "leaves/s",
        Goal::AtLeast(278.0),
    )?;
    line("their p99", percentile(&mut latencies, 99), "s", Goal::AtMost(1.5))
}

fn percentile(latencies: &mut [Duration], percent: usize) -> f64 {
    latencies.sort_unstable();
    latencies.get(latencies.len() * percent / 100).map_or(f64::NAN, Duration::as_secs_f64)
}

fn line(name: &str, ours: f64, unit: &str, goal: Goal) -> Result<()> {
    Figure { name, ours, peer: None, unit, goal }.write()
}

/// Fifty million leaves: what appending and proving cost at the end, against the beginning.
fn grow(dir: &Directory) -> Result<()> {
    const LEAVES: u64 = 50_000_000;
    const BATCH: u64 = 16_384;
    let mut writer = TileWriter::new();
    let (mut early, mut late) = (Vec::new(), Vec::new());
    let (mut bytes, begun) = (0, Instant::now());
    while writer.size().get() < LEAVES {
        let batch = entries(writer.size().get(), BATCH.min(LEAVES - writer.size().get()));
        let started = Instant::now();
        let growth = writer.append(&batch)?;
        let took = started.elapsed();
        // The first and the last million.
        match writer.size().get() {
            size if size <= 1_000_000 => early.push(took),
            size if size > LEAVES - 1_000_000 => late.push(took),
            _ => {}
        }
        bytes += dir.write(&growth)?;
    }
    let grown = begun.elapsed();
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e9 / BATCH as f64)
    };
    Figure {
        name: "append in a log of 50 million leaves, against one of under a million",
        ours: median(&mut late),
        peer: Some(median(&mut early)),
        unit: "ns/leaf",
        goal: Goal::RatioAtMost(1.2),
    }
    .write()?;
    let small = Directory(dir.0.join("small"));
    let few = small.grown(1_000_000)?;
    Figure {
        name: "proof from files, all tiles verified, 50 million leaves, against one million",
        ours: proving(dir, &writer)?,
        peer: Some(proving(&small, &few)?),
        unit: "us",
        goal: Goal::RatioAtMost(1.7),
    }
    .write()?;
    line(
        "50 million leaves as files, without flushing: bytes a leaf",
        bytes as f64 / LEAVES as f64,
        "bytes",
        Goal::AtMost(75.0),
    )?;
    line("50 million leaves as files, without flushing: time", grown.as_secs_f64(), "s", Goal::AtMost(300.0))
}

/// The time of one inclusion proof, each by a reader of its own, so that nothing is cached but the files.
fn proving(dir: &Directory, log: &TileWriter) -> Result<f64> {
    const ROUNDS: u64 = 200;
    let started = Instant::now();
    for round in 0..ROUNDS {
        let reader = TileReader::new(dir, log.size(), &log.root())?;
        let index = LeafIndex::new(round.wrapping_mul(2_654_435_761) % log.size().get())?;
        prove_inclusion(&reader, index, log.size()).map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64)
}
