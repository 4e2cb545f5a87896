//! The witness protocol: asking for a cosignature, and deciding whether to give one.
//!
//! In: requests and answers as bytes, and what each side has stored. Out: on the witness's side a decision, with what
//! must be stored before it is told; on the log's side a cosignature, or what to do instead. The network, the clock
//! and the storage are the caller's. A witness establishes that one log never showed it two histories.
//!
//! Format obeyed: c2sp.org/tlog-witness v1.0.0.

mod client;
mod request;
mod server;

#[cfg(test)]
mod tests;

pub use client::{Answer, WitnessClient};
pub use request::{AddCheckpoint, RequestError};
pub use server::{Refusal, Suspicion, judge};

/// The media type of an answer that holds a size.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";
