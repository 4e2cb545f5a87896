//! ELF files, kernel modules and `OpenPGP` key rings: made by hand, damaged, scaled, and as other programs read them.
//!
//! Oracles are binutils, kmod, OpenSSL and GnuPG; a test whose oracle is missing says so.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files from disk and run other programs as oracles"
)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]
#![expect(clippy::print_stderr, reason = "a test says what it skips, and how much it has seen")]

// Other crates know this one as `evidence`; so do its tests.
extern crate lydian_evidence as evidence;

mod elf;
mod module;
mod openpgp;
mod oracle;
