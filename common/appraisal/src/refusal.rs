//! Why evidence is not true, or not in its place. Each reason has a stable code that `docs/protocol.md` lists.
//!
//! A refusal says that the evidence was not recorded in the host's chain. It says nothing of the host's health:
//! evidence that is consistent and bad is recorded, and [`crate::policy`] judges it.

use evidence::body::BootCounters;
use evidence::digest::{ChainId, Digest, HashAlg, HostId, Sha256Digest};
use evidence::ima::PrefixError;
use evidence::pcr::{PcrIndex, PcrSelection};

use crate::crypto::SignatureError;

/// Why evidence was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body names another host than the key belongs to.
    #[error("the evidence is of host {found}, not of {expected}")]
    OtherHost {
        /// Whose key it was checked with.
        expected: HostId,
        /// Whom the body names.
        found: HostId,
    },
    /// The host is enrolled with another chain.
    #[error("the evidence is of chain {found}; the host is enrolled with chain {expected}")]
    WrongChain {
        /// The enrolled chain.
        expected: ChainId,
        /// The body's chain.
        found: ChainId,
    },
    /// The very evidence that was verified last.
    #[error("evidence {seq} is recorded already")]
    Replayed {
        /// Its position.
        seq: u64,
    },
    /// Not the next position.
    #[error("evidence {found} came where {expected} is next")]
    SeqOutOfOrder {
        /// The next position.
        expected: u64,
        /// The body's position.
        found: u64,
    },
    /// Does not follow the newest evidence.
    #[error("evidence {seq} names {found} as its predecessor, which is {expected}")]
    PrevMismatch {
        /// The position.
        seq: u64,
        /// Digest of the newest evidence.
        expected: Sha256Digest,
        /// What the body names.
        found: Sha256Digest,
    },
    /// The signature does not hold under the enrolled key.
    #[error("the quote's signature does not hold under the enrolled attestation key: {0}")]
    Signature(SignatureError),
    /// The signature's own bytes cannot be read.
    #[error("the quote's signature cannot be read: {0}")]
    SignatureMalformed(evidence::tpm::TpmError),
    /// Not a quote made by a TPM.
    #[error("the signed structure is not a TPM quote: {0}")]
    NotAQuote(evidence::tpm::TpmError),
    /// A structure of the TPM's, but not a quote.
    #[error("the TPM signed a structure of type {tag:#06x}, not a quote")]
    OtherAttestation {
        /// Its `TPMI_ST_ATTEST`.
        tag: u16,
    },
    /// The quote is over another body.
    #[error("the quote is not over this body: its qualifying data has {} bytes and is not {expected}", found.len())]
    QualifyingData {
        /// What this body asks for.
        expected: Sha256Digest,
        /// What was quoted.
        found: Vec<u8>,
    },
    /// Other PCRs than asked.
    #[error("the quote covers {found}; {expected} was asked for")]
    Selection {
        /// What the host was asked to quote.
        expected: PcrSelection,
        /// What the TPM took.
        found: PcrSelection,
    },
    /// The body and the quote disagree about the boot.
    #[error(
        "the body names reset {}.{}, the quote {}.{}",
        body.reset_count, body.restart_count, quote.reset_count, quote.restart_count
    )]
    Boot {
        /// In the body.
        body: BootCounters,
        /// In the quote.
        quote: BootCounters,
    },
    /// A TPM's clock and counters only grow.
    #[error("the TPM's {what} went back from {before} to {found}")]
    WentBack {
        /// `clock`, `reset count` or `restart count`.
        what: &'static str,
        /// In earlier evidence.
        before: u64,
        /// In this.
        found: u64,
    },
    /// The host's view of the log shrank.
    #[error("the host named a checkpoint of {before} leaves before and one of {found} now")]
    CheckpointWentBack {
        /// In earlier evidence.
        before: u64,
        /// In this.
        found: u64,
    },
    /// The values do not belong to the quote.
    #[error("the PCR values do not hash to the quoted digest")]
    PcrValues,
    /// The components do not give the state root, or one came or went twice.
    #[error("the components after this evidence do not give its state root")]
    StateRoot,
    /// An execution of a component that the host does not have.
    #[error("an execution of component {component} is told, and there are {components}")]
    ExecutionOutOfState {
        /// The position that the body names.
        component: u32,
        /// How many components the host has after the evidence.
        components: usize,
    },
    /// First evidence of a boot without the boot's log.
    #[error("the firmware log {digest} of this boot is not attached and not known")]
    FirmwareLogNeeded {
        /// The log that the body names.
        digest: Sha256Digest,
    },
    /// The attached log is not the one that the body names, or the boot has another.
    #[error("the firmware log is not the one of this boot ({what})")]
    FirmwareLogMismatch {
        /// Which comparison failed.
        what: &'static str,
    },
    /// The log cannot be read to its end.
    #[error("the firmware log is damaged: {0}")]
    FirmwareLogDamaged(evidence::eventlog::EventLogError),
    /// The log cannot be replayed in a quoted bank.
    #[error("the firmware log cannot be replayed: {0}")]
    FirmwareLogUnreplayable(evidence::eventlog::ReplayError),
    /// A PCR is not what the log says.
    #[error("the firmware log replays {bank} PCR {pcr} to {replayed}; quoted is {quoted}")]
    FirmwareLogReplay {
        /// The PCR.
        pcr: PcrIndex,
        /// The bank.
        bank: HashAlg,
        /// What the log gives.
        replayed: Digest,
        /// What the TPM holds.
        quoted: Digest,
    },
    /// IMA records do not start where the last evidence ended.
    #[error("IMA records start at {found}; {expected} is next")]
    ImaOutOfOrder {
        /// The first record that is not verified yet.
        expected: u64,
        /// The first record attached or named.
        found: u64,
    },
    /// An IMA record cannot be read, or no prefix gives the quoted PCR 10.
    #[error("{0}")]
    Ima(PrefixError),
}

