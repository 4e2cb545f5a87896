//! The verifier: checks evidence, records it in an append-only log, and answers operators.
//!
//! In: enrolments, evidence and manifests of hosts over HTTPS, and operators' questions. Out: receipts with proofs,
//! refusals with reasons, and the state and history of hosts. What is true and how a host stands is decided by the
//! pure crates below; this one moves bytes, keeps them, and answers.

mod limits;

mod chores;
pub mod clock;
pub mod failure;
pub mod files;
mod https;
mod random;

pub mod config;
pub mod pki;

mod sql;
pub mod store;

mod alert;
mod appraise;
mod cosign;
mod endorse;
mod export;
mod fold;
mod log;
mod record;
mod relocate;

mod http;
mod query;
pub mod serve;
mod watch;
mod witness;

#[doc(hidden)]
pub mod measure;

pub mod cli;
mod notify;

pub use record::Liveness;
