//! Why nobody answers for a TPM.
//!
//! Each failure has a reason of its own and names the certificate, so that an operator can tell a missing
//! intermediate from a forged certificate.

use evidence::asn1::Asn1Error;
use evidence::time::UnixTime;

use super::RevocationReason;
use crate::crypto::SignatureError;

/// One of the certificates that were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The endorsement key's own.
    EndorsementKey,
    /// An intermediate, by its place in the list.
    Intermediate(usize),
    /// A root, by its place in the list.
    Root(usize),
    /// A platform certificate.
    Platform,
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EndorsementKey => f.write_str("the endorsement certificate"),
            Self::Intermediate(index) => write!(f, "intermediate {index}"),
            Self::Root(index) => write!(f, "root {index}"),
            Self::Platform => f.write_str("the platform certificate"),
        }
    }
}

/// Why an endorsement does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndorsementError {
    /// Text that starts as a PEM certificate and does not end as one.
    #[error("certificate {index} of the bundle is no PEM")]
    Pem {
        /// Its place in the bundle.
        index: usize,
    },
    /// A file without any.
    #[error("no certificate in {size} bytes")]
    NoCertificate {
        /// How many bytes were looked at.
        size: usize,
    },
    /// Bytes that are no X.509 certificate.
    #[error("{which} is malformed: {error}")]
    Malformed {
        /// The certificate.
        which: Which,
        /// What is wrong, and where.
        error: Asn1Error,
    },
    /// A certificate above the limit.
    #[error("{which} has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// The certificate.
        which: Which,
        /// The limit.
        limit: usize,
        /// Its size.
        found: usize,
    },
    /// More certificates than the limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An extension that appears twice.
    #[error("{which} has the extension {oid} twice")]
    DuplicateExtension {
        /// The certificate.
        which: Which,
        /// The extension.
        oid: String,
    },
    /// The TPM's endorsement key is none that is supported.
    #[error("the TPM's endorsement key: {0}")]
    EndorsementKey(SignatureError),
    /// A certificate's key is of a kind that is not supported.
    #[error("{which} has a key of the unsupported kind {oid}")]
    KeyKind {
        /// The certificate.
        which: Which,
        /// Its algorithm or curve.
        oid: String,
    },
    /// A certificate's key is too small, too large or malformed.
    #[error("{which} has an unusable key: {error}")]
    Key {
        /// The certificate.
        which: Which,
        /// Why it cannot be used.
        error: SignatureError,
    },
    /// The certificate is about another key.
    #[error("{which} is not about the TPM's endorsement key")]
    OtherKey {
        /// The certificate.
        which: Which,
    },
    /// The time is before the certificate's.
    #[error("{which} is not valid before {not_before}, it is {at}")]
    NotYetValid {
        /// The certificate.
        which: Which,
        /// From when it is.
        not_before: UnixTime,
        /// The time of the check.
        at: UnixTime,
    },
    /// The time is after the certificate's.
    #[error("{which} was valid until {not_after}, it is {at}")]
    Expired {
        /// The certificate.
        which: Which,
        /// Until when it was.
        not_after: UnixTime,
        /// The time of the check.
        at: UnixTime,
    },
    /// An extension that must be understood and is not.
    #[error("{which} has the critical extension {oid}, which is not understood")]
    CriticalExtension {
        /// The certificate.
        which: Which,
        /// The extension.
        oid: String,
    },
    /// The endorsement certificate is one of an authority.
    #[error("the endorsement certificate is that of an authority")]
    LeafIsAuthority,
    /// The endorsement certificate's key is not for encryption.
    #[error("the endorsement certificate's key is neither for key encipherment nor for key agreement")]
    NotForEncryption,
    /// The extended key usage leaves out endorsement.
    #[error("{which} is not for endorsement keys (extended key usage without 2.23.133.8.1)")]
    NotForEndorsement {
        /// The certificate.
        which: Which,
    },
    /// No certificate at hand bears the issuer's name.
    #[error("no certificate of the issuer `{issuer}` is at hand")]
    NoIssuer {
        /// The issuer's name.
        issuer: String,
    },
    /// The issuer is no authority.
    #[error("{which} is not the certificate of an authority")]
    NotAuthority {
        /// The issuer's certificate.
        which: Which,
    },
    /// The authority may not sign certificates.
    #[error("{which} is not for signing certificates")]
    NotForCertificates {
        /// The authority's certificate.
        which: Which,
    },
    /// More authorities below this one than it allows.
    #[error("{which} allows {limit} authorities below it, there are {found}")]
    PathLength {
        /// The authority's certificate.
        which: Which,
        /// How many it allows.
        limit: u64,
        /// How many there are.
        found: usize,
    },
    /// The chain is longer than any real one.
    #[error("the chain has more than {limit} authorities")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The certificate is signed by an algorithm that is not supported.
    #[error("{which} is signed by the unsupported algorithm {oid}")]
    Algorithm {
        /// The certificate.
        which: Which,
        /// The algorithm.
        oid: String,
    },
    /// The certificate names two different algorithms for its signature.
    #[error("{which} names two signature algorithms")]
    TwoAlgorithms {
        /// The certificate.
        which: Which,
    },
    /// An attribute certificate where one of an endorsement key is asked for.
    #[error("a platform certificate is no endorsement certificate")]
    Platform,
    /// Its issuer has revoked the certificate.
    #[error("{which} was revoked at {at} ({})", reason.name())]
    Revoked {
        /// The certificate.
        which: Which,
        /// When.
        at: UnixTime,
        /// Why.
        reason: RevocationReason,
    },
    /// The issuer's signature does not hold.
    #[error("{which} is not signed by {issuer}: {error}")]
    Signature {
        /// The certificate.
        which: Which,
        /// The one whose name it gives.
        issuer: Which,
        /// Why the signature does not count.
        error: SignatureError,
    },
}

