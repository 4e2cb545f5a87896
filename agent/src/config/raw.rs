//! The configuration as people write it, and how it becomes a [`Config`].
//!
//! Every key is optional. A flag or its environment variable goes before the file, the file before the default.

use std::num::{NonZeroU8, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, MeasureSettings};
use crate::measure::{Events, Namespaces};

/// The file's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where the agent keeps its state.
    pub state_dir: Option<PathBuf>,
    /// `[verifier]`
    pub verifier: RawVerifier,
    /// `[tpm]`
    pub tpm: RawTpm,
    /// `[logs]`
    pub logs: RawLogs,
    /// `[measure]`
    pub measure: RawMeasure,
    /// `[seal]`
    pub seal: RawSeal,
    /// `[spool]`
    pub spool: RawSpool,
}

/// Where evidence goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawVerifier {
    /// `https://` and the verifier's name.
    pub url: Option<String>,
    /// PEM file with the certificate authority to trust, and no other.
    pub ca: Option<PathBuf>,
}

/// The TPM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawTpm {
    /// `device:/dev/tpmrm0`, `swtpm:host=H,port=P`, `swtpm:path=P` or `tabrmd`.
    pub tcti: Option<String>,
    /// First persistent handle for the attestation key.
    pub ak_handle_base: Option<u32>,
    /// How long one TPM operation may take.
    pub timeout_secs: Option<u64>,
}

/// The logs of what was measured into the TPM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawLogs {
    /// The firmware log.
    pub firmware: Option<PathBuf>,
    /// The IMA list.
    pub ima: Option<PathBuf>,
    /// systemd's measurement log.
    pub systemd: Option<PathBuf>,
}

/// What is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawMeasure {
    /// Trees whose executables are measured.
    pub roots: Option<Vec<PathBuf>>,
    /// Trees within them that are not.
    pub excludes: Option<Vec<PathBuf>>,
    /// dpkg's database.
    pub dpkg_admin_dir: Option<PathBuf>,
    /// What paths in manifests are relative to.
    pub path_prefix: Option<PathBuf>,
    /// Quiet time after a change.
    pub settle_ms: Option<u64>,
    /// Longest time for which changes may put off a snapshot.
    pub settle_max_ms: Option<u64>,
    /// Time between full walks.
    pub reconcile_secs: Option<u64>,
    /// `auto` for whole file systems where the kernel allows it, `directories` for one watch a directory.
    pub events: Option<RawEvents>,
    /// Whether file systems are measured that other namespaces of mounts have, such as containers'.
    pub other_namespaces: Option<bool>,
    /// Threads that hash.
    pub hash_threads: Option<NonZeroUsize>,
    /// Bytes a second that are hashed at most; 0 for no limit.
    pub hash_bytes_per_second: Option<u64>,
    /// Percent of a processor's time that each hashing thread takes at most.
    pub cpu_percent: Option<NonZeroU8>,
}

/// What tells of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawEvents {
    /// Whole file systems where the kernel allows it, else directories.
    Auto,
    /// Directories, one by one.
    Directories,
}

/// When evidence is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawSeal {
    /// Time without a change after which evidence is sealed all the same.
    pub heartbeat_secs: Option<u64>,
}

/// Evidence that waits for the verifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawSpool {
    /// Bytes that may wait.
    pub max_bytes: Option<u64>,
}

