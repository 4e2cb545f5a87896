//! Attestation results as they travel: the JSON form of an EAR.
//!
//! The result of one appraisal of one host, with Lydian's reasons beside the draft's members. It is not signed here;
//! its bearer vouches for it.
//= draft-ietf-rats-ear §3.1: EAR claims; draft-ietf-rats-ar4si §2.3: trustworthiness vector

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names the members that are used here and what they mean.
pub const EAR_PROFILE: &str = "tag:lydian,2026:ear/1";

/// An attestation result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ear {
    /// [`EAR_PROFILE`].
    pub eat_profile: String,
    /// When the appraisal was made, in seconds since 1970.
    pub iat: u64,
    /// Who made it.
    #[serde(rename = "ear.verifier-id")]
    pub verifier_id: VerifierId,
    /// One appraisal for each attester: here one, by the host's identity in hex.
    pub submods: BTreeMap<String, EarAppraisal>,
}

/// Which program appraised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifierId {
    /// Who makes it.
    pub developer: String,
    /// Name and version.
    pub build: String,
}

/// How one host stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarAppraisal {
    /// `none`, `affirming`, `warning` or `contraindicated`: the worst of the vector.
    #[serde(rename = "ear.status")]
    pub status: String,
    /// A value from -128 to 127 for each member of the vector.
    #[serde(rename = "ear.trustworthiness-vector")]
    pub vector: BTreeMap<String, i8>,
    /// Which policy was applied.
    #[serde(rename = "ear.appraisal-policy-id")]
    pub policy_id: String,
    /// Why each member has its value.
    #[serde(rename = "lydian.reasons")]
    pub reasons: BTreeMap<String, Vec<EarReason>>,
}

/// Why a member has its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarReason {
    /// Stable and machine-readable.
    pub code: String,
    /// One sentence that names the event, record, PCR or file.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_the_names_of_the_draft() {
        let appraisal = EarAppraisal {
            status: "affirming".into(),
            vector: [("hardware".to_owned(), 2)].into(),
            policy_id: "p".into(),
            reasons: BTreeMap::new(),
        };
        let ear = Ear {
            eat_profile: EAR_PROFILE.into(),
            iat: 1,
            verifier_id: VerifierId { developer: "d".into(), build: "b".into() },
            submods: [("h".to_owned(), appraisal)].into(),
        };
        let expected = serde_json::json!({
            "eat_profile": "tag:lydian,2026:ear/1",
            "iat": 1,
            "ear.verifier-id": {"developer": "d", "build": "b"},
            "submods": {"h": {
                "ear.status": "affirming",
                "ear.trustworthiness-vector": {"hardware": 2},
                "ear.appraisal-policy-id": "p",
                "lydian.reasons": {},
            }},
        });
        assert_eq!(serde_json::to_value(&ear).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Ear>(expected).unwrap(), ear);
    }
}
