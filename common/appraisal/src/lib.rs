//! Whether evidence is true, and whether the host is as it should be.
//!
//! In: parsed evidence, endorsements and policies. Out: what was verified, and why what was not was refused. This
//! crate has no IO, clock or randomness of its own: a verdict can be computed again from files, years later.

pub mod crypto;
pub mod signed_data;

pub mod attester;
pub mod credential;
pub mod endorsement;
pub mod module;
pub mod openpgp;
pub mod quote;

pub mod refusal;
pub mod state;
pub mod verify;

pub mod policy;
pub mod result;
