//! The configuration: what an operator wrote, and what the verifier goes by.
//!
//! In: a TOML file ([`RawConfig`], unknown keys refused) and the settings of the command line or the environment
//! ([`Overrides`]), which win. Out: a [`Config`] of which every value can be honoured. [`load`] is the one way from
//! the one to the other, also for `check-config`. Files that the configuration names are read later.

mod raw;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evidence::pcr::PcrSelection;
use ledger::note::KeyName;
use reqwest::Url;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::CONFIG_BYTES;
use crate::store::Database;

pub use raw::RawConfig;
pub(crate) use raw::{Limits as RawLimits, Tls as RawTls};

/// Where the configuration is unless told otherwise.
pub const DEFAULT_PATH: &str = "/etc/lydian/verifier.toml";

/// Settings from the command line or the environment, which win over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Address and port to listen on.
    pub listen: Option<String>,
    /// State directory.
    pub state_dir: Option<PathBuf>,
    /// Names in the server's certificate, instead of those of the file.
    pub names: Vec<String>,
    /// The log's origin.
    pub origin: Option<String>,
}

/// What the verifier goes by.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Keys and certificates, and the database where it is a file.
    pub state_dir: PathBuf,
    /// Where the history is kept.
    pub database: Database,
    /// DNS names and addresses in the server's certificate, beside localhost and the machine's own name.
    pub names: Vec<String>,
    /// Where the server's certificate comes from.
    pub tls: TlsSource,
    /// The log's origin; a new log without one takes it from the first name.
    pub origin: Option<KeyName>,
    /// The log's signing key.
    pub log_key: PathBuf,
    /// Where the log's files are.
    pub log_files: LogFiles,
    /// When a head of the log is published.
    pub publishing: Publishing,
    /// How often the log says what the index is.
    pub index_root_every: Duration,
    /// Whom the endorsement keys of hosts must be vouched for by.
    pub endorsement: EndorsementPolicy,
    /// What hosts are told, and how long they may be silent.
    pub hosts: HostRules,
    /// The longest life of a join token.
    pub join_token_ttl_max: Duration,
    /// How much is taken from whom.
    pub limits: Limits,
    /// Who is told what watches find.
    pub alerts: Option<Alerts>,
}

/// Who is told what watches find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// Where it is posted to.
    pub url: Url,
    /// What that server is trusted by, in PEM.
    pub ca: PathBuf,
    /// A file with the value of the header `Authorization`.
    pub authorization: Option<PathBuf>,
}

/// Where the log's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFiles {
    /// In a directory beside the database.
    Directory,
    /// In object storage.
    Bucket(BucketPlace),
}

/// Objects below a prefix of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without slashes at its ends.
    pub prefix: String,
    /// The storage's address; AWS' own without one.
    pub endpoint: Option<String>,
    /// The storage's region.
    pub region: Option<String>,
    /// What the storage's server is trusted by, in PEM.
    pub ca: PathBuf,
}

impl BucketPlace {
    /// As it was configured.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// Whether its address asks for http in the clear: fit for a proxy on the same machine.
    pub fn allows_http(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }
}

/// When a head of the log is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publishing {
    /// As soon as its files are durable: nobody but the hosts' agents vouches for there being one history.
    DangerUnwitnessed,
    /// When the quorum of a policy has cosigned it.
    Witnessed(Witnessing),
}

/// How cosignatures are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessing {
    /// The trust policy, as C2SP tlog-policy.
    pub policy: PathBuf,
    /// How often.
    pub every: Duration,
    /// How often a cosigned checkpoint is kept for auditors.
    pub archive_every: Duration,
    /// What the witnesses' servers are trusted by, in PEM.
    pub ca: PathBuf,
    /// How they are reached.
    pub transport: WitnessTransport,
}

/// How witnesses are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessTransport {
    /// By https alone.
    Https,
    /// Also in the clear, where the policy says so.
    DangerHttp,
}

/// Where the server's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// A certificate authority of the verifier's own, in its state directory.
    OwnCa,
    /// Files that somebody else keeps.
    Files {
        /// What agents pin: the issuing authority.
        ca: PathBuf,
        /// The server's certificate and its chain.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// Whose word is taken for an endorsement key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndorsementPolicy {
    /// The EK certificate must lead to one of these roots.
    RequireChain {
        /// A bundle, or a folder of PEM and DER files.
        roots: PathBuf,
        /// Certificates between those of TPMs and the roots: a file or a folder.
        intermediates: Option<PathBuf>,
        /// Lists of revoked certificates: a file or a folder.
        revocation_lists: Option<PathBuf>,
    },
    /// Whoever has a join token is believed to have a real TPM; the host's tier says so.
    DangerFirstUse,
}

