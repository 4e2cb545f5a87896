//! From a submission to what is recorded: verify, appraise, and put into rows. No IO; the caller runs it off the
//! threads that serve the network.

use std::collections::BTreeMap;

use appraisal::policy::{Context, NotBefore, Policy};
use appraisal::refusal::Refusal;
use appraisal::result::{AttestationResult, Member, Status};
use appraisal::verify::{VerifiedLog, verify};
use evidence::body::Trigger;
use evidence::cbor::Writer;
use evidence::digest::HostId;
use evidence::envelope::{AttachmentKind, Envelope};
use evidence::time::UnixTime;
use wire::ear::{EAR_PROFILE, Ear, EarAppraisal, EarReason, VerifierId};

use crate::record::{IndexEntry, NewEvidence};
use crate::store::blob::Blob;
use crate::store::host::EnrolledHost;
use crate::store::packed::{IMA_BYTES, Kept, Packed};

/// What is known beside the submission.
#[derive(Debug)]
pub(crate) struct Circumstances {
    pub(crate) received: UnixTime,
    pub(crate) not_before: NotBefore,
    pub(crate) heartbeat_ms: u64,
}

/// Why a submission cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unrecordable {
    /// It is not true, or not in its place.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Compressing for the store failed: memory.
    #[error("compressing a log: {0}")]
    Compress(#[from] std::io::Error),
    /// The result could not be written as JSON.
    #[error("the attestation result: {0}")]
    Result(#[from] serde_json::Error),
}

/// Verifies and appraises.
pub(crate) fn appraise(
    envelope: &Envelope,
    host: &EnrolledHost,
    known_firmware_log: Option<&[u8]>,
    policy: &Policy,
    circumstances: &Circumstances,
) -> Result<NewEvidence, Unrecordable> {
    let verified = verify(envelope, &host.attester, &host.state, known_firmware_log)?;
    let context = Context {
        received: circumstances.received,
        not_before: circumstances.not_before,
        heartbeat_ms: circumstances.heartbeat_ms,
        tier: host.tier,
    };
    let result = appraisal::policy::appraise(&verified, policy, &context);
    rows(&verified, &result, host, circumstances)
}

fn rows(
    verified: &VerifiedLog<'_>,
    result: &AttestationResult,
    host: &EnrolledHost,
    circumstances: &Circumstances,
) -> Result<NewEvidence, Unrecordable> {
    let (envelope, body, next) = (verified.envelope(), verified.body(), verified.next_state());
    let mut blobs = Vec::new();
    if let Some(attached) = envelope.attachment(AttachmentKind::FirmwareLog) {
        blobs.push(Blob::new(&attached.bytes)?);
    }
    // Records beyond the quoted ones are not proved yet; they come again with the next evidence.
    let ima = verified.ima().new_records();
    let few = ima.len() <= IMA_BYTES;
    let ima_list = if few { None } else { Some(Blob::new(ima)?) };
    let ima_content = ima_list.as_ref().map(|blob| blob.digest);
    blobs.extend(ima_list);
    // Whole, as it came: with what nothing vouches for yet, so that appraising it again says the same.
    let systemd_log = envelope.attachment(AttachmentKind::SystemdLog);
    let systemd_log = systemd_log.map(|attached| Blob::new(&attached.bytes)).transpose()?;
    let systemd_content = systemd_log.as_ref().map(|blob| blob.digest);
    blobs.extend(systemd_log);
    let kept = Kept {
        sealed: envelope.evidence.raw().to_vec(),
        pcr_values: encode_values(&envelope.pcr_values),
        state_before: host.state.clone().with_components(Vec::new()).encode(),
        result: serde_json::to_string(&ear(result, host.attester.host, circumstances.received))?,
        ima_list: if few { ima.to_vec() } else { Vec::new() },
        ima_content,
        systemd_log: systemd_content,
        heartbeat_ms: circumstances.heartbeat_ms,
        summary: summary(verified, result),
    };
    Ok(NewEvidence {
        host_row: host.row,
        chain: body.chain,
        seq: body.seq,
        prev: body.prev,
        digest: envelope.evidence.digest(),
        salt: body.salt,
        received_ms: circumstances.received.as_ms(),
        packed: Packed::new(&kept, host.keyframe.as_ref())?,
        blobs,
        added: body.added.clone(),
        removed: body.removed.clone(),
        state: next.encode(),
        state_root: body.state_root,
        components: next.components().len() as u64,
        agent_version: body.agent_version.clone(),
        status: status_code(result.status()),
        index: IndexEntry::new(verified, &host.state),
    })
}

/// The PCR values in selection order, as the envelope carries them.
fn encode_values(values: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(values.len());
    for value in values {
        w.bytes(value);
    }
    w.finish()
}

/// The number by which a status is stored.
pub(crate) const fn status_code(status: Status) -> i64 {
    match status {
        Status::None => 0,
        Status::Affirming => 1,
        Status::Warning => 2,
        Status::Contraindicated => 3,
    }
}

/// The word for a stored number.
pub(crate) fn status_name(code: i64) -> &'static str {
    [Status::None, Status::Affirming, Status::Warning, Status::Contraindicated]
        .into_iter()
        .find(|status| status_code(*status) == code)
        .unwrap_or(Status::None)
        .name()
}

fn ear(result: &AttestationResult, host: HostId, at: UnixTime) -> Ear {
    let value = |member: Member| (member.name().to_owned(), result.value(member));
    let reasons: BTreeMap<_, _> = result
        .claims()
        .iter()
        .map(|claim| {
            let reasons = claim.reasons.iter();
            let reasons = reasons
                .map(|reason| EarReason { code: reason.code.to_owned(), detail: reason.detail.clone() });
            (claim.member.name().to_owned(), reasons.collect())
        })
        .collect();
    let appraisal = EarAppraisal {
        status: result.status().name().to_owned(),
        vector: Member::ALL.into_iter().map(value).collect(),
        policy_id: result.policy_id().to_owned(),
        reasons,
    };
    Ear {
        eat_profile: EAR_PROFILE.to_owned(),
        iat: at.as_secs(),
        verifier_id: VerifierId {
            developer: "Lydian".to_owned(),
            build: concat!("lydian-verifier ", env!("CARGO_PKG_VERSION")).to_owned(),
        },
        submods: [(host.to_string(), appraisal)].into(),
    }
}

/// One line for people: what changed, and what is wrong.
fn summary(verified: &VerifiedLog<'_>, result: &AttestationResult) -> String {
    let body = verified.body();
    let mut words = Vec::new();
    if verified.boot_change() == appraisal::verify::BootChange::First {
        words.push(format!("first evidence of boot {}", body.boot.reset_count));
    }
    match (body.seq, body.added.len(), body.removed.len()) {
        (0, came, _) => words.push(format!("{came} components")),
        (_, 0, 0) => words.push("no component changed".to_owned()),
        (_, came, went) => words.push(format!("{came} components came, {went} went")),
    }
    if body.trigger == Trigger::Gap {
        words.push("a gap opened or closed".to_owned());
    }
    let bad = |value| matches!(Status::of_value(value), Status::Warning | Status::Contraindicated);
    let codes: Vec<_> = result
        .claims()
        .iter()
        .filter(|claim| bad(claim.value))
        .flat_map(|claim| claim.reasons.iter().map(|reason| reason.code))
        .collect();
    if !codes.is_empty() {
        words.push(codes.join(", "));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_status_is_read_back() {
        for status in [Status::None, Status::Affirming, Status::Warning, Status::Contraindicated] {
            assert_eq!(status_name(status_code(status)), status.name());
        }
    }
}
