//! Whatever goes wrong at whichever call: what was acknowledged is there, the log holds, and the next start needs no hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evidence::time::UnixTime;
use ledger::audit::{Auditor, Mark, Step};
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::note::{KeyName, SignerKey};
use ledger::tile::{Bundle, MemoryTiles, Resource};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::faulty::{Fault, FaultyDisk};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::log::local::LocalFiles;
use crate::log::sequence::Patience;
use crate::log::{CHECKPOINT, archive_path};
use crate::record::{Done, Heads, Place, Recorder, Work, start};

const ROOT: &str = "/log";

pub(super) fn key() -> Arc<SignerKey> {
    Arc::new(SignerKey::from_seed(KeyName::new("example.com/lydian").unwrap(), &[7; 32]))
}

/// What somebody was told.
#[derive(Default)]
pub(super) struct Told {
    leaves: BTreeMap<u64, Leaf>,
    checkpoints: Vec<SignedCheckpoint>,
    /// Full files and archived checkpoints, as they were found.
    immutable: BTreeMap<String, Vec<u8>>,
}

type Started = (Recorder, tokio::task::JoinHandle<Result<(), Failure>>);

async fn open(database: &Path, disk: &FaultyDisk) -> Result<Started, Failure> {
    let files =
        LocalFiles::open(disk.clone(), Path::new(ROOT)).map_err(crate::log::sequence::OpenError::from)?;
    let patience = Patience { tries: 3, wait: Duration::ZERO };
    let place = Place {
        database: database.into(),
        objects: Arc::new(files),
        key: key(),
        patience,
        heads: Heads::Published,
    };
    let clock = Clock::new(|| UnixTime::from_secs(1_000_000));
    let (recorder, store, task) = start(place, clock).await?;
    drop(store);
    Ok((recorder, task))
}

/// Appends some leaves, several at a time, until they are in or the recorder has ended.
pub(super) async fn work(recorder: &Recorder, batches: u32, random: &mut ChaCha8Rng, told: &mut Told) {
    for _ in 0..batches {
        let mut jobs = JoinSet::new();
        for _ in 0..=random.next_u32() % 90 {
            let recorder = recorder.clone();
            let note = recorder.head().checkpoint.clone();
            jobs.spawn(async move { recorder.record(Work::Archive(Box::new(note))).await });
        }
        while let Some(answer) = jobs.join_next().await {
            if let Ok((Done::Logged { index, leaf }, head)) = answer.unwrap() {
                told.leaves.insert(index.get(), leaf);
                told.checkpoints.push(head.checkpoint.clone());
            }
        }
    }
}

/// Every entry, tile and checkpoint that anybody was told of is in the files, and they are one history.
pub(super) fn check(files: &BTreeMap<String, Vec<u8>>, told: &mut Told) {
    for (path, bytes) in &told.immutable {
        assert_eq!(files.get(path), Some(bytes), "{path} never changes");
    }
    let full = |path: &str| path.parse().is_ok_and(|file: Resource| file.is_full());
    let immutable = files.iter().filter(|(path, _)| full(path) || path.starts_with("archive/"));
    told.immutable.extend(immutable.map(|(path, bytes)| (path.clone(), bytes.clone())));
    let published = SignedCheckpoint::parse(&files[CHECKPOINT]).unwrap();
    published.verify(key().verifier_key()).unwrap();
    let mark = |signed: &SignedCheckpoint| Mark { size: signed.claim().size(), root: *signed.claim().root() };
    let source = MemoryTiles(
        files
            .iter()
            .filter_map(|(path, bytes)| Some((path.parse::<Resource>().ok()?, bytes.clone())))
            .collect(),
    );
    let marks = told.checkpoints.iter().map(mark).collect();
    let mut auditor = Auditor::new(mark(&published), marks).unwrap();
    let (mut found, mut anchors) = (BTreeMap::new(), 0);
    while auditor
        .step(&source, &mut |index, entry| {
            found.insert(index.get(), Leaf::from_bytes(entry).unwrap());
            anchors += 1;
        })
        .unwrap()
        == Step::More
    {}
    for (index, leaf) in &told.leaves {
        assert_eq!(found.get(index), Some(leaf), "leaf {index} was acknowledged");
    }
    // Here every leaf anchors an archived checkpoint.
    for number in 0..anchors {
        assert!(files.contains_key(&archive_path(number)), "archived checkpoint {number}");
    }
    let first = files.iter().find(|(path, _)| path.starts_with("tile/entries/000"));
    assert!(first.is_none_or(|(path, bytes)| {
        let width = path.parse::<Resource>().unwrap().width();
        Bundle::parse(bytes, width).is_ok()
    }));
}

