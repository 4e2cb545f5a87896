//! Messages between agent, verifier and operator, as `docs/protocol.md` tells them.
//!
//! This is the only crate whose types are serialised by derive: each is a promise to programs of other
//! versions. Fields are added, never renamed or given another meaning. A message establishes nothing; whoever
//! receives it checks it.

pub mod base64_bytes;
pub mod incident;
pub mod limits;

pub mod ear;
pub mod enrol;
pub mod export;
pub mod operator;
pub mod problem;
pub mod proof;
pub mod submit;
pub mod text;
pub mod trusted;
pub mod watch;

pub use base64_bytes::Base64Bytes;
pub use problem::Problem;

/// Version of the protocol between agent and verifier; sent by both in [`PROTOCOL_HEADER`].
pub const PROTOCOL_VERSION: u32 = 1;
/// The header that carries [`PROTOCOL_VERSION`].
pub const PROTOCOL_HEADER: &str = "lydian-protocol";
/// A protocol of TLS's ALPN that is never spoken: a client that offers it, before `http/1.1`, is shown the verifier's certificate authority as the last certificate of
/// the chain, which it can compare with a fingerprint. Others are spared its bytes.
pub const AUTHORITY_ALPN: &[u8] = b"lydian-authority";
/// Media type of a submission: zstd over the deterministic CBOR of an envelope.
pub const EVIDENCE_MEDIA_TYPE: &str = "application/vnd.lydian.evidence+zstd";
/// Media type of uploaded manifests: zstd over a deterministic CBOR array of byte strings.
pub const MANIFESTS_MEDIA_TYPE: &str = "application/vnd.lydian.manifests+zstd";
/// Media type of errors (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";
