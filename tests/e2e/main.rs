//! End to end, in one test binary: the real programs, a real TPM stack, loopback TLS.
//!
//! The programs are looked for beside the test; `cargo build --workspace --bins` builds them (`make test` does it
//! first). Each test has a verifier, hosts and ports of its own.

mod alerts;
mod audit;
mod bad_input;
mod bandwidth;
mod containment;
mod course;
mod durability;
mod facts;
mod faults;
mod first_run;
mod fleet;
mod folding;
mod incidents;
mod index_roots;
mod labels;
mod pipeline;
mod proofs;
mod refusals;
mod restart;
mod scene;
mod server;
mod silence;
mod watches;
mod witnesses;
