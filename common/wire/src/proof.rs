//! What `lydian trusted --proof` fetches beside the answer, and the files that it makes of it.

use serde::{Deserialize, Serialize};

use crate::base64_bytes::Base64Bytes;
use crate::trusted::AskTrusted;

/// `GET /v1/hosts/{host}/chains`: a host's chains of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostChains {
    /// The host's identity in hex.
    pub host: String,
    /// In the order of the log.
    pub chains: Vec<ChainView>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// Its name in hex.
    pub chain: String,
    /// The leaf of its enrolment.
    pub leaf: u64,
}

/// `POST /v1/manifests/read`: what components consist of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadManifests {
    /// Digests of components in hex.
    pub components: Vec<String>,
}

/// Manifests of some of the components that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifests {
    /// Those that somebody has sent.
    pub manifests: Vec<StoredManifest>,
    /// How many of the components were looked at, from the first on: ask again for the others.
    pub looked_at: u64,
}

/// A manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredManifest {
    /// The digest of its component in hex.
    pub component: String,
    /// The manifest, compressed.
    pub zstd: Base64Bytes,
}

/// `GET /v1/images/{sha256}`: components that have a boot image as a file. `GET /v1/carried/{hash}`: components that carry a list of keys with a hash, or
/// signatures that hold of the image with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageComponents {
    /// Digests of components in hex.
    pub components: Vec<String>,
}

/// What a proof is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofSummary {
    /// 1.
    pub version: u32,
    /// Which program wrote it.
    pub program: String,
    /// The question.
    pub question: AskTrusted,
}

/// The file that says what a proof is of.
pub const QUESTION: &str = "question.json";
/// The file that has the answer as the verifier gave it.
pub const ANSWER: &str = "answer.json";
/// The directory that has the hosts' evidence and the manifests, as exports have them.
pub const EVIDENCE: &str = "evidence";
/// The directory that has the log's checkpoint, and of its tiles those that lead to the evidence.
pub const LOG: &str = "log";
