//! The attester: measures a host, seals what it finds with the host's TPM, submits it.
//!
//! In: the host's files and logs, its TPM, a configuration. Out: sealed evidence at the verifier, and receipts that
//! prove its recording. The agent decides nothing about whether a host is as it should be.

pub mod ask;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod failure;
pub mod status;
pub mod warnings;

pub mod run;
pub mod session;

pub mod anchors;
pub mod enrol;
pub mod measure;
pub mod pin;
pub mod posture;
pub mod quote;
pub mod seal;
pub mod sightings;

pub mod journal;
pub mod receipt;
pub mod submit;

pub mod clock;
pub mod durable;
pub mod lock;
mod notify;
