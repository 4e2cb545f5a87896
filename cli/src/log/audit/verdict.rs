//! The verdict on evidence, computed again.
//!
//! In: verified evidence, and what its verifier says it knew beside it. Out: whether the recorded result follows from them. The
//! words of a result are not compared, since they may be better in a later version; its values and their reasons are.

use std::collections::BTreeMap;

use appraisal::endorsement::TrustTier;
use appraisal::policy::{Context, NotBefore, Policy, appraise};
use appraisal::result::{AttestationResult, Member};
use appraisal::verify::VerifiedLog;
use evidence::export::Attestation;
use evidence::time::UnixTime;
use wire::ear::Ear;

/// The status that follows, or how the recorded result differs.
pub(super) fn compare(
    verified: &VerifiedLog<'_>,
    attestation: &Attestation,
    tier: TrustTier,
) -> Result<&'static str, String> {
    let policy = Policy::built_in();
    let ear: Ear = serde_json::from_str(&attestation.result)
        .map_err(|error| format!("its recorded result is none: {error}"))?;
    let host = verified.body().host.to_string();
    let recorded = ear.submods.get(&host).ok_or("its recorded result is of another host")?;
    if recorded.policy_id != policy.id {
        let known = &policy.id;
        return Err(format!("its result is by policy {}, and this program has {known}", recorded.policy_id));
    }
    let context = Context {
        received: UnixTime::from_ms(attestation.received_ms),
        not_before: match attestation.not_before_ms {
            0 => NotBefore::Unknown,
            at => NotBefore::Checkpoint(UnixTime::from_ms(at)),
        },
        heartbeat_ms: attestation.heartbeat_ms,
        tier,
    };
    let result = appraise(verified, &policy, &context);
    // How fresh it was hangs on the heartbeat, which older verifiers did not record.
    let compared = |member: Member| attestation.heartbeat_ms > 0 || member != Member::SourcedData;
    for member in Member::ALL.into_iter().filter(|member| compared(*member)) {
        let (name, value) = (member.name(), result.value(member));
        let was = recorded.vector.get(name).copied().unwrap_or_default();
        if was != value {
            return Err(format!("its recorded result says {name} {was}, and the evidence says {value}"));
        }
        let (codes, were) = (codes(&result, member), recorded_codes(&recorded.reasons, name));
        if codes != were {
            let (codes, were) = (codes.join(", "), were.join(", "));
            return Err(format!("its recorded result has for {name} the reasons {were}; they are {codes}"));
        }
    }
    let status = result.status().name();
    if attestation.heartbeat_ms > 0 && recorded.status != status {
        return Err(format!("its recorded status is {}, and the evidence says {status}", recorded.status));
    }
    Ok(status)
}

fn codes(result: &AttestationResult, member: Member) -> Vec<&str> {
    let claims = result.claims().iter().filter(|claim| claim.member == member);
    claims.flat_map(|claim| claim.reasons.iter().map(|reason| reason.code)).collect()
}

fn recorded_codes<'r>(reasons: &'r BTreeMap<String, Vec<wire::ear::EarReason>>, name: &str) -> Vec<&'r str> {
    reasons.get(name).into_iter().flatten().map(|reason| reason.code.as_str()).collect()
}
