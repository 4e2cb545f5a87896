//! Incidents: a question with a window, and what is left to do about its answer.

use serde::{Deserialize, Serialize};

use crate::trusted::{AskTrusted, SightingView, UnknownView, Verdict, WindowView};

/// `POST /v1/incidents`: what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentRule {
    /// What it is called.
    pub name: String,
    /// In words.
    #[serde(default)]
    pub note: String,
    /// What is asked about it: subjects and window, roles and classes. `list` and `brief` say nothing here.
    pub question: AskTrusted,
}

/// Answer to `GET /v1/incidents`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// Newest first.
    pub incidents: Vec<IncidentView>,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentView {
    /// What happened.
    pub rule: IncidentRule,
    /// Who opened it.
    pub who: String,
    /// When (RFC 3339).
    pub opened: String,
    /// When it was closed (RFC 3339); absent while it is open.
    pub closed: Option<String>,
}

/// Answer to `GET /v1/incidents/{name}`: how far it is dealt with, by what hosts prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentStatus {
    /// The incident.
    pub incident: IncidentView,
    /// Its window.
    pub window: WindowView,
    /// The roles that were asked for.
    pub roles: Vec<String>,
    /// Leaves of the log of which this is.
    pub log_size: u64,
    /// How many hosts stand how: the denominator first.
    pub counts: IncidentCounts,
    /// What a NO does not say.
    pub limits: Vec<String>,
    /// Hosts that are not a NO, the worst first.
    pub hosts: Vec<IncidentHost>,
}

/// How many hosts stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentCounts {
    /// All hosts that were asked about.
    pub all: u64,
    /// Hosts that provably had nothing to do with it.
    pub no: u64,
    /// Hosts of which it is not known.
    pub unknown: u64,
    /// Hosts that still have something of it.
    pub exposed: u64,
    /// Hosts that have nothing of it any more, and are not shown to be well.
    pub contained: u64,
    /// Hosts that have attested as trusted, from a boot that began without it.
    pub re_attested: u64,
}

/// How a host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentState {
    /// Something of it is still there.
    Exposed,
    /// It is not known whether it had to do with it.
    Unknown,
    /// Nothing of it is there; what ran with it may still run.
    Contained,
    /// It attests as trusted, from a boot that began without it.
    ReAttested,
}

impl IncidentState {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exposed => "exposed",
            Self::Unknown => "unknown",
            Self::Contained => "contained",
            Self::ReAttested => "re-attested",
        }
    }
}

/// A host that is not a NO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentHost {
    /// Identity in hex.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `heard`, `silent` or `retired`.
    pub standing: String,
    /// When its newest evidence came (RFC 3339).
    pub heard: Option<String>,
    /// The answer for the window.
    pub answer: Verdict,
    /// Its class, of a YES.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How it stands now.
    pub state: IncidentState,
    /// What is left to do.
    pub todo: Vec<Todo>,
    /// What was seen in or near the window.
    pub seen: Vec<SightingView>,
    /// How much more was seen.
    #[serde(default)]
    pub more_seen: u64,
    /// Why it is not known, if so.
    pub unknown: Vec<UnknownView>,
}

/// One thing that is left to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Todo {
    /// In words.
    pub what: String,
    /// Whether evidence will show that it was done; else somebody has to know it.
    pub shown: bool,
}

/// `POST /v1/incidents/{name}/close`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseIncident {
    /// In words.
    #[serde(default)]
    pub note: String,
}
