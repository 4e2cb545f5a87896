//! The built program, from its arguments to its exit code.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests: a panic is how a test fails"
)]
#![expect(clippy::print_stderr, reason = "a test says what it skips, and how much it has seen")]

mod bundles;
mod run;
mod server;

mod inspect_ek_cert;
mod inspect_eventlog;
mod inspect_files;
mod inspect_ima;
mod inspect_pe;
mod inspect_quote;
mod inspect_siglist;
mod inspect_systemd_log;
mod log;
mod remote;
mod usage;
mod verify;
