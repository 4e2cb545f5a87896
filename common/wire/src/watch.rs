//! Watches: questions that are asked again whenever there is something new.

use serde::{Deserialize, Serialize};

/// `POST /v1/watches`: what is to be looked for from now on, and in all that was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchRule {
    /// What it is called.
    pub name: String,
    /// Where its subjects are from, or what for.
    #[serde(default)]
    pub note: String,
    /// Subjects as in a question; any of them counts.
    pub subjects: Vec<String>,
    /// Roles as in a question; none are all but `revoked`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The weakest class that counts, `A` to `E`; absent is `E`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_class: Option<String>,
    /// Only hosts whose name fits this pattern; absent are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<String>,
    /// Whether only what lasts counts: what a host has now, not what it had.
    #[serde(default)]
    pub lasting: bool,
    /// Hosts that have one of these now do not count.
    #[serde(default)]
    pub unless: Vec<String>,
}

/// Answer to `GET /v1/watches`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchList {
    /// By name.
    pub watches: Vec<WatchView>,
    /// Whether somebody is told; absent where nobody is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<AlertStanding>,
}

/// How it stands with telling somebody what watches find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStanding {
    /// Things that are still to be told.
    pub waiting: u64,
    /// Why they could not be told when that was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is posted to whoever is to be told: what watches found, in the order in which it was found. It may come again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// The log's origin.
    pub verifier: String,
    /// One or more.
    pub alerts: Vec<Alert>,
}

/// What a watch found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The watch's name.
    pub watch: String,
    /// What it found. Its number rises, and never comes with anything else.
    #[serde(flatten)]
    pub hit: HitView,
}

/// A watch, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchView {
    /// What is looked for.
    pub rule: WatchRule,
    /// Who added it.
    pub who: String,
    /// When (RFC 3339).
    pub created: String,
    /// How it stood when it was looked at last; absent where that is still to come.
    pub last: Option<WatchStanding>,
    /// Everything that it ever found.
    pub hits: u64,
    /// On how many hosts.
    pub hit_hosts: u64,
    /// When it found something last (RFC 3339).
    pub newest: Option<String>,
}

/// How a watch stood when it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchStanding {
    /// Leaves of the log that were looked at.
    pub log_size: u64,
    /// Hosts that were asked about.
    pub hosts: u64,
    /// Hosts on which it found something.
    pub found: u64,
    /// Hosts of which it is not known.
    pub unknown: u64,
    /// Things that were seen on hosts and are not told one by one: there are too many.
    #[serde(default)]
    pub untold: u64,
    /// Why it could not be looked at, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Answer to `GET /v1/watches/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchDetail {
    /// The watch.
    pub watch: WatchView,
    /// What it found, newest first.
    pub hits: Vec<HitView>,
    /// Where the next page begins: `before`.
    pub next: Option<u64>,
}

/// One thing that a watch found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitView {
    /// Its number, rising.
    pub id: u64,
    /// The host's identity in hex.
    pub host: String,
    /// The host's name.
    pub name: String,
    /// Which subject.
    pub subject: String,
    /// In which role.
    pub role: String,
    /// How well it is known.
    pub class: String,
    /// What it was seen in, with file, place in a log and name where they are known.
    pub what: String,
    /// The leaf of the first evidence that shows it.
    pub leaf: u64,
    /// When it was found (RFC 3339).
    pub found: String,
}