async fn run(seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir_in(if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" }).unwrap();
    let database = dir.path().join("verifier.db");
    let mut disk = FaultyDisk::with_root(Path::new(ROOT));
    let mut told = Told::default();
    for _ in 0..2 {
        let fault = [Fault::Kill, Fault::Kill, Fault::Full, Fault::Fails, Fault::Short];
        let fault = fault[usize::try_from(random.next_u32()).unwrap() % fault.len()];
        disk.set_fault(u64::from(1 + random.next_u32() % 4_000), fault);
        if let Ok((recorder, task)) = open(&database, &disk).await {
            work(&recorder, 12, &mut random, &mut told).await;
            drop(recorder);
            // It ends well, or because of the fault; either way the next start must do.
            let _ = task.await.unwrap();
        }
        let power = disk.is_dead() && random.next_u32().is_multiple_of(2);
        disk = disk.after_crash(power, &mut random);
        let (recorder, task) =
            open(&database, &disk).await.unwrap_or_else(|failure| panic!("seed {seed}: {failure}"));
        work(&recorder, 1, &mut random, &mut told).await;
        drop(recorder);
        task.await.unwrap().unwrap();
        check(&disk.files(Path::new(ROOT)), &mut told);
    }
    dump(seed, &disk);
}

/// For other people's checkers: `LYDIAN_CRASH_LOGS` names a directory in which every seed's log is left.
fn dump(seed: u64, disk: &FaultyDisk) {
    let Some(to) = std::env::var_os("LYDIAN_CRASH_LOGS") else { return };
    std::fs::create_dir_all(&to).unwrap();
    std::fs::write(Path::new(&to).join("vkey"), key().verifier_key().to_string()).unwrap();
    for (path, bytes) in disk.files(Path::new(ROOT)) {
        let path = Path::new(&to).join(seed.to_string()).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

async fn seeds(range: std::ops::Range<u64>) {
    for seed in range {
        run(seed).await;
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whatever_call_fails() {
    seeds(0..12).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_with_other_seeds() {
    seeds(12..24).await;
}

/// The long form: 2,000 seeds of two faults each, in parts that run side by side.
#[tokio::test]
#[ignore = "minutes: `make soak`"]
async fn nothing_acknowledged_is_lost_in_two_thousand_runs_a() {
    seeds(1_000..2_000).await;
}

#[tokio::test]
#[ignore = "minutes: `make soak`"]
async fn nothing_acknowledged_is_lost_in_two_thousand_runs_b() {
    seeds(2_000..3_000).await;
}

/// A run without a fault counts its calls: the faults above hit the whole of the write path.
#[tokio::test]
async fn the_faults_reach_the_whole_write_path() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::with_root(Path::new(ROOT));
    let (recorder, task) = open(&dir.path().join("verifier.db"), &disk).await.unwrap();
    work(&recorder, 12, &mut ChaCha8Rng::seed_from_u64(1), &mut Told::default()).await;
    drop(recorder);
    task.await.unwrap().unwrap();
    assert!((2_000..9_000).contains(&disk.calls()), "{}", disk.calls());
}