impl Refusal {
    /// The code that programs and documents use; it never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherHost { .. } => "unknown-host",
            Self::WrongChain { .. } => "wrong-chain",
            Self::Replayed { .. } => "replayed",
            Self::SeqOutOfOrder { .. } => "seq-out-of-order",
            Self::PrevMismatch { .. } => "prev-mismatch",
            Self::Signature(_) | Self::SignatureMalformed(_) => "signature-invalid",
            Self::NotAQuote(_) | Self::OtherAttestation { .. } => "not-a-quote",
            Self::QualifyingData { .. } => "qualifying-data-mismatch",
            Self::Selection { .. } => "selection-mismatch",
            Self::Boot { .. } => "boot-mismatch",
            Self::WentBack { .. } => "clock-went-back",
            Self::CheckpointWentBack { .. } => "checkpoint-unknown",
            Self::PcrValues => "pcr-values-mismatch",
            Self::StateRoot => "state-root-mismatch",
            Self::ExecutionOutOfState { .. } => "execution-out-of-state",
            Self::FirmwareLogNeeded { .. } => "firmware-log-needed",
            Self::FirmwareLogMismatch { .. } => "firmware-log-mismatch",
            Self::FirmwareLogDamaged(_) => "firmware-log-damaged",
            Self::FirmwareLogUnreplayable(_) | Self::FirmwareLogReplay { .. } => "firmware-log-replay",
            Self::ImaOutOfOrder { .. } => "ima-out-of-order",
            Self::Ima(PrefixError::Damaged { .. }) => "ima-damaged",
            Self::Ima(_) => "ima-replay",
        }
    }

    /// What the host's administrator or an operator can do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::WrongChain { .. } => {
                "the host was enrolled again; this agent's store is older: enrol it again"
            }
            Self::OtherHost { .. } | Self::Signature(_) => {
                "the TPM or its attestation key was replaced, or somebody else speaks for this host"
            }
            Self::Replayed { .. } => "fetch the receipt of this evidence instead of sending it again",
            Self::FirmwareLogNeeded { .. } => "send the same evidence with the firmware log attached",
            Self::FirmwareLogReplay { .. } => {
                "the log was changed after firmware wrote it, or a PCR was extended behind its back: look at the host"
            }
            Self::Ima(_) => "the IMA list was changed after the kernel wrote it, or a part of it is missing",
            Self::WentBack { .. } => {
                "a TPM's counters never fall: this is an older state of it, or another TPM"
            }
            _ => "",
        }
    }
}
