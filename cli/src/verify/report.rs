//! What came of verifying a bundle, as `-o json` writes it. Fields are added, never renamed.

use appraisal::result::{AttestationResult, Status};
use evidence::bundle::Bundle;
use evidence::time::UnixTime;
use serde::Serialize;

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) file: String,
    pub(crate) verdict: Verdict,
    pub(crate) host_name: String,
    pub(crate) host: String,
    pub(crate) chain: String,
    pub(crate) seq: u64,
    pub(crate) digest: String,
    pub(crate) trigger: &'static str,
    pub(crate) agent_version: String,
    pub(crate) reset_count: u32,
    pub(crate) restart_count: u32,
    /// By the agent's clock.
    pub(crate) sealed: String,
    /// In the verifier's word.
    pub(crate) received: String,
    /// In the verifier's word.
    pub(crate) tier: String,
    /// Index of the leaf in the log.
    pub(crate) leaf: Option<u64>,
    pub(crate) checks: Vec<Check>,
    /// The appraisal; absent where the evidence does not verify.
    pub(crate) result: Option<ResultView>,
}

/// Whether evidence and its links hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Nothing failed; what is believed is named.
    Verified,
    /// Something failed: the bundle proves nothing.
    Refused,
}

impl Verdict {
    /// The word in JSON and on the card.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Refused => "refused",
        }
    }
}

/// One link of the chain from the host's TPM to the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the JSON's fields")]
pub(crate) struct Check {
    pub(crate) check: &'static str,
    pub(crate) standing: Standing,
    pub(crate) detail: String,
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// It was checked and holds.
    Holds,
    /// It was checked and does not hold.
    Fails,
    /// It could not be checked: the verifier's word.
    Believed,
}

impl Check {
    pub(crate) fn holds(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, standing: Standing::Holds, detail: detail.into() }
    }

    pub(crate) fn fails(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, standing: Standing::Fails, detail: detail.into() }
    }

    pub(crate) fn believed(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, standing: Standing::Believed, detail: detail.into() }
    }
}

/// An attestation result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ResultView {
    pub(crate) policy: String,
    pub(crate) status: &'static str,
    pub(crate) claims: Vec<ClaimView>,
}

/// A claim of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ClaimView {
    pub(crate) member: &'static str,
    pub(crate) value: i8,
    pub(crate) status: &'static str,
    pub(crate) reasons: Vec<ReasonView>,
}

/// A reason of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ReasonView {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl From<&AttestationResult> for ResultView {
    fn from(result: &AttestationResult) -> Self {
        let claims = result.claims().iter().map(|claim| ClaimView {
            member: claim.member.name(),
            value: claim.value,
            status: Status::of_value(claim.value).name(),
            reasons: claim
                .reasons
                .iter()
                .map(|reason| ReasonView { code: reason.code, detail: reason.detail.clone() })
                .collect(),
        });
        Self {
            policy: result.policy_id().to_owned(),
            status: result.status().name(),
            claims: claims.collect(),
        }
    }
}

impl Report {
    /// A report on which nothing is checked yet.
    pub(crate) fn new(file: String, bundle: &Bundle) -> Self {
        let evidence = &bundle.envelope.evidence;
        let body = evidence.body();
        Self {
            file,
            verdict: Verdict::Verified,
            host_name: bundle.host_name.clone(),
            host: body.host.to_string(),
            chain: body.chain.to_string(),
            seq: body.seq,
            digest: evidence.digest().to_string(),
            trigger: body.trigger.name(),
            agent_version: body.agent_version.clone(),
            reset_count: body.boot.reset_count,
            restart_count: body.boot.restart_count,
            sealed: body.agent_time.to_string(),
            received: UnixTime::from_ms(bundle.received_ms).to_string(),
            tier: bundle.tier.clone(),
            leaf: None,
            checks: Vec::new(),
            result: None,
        }
    }

    /// Adds a link; one that fails decides the verdict.
    pub(crate) fn add(&mut self, check: Check) {
        if check.standing == Standing::Fails {
            self.verdict = Verdict::Refused;
        }
        self.checks.push(check);
    }

    /// Whether the evidence holds and the host is as the policy wants it.
    pub(crate) fn is_good(&self, strict: bool) -> bool {
        let status = self.result.as_ref().map_or("none", |result| result.status);
        let fine = status == "affirming" || (status == "warning" && !strict);
        self.verdict == Verdict::Verified && fine
    }
}
