//! The agent's configuration: a TOML file, the environment, the command line.
//!
//! In: a file as [`RawConfig`] and [`Overrides`] from flags and environment. Out: a [`Config`] in which every value is
//! set and checked, made in one function that `run` and `check-config` share. A configuration that cannot be honoured
//! is an error; nothing is downgraded in silence. Whether the verifier answers or the TPM exists is found later.

mod raw;

use std::fs;
use std::io;
use std::num::{NonZeroU8, NonZeroUsize};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;

use crate::measure::{Events, Namespaces};
use crate::quote::TpmAddress;

pub use raw::{Overrides, RawConfig};

/// The file that is read when no other is named.
pub const DEFAULT_PATH: &str = "/etc/lydian/agent.toml";

/// Everything that the agent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the agent keeps its state.
    pub state_dir: PathBuf,
    /// Where evidence goes; `None` before enrolment, which records it.
    pub verifier_url: Option<Url>,
    /// File with the certificate authority of the verifier; `None` before enrolment, which records its contents.
    pub verifier_ca: Option<PathBuf>,
    /// The way to the TPM.
    pub tpm: TpmAddress,
    /// First persistent handle for the attestation key.
    pub ak_handle_base: u32,
    /// How long one TPM operation may take.
    pub tpm_timeout: Duration,
    /// The kernel's copy of the firmware log.
    pub firmware_log: PathBuf,
    /// The kernel's IMA list.
    pub ima_list: PathBuf,
    /// systemd's measurement log.
    pub systemd_log: PathBuf,
    /// What is measured, and how.
    pub measure: MeasureSettings,
    /// Time without a change after which evidence is sealed; `None` for what the verifier said.
    pub heartbeat: Option<Duration>,
    /// Bytes of evidence that may wait for the verifier.
    pub spool_max_bytes: u64,
}

/// What is measured, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureSettings {
    /// Trees whose executables are measured.
    pub roots: Vec<PathBuf>,
    /// Trees within them that are not.
    pub excludes: Vec<PathBuf>,
    /// dpkg's database.
    pub dpkg_admin_dir: PathBuf,
    /// What paths in manifests are relative to.
    pub path_prefix: PathBuf,
    /// Quiet time after a change.
    pub settle: Duration,
    /// Longest time for which changes may put off a snapshot.
    pub settle_max: Duration,
    /// Time between full walks.
    pub reconcile_every: Duration,
    /// What tells of changes.
    pub events: Events,
    /// Whose mounts are looked for.
    pub namespaces: Namespaces,
    /// Threads that hash.
    pub hash_threads: NonZeroUsize,
    /// Bytes a second that are hashed at most, 0 for no limit; `None` for none in the first scan and a sane one after.
    pub hash_bytes_per_second: Option<u64>,
    /// Percent of a processor's time that each hashing thread takes at most; `None` for all of it in the first scan and
    /// half of it after.
    pub cpu_percent: Option<NonZeroU8>,
}

impl Config {
    /// Reads and checks the configuration.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let file = match &overrides.config {
            Some(path) => read(path)?,
            None => match read(Path::new(DEFAULT_PATH)) {
                Err(ConfigError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    RawConfig::default()
                }
                other => other?,
            },
        };
        file.overridden_by(overrides).check()
    }
}

/// Reads a file that not everybody can write.
fn read(path: &Path) -> Result<RawConfig, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o002 != 0 {
        return Err(ConfigError::WorldWritable { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    toml::from_str(&text)
        .map_err(|error| ConfigError::Syntax { path: path.to_owned(), message: error.to_string() })
}

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Everybody could change what the agent does.
    #[error("{path} can be written by everybody")]
    WorldWritable {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, or a key that does not exist.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What and where, over several lines.
        message: String,
    },
    /// A value that makes no sense.
    #[error("{key}: {reason}")]
    Value {
        /// The key as the file names it.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl ConfigError {
    /// What the administrator can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run as root, or give the file to the user that runs lydian-agent"
            }
            Self::Unreadable { .. } => {
                "name another file with --config, or leave the option out for the defaults"
            }
            Self::WorldWritable { .. } => "chmod o-w the file",
            Self::Syntax { .. } => "the commented example in /usr/share/doc/lydian-agent names every key",
            Self::Value { .. } => "`lydian-agent check-config` shows the configuration as the agent reads it",
        }
    }
}

#[cfg(test)]
mod tests;
