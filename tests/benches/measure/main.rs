//! What measuring a host costs, each figure beside a peer that does the same work, or part of it, in the same run.
//!
//! In: this machine's /usr, trees that are made, a Debian for apt. Out: lines in `target/bench/results.jsonl`; docs/benchmarks.md
//! says what each means. A figure that misses its goal is no failure; a benchmark that could not be run is one, after the
//! others have run. Parts are chosen by name: `cargo bench --workspace --bench measure -- exec storm`.

mod adapter;
mod exec;
mod network;
mod reconcile;
mod resident;
mod scan;
mod storm;
mod trees;
mod upgrade;
mod worker;

use std::io::{self, Write as _};

use anyhow::{Result, bail};

/// One of the benchmarks.
type Part = fn() -> Result<()>;

/// Name and body, the quick ones first.
const PARTS: [(&str, Part); 7] = [
    ("exec", exec::run),
    ("storm", storm::run),
    ("reconcile", reconcile::run),
    ("resident", resident::run),
    ("network", network::run),
    ("upgrade", upgrade::run),
    ("scan", scan::run),
];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let Some((worker::ARGUMENT, words)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return worker::main(words);
    }
    if let Some(unknown) = words.iter().find(|word| PARTS.iter().all(|(name, _)| name != word)) {
        bail!("there is no part {unknown}; there are {}", PARTS.map(|(name, _)| name).join(", "));
    }
    let mut failed = Vec::new();
    for (name, part) in PARTS {
        if !words.is_empty() && words.iter().all(|word| word != name) {
            continue;
        }
        writeln!(io::stdout(), "== {name}")?;
        if let Err(error) = part() {
            writeln!(io::stdout(), "{name}: {error:#}")?;
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("could not be measured: {}", failed.join(", ")) }
}