/// What hosts are told, and how long they may be silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRules {
    /// Without a change, evidence is sealed after this time.
    pub heartbeat: Duration,
    /// Without evidence for this time, a host is stale.
    pub stale_after: Duration,
    /// PCRs to quote.
    pub selection: PcrSelection,
}

/// How much is taken from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time.
    pub connections: usize,
    /// Submissions that are verified at one time.
    pub verifications: usize,
    /// Requests of one address in a minute.
    pub requests_per_minute: NonZeroU32,
    /// Recorded evidence of one host in a minute.
    pub evidence_per_minute: NonZeroU32,
}

/// Reads the file, lays the overrides over it and checks the whole.
///
/// The file at [`DEFAULT_PATH`] may be missing; one that was named may not.
pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Config, Failure> {
    let file = path.unwrap_or(Path::new(DEFAULT_PATH));
    if path.is_none() && !file.exists() {
        return Config::new(RawConfig::default(), overrides);
    }
    if !file.exists() {
        return Err(Failure::new(Exit::Config, format_args!("there is no configuration {}", file.display()))
            .hint("name another file with --config, or leave the option out for the defaults"));
    }
    let bytes = files::read_trusted(file, CONFIG_BYTES)?;
    let invalid = |what: &dyn std::fmt::Display| {
        Failure::new(Exit::Config, format_args!("{}: {what}", file.display()))
            .hint("`lydian-verifier check-config` checks a file; packaging ships an example with every key")
    };
    let text = String::from_utf8(bytes).map_err(|error| invalid(&error))?;
    let raw = toml::from_str(&text).map_err(|error| invalid(&error))?;
    Config::new(raw, overrides)
}

impl Config {
    /// Checks every value; the first that cannot be honoured is the error.
    pub fn new(raw: RawConfig, overrides: &Overrides) -> Result<Self, Failure> {
        let listen = overrides.listen.clone().or(raw.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let state_dir =
            overrides.state_dir.clone().or(raw.state_dir).unwrap_or_else(|| DEFAULT_STATE_DIR.into());
        let names = if overrides.names.is_empty() { raw.names } else { overrides.names.clone() };
        let origin = overrides.origin.clone().or_else(|| raw.log.origin.clone());
        Ok(Self {
            listen: listen.parse().map_err(|_| {
                invalid("listen", &listen, "is not an address and port")
                    .hint("for example [::]:8443 for all addresses, or 127.0.0.1:8443")
            })?,
            database: match raw.database {
                None => Database::File(state_dir.join("verifier.db")),
                Some(address) => database(&address)?,
            },
            names: names.into_iter().map(checked_name).collect::<Result<_, _>>()?,
            tls: tls_source(raw.tls)?,
            origin: origin.as_deref().map(checked_origin).transpose()?,
            log_files: log_files(&raw.log)?,
            index_root_every: seconds(
                "log.index-root-interval-secs",
                raw.log.index_root_interval_secs,
                DEFAULT_INDEX_ROOT_SECS,
            )?,
            publishing: publishing(&raw.log)?,
            log_key: raw.log.key.unwrap_or_else(|| state_dir.join("log.key")),
            endorsement: endorsement_policy(raw.endorsement),
            hosts: host_rules(&raw.hosts)?,
            join_token_ttl_max: seconds(
                "tokens.join-max-ttl-secs",
                raw.tokens.join_max_ttl_secs,
                DEFAULT_JOIN_TTL_MAX_SECS,
            )?,
            limits: limits(&raw.limits)?,
            alerts: alerts(raw.alerts)?,
            state_dir,
        })
    }

    /// The log's files, which anybody may be given.
    pub fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }
}

fn invalid(key: &str, value: &dyn std::fmt::Display, what: &str) -> Failure {
    Failure::new(Exit::Config, format_args!("configuration: {key} = {value} {what}"))
}

fn missing(key: &str, why: &str) -> Failure {
    Failure::new(Exit::Config, format_args!("configuration: {key} is missing: {why}"))
        .hint("packaging ships an example with every key")
}

pub(crate) fn checked_name(name: String) -> Result<String, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '*');
    if name.is_empty() || name.len() > wire::limits::HOST_NAME_BYTES || !name.chars().all(plain) {
        return Err(invalid("names", &name, "is neither a DNS name nor an IP address"));
    }
    Ok(name)
}

