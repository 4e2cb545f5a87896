//! Errors as the verifier answers them: RFC 9457 problem details with a stable code and a hint.

use serde::{Deserialize, Serialize};

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status, repeated.
    pub status: u16,
    /// A stable, machine-readable reason, such as `replayed` or `token-used`.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
    /// What the reader can do about it; empty where nothing is known to help.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// What a program needs in order to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// How an agent whose evidence was refused finds back to the verifier's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Position that the verifier expects next in the host's chain.
    pub next_seq: u64,
    /// Digest of the newest evidence that it has, in hex.
    pub prev: String,
    /// Whether it has this boot's firmware log.
    pub has_firmware_log: bool,
    /// Number of the IMA record that it expects first.
    pub ima_first: u64,
}
