//! An RFC 6962 Merkle log with C2SP notes, checkpoints, tiles, witnesses and proof files: pure and storage-free.
//!
//! In: entries, files that the caller has stored, keys, and the bytes of notes, proofs and requests. Out: the files
//! to store, roots, proofs, signed checkpoints, and verdicts on other people's. The caller keeps the files, the
//! clock, the randomness and the network.
//!
//! Formats obeyed: RFC 6962 §2.1 (hashes and proofs), RFC 9162 §2.1.3.2 and §2.1.4.2 (how proofs are
//! verified), c2sp.org/signed-note v1.0.0, c2sp.org/tlog-checkpoint v1.0.0, c2sp.org/tlog-tiles v0.1.0,
//! c2sp.org/tlog-cosignature v1.0.1 (Ed25519), c2sp.org/tlog-witness v1.0.0, and the drafts c2sp.org/tlog-proof and
//! c2sp.org/tlog-policy as of the commits that their modules name.
//!
//! What a proof does not establish: that an entry is true, or that everybody is shown the same log. The
//! second takes witnesses, or checkpoints compared between those who hold them.

pub mod limits;

pub mod hash;
pub mod tree;

pub mod proof;

pub mod tile;

pub mod audit;

pub mod note;

pub mod checkpoint;

pub mod cosignature;

pub mod policy;

pub mod witness;

pub mod leaf;
pub mod proof_file;

mod text;

#[cfg(test)]
mod testing;

/// Compiles and runs the README's example with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
