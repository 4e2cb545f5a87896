//! What goes over the agent's socket: one JSON object a line, a question and its answer in turn.
//!
//! It is private to one version of the program: both ends are the same binary, or one of them says that it does not
//! understand. Paths are hex of their bytes, since they need not be text.

use serde::{Deserialize, Serialize};

use super::board::Standing;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Question {
    /// Where an artefact is and was.
    Digest {
        /// SHA-256 in hex, or at least its first 8 digits.
        prefix: String,
    },
    /// What is at a path as of the newest snapshot.
    Path {
        /// Hex of its bytes.
        path: String,
    },
    /// What was sealed last, and what is watched.
    /// Braces, since serde refuses unknown fields of these alone.
    Standing {},
    /// The newest checkpoint of the log that was verified.
    Checkpoint {},
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(super) enum Answer {
    /// To `Digest` and `Path`.
    Sightings {
        /// Those that were found; capped.
        sightings: Vec<Sighting>,
        /// There are more.
        more: bool,
        /// Since when is looked, milliseconds since 1970.
        began_ms: u64,
        /// The newest snapshot.
        settled_ms: Option<u64>,
    },
    /// To `Standing`.
    Standing(Box<Standing>),
    /// To `Checkpoint`.
    Checkpoint {
        /// Its note; `None` before the first.
        note: Option<String>,
        /// The log's key, which this host pinned when it enrolled.
        log_key: Option<String>,
    },
    /// The question makes no sense, or the stores failed.
    Failed {
        /// One sentence.
        message: String,
    },
}

/// One component that has, or had, an artefact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Sighting {
    /// SHA-256 of the content, in hex.
    pub(super) digest: String,
    /// Hex of its path's bytes.
    pub(super) path_hex: String,
    /// The same for people.
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) flags: Vec<String>,
    /// It is there as of the newest snapshot.
    pub(super) here: bool,
    /// The newest sealed evidence has it.
    pub(super) sealed: bool,
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    pub(super) component: Component,
    /// `signed-by` and what it lists; capped.
    pub(super) signers: Vec<Signer>,
    /// What its content says; capped.
    pub(super) facts: Vec<(String, String)>,
}

/// What an artefact belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Component {
    pub(super) digest: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) architecture: String,
}

/// A key or certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signer {
    pub(super) relation: String,
    pub(super) names: Vec<String>,
    pub(super) label: String,
}
