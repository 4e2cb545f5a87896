//! What the agent asks of a TPM: its endorsement key, an attestation key, an opened credential, a quote.
//!
//! In: a selection and 32 bytes to sign along. Out: what the TPM said, as bytes that the verifier checks. [`Tpm`] is
//! the one door to it: `EsysTpm` behind it is real hardware or swtpm, the test support has another one. Nothing
//! here establishes that the TPM is genuine, or that a quote is true: `appraisal` at the verifier does.

mod esys;
mod handle;

use evidence::digest::{Digest, HashAlg, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::tpm::Public;
use zeroize::Zeroizing;

pub use esys::{AkPlace, EsysTpm, TpmAddress};
pub use handle::TpmHandle;

/// A TPM as the agent needs it.
///
/// One owner calls it from one thread; each call leaves no session and no transient object behind.
pub trait Tpm: Send {
    /// Hash banks in which at least one PCR is allocated, in the order of their identifiers.
    fn banks(&mut self) -> Result<Vec<HashAlg>, TpmError>;

    /// The endorsement key and its certificates.
    fn endorsement(&mut self) -> Result<EndorsementKey, TpmError>;

    /// The attestation key: made and persisted on first use, the same ever after.
    fn attestation_key(&mut self) -> Result<Public, TpmError>;

    /// Opens a credential that was made for this endorsement key and this attestation key.
    ///
    /// `id_object` is a `TPM2B_ID_OBJECT`, `encrypted_secret` a `TPM2B_ENCRYPTED_SECRET`.
    fn activate_credential(
        &mut self,
        id_object: &[u8],
        encrypted_secret: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, TpmError>;

    /// Quotes the selected PCRs over `qualifying` with the attestation key.
    fn quote(&mut self, selection: &PcrSelection, qualifying: &Sha256Digest) -> Result<Quote, TpmError>;
}

/// The key that identifies a TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsementKey {
    /// Its public area.
    pub public: Public,
    /// Its certificate and what the TPM holds of the chain, DER, leaf first; empty where it has none.
    pub certificates: Vec<Vec<u8>>,
}

/// A quote as the TPM gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The `TPMS_ATTEST`.
    pub attest: Vec<u8>,
    /// The `TPMT_SIGNATURE` over it.
    pub signature: Vec<u8>,
    /// Values of the selected PCRs in selection order; they hash to the attestation's `pcrDigest`, but for
    /// [`PcrIndex::IMA`](evidence::pcr::PcrIndex::IMA), which may have moved between the quote and the reading.
    pub pcr_values: Vec<Digest>,
}

/// Why a TPM could not do what was asked, by whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TpmError {
    /// There is no TPM behind the configured address, or it went away; it may come back.
    #[error("the TPM cannot be reached: {reason}")]
    NotReachable {
        /// What the way to it said.
        reason: String,
    },
    /// The TPM did not answer in time; it may yet.
    #[error("the TPM did not answer within {after_ms} ms")]
    Timeout {
        /// How long was waited.
        after_ms: u64,
    },
    /// The TPM answered a command with an error.
    #[error("the TPM refused {command} with code {code:#06x}: {reason}")]
    Refused {
        /// The command.
        command: &'static str,
        /// The `TPM_RC`, with its layer.
        code: u32,
        /// The code in words.
        reason: String,
    },
    /// The TPM lacks something that an attesting host needs.
    #[error("the TPM lacks {what}")]
    Unsuitable {
        /// What it lacks.
        what: &'static str,
    },
    /// Answers that contradict each other or what was asked.
    #[error("the TPM's answers do not fit: {what}")]
    Inconsistent {
        /// What does not fit.
        what: &'static str,
    },
    /// The attestation key that was made at enrolment is no longer in the TPM.
    #[error("the attestation key is no longer in the TPM, which may have been cleared")]
    KeyGone,
    /// Bytes that are not the structure they should be.
    #[error("from the TPM: {0}")]
    Malformed(#[from] evidence::tpm::TpmError),
    /// The record of where the attestation key is could not be read or written.
    #[error("the record of the attestation key: {reason}")]
    Record {
        /// What the file system said, with the path.
        reason: String,
    },
    /// The configured address of the TPM makes no sense.
    #[error(
        "the TPM's address `{address}` is none of device:PATH, swtpm:host=H,port=P, swtpm:path=P, tabrmd"
    )]
    Address {
        /// The address.
        address: String,
    },
}

impl TpmError {
    /// Whether the same call may succeed later without anybody's help.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::NotReachable { .. } | Self::Timeout { .. } | Self::Inconsistent { .. })
    }

    /// What the administrator can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotReachable { reason } if reason.contains("ermission") => {
                "add the agent's user to the group that owns the device (tss), or run as root"
            }
            Self::NotReachable { .. } => {
                "is a TPM 2.0 enabled in the firmware's setup, and does [tpm] tcti name it?"
            }
            Self::Timeout { .. } => "another program may hold the TPM; use /dev/tpmrm0, not /dev/tpm0",
            Self::KeyGone => "enrol this host again: `lydian-agent enroll`",
            Self::Refused { code, .. } if code & 0xff == 0xa2 || code & 0xff == 0x8e => {
                "the owner or endorsement hierarchy has a password; Lydian needs them without one to make its key"
            }
            Self::Refused { code: 0x100, .. } => "nobody has started the TPM (TPM2_Startup)",
            Self::Refused { .. } | Self::Inconsistent { .. } | Self::Malformed(_) => {
                "see the journal for more"
            }
            Self::Unsuitable { .. } => "this host cannot attest with this TPM as it is set up",
            Self::Record { .. } => "check the state directory",
            Self::Address { .. } => "for a TPM of this machine: device:/dev/tpmrm0",
        }
    }
}
