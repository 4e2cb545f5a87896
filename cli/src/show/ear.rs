//! Attestation results as claims with reasons.
//!
//! In: an EAR as JSON, from a verifier of any version. Out: status, policy, and a line for each claim that says something.
//! What cannot be read is left out here and stands in full in `-o json`.
//= draft-ietf-rats-ear §3.2: submods, ear.status, ear.trustworthiness-vector

use appraisal::result::{Member, Status};
use serde_json::Value;

/// A result for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResultLines {
    /// The worst of the claims, in the verifier's word.
    pub(crate) status: String,
    /// Which policy said so.
    pub(crate) policy: String,
    /// The claims in the draft's order; names that the draft lacks come last.
    pub(crate) claims: Vec<ClaimLine>,
}

/// A claim of the trustworthiness vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimLine {
    /// Member of the vector.
    pub(crate) member: String,
    /// What its value comes to.
    pub(crate) status: &'static str,
    /// Code and sentence of each reason.
    pub(crate) reasons: Vec<(String, String)>,
}

/// The result that a verifier sent.
pub(crate) fn result_of(ear: &Value) -> ResultLines {
    let submods = ear.get("submods").and_then(Value::as_object);
    let Some(appraisal) = submods.and_then(|submods| submods.values().next()) else {
        return ResultLines::default();
    };
    let vector = appraisal.get("ear.trustworthiness-vector").and_then(Value::as_object);
    let mut claims: Vec<ClaimLine> = vector
        .into_iter()
        .flatten()
        .map(|(member, value)| ClaimLine {
            member: member.clone(),
            status: status_of(value),
            reasons: reasons_of(appraisal, member),
        })
        .filter(|claim| claim.status != Status::None.name() || !claim.reasons.is_empty())
        .collect();
    claims.sort_by_key(|claim| {
        Member::ALL.iter().position(|member| member.name() == claim.member).unwrap_or(usize::MAX)
    });
    ResultLines {
        status: text(appraisal, "ear.status"),
        policy: text(appraisal, "ear.appraisal-policy-id"),
        claims,
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned()
}

fn status_of(value: &Value) -> &'static str {
    let value = value.as_i64().and_then(|value| i8::try_from(value).ok());
    value.map_or("unknown", |value| Status::of_value(value).name())
}

fn reasons_of(appraisal: &Value, member: &str) -> Vec<(String, String)> {
    let reasons = appraisal.get("lydian.reasons").and_then(|reasons| reasons.get(member));
    let reasons = reasons.and_then(Value::as_array).into_iter().flatten();
    reasons.map(|reason| (text(reason, "code"), text(reason, "detail"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_come_in_the_draft_s_order_and_silent_ones_are_left_out() {
        let ear = serde_json::json!({"submods": {"host": {
            "ear.status": "warning",
            "ear.appraisal-policy-id": "p",
            "ear.trustworthiness-vector": {"future": 2, "hardware": 2, "configuration": 32, "runtime-opaque": 0},
            "lydian.reasons": {"configuration": [{"code": "secure-boot-off", "detail": "event 3"}]},
        }}});
        let result = result_of(&ear);
        let lines: Vec<_> =
            result.claims.iter().map(|c| (c.member.as_str(), c.status, c.reasons.len())).collect();
        assert_eq!(
            lines,
            [("configuration", "warning", 1), ("hardware", "affirming", 0), ("future", "affirming", 0)]
        );
        assert_eq!((result.status.as_str(), result.policy.as_str()), ("warning", "p"));
    }

    #[test]
    fn strange_results_are_not_made_up() {
        assert_eq!(result_of(&serde_json::json!([])), ResultLines::default());
        assert_eq!(result_of(&serde_json::json!({"submods": {}})), ResultLines::default());
        let ear = serde_json::json!({"submods": {"h": {"ear.trustworthiness-vector": {"hardware": "?", "configuration": 300}}}});
        let result = result_of(&ear);
        assert!(result.claims.iter().all(|claim| claim.status == "unknown"), "{result:?}");
        assert_eq!(result.status, "unknown");
    }
}
