//! A package manager at work: the real apt and dpkg in a Debian of their own, the real agent beside them.
//!
//! What dpkg says after the work is the oracle for what the verifier was told. It needs root's rights, and for its first run
//! `debootstrap` and a mirror; where one of them is missing it says so.

#![expect(
    clippy::print_stderr,
    reason = "what was lost, and what is missing on this machine, is for whoever reads the log"
)]

mod apt;
