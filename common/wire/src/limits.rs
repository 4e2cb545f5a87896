//! Every maximum of a message, each with its reason.

/// A JSON request: an enrolment with an EK certificate chain has under 30 KiB.
pub const JSON_REQUEST_BYTES: usize = 256 << 10;
/// A JSON reply to an agent: proofs of a log with 2^63 leaves have under 12 KiB, wanted components 65 bytes each.
pub const JSON_REPLY_BYTES: usize = 8 << 20;
/// A submission as it comes over the network, compressed.
pub const EVIDENCE_REQUEST_BYTES: usize = 24 << 20;
/// Manifests of one upload, compressed.
pub const MANIFESTS_REQUEST_BYTES: usize = 16 << 20;
/// Manifests of one upload, decompressed; an agent sends several uploads where it has more.
pub const MANIFESTS_BYTES: usize = 24 << 20;
/// Manifests of one upload.
pub const MANIFESTS_COUNT: usize = 4_096;
/// Certificates in an enrolment: an EK certificate and its chain.
pub const EK_CERTIFICATES: usize = 8;
/// Why a host's history starts anew: a sentence.
pub const REASON_BYTES: usize = 200;
/// A host's display name (RFC 1035's limit for a domain name).
pub const HOST_NAME_BYTES: usize = 253;
/// Components that are asked for at once: those of a host.
pub const MANIFESTS_READ: usize = 1_024;
/// A page of a chain's evidence: some hundred pieces, or one with all that a submission may bring.
pub const EVIDENCE_PAGE_BYTES: usize = 64 << 20;
