//! Enrolment: a host proves that its attestation key lives in the TPM of its endorsement key.

use serde::{Deserialize, Serialize};

use crate::Base64Bytes;

/// `POST /v1/enrol/begin`: who wants to join, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolBegin {
    /// The join token that an operator made.
    pub token: String,
    /// What people call the host.
    pub host_name: String,
    /// The agent's version.
    pub agent_version: String,
    /// The endorsement key's `TPMT_PUBLIC`.
    pub ek_public: Base64Bytes,
    /// The EK certificate and what the TPM holds of its chain, DER, leaf first; empty where the TPM has none.
    pub ek_certificates: Vec<Base64Bytes>,
    /// The attestation key's `TPMT_PUBLIC`.
    pub ak_public: Base64Bytes,
    /// Hash banks that the TPM has, such as `sha256`.
    pub banks: Vec<String>,
    /// The chain that the host starts, 16 random bytes in hex.
    pub chain: String,
    /// Why its history starts anew, in the host's words; empty from agents that do not say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Answer to [`EnrolBegin`]: a secret that only the TPM with both keys can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolChallenge {
    /// Names this enrolment in [`EnrolFinish`].
    pub session: String,
    /// `TPM2B_ID_OBJECT` for `TPM2_ActivateCredential`.
    pub id_object: Base64Bytes,
    /// `TPM2B_ENCRYPTED_SECRET` for `TPM2_ActivateCredential`.
    pub encrypted_secret: Base64Bytes,
}

/// `POST /v1/enrol/finish`: the opened secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolFinish {
    /// From the challenge.
    pub session: String,
    /// What `TPM2_ActivateCredential` gave.
    pub secret: Base64Bytes,
}

/// Answer to [`EnrolFinish`]: the host is known; this is what it must do from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The host's identity, in hex; the agent checks that it is the digest of its own endorsement key.
    pub host: String,
    /// PCRs to quote, such as `sha256:0,1,2`.
    pub selection: String,
    /// Seconds without a change after which evidence is sealed all the same.
    pub heartbeat_secs: u64,
    /// The log's verifier key in C2SP vkey form; the agent pins it.
    pub log_key: String,
    /// How well the endorsement key is vouched for: `manufacturer`, `cloud`, `operator-pinned`, `first-use` or `none`.
    pub tier: String,
    /// The leaf and proofs that record this enrolment.
    pub receipt: crate::submit::Receipt,
}
