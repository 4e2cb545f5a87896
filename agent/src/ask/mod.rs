//! Questions that are asked on the host itself: what is this file, was this digest ever here, what is watched.
//!
//! In: a path or digests from the command line. Out: a card, lines or JSON. A running agent holds the stores and answers
//! on a socket that only root and its own user can use; where none runs, the stores are opened here. Answers are this
//! host's own word on itself: whoever owns the host can make them say anything. What a TPM quoted is at the verifier.

mod answer;
mod board;
mod client;
mod cosign;
mod coverage;
mod file;
mod has;
mod ima;
mod limits;
mod messages;
mod server;
mod text;

pub use board::{Board, SealedView, Standing};
pub use cosign::{Wanted, show as cosign};
pub use coverage::show as coverage;
pub use file::show as file;
pub use has::{Found, show as has};
pub use server::Server;

#[cfg(test)]
mod tests;