/// The database of a server, to which nobody else can listen.
pub(crate) fn database(address: &str) -> Result<Database, Failure> {
    let example = "for example postgres://lydian@db.example.com/lydian?sslmode=verify-full&sslrootcert=/etc/lydian/postgres-ca.pem; \
                   the password is read from the variable PGPASSWORD or ~/.pgpass";
    // An address may have a password: it is not shown.
    let refused = |what: &str| invalid("database", &"…", what).hint(example);
    if !["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme)) {
        return Err(refused("is no address of a PostgreSQL database"));
    }
    let database = Database::server(address).map_err(|error| {
        Failure::new(Exit::Config, format_args!("configuration: database: {error}")).hint(example)
    })?;
    if database.is_exposed() {
        return Err(refused("is on another machine and has no sslmode=verify-full"));
    }
    Ok(database)
}

fn checked_origin(origin: &str) -> Result<KeyName, Failure> {
    KeyName::new(origin).map_err(|error| {
        invalid("log.origin", &origin, "is no log's name")
            .hint(format_args!("{error}; it is a URL without its scheme, such as example.com/lydian"))
    })
}

pub(crate) fn tls_source(raw: raw::Tls) -> Result<TlsSource, Failure> {
    match (raw.ca, raw.certificate, raw.key) {
        (None, None, None) => Ok(TlsSource::OwnCa),
        (Some(ca), Some(certificate), Some(key)) => Ok(TlsSource::Files { ca, certificate, key }),
        _ => Err(missing("one of tls.ca, tls.certificate and tls.key", "they come together or not at all")),
    }
}

fn log_files(raw: &raw::Log) -> Result<LogFiles, Failure> {
    let Some(objects) = &raw.objects else {
        let set = [
            ("log.objects-endpoint", raw.objects_endpoint.is_some()),
            ("log.objects-region", raw.objects_region.is_some()),
            ("log.objects-ca", raw.objects_ca.is_some()),
        ];
        return match set.iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(missing("log.objects", &format!("{key} says nothing without it"))),
            None => Ok(LogFiles::Directory),
        };
    };
    let place = objects.strip_prefix("s3://").and_then(|place| place.split_once('/'));
    let (bucket, prefix) = place
        .map(|(bucket, prefix)| (bucket, prefix.trim_matches('/')))
        .filter(|(bucket, prefix)| !bucket.is_empty() && !prefix.is_empty())
        .ok_or_else(|| {
            invalid("log.objects", objects, "is no place for a log")
                .hint("for example s3://bucket/lydian-log")
        })?;
    if let Some(endpoint) = &raw.objects_endpoint
        && guarded(endpoint).is_none()
    {
        return Err(invalid("log.objects-endpoint", endpoint, "is neither https nor on this machine"));
    }
    Ok(LogFiles::Bucket(BucketPlace {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: raw.objects_endpoint.clone(),
        region: raw.objects_region.clone(),
        ca: raw.objects_ca.clone().unwrap_or_else(|| DEFAULT_CA.into()),
    }))
}

/// An address whose server is known by its certificate, or is on this machine.
fn guarded(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let is_here = || matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let is_guarded = url.has_host() && (url.scheme() == "https" || url.scheme() == "http" && is_here());
    is_guarded.then_some(url)
}

fn alerts(raw: raw::Alerts) -> Result<Option<Alerts>, Failure> {
    let Some(address) = raw.url else {
        let set = [
            ("alerts.ca", raw.ca.is_some()),
            ("alerts.authorization-file", raw.authorization_file.is_some()),
        ];
        return match set.iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(missing("alerts.url", &format!("{key} says nothing without it"))),
            None => Ok(None),
        };
    };
    let url = guarded(&address).filter(|url| url.username().is_empty() && url.password().is_none());
    let url = url.ok_or_else(|| {
        // It may have a secret in it.
        invalid("alerts.url", &"…", "is neither https nor on this machine").hint(
            "for example https://alerts.example.com/lydian; a secret belongs into alerts.authorization-file",
        )
    })?;
    let ca = raw.ca.unwrap_or_else(|| DEFAULT_CA.into());
    Ok(Some(Alerts { url, ca, authorization: raw.authorization_file }))
}

