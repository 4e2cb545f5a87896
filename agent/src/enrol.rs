//! Enrolment: the host proves to the verifier that its attestation key lives in its TPM, and pins the log's key.
//!
//! In: a join token, the verifier, the TPM. Out: an identity in the journal and a new chain. The verifier is believed as
//! far as its certificate goes; that it gave this host the identity which follows from the TPM's endorsement key,
//! and that it recorded the enrolment in a log signed with the key that it gave, is checked here.

use evidence::digest::{ChainId, HostId};
use evidence::time::UnixTime;
use ledger::checkpoint::VerifiedCheckpoint;
use ledger::note::VerifierKey;
use reqwest::Url;
use wire::enrol::{EnrolBegin, EnrolFinish, Enrolled};

use crate::failure::{Failure, Status};
use crate::journal::{Identity, Journal};
use crate::quote::{EndorsementKey, TpmHandle};
use crate::receipt::{self, Recorded};
use crate::submit::VerifierClient;

/// What an enrolment needs to know.
#[derive(Debug)]
pub struct Joining {
    /// The verifier.
    pub url: Url,
    /// Its certificate authority, PEM.
    pub ca: String,
    /// The join token.
    pub token: String,
    /// What people call the host.
    pub name: String,
    /// Why its history starts anew, where somebody has said it.
    pub reason: Option<String>,
}

/// Enrols the host and starts its chain in the journal.
pub async fn enrol(
    joining: Joining,
    tpm: &TpmHandle,
    journal: &mut Journal,
    now: UnixTime,
) -> Result<Identity, Failure> {
    let client = VerifierClient::new(&joining.url, &joining.ca)?;
    let endorsement = tpm.endorsement().await?;
    if endorsement.certificates.is_empty() {
        tracing::warn!("this TPM holds no certificate for its endorsement key; a verifier may not accept it");
    }
    let chain = random_chain()?;
    let reason = joining.reason.clone().unwrap_or_else(|| reason(journal));
    let begin = EnrolBegin { reason, ..begin(&joining, tpm, &endorsement, chain).await? };
    let challenge = client.enrol_begin(&begin).await?;
    let secret = tpm.activate_credential(challenge.id_object.0, challenge.encrypted_secret.0).await?;
    let finish = EnrolFinish { session: challenge.session, secret: secret.as_slice().into() };
    let enrolled = client.enrol_finish(&finish).await?;
    let known = journal.identity().zip(journal.checkpoint());
    let checkpoint = check(&enrolled, &endorsement, known)?;
    let identity = identity(&enrolled, joining, chain, now)?;
    journal.enrol(identity.clone(), checkpoint)?;
    Ok(identity)
}

async fn begin(
    joining: &Joining,
    tpm: &TpmHandle,
    endorsement: &EndorsementKey,
    chain: ChainId,
) -> Result<EnrolBegin, Failure> {
    let ak = tpm.attestation_key().await?;
    let banks = tpm.banks().await?;
    Ok(EnrolBegin {
        token: joining.token.clone(),
        host_name: joining.name.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        ek_public: endorsement.public.raw().into(),
        ek_certificates: endorsement.certificates.iter().map(|der| der.as_slice().into()).collect(),
        ak_public: ak.raw().into(),
        banks: banks.iter().map(ToString::to_string).collect(),
        chain: chain.to_string(),
        reason: String::new(),
    })
}

/// What can be said of why the history starts anew, where nobody said more.
fn reason(journal: &Journal) -> String {
    match journal.identity() {
        None => "the agent had no history".to_owned(),
        Some(identity) => {
            let acknowledged = journal.position().acknowledged;
            format!(
                "enrolled by hand while the agent had chain {} with {acknowledged} receipts",
                identity.chain
            )
        }
    }
}

/// Checks what the verifier says of this host, and the log that it shows.
fn check(
    enrolled: &Enrolled,
    endorsement: &EndorsementKey,
    known: Option<(&Identity, &VerifiedCheckpoint)>,
) -> Result<VerifiedCheckpoint, Failure> {
    let ours = HostId::of_endorsement_key(endorsement.public.raw());
    if enrolled.host.parse() != Ok(ours) {
        return Err(nonsense("another host's identity"));
    }
    let log_key: VerifierKey =
        enrolled.log_key.parse().map_err(|_| nonsense("a log key that cannot be read"))?;
    let verified = receipt::verify(&enrolled.receipt, Recorded::Enrolment, &log_key, None)?;
    // A proof that the same log only grew comes with the first evidence; that it shrank shows at once.
    if let Some((identity, newest)) = known
        && identity.log_key == log_key
    {
        let (before, after) = (newest.checkpoint(), verified.checkpoint.checkpoint());
        let forked = before.size() == after.size() && before.root() != after.root();
        if after.size() < before.size() || forked {
            let (before, after) = (before.size().get(), after.size().get());
            return Err(receipt::ReceiptError::Shrunk { before, after }.into());
        }
    }
    Ok(verified.checkpoint)
}

fn identity(
    enrolled: &Enrolled,
    joining: Joining,
    chain: ChainId,
    enrolled_at: UnixTime,
) -> Result<Identity, Failure> {
    Ok(Identity {
        host: enrolled.host.parse().map_err(|_| nonsense("a host's identity that cannot be read"))?,
        chain,
        name: joining.name,
        url: joining.url.to_string(),
        ca: joining.ca,
        selection: enrolled.selection.parse().map_err(|_| nonsense("a PCR selection that cannot be read"))?,
        heartbeat_secs: enrolled.heartbeat_secs.clamp(1, MOST_HEARTBEAT_SECS),
        log_key: enrolled.log_key.parse().map_err(|_| nonsense("a log key that cannot be read"))?,
        tier: enrolled.tier.chars().take(64).collect(),
        enrolled_at,
    })
}

fn random_chain() -> Result<ChainId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::new(Status::Software, "the kernel gave no random bytes", ""))?;
    Ok(ChainId::new(bytes))
}

fn nonsense(what: &str) -> Failure {
    let message = format!("the verifier's answer names {what}");
    Failure::new(Status::Unavailable, message, "is this a lydian-verifier of this version?")
}

/// A day: a host that is silent for longer cannot be told from one that is gone.
const MOST_HEARTBEAT_SECS: u64 = 86_400;