/// Flags and environment variables, which go before the file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Configuration (flag > environment > file > default)")]
pub struct Overrides {
    /// Configuration file [default: /etc/lydian/agent.toml, if there is one]
    #[arg(long, global = true, env = "LYDIAN_AGENT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the agent keeps its state [default: /var/lib/lydian-agent]
    #[arg(long, global = true, env = "LYDIAN_AGENT_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The verifier, such as <https://verifier.example:8443>
    #[arg(long, global = true, env = "LYDIAN_AGENT_URL", value_name = "URL")]
    pub url: Option<String>,
    /// PEM file with the verifier's certificate authority, the only one that is trusted
    #[arg(long, global = true, env = "LYDIAN_AGENT_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The TPM: device:PATH, swtpm:host=H,port=P, swtpm:path=P or tabrmd [default: `device:/dev/tpmrm0`]
    #[arg(long, global = true, env = "LYDIAN_AGENT_TCTI", value_name = "TCTI")]
    pub tcti: Option<String>,
    /// The firmware's event log [default: in securityfs]
    #[arg(long, global = true, env = "LYDIAN_AGENT_FIRMWARE_LOG", value_name = "FILE")]
    pub firmware_log: Option<PathBuf>,
    /// The kernel's IMA list [default: in securityfs]
    #[arg(long, global = true, env = "LYDIAN_AGENT_IMA_LIST", value_name = "FILE")]
    pub ima_list: Option<PathBuf>,
    /// systemd's measurement log [default: in /run/log/systemd]
    #[arg(long, global = true, env = "LYDIAN_AGENT_SYSTEMD_LOG", value_name = "FILE")]
    pub systemd_log: Option<PathBuf>,
    /// A tree whose executables are measured; can be given several times [default: /, with every local file system below it]
    #[arg(
        long = "root",
        global = true,
        env = "LYDIAN_AGENT_ROOTS",
        value_delimiter = ':',
        value_name = "DIR"
    )]
    pub roots: Option<Vec<PathBuf>>,
    /// A tree that is not measured; can be given several times
    #[arg(
        long = "exclude",
        global = true,
        env = "LYDIAN_AGENT_EXCLUDES",
        value_delimiter = ':',
        value_name = "DIR"
    )]
    pub excludes: Option<Vec<PathBuf>>,
    /// Quiet time after a change before evidence is sealed [default: 500]
    #[arg(long, global = true, env = "LYDIAN_AGENT_SETTLE_MS", value_name = "MS")]
    pub settle_ms: Option<u64>,
    /// Time without a change after which evidence is sealed all the same [default: as the verifier says]
    #[arg(long, global = true, env = "LYDIAN_AGENT_HEARTBEAT_SECS", value_name = "SECS")]
    pub heartbeat_secs: Option<u64>,
    /// Bytes of evidence that may wait for the verifier [default: 256 MiB]
    #[arg(long, global = true, env = "LYDIAN_AGENT_SPOOL_MAX_BYTES", value_name = "BYTES")]
    pub spool_max_bytes: Option<u64>,
}

impl RawConfig {
    /// The same with flags and environment in front.
    #[must_use]
    pub fn overridden_by(self, over: &Overrides) -> Self {
        let over = over.clone();
        Self {
            state_dir: over.state_dir.or(self.state_dir),
            verifier: RawVerifier { url: over.url.or(self.verifier.url), ca: over.ca.or(self.verifier.ca) },
            tpm: RawTpm { tcti: over.tcti.or(self.tpm.tcti), ..self.tpm },
            logs: RawLogs {
                firmware: over.firmware_log.or(self.logs.firmware),
                ima: over.ima_list.or(self.logs.ima),
                systemd: over.systemd_log.or(self.logs.systemd),
            },
            measure: RawMeasure {
                roots: over.roots.or(self.measure.roots),
                excludes: over.excludes.or(self.measure.excludes),
                settle_ms: over.settle_ms.or(self.measure.settle_ms),
                ..self.measure
            },
            seal: RawSeal { heartbeat_secs: over.heartbeat_secs.or(self.seal.heartbeat_secs) },
            spool: RawSpool { max_bytes: over.spool_max_bytes.or(self.spool.max_bytes) },
        }
    }