/// Settings of witnessing without a policy would be passed over in silence.
fn publishing(raw: &raw::Log) -> Result<Publishing, Failure> {
    let Some(policy) = raw.policy.clone() else {
        let set = [
            ("log.cosign-interval-secs", raw.cosign_interval_secs.is_some()),
            ("log.archive-interval-secs", raw.archive_interval_secs.is_some()),
            ("log.witness-ca", raw.witness_ca.is_some()),
            ("log.danger-witnesses-by-http", raw.danger_witnesses_by_http),
        ];
        return match set.iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(missing("log.policy", &format!("{key} says nothing without it"))),
            None => Ok(Publishing::DangerUnwitnessed),
        };
    };
    let every = seconds("log.cosign-interval-secs", raw.cosign_interval_secs, DEFAULT_COSIGN_SECS)?;
    Ok(Publishing::Witnessed(Witnessing {
        policy,
        every,
        archive_every: seconds("log.archive-interval-secs", raw.archive_interval_secs, DEFAULT_ARCHIVE_SECS)?,
        ca: raw.witness_ca.clone().unwrap_or_else(|| DEFAULT_CA.into()),
        transport: if raw.danger_witnesses_by_http {
            WitnessTransport::DangerHttp
        } else {
            WitnessTransport::Https
        },
    }))
}

fn endorsement_policy(raw: raw::Endorsement) -> EndorsementPolicy {
    let roots = raw.roots.unwrap_or_else(|| DEFAULT_EK_ROOTS.into());
    match raw.policy {
        raw::Policy::RequireChain => EndorsementPolicy::RequireChain {
            roots,
            intermediates: raw.intermediates,
            revocation_lists: raw.revocation_lists,
        },
        raw::Policy::DangerFirstUse => EndorsementPolicy::DangerFirstUse,
    }
}

fn host_rules(raw: &raw::Hosts) -> Result<HostRules, Failure> {
    let heartbeat = seconds("hosts.heartbeat-secs", raw.heartbeat_secs, DEFAULT_HEARTBEAT_SECS)?;
    let after_secs = heartbeat.as_secs().saturating_mul(STALE_AFTER_HEARTBEATS);
    let stale_after = seconds("hosts.stale-after-secs", raw.stale_after_secs, after_secs)?;
    if stale_after <= heartbeat {
        return Err(invalid("hosts.stale-after-secs", &stale_after.as_secs(), "is not above the heartbeat")
            .hint("a host that does nothing reports once a heartbeat; three times that is the default"));
    }
    let selection = raw.selection.as_deref().unwrap_or(DEFAULT_SELECTION);
    let checked: PcrSelection = selection
        .parse()
        .map_err(|error| invalid("hosts.selection", &selection, "cannot be quoted").hint(error))?;
    if checked.is_empty() {
        return Err(invalid("hosts.selection", &selection, "names no PCR"));
    }
    Ok(HostRules { heartbeat, stale_after, selection: checked })
}

pub(crate) fn limits(raw: &raw::Limits) -> Result<Limits, Failure> {
    Ok(Limits {
        connections: count("limits.connections", raw.connections, 4_096)?.get() as usize,
        verifications: count("limits.verifications", raw.verifications, processors())?.get() as usize,
        requests_per_minute: count("limits.requests-per-minute", raw.requests_per_minute, 1_200)?,
        evidence_per_minute: count("limits.evidence-per-minute", raw.evidence_per_minute, 120)?,
    })
}

fn count(key: &str, value: Option<u32>, default: u32) -> Result<NonZeroU32, Failure> {
    NonZeroU32::new(value.unwrap_or(default)).ok_or_else(|| invalid(key, &0, "would refuse everything"))
}

fn seconds(key: &str, value: Option<u64>, default: u64) -> Result<Duration, Failure> {
    match value.unwrap_or(default) {
        secs @ 1..=MAX_SECS => Ok(Duration::from_secs(secs)),
        secs => Err(invalid(key, &secs, "is not between one second and ten years")),
    }
}

/// Verifying is pure computation: more at one time than processors only makes each slower.
fn processors() -> u32 {
    std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).unwrap_or(1)
}

const DEFAULT_LISTEN: &str = "[::]:8443";
const DEFAULT_STATE_DIR: &str = "/var/lib/lydian-verifier";
const DEFAULT_EK_ROOTS: &str = "/etc/lydian/ek-roots";
const DEFAULT_HEARTBEAT_SECS: u64 = 900;
/// One heartbeat may be lost and one late before anybody is told.
const STALE_AFTER_HEARTBEATS: u64 = 3;
/// Firmware, boot loader, kernel and IMA; 16 and up are for debugging and late launch.
const DEFAULT_SELECTION: &str = "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15";
const DEFAULT_JOIN_TTL_MAX_SECS: u64 = 30 * 24 * 3_600;
const DEFAULT_COSIGN_SECS: u64 = 10;
const DEFAULT_ARCHIVE_SECS: u64 = 600;
const DEFAULT_INDEX_ROOT_SECS: u64 = 24 * 3_600;
const DEFAULT_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
const MAX_SECS: u64 = 10 * 366 * 24 * 3_600;
