//! What the parsers may cost, whatever they are given: memory, time, and never a crash.
//!
//! One row per parser (`rows/`): real inputs, generators of hostile ones, and a reader that does everything the
//! crate can do with such bytes. For each row this proves that
//! - the peak of what is allocated is at most 4 times the input and 16 KiB, for real and for hostile input;
//! - input of 4 and of 16 times the length takes no more than its share of allocations and of processor time;
//! - input that is cut off anywhere, or has a byte changed, is read or refused without a panic.
//!
//! A parser or a fuzz target that has no row fails `complete.rs`. To add a parser: a file in `rows/` and a line in
//! `rows/mod.rs`.
#![expect(clippy::disallowed_methods, reason = "tests read recorded inputs from disk")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

// Other crates know this one as `evidence`; so do its tests.
extern crate lydian_evidence as evidence;

mod complete;
mod cost;
mod rows;
mod samples;

use cost::{Cost, Growth};
use rows::Row;

#[test]
fn peak_memory_is_a_small_multiple_of_the_input() {
    let mut over = Vec::new();
    for row in rows::all() {
        for (name, input) in inputs(&row, &[row.scale, 4 * row.scale, 16 * row.scale]) {
            let peak = Cost::of(&row, &input).peak_bytes;
            let length = u64::try_from(input.len()).unwrap();
            let line = format!("{}, {name}: {length} bytes, peak {peak}", row.name);
            eprintln!("{line}");
            if peak > row.multiple * length + row.constant {
                over.push(line);
            }
        }
    }
    assert!(over.is_empty(), "more than the row's multiple of the input and its constant: {over:#?}");
}

#[test]
fn work_grows_with_the_input_and_not_with_its_square() {
    let mut over = Vec::new();
    for row in rows::all() {
        for (name, generate) in row.hostile {
            let [small, large] = [generate(row.scale), generate(16 * row.scale)];
            assert!(large.len() / 8 >= small.len(), "{}, {name}: does not scale", row.name);
            let growth = Growth::of(&row, &small, &large);
            eprintln!("{}, {name}: {} to {} bytes: {growth:?}", row.name, small.len(), large.len());
            over.extend(growth.faults().map(|fault| format!("{}, {name}: {fault}", row.name)));
        }
    }
    assert!(over.is_empty(), "more than linear: {over:#?}");
}

#[test]
fn damaged_input_never_panics() {
    for row in rows::all() {
        for (_, input) in inputs(&row, &[row.scale]) {
            // So many places that some hundred KiB are read in all: debug builds take their time.
            let places = (DAMAGED_BYTES / input.len().max(1)).clamp(8, 256);
            let step = (input.len() / places).max(1);
            for length in (0..input.len().min(32)).chain((32..input.len()).step_by(step)) {
                (row.read)(&input[..length]);
            }
            let mut changed = input;
            for at in (0..changed.len()).step_by(step) {
                for value in [0, 0xff] {
                    let before = std::mem::replace(&mut changed[at], value);
                    (row.read)(&changed);
                    changed[at] = before;
                }
            }
        }
    }
}

/// A row's inputs with their names: the real ones, then the hostile ones of these sizes.
fn inputs(row: &Row, sizes: &[usize]) -> Vec<(String, Vec<u8>)> {
    let mut inputs = (row.real)();
    assert!(!inputs.is_empty(), "{} has no real input", row.name);
    for (name, generate) in row.hostile {
        inputs.extend(sizes.iter().map(|size| ((*name).to_owned(), generate(*size))));
    }
    inputs
}

const DAMAGED_BYTES: usize = 512 << 10;
