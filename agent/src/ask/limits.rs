//! Every maximum of the local questions, each with its reason.

use std::time::Duration;

/// A question: a path of 4,096 bytes in hex, and room for its name.
pub(super) const QUESTION_BYTES: u64 = 16 << 10;
/// An answer: `SIGHTINGS` of the longest paths, with their signers.
pub(super) const ANSWER_BYTES: u64 = 4 << 20;
/// Questions on one connection; the command line opens another for more.
pub(super) const QUESTIONS: usize = 1_024;
/// How long a connection may say nothing, or not take its answer: others wait meanwhile.
pub(super) const IDLE: Duration = Duration::from_secs(2);
/// How long the command line waits for an answer; a path is looked for in every manifest.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Sightings in one answer: copies of one file are seldom more.
pub(super) const SIGHTINGS: usize = 64;
/// Signers and facts of one sighting; a trust store lists hundreds.
pub(super) const DETAILS: usize = 32;
/// Digests that one command asks for.
pub(super) const DIGESTS: usize = 100_000;
/// The list of digests that is read from a file or from stdin.
pub(super) const LIST_BYTES: u64 = 16 << 20;
/// Other digests under one path that are told.
pub(super) const OTHERS: usize = 16;
/// What is read of a file or a list at once.
pub(super) const READ_BYTES: usize = 64 << 10;
