//! `POST /v1/trusted`: who trusted X?

use serde::{Deserialize, Serialize};

use crate::text::{Text, Word};

/// The question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskTrusted {
    /// Subjects such as `file:SHA256`, `package:xz-utils>=5.6.0` or `key:FINGERPRINT`; any of them counts.
    pub subjects: Vec<String>,
    /// When the window begins: RFC 3339, or `leaf:N` for when the log had N leaves; absent is as early as each host is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When it ends; absent is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `eligible`, `used`, `executed`, `present`, `revoked`; none are all but `revoked`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The weakest class that counts, `A` to `E`; absent is `E`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_class: Option<String>,
    /// Whether at any moment of the window or for the whole of it.
    #[serde(default)]
    pub mode: Mode,
    /// Which hosts the answer lists; it counts all.
    #[serde(default)]
    pub list: List,
    /// Evidence by its leaf alone, without times: an answer about ten thousand hosts is some times quicker.
    #[serde(default)]
    pub brief: bool,
    /// Causes of gaps that are taken as if nothing had happened in them, such as `left-out`; the answer says so.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Only hosts whose name fits this pattern, with `*` and `?`, or that have a label, `KEY=VALUE`; of several, with commas between, all must hold. Absent
    /// are all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<String>,
}

/// For how much of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// At any moment.
    #[default]
    Any,
    /// All of it.
    Whole,
}

/// Which hosts an answer lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// All.
    #[default]
    All,
    /// Those that are not a NO.
    Exposed,
    /// The same, by their answers alone: nothing of what was seen and why it is not known.
    Names,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The subjects as they were understood.
    pub subjects: Vec<String>,
    /// The roles that were asked for.
    pub roles: Vec<String>,
    /// The weakest class that counts.
    pub min_class: String,
    /// For how much of the window.
    pub mode: Mode,
    /// The window.
    pub window: WindowView,
    /// Causes of gaps that were taken as if nothing had happened in them.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// What a NO does not say, of these subjects and roles.
    pub limits: Vec<String>,
    /// Leaves of the log of which the answer is.
    pub log_size: u64,
    /// Of how many hosts the answer is, and how many of each.
    pub hosts_asked: Counts,
    /// What is known of the subjects themselves.
    pub known: Vec<SubjectView>,
    /// One for each host, by name.
    pub hosts: Vec<HostAnswer>,
}

/// A window of time and of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowView {
    /// When it begins; absent is as early as each host is known.
    pub from: Option<BoundView>,
    /// When it ends; absent is as late as each host is known.
    pub to: Option<BoundView>,
}

/// One end of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundView {
    /// RFC 3339, by the verifier's clock.
    pub time: String,
    /// Leaves that the log had then.
    pub log_size: u64,
}

/// How many hosts have each answer: the denominator first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All hosts that were asked about.
    pub all: u64,
    /// Hosts that did.
    pub yes: u64,
    /// Hosts that provably did not.
    pub no: u64,
    /// Hosts of which it is not known.
    pub unknown: u64,
}

/// What is known of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectView {
    /// The subject.
    pub subject: String,
    /// In how many different components, boots or executions it is found, in the whole history of the fleet.
    pub found: u64,
}

/// The answer for one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAnswer {
    /// Identity in hex.
    pub id: Text,
    /// What people call it.
    pub name: Text,
    /// `heard`, `silent` or `retired`.
    pub standing: Word,
    /// When its newest evidence came (RFC 3339); absent where none did.
    pub heard: Option<Text>,
    /// `yes`, `no` or `unknown`.
    pub answer: Verdict,
    /// Of YES the best class that shows it, of NO the worst class that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Word>,
    /// What was seen of the subjects in or near the window.
    pub seen: Vec<SightingView>,
    /// How much more was seen that is not shown.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub more_seen: u64,
    /// Why it is not known.
    pub unknown: Vec<UnknownView>,
    /// How many more reasons there are.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub more_unknown: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_nothing(number: &u64) -> bool {
    *number == 0
}

/// Three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It did.
    Yes,
    /// It is not known.
    Unknown,
    /// It provably did not.
    No,
}

/// One thing that was seen on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightingView {
    /// Which subject.
    pub subject: Text,
    /// In which role.
    pub role: Word,
    /// How well it is known.
    pub class: Word,
    /// Whether a quote within the window shows it; else it was near.
    pub certain: bool,
    /// What it was seen in: a package with its version, a trust store, a boot, the kernel's list.
    pub what: Text,
    /// The file, with bytes that are not printable escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// Where in a log: event and PCR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Text>,
    /// What people call the key; nothing vouches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// Where an authority was asked about: how far below it this is. 0 is the authority itself, 1 what it issued, more what those issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
    /// The first evidence that shows it.
    pub first: EvidenceView,
    /// The last evidence that shows it; absent where it was not looked up: it is the one before `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<EvidenceView>,
    /// The first evidence without it, or of the next boot; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<EvidenceView>,
}

/// One piece of evidence, by its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceView {
    /// Its leaf.
    pub leaf: u64,
    /// Its position in its chain; absent for the leaf of an enrolment or retirement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Leaves of the checkpoint that it names: the quote is not older. Absent in a brief answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before_size: Option<u64>,
    /// When it came (RFC 3339): the quote is not newer. Absent in a brief answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
}

/// Why a host's answer is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownView {
    /// `never-heard`, `before-first`, `after-last`, `silent`, `edge`, `weaker`, `partly`, `no-source`, `was-there` or `gap`.
    pub code: Word,
    /// In words.
    pub detail: String,
    /// The gap, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<CoverageGapView>,
}

/// A time for which a source was not seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageGapView {
    /// `files`, `boot` or `ima`.
    pub source: Word,
    /// Why, as one word.
    pub cause: Text,
    /// What could not be seen.
    pub scope: Text,
    /// The last evidence before it; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_leaf: Option<u64>,
    /// The first evidence that is whole again; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_leaf: Option<u64>,
}
