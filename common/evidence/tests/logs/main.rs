//! Firmware logs and IMA lists against recorded boots, real machines' logs, damage, tampering and laws.
//!
//! `tests/vectors` of the workspace holds boots of our own with what their TPM held: the truth. Logs of other
//! machines are read in place from `$LYDIAN_VECTORS`; where that folder is missing, the tests say so.
#![expect(clippy::disallowed_methods, reason = "tests read recorded logs from disk")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![expect(clippy::print_stderr, reason = "a test says what it skips, and how much it has seen")]

// Other crates know this one as `evidence`; so do its tests.
extern crate lydian_evidence as evidence;

mod canonical;
mod damage;
mod golden;
mod ima_laws;
mod ima_real;
mod ima_stream;
mod ima_tamper;
mod matrix;
mod oracle;
mod real;
mod tamper;
mod vectors;
