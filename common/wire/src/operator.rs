//! The operator's API under `/v1`: what the CLI, pages and programs read and ask for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a host stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostStatus {
    /// Fresh, consistent, and as the policy wants it.
    Trusted,
    /// Fresh and consistent, with something that an operator should look at.
    Warning,
    /// Consistent and not as the policy wants it.
    NotTrusted,
    /// No evidence within the promised time.
    Stale,
    /// Enrolled; no evidence yet.
    Pending,
    /// An operator has said that no more is to be expected of it.
    Retired,
}

/// `POST /v1/hosts/{id}/labels`: labels by which hosts are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelHost {
    /// Those that it has from now on, by key.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Keys of those that it has no more.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// `POST /v1/hosts/{id}/retire`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetireHost {
    /// Why; the log keeps it for auditors.
    #[serde(default)]
    pub reason: String,
}

/// Answer to [`RetireHost`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredHost {
    /// The leaf that ends the host's chain.
    pub leaf: u64,
}

/// `GET /v1/hosts`: a page of hosts, and how many there are of each kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostList {
    /// The hosts of this page, by name.
    pub hosts: Vec<HostSummary>,
    /// All hosts that are enrolled and not retired: the denominator.
    pub total: u64,
    /// Pass as `after` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One host in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSummary {
    /// Identity in hex.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How it stands.
    pub status: HostStatus,
    /// How well its endorsement key is vouched for.
    pub tier: String,
    /// Position of its newest evidence; absent before the first.
    pub seq: Option<u64>,
    /// Components in its state.
    pub components: u64,
    /// When its newest evidence came, by the verifier's clock (RFC 3339).
    pub last_seen: Option<String>,
    /// When it enrolled (RFC 3339).
    pub enrolled: String,
    /// What operators call it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// `GET /v1/hosts/{id}`: everything that is known of a host now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: HostSummary,
    /// The agent's version.
    pub agent_version: String,
    /// Name of the attestation key, in hex.
    pub ak_name: String,
    /// PCRs that it quotes.
    pub selection: String,
    /// The chain that its evidence is in, in hex.
    pub chain: String,
    /// TPM reset counter of the newest evidence.
    pub reset_count: Option<u32>,
    /// TPM restart counter of the newest evidence.
    pub restart_count: Option<u32>,
    /// Merkle root over its components, in hex.
    pub state_root: Option<String>,
    /// Verified records of its IMA list in this boot.
    pub ima_records: u64,
    /// Gaps that are open.
    pub open_gaps: Vec<GapView>,
    /// What the agent watches, and by what means.
    #[serde(default)]
    pub coverage: Vec<CoverageView>,
    /// What the agent counted since it started.
    #[serde(default)]
    pub counters: Vec<CounterView>,
    /// Programs of the state that were opened to be executed, in the newest evidence.
    #[serde(default)]
    pub executions: u64,
    /// Programs that were opened to be executed and are not of the state, in the newest evidence; capped.
    #[serde(default)]
    pub strays: Vec<StrayView>,
    /// The agent's word on settings.
    pub posture: Vec<ClaimView>,
    /// The newest attestation result, shaped as an EAR.
    pub result: Option<serde_json::Value>,
    /// Components in its state, by kind and name; capped, `components` has the number.
    pub component_list: Vec<ComponentView>,
    /// Refusals of evidence that named this host, newest first; capped.
    pub refusals: Vec<Refusal>,
}

/// A gap as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapView {
    /// When it opened, by the agent's clock.
    pub from: String,
    /// When it was worked off; absent while open.
    pub until: Option<String>,
    /// Why.
    pub cause: String,
    /// What could not be seen.
    pub scope: String,
}

/// A source that is watched, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageView {
    /// A mounted file system by its path, or words for another source.
    pub scope: String,
    /// `file-system-events`, `directory-events`, `walks`, `elsewhere`, `nothing` or `left-out`.
    pub means: String,
    /// Why not by better ones; empty where there are none.
    pub reason: String,
}

/// A counter as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// What was counted.
    pub name: String,
    /// How many since the agent started.
    pub value: u64,
}

/// A program that was opened to be executed and is not of the host's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrayView {
    /// Path, with bytes that are not UTF-8 or not printable escaped.
    pub path: String,
    /// SHA-256 in hex; absent where it was gone before it could be read.
    pub digest: Option<String>,
    /// How often.
    pub count: u64,
}

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimView {
    /// What was read.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A component as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentView {
    /// Digest in hex.
    pub digest: String,
    /// `package`, `directory`, … or `unresolved` while its manifest is missing.
    pub kind: String,
    /// Package name or directory.
    pub name: String,
    /// Package version.
    pub version: String,
    /// Number of artefacts.
    pub artefacts: u64,
}