    /// Sets defaults and checks every value.
    pub fn check(self) -> Result<Config, ConfigError> {
        let tcti = self.tpm.tcti.unwrap_or_else(|| "device:/dev/tpmrm0".into());
        Ok(Config {
            state_dir: absolute("state-dir", self.state_dir, "/var/lib/lydian-agent")?,
            verifier_url: self.verifier.url.map(|url| check_url(&url)).transpose()?,
            verifier_ca: self.verifier.ca,
            tpm: tcti.parse().map_err(|error| value("tpm.tcti", &error))?,
            ak_handle_base: within(
                "tpm.ak-handle-base",
                self.tpm.ak_handle_base,
                (0x8100_0000, 0x8101_8000, 0x817f_ff00),
            )?,
            tpm_timeout: Duration::from_secs(within(
                "tpm.timeout-secs",
                self.tpm.timeout_secs,
                (1, 60, 600),
            )?),
            firmware_log: absolute("logs.firmware", self.logs.firmware, FIRMWARE_LOG)?,
            ima_list: absolute("logs.ima", self.logs.ima, IMA_LIST)?,
            systemd_log: absolute("logs.systemd", self.logs.systemd, SYSTEMD_LOG)?,
            measure: self.measure.check()?,
            heartbeat: match self.seal.heartbeat_secs {
                None => None,
                some => Some(Duration::from_secs(within("seal.heartbeat-secs", some, (1, 300, 86_400))?)),
            },
            spool_max_bytes: within("spool.max-bytes", self.spool.max_bytes, (1 << 20, 256 << 20, 1 << 40))?,
        })
    }
}

impl RawMeasure {
    fn check(self) -> Result<MeasureSettings, ConfigError> {
        let roots = self.roots.unwrap_or_else(|| ROOTS.map(PathBuf::from).to_vec());
        let excludes = self.excludes.unwrap_or_default();
        if roots.is_empty() {
            return Err(value("measure.roots", &"at least one tree must be measured"));
        }
        for (key, paths) in [("measure.roots", &roots), ("measure.excludes", &excludes)] {
            paths.iter().try_for_each(|path| check_absolute(key, path))?;
        }
        // Whoever names trees does not ask for those of containers.
        let all = self.other_namespaces.unwrap_or_else(|| roots.iter().any(|root| root == Path::new("/")));
        let namespaces = if all { Namespaces::All } else { Namespaces::Own };
        let events = match self.events {
            None | Some(RawEvents::Auto) => Events::Best,
            Some(RawEvents::Directories) => Events::Directories,
        };
        let settle_ms = within("measure.settle-ms", self.settle_ms, (10, 500, 60_000))?;
        let settle_max = self.settle_max_ms.map_or(SETTLE_MAX_MS.max(settle_ms), |ms| ms);
        if settle_max < settle_ms {
            return Err(value("measure.settle-max-ms", &"it is less than measure.settle-ms"));
        }
        Ok(MeasureSettings {
            roots,
            excludes,
            dpkg_admin_dir: absolute("measure.dpkg-admin-dir", self.dpkg_admin_dir, "/var/lib/dpkg")?,
            path_prefix: absolute("measure.path-prefix", self.path_prefix, "/")?,
            settle: Duration::from_millis(settle_ms),
            settle_max: Duration::from_millis(settle_max),
            reconcile_every: Duration::from_secs(within(
                "measure.reconcile-secs",
                self.reconcile_secs,
                (1, 3_600, 7 * 86_400),
            )?),
            events,
            namespaces,
            hash_threads: self.hash_threads.unwrap_or(THREADS),
            hash_bytes_per_second: self.hash_bytes_per_second,
            cpu_percent: check_percent(self.cpu_percent)?,
        })
    }
}

