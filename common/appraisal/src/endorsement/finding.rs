//! What is worth knowing of a chain that holds, or of a certificate that is only looked at.
//!
//! In: nothing. Out: findings with stable codes and weights. A finding never decides: what does is an error.

use evidence::finding::Severity;
use evidence::time::UnixTime;

use super::{EndorsementError, Which};

/// Something that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndorsementFinding {
    /// There are no roots, so that nothing is known of who answers for the TPM.
    #[error("no roots were given: whose word this is has not been checked")]
    NoRoots,
    /// There are no lists of revoked certificates.
    #[error(
        "no lists of revoked certificates were given: whether a certificate was revoked has not been checked"
    )]
    NoRevocationLists,
    /// No list of the certificate's issuer could be used.
    #[error("there is no usable list of revoked certificates for {0}")]
    RevocationUnknown(Which),
    /// The issuer's list is past its time.
    #[error("the list of revoked certificates for {which} was due for renewal at {next_update}")]
    StaleList {
        /// The certificate that it is about.
        which: Which,
        /// When the next one was due.
        next_update: UnixTime,
    },
    /// The issuer's list was made later than the time of the check.
    #[error("a list of revoked certificates for {which} is from {this_update}, after the time of the check")]
    ListNotYetValid {
        /// The certificate that it is about.
        which: Which,
        /// When it was made.
        this_update: UnixTime,
    },
    /// A list under the issuer's name that its key did not sign.
    #[error(
        "a list of revoked certificates bears the name of the issuer of {0}, and is not signed by its key"
    )]
    ListOfOtherKey(Which),
    /// The issuer's key is not one for lists.
    #[error("the issuer of {0} is not for signing lists of revoked certificates")]
    ListIssuer(Which),
    /// The serial number is negative or zero, which the standard forbids.
    #[error("the serial number is not a positive number")]
    SerialSign,
    /// The serial number is longer than the standard allows.
    #[error("the serial number has {0} bytes, 20 are allowed")]
    SerialLength(usize),
    /// An endorsement certificate that does not say which TPM it is about.
    #[error("the certificate does not name the TPM's maker and model")]
    NoDeviceName,
    /// An endorsement certificate without the purpose of one.
    #[error("the certificate does not say that it is for an endorsement key (2.23.133.8.1)")]
    NoPurpose,
    /// A maker whose number the registry does not have.
    #[error("`{0}` is no maker in the TCG's registry")]
    UnknownVendor(String),
    /// Why nobody answers for the certificate.
    #[error(transparent)]
    Error(#[from] EndorsementError),
}

impl EndorsementFinding {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRoots => "no-roots",
            Self::NoRevocationLists => "revocation-not-checked",
            Self::RevocationUnknown(_) => "revocation-unknown",
            Self::StaleList { .. } => "stale-crl",
            Self::ListNotYetValid { .. } => "crl-not-yet-valid",
            Self::ListOfOtherKey(_) => "crl-other-key",
            Self::ListIssuer(_) => "crl-issuer",
            Self::SerialSign => "serial-not-positive",
            Self::SerialLength(_) => "serial-too-long",
            Self::NoDeviceName => "no-tpm-name",
            Self::NoPurpose => "no-ek-purpose",
            Self::UnknownVendor(_) => "unknown-vendor",
            Self::Error(error) => error.code(),
        }
    }

    /// How much it weighs.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::NoRoots | Self::NoRevocationLists | Self::UnknownVendor(_) | Self::NoPurpose => {
                Severity::Info
            }
            Self::RevocationUnknown(_)
            | Self::StaleList { .. }
            | Self::ListNotYetValid { .. }
            | Self::ListOfOtherKey(_)
            | Self::ListIssuer(_)
            | Self::SerialSign
            | Self::SerialLength(_)
            | Self::NoDeviceName => Severity::Warning,
            Self::Error(_) => Severity::Error,
        }
    }
}