/// `GET /v1/hosts/{id}/history`: evidence, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostHistory {
    /// The evidence of this page and what happened between, newest first.
    pub entries: Vec<HistoryEntry>,
    /// Pass as `before` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// One recorded event of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Rising number of the entry within the verifier: what `before` compares with.
    pub id: u64,
    /// `evidence`, `enrolled`, `stale`, `fresh` (evidence came again), `refused`.
    pub kind: String,
    /// When, by the verifier's clock (RFC 3339).
    pub at: String,
    /// Position in the chain, for evidence.
    pub seq: Option<u64>,
    /// Index of its leaf in the log.
    pub leaf: Option<u64>,
    /// Digest of the evidence, in hex.
    pub digest: Option<String>,
    /// Why it was sealed.
    pub trigger: Option<String>,
    /// TPM reset counter.
    pub reset_count: Option<u32>,
    /// `affirming`, `warning`, `contraindicated` or `none`.
    pub status: Option<String>,
    /// One line of what changed or went wrong.
    pub summary: String,
    /// What changed in each component, where manifests are known; capped.
    pub changes: Vec<Change>,
    /// Programs that were opened to be executed and are not of the state; capped.
    #[serde(default)]
    pub strays: Vec<StrayView>,
}

/// One artefact that came, went or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `added`, `removed` or `changed`.
    pub action: String,
    /// Path, with bytes that are not UTF-8 or not printable escaped.
    pub path: String,
    /// Component's name and version.
    pub component: String,
    /// SHA-256 before, in hex.
    pub before: Option<String>,
    /// SHA-256 after, in hex.
    pub after: Option<String>,
}

/// A submission that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When, by the verifier's clock (RFC 3339).
    pub at: String,
    /// The host it named, in hex; absent where it could not be read.
    pub host: Option<String>,
    /// Stable reason.
    pub code: String,
    /// One sentence.
    pub detail: String,
    /// Address it came from.
    pub peer: String,
}

/// `GET /v1/refusals`: newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalList {
    /// The refusals; capped.
    pub refusals: Vec<Refusal>,
}

/// `POST /v1/join-tokens`: asks for a token that lets one host enrol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateJoinToken {
    /// What it is for.
    #[serde(default)]
    pub note: String,
    /// Seconds until it expires; the verifier has a maximum.
    pub ttl_secs: u64,
}

/// `POST /v1/tokens`: asks for an operator's API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Whose or what it is.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Seconds until it expires.
    pub ttl_secs: u64,
}

/// What an operator's token may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Read hosts, history and proofs.
    Read,
    /// Make and revoke join tokens.
    Enrol,
    /// Make and revoke operators' tokens.
    Admin,
}

/// A token that was just made: the only time that its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// Names it in lists and for revoking.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// When it expires (RFC 3339).
    pub expires: String,
}

/// A token in a list, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// Names it.
    pub id: String,
    /// Name or note.
    pub name: String,
    /// `join`, `read`, `enrol` or `admin`.
    pub scope: String,
    /// When it was made (RFC 3339).
    pub created: String,
    /// When it expires (RFC 3339).
    pub expires: String,
    /// `valid`, `used`, `expired` or `revoked`.
    pub state: String,
    /// The host that used it, in hex, for join tokens.
    pub used_by: Option<String>,
}

/// `GET /v1/join-tokens` and `GET /v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenList {
    /// The tokens, newest first.
    pub tokens: Vec<TokenView>,
}

/// `GET /v1/version`: what answers here; needs no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// `lydian-verifier`.
    pub name: String,
    /// Program version.
    pub version: String,
    /// [`crate::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// The log's origin.
    pub origin: String,
    /// The log's verifier key in C2SP vkey form.
    pub log_key: String,
}

/// How the log is witnessed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWitnesses {
    /// Whether a trust policy decides what is published; without one every head is.
    pub policy: bool,
    /// Leaves of the newest head.
    pub head: u64,
    /// Leaves of the published checkpoint.
    pub published: Option<u64>,
    /// A newer head that is not published.
    pub waiting: Option<LogUnpublished>,
    /// The policy's witnesses, in its order.
    pub witnesses: Vec<LogWitness>,
}

/// A head that did not reach the quorum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogUnpublished {
    /// Its leaves.
    pub size: u64,
    /// What is missing.
    pub why: String,
}

/// One witness, as it stands since the verifier started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWitness {
    /// What the policy calls it.
    pub name: String,
    /// Its public key.
    pub key: String,
    /// Where it is asked; one without an address is not asked.
    pub url: Option<String>,
    /// Whether the quorum can be made with it.
    pub counts: bool,
    /// Leaves of the checkpoint that it cosigned last.
    pub cosigned_size: Option<u64>,
    /// When, by its clock, in seconds since 1970.
    pub cosigned_at_secs: Option<u64>,
    /// When it failed last, in milliseconds since 1970, where it has not cosigned since.
    pub failed_at_ms: Option<u64>,
    /// In which way.
    pub failure: Option<String>,
}

/// `GET /v1/actions`: what operators did, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionList {
    /// The actions; capped, older ones with `?before=<id>`.
    pub actions: Vec<ActionView>,
}

/// Something that an operator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionView {
    /// Its number, which only grows.
    pub id: u64,
    /// When, by the verifier's clock.
    pub at: String,
    /// What: `token-created`, `token-revoked`, `join-token-created`, `join-token-revoked`.
    pub kind: String,
    /// By whom: a token's id, or whoever may write the state directory.
    pub who: String,
    /// To what.
    pub detail: String,
    /// Its leaf in the log; absent for the moment that an action of a command line waits for it.
    pub leaf: Option<u64>,
}