impl EndorsementError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pem { .. } | Self::NoCertificate { .. } | Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } | Self::TooMany { .. } | Self::TooDeep { .. } => "limit",
            Self::DuplicateExtension { .. } => "duplicate-extension",
            Self::EndorsementKey(_) | Self::KeyKind { .. } | Self::Key { .. } => "key-unsupported",
            Self::OtherKey { .. } => "other-key",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::CriticalExtension { .. } => "critical-extension",
            Self::LeafIsAuthority => "leaf-is-authority",
            Self::NotForEncryption => "not-for-encryption",
            Self::NotForEndorsement { .. } => "not-for-endorsement",
            Self::NoIssuer { .. } => "no-issuer",
            Self::NotAuthority { .. } => "not-authority",
            Self::NotForCertificates { .. } => "not-for-certificates",
            Self::PathLength { .. } => "path-length",
            Self::Algorithm { .. } | Self::TwoAlgorithms { .. } => "signature-algorithm",
            Self::Platform => "platform-certificate",
            Self::Revoked { .. } => "revoked",
            Self::Signature { .. } => "signature",
        }
    }
}

/// Why a list of revoked certificates is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationListError {
    /// Bytes that are no list.
    #[error("the list of revoked certificates is malformed: {0}")]
    Malformed(#[from] Asn1Error),
    /// A list above the limit.
    #[error("the list of revoked certificates has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Its size.
        found: usize,
    },
    /// More lists than the limit.
    #[error("more than {limit} lists of revoked certificates")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A list that only says what changed.
    #[error("a delta list of revoked certificates is not supported: use the whole list")]
    Delta,
    /// A list of certificates that others issued.
    #[error("an indirect list of revoked certificates is not supported: use the issuer's own")]
    Indirect,
    /// A list that leaves out certificates that were revoked for other reasons.
    #[error("a list of certificates that were revoked for some reasons alone is not supported")]
    SomeReasons,
    /// An extension that must be understood and is not.
    #[error("the list of revoked certificates has the critical extension {oid}, which is not understood")]
    CriticalExtension {
        /// The extension.
        oid: String,
    },
}
