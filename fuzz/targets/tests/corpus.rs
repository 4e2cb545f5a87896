//! The committed corpus of each fuzz target through the target's body: what fuzzing once found stays mended, and code
//! that fuzzing reached is reached in every test run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lydian_fuzz_targets::TARGETS;

#[test]
fn the_corpus_of_every_target_replays() {
    let mut inputs = 0;
    for (target, body) in TARGETS {
        let folder = fuzz().join("corpus").join(target);
        let files = files(&folder);
        assert!(!files.is_empty(), "{} is empty: scripts/fuzz --minimise {target}", folder.display());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let outcome = std::panic::catch_unwind(|| body(&bytes));
            assert!(outcome.is_ok(), "{target} fails on {}", file.display());
            inputs += 1;
        }
    }
    println!("{inputs} inputs of {} targets replayed", TARGETS.len());
}

/// A repository keeps text and code; a corpus is neither, so it stays small.
#[test]
fn the_corpus_is_small() {
    let bytes = |path: &PathBuf| std::fs::metadata(path).unwrap().len();
    let sizes = TARGETS.iter().map(|(target, _)| {
        let files = files(&fuzz().join("corpus").join(target));
        (*target, files.len(), files.iter().map(bytes).sum::<u64>())
    });
    let sizes: Vec<_> = sizes.collect();
    let total: u64 = sizes.iter().map(|(_, _, bytes)| bytes).sum();
    assert!(total < 1_500_000, "{total} bytes of corpus: {sizes:?}");
}

#[test]
fn every_target_is_fuzzed_and_nothing_else() {
    let named: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |folder: &str| -> BTreeSet<_> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        entries(&fuzz().join(folder)).into_iter().map(stem).collect()
    };
    assert_eq!(stems("fuzz_targets"), named, "files in fuzz/fuzz_targets");
    assert_eq!(stems("corpus"), named, "folders in fuzz/corpus");
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let bins =
        manifest.split("[[bin]]").skip(1).map(|bin| bin.split('"').nth(1).unwrap().to_owned()).collect();
    assert_eq!(named, bins, "[[bin]] sections of fuzz/Cargo.toml");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