/// The effective configuration, in the file's own words.
impl From<&Config> for RawConfig {
    fn from(config: &Config) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let measure = &config.measure;
        Self {
            state_dir: Some(config.state_dir.clone()),
            verifier: RawVerifier {
                url: config.verifier_url.as_ref().map(ToString::to_string),
                ca: config.verifier_ca.clone(),
            },
            tpm: RawTpm {
                tcti: Some(config.tpm.to_string()),
                ak_handle_base: Some(config.ak_handle_base),
                timeout_secs: Some(config.tpm_timeout.as_secs()),
            },
            logs: RawLogs {
                firmware: Some(config.firmware_log.clone()),
                ima: Some(config.ima_list.clone()),
                systemd: Some(config.systemd_log.clone()),
            },
            measure: RawMeasure {
                roots: Some(measure.roots.clone()),
                excludes: Some(measure.excludes.clone()),
                dpkg_admin_dir: Some(measure.dpkg_admin_dir.clone()),
                path_prefix: Some(measure.path_prefix.clone()),
                settle_ms: Some(ms(measure.settle)),
                settle_max_ms: Some(ms(measure.settle_max)),
                reconcile_secs: Some(measure.reconcile_every.as_secs()),
                events: Some(match measure.events {
                    Events::Best => RawEvents::Auto,
                    Events::Directories => RawEvents::Directories,
                }),
                other_namespaces: Some(measure.namespaces == Namespaces::All),
                hash_threads: Some(measure.hash_threads),
                hash_bytes_per_second: measure.hash_bytes_per_second,
                cpu_percent: measure.cpu_percent,
            },
            seal: RawSeal { heartbeat_secs: config.heartbeat.map(|time| time.as_secs()) },
            spool: RawSpool { max_bytes: Some(config.spool_max_bytes) },
        }
    }
}

/// Evidence and join tokens travel over TLS or not at all.
fn check_url(text: &str) -> Result<Url, ConfigError> {
    let url: Url = text.parse().map_err(|error| value("verifier.url", &error))?;
    if url.scheme() != "https" || !url.has_host() {
        return Err(value("verifier.url", &format!("`{text}` does not start with https:// and a name")));
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(value("verifier.url", &"it has a user, a query or a fragment"));
    }
    Ok(url)
}

fn absolute(key: &'static str, path: Option<PathBuf>, default: &str) -> Result<PathBuf, ConfigError> {
    let path = path.unwrap_or_else(|| default.into());
    check_absolute(key, &path)?;
    Ok(path)
}

fn check_absolute(key: &'static str, path: &Path) -> Result<(), ConfigError> {
    if path.is_absolute() {
        Ok(())
    } else {
        Err(value(key, &format!("{} is not an absolute path", path.display())))
    }
}

/// A number, or the default, within its bounds: `(least, default, most)`.
fn within<N: Copy + PartialOrd + std::fmt::Display>(
    key: &'static str,
    number: Option<N>,
    (least, default, most): (N, N, N),
) -> Result<N, ConfigError> {
    let number = number.unwrap_or(default);
    if number < least || number > most {
        return Err(value(key, &format!("{number} is not between {least} and {most}")));
    }
    Ok(number)
}

fn value(key: &'static str, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Value { key, reason: reason.to_string() }
}

fn check_percent(percent: Option<NonZeroU8>) -> Result<Option<NonZeroU8>, ConfigError> {
    percent
        .map(|percent| within("measure.cpu-percent", Some(percent), (NonZeroU8::MIN, percent, WHOLE)))
        .transpose()
}

const FIRMWARE_LOG: &str = "/sys/kernel/security/tpm0/binary_bios_measurements";
const IMA_LIST: &str = "/sys/kernel/security/ima/binary_runtime_measurements";
const SYSTEMD_LOG: &str = "/run/log/systemd/tpm2-measure.log";
const ROOTS: [&str; 1] = ["/"];
const SETTLE_MAX_MS: u64 = 5_000;
const WHOLE: NonZeroU8 = NonZeroU8::MIN.saturating_add(99);
/// However many processors there are: what is not in memory yet is waited for, and eight reads at once take a third of
/// the time of one after the other. They give way to whoever works on the host.
const THREADS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);
