//! Attestation results as claims with reasons.
//!
//! In: an EAR as JSON, from a verifier of any version. Out: one line for each claim; what cannot be read is left out
//! here and stands in full in `-o json`.
//= draft-ietf-rats-ear §3.2: submods, ear.status, ear.trustworthiness-vector

use appraisal::result::Status;
use serde_json::Value;

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

/// The claims of a result that a verifier sent.
pub(crate) fn claims_of(ear: &Value) -> Vec<ClaimLine> {
    let appraisal = ear
        .get("submods")
        .and_then(Value::as_object)
        .and_then(|submods| submods.values().next())
        .unwrap_or(ear);
    let Some(vector) = appraisal.get("ear.trustworthiness-vector").and_then(Value::as_object) else {
        return Vec::new();
    };
    let reasons = appraisal.get("lydian.reasons");
    vector
        .iter()
        .map(|(member, value)| ClaimLine {
            member: member.clone(),
            status: status_of(value),
            reasons: reasons.map_or_else(Vec::new, |reasons| reasons_of(reasons, member)),
        })
        .collect()
}

fn status_of(value: &Value) -> &'static str {
    let value = value.as_i64().and_then(|value| i8::try_from(value).ok());
    value.map_or("unknown", |value| Status::of_value(value).name())
}

/// Reasons by member (`{"hardware": [{"code", "detail"}]}`), or in one list where each names its member.
fn reasons_of(reasons: &Value, member: &str) -> Vec<(String, String)> {
    let text = |reason: &Value, key: &str| {
        reason.get(key).and_then(Value::as_str).map_or_else(String::new, str::to_owned)
    };
    let read = |reason: &Value| (text(reason, "code"), text(reason, "detail"));
    match reasons {
        Value::Object(by_member) => {
            by_member.get(member).and_then(Value::as_array).into_iter().flatten().map(read).collect()
        }
        Value::Array(all) => all
            .iter()
            .filter(|reason| ["member", "claim"].iter().any(|key| text(reason, key) == member))
            .map(read)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_and_reasons_are_read_and_strange_results_are_not_made_up() {
        let ear = serde_json::json!({"submods": {"host": {
            "ear.status": "warning",
            "ear.trustworthiness-vector": {"configuration": 32, "hardware": 2, "executables": "?"},
            "lydian.reasons": {"configuration": [{"code": "secure-boot-off", "detail": "event 3"}]},
        }}});
        let claims = claims_of(&ear);
        let lines: Vec<_> = claims.iter().map(|c| (c.member.as_str(), c.status, c.reasons.len())).collect();
        assert_eq!(
            lines,
            [("configuration", "warning", 1), ("executables", "unknown", 0), ("hardware", "affirming", 0)]
        );
        assert_eq!(claims_of(&serde_json::json!([])), []);
        assert_eq!(claims_of(&serde_json::json!({"submods": {}})), []);
    }
}
