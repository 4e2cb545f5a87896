//! `OpenPGP` key rings as GnuPG reads them: fingerprints, times, states, user ids and subkeys.
//!
//! A test whose oracle or rings are missing says so.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files from disk and run GnuPG as the oracle"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![expect(clippy::print_stderr, reason = "a test says what it skips, and how much it has seen")]

// Other crates know this one as `appraisal`; so do its tests.
extern crate lydian_appraisal as appraisal;

mod gnupg;
mod golden;
mod tamper;

/// A ring of people who do not exist.
pub(crate) fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/keyrings").join(name)
}

pub(crate) fn own(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
