//! The configuration file as it is written. Every key is optional, and none that is not here is accepted.

use std::path::PathBuf;

use serde::Deserialize;

/// `verifier.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RawConfig {
    pub(super) listen: Option<String>,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) database: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) tls: Tls,
    pub(super) log: Log,
    pub(super) endorsement: Endorsement,
    pub(super) hosts: Hosts,
    pub(super) tokens: Tokens,
    pub(super) limits: Limits,
    pub(super) alerts: Alerts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Tls {
    pub(super) ca: Option<PathBuf>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Log {
    pub(super) origin: Option<String>,
    pub(super) key: Option<PathBuf>,
    pub(super) policy: Option<PathBuf>,
    pub(super) cosign_interval_secs: Option<u64>,
    pub(super) archive_interval_secs: Option<u64>,
    pub(super) index_root_interval_secs: Option<u64>,
    pub(super) witness_ca: Option<PathBuf>,
    pub(super) danger_witnesses_by_http: bool,
    pub(super) objects: Option<String>,
    pub(super) objects_endpoint: Option<String>,
    pub(super) objects_region: Option<String>,
    pub(super) objects_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Endorsement {
    pub(super) policy: Policy,
    pub(super) roots: Option<PathBuf>,
    pub(super) intermediates: Option<PathBuf>,
    pub(super) revocation_lists: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Policy {
    #[default]
    RequireChain,
    DangerFirstUse,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Hosts {
    pub(super) heartbeat_secs: Option<u64>,
    pub(super) stale_after_secs: Option<u64>,
    pub(super) selection: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Tokens {
    pub(super) join_max_ttl_secs: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    pub(super) connections: Option<u32>,
    pub(super) verifications: Option<u32>,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) evidence_per_minute: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Alerts {
    pub(super) url: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) authorization_file: Option<PathBuf>,
}
