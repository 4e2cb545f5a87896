//! The witness's configuration: what an operator wrote, and what the witness goes by.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ledger::checkpoint::Origin;
use ledger::note::{KeyName, VerifierKey};
use serde::Deserialize;

use crate::config::{Limits, Overrides, RawLimits, RawTls, TlsSource};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::CONFIG_BYTES;

/// Where the configuration is unless told otherwise.
pub(crate) const DEFAULT_PATH: &str = "/etc/lydian/witness.toml";

/// What the witness goes by.
#[derive(Clone, Debug)]
pub(crate) struct WitnessConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) state_dir: PathBuf,
    /// DNS names and addresses in the server's certificate.
    pub(crate) names: Vec<String>,
    pub(crate) tls: TlsSource,
    /// The witness's own name, which its key is made with.
    pub(crate) name: Option<KeyName>,
    /// The keys that it trusts for each log.
    pub(crate) logs: BTreeMap<Origin, Vec<VerifierKey>>,
    pub(crate) limits: Limits,
}

/// `witness.toml`. Every key but the logs is optional, and none that is not here is accepted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct RawWitness {
    listen: Option<String>,
    state_dir: Option<PathBuf>,
    names: Vec<String>,
    name: Option<String>,
    tls: RawTls,
    log: Vec<RawLog>,
    limits: RawLimits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawLog {
    key: String,
    origin: Option<String>,
}

/// Reads and checks the configuration. A file that was not asked for need not be there.
pub(crate) fn load(path: Option<&Path>, overrides: &Overrides) -> Result<WitnessConfig, Failure> {
    let shown = path.unwrap_or(Path::new(DEFAULT_PATH));
    let raw = if path.is_none() && !shown.exists() {
        RawWitness::default()
    } else {
        let bytes = files::read_trusted(shown, CONFIG_BYTES)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Failure::new(Exit::Config, format_args!("{}: {error}", shown.display())))?;
        toml::from_str(&text)
            .map_err(|error| Failure::new(Exit::Config, format_args!("{}: {error}", shown.display())))?
    };
    WitnessConfig::new(raw, overrides)
}

impl WitnessConfig {
    /// Checks what was written.
    pub(crate) fn new(raw: RawWitness, overrides: &Overrides) -> Result<Self, Failure> {
        let listen = overrides.listen.clone().or(raw.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let state_dir = overrides.state_dir.clone().or(raw.state_dir);
        let names = if overrides.names.is_empty() { raw.names } else { overrides.names.clone() };
        let invalid = |key: &str, why: &dyn std::fmt::Display| {
            Failure::new(Exit::Config, format_args!("configuration: {key}: {why}"))
        };
        Ok(Self {
            listen: listen.parse().map_err(|error| invalid("listen", &error))?,
            state_dir: state_dir.unwrap_or_else(|| DEFAULT_STATE_DIR.into()),
            names: names.into_iter().map(crate::config::checked_name).collect::<Result<_, _>>()?,
            tls: crate::config::tls_source(raw.tls)?,
            name: raw.name.map(KeyName::new).transpose().map_err(|error| invalid("name", &error))?,
            logs: logs(raw.log)?,
            limits: crate::config::limits(&raw.limits)?,
        })
    }
}

fn logs(raw: Vec<RawLog>) -> Result<BTreeMap<Origin, Vec<VerifierKey>>, Failure> {
    let mut logs: BTreeMap<Origin, Vec<VerifierKey>> = BTreeMap::new();
    for RawLog { key, origin } in raw {
        let invalid = |why: &dyn std::fmt::Display| {
            Failure::new(Exit::Config, format_args!("configuration: log.key {key}: {why}"))
                .hint("a key looks like name+1a2b3c4d+AbC…=; its log's operator has it")
        };
        let key: VerifierKey = key.parse().map_err(|error| invalid(&error))?;
        let origin = match origin {
            Some(origin) => Origin::new(origin).map_err(|error| invalid(&error))?,
            None => Origin::from(key.name()),
        };
        logs.entry(origin).or_default().push(key);
    }
    if logs.is_empty() {
        return Err(Failure::new(Exit::Config, "configuration: there is no log to witness").hint(
            "[[log]] with key = \"name+1a2b3c4d+AbC…=\"; `lydian-verifier log-key` prints a log's key",
        ));
    }
    Ok(logs)
}

const DEFAULT_LISTEN: &str = "[::]:7380";
const DEFAULT_STATE_DIR: &str = "/var/lib/lydian-witness";
