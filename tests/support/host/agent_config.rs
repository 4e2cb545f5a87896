//! The agent's configuration for a simulated host.
//!
//! In: what a test wants to be different. Out: an `agent.toml` that names this host's TPM, logs and files, and nothing of
//! the machine that tests. Keys that are not here keep their defaults.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::SimulatedHost;

/// What a test decides about its agent.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// Where evidence goes; `None` for where the host enrolled.
    pub verifier_url: Option<String>,
    /// Quiet time after a change; `None` for the agent's default.
    pub settle_ms: Option<u64>,
    /// Heartbeat; `None` for what the verifier says.
    pub heartbeat_secs: Option<u64>,
    /// Room for evidence that waits; `None` for the default.
    pub spool_max_bytes: Option<u64>,
    /// Seconds between walks of everything; `None` for the default.
    pub reconcile_secs: Option<u64>,
    /// Trees to watch; absolute on the host.
    pub roots: Vec<String>,
}

impl Default for AgentSettings {
    /// Quick to settle, so that tests are quick; everything else as an administrator would leave it.
    fn default() -> Self {
        Self {
            verifier_url: None,
            settle_ms: Some(20),
            heartbeat_secs: None,
            spool_max_bytes: None,
            reconcile_secs: None,
            roots: vec!["/usr".to_owned()],
        }
    }
}

impl SimulatedHost {
    /// Writes `agent.toml` and gives its path.
    pub fn write_agent_config(&self, settings: &AgentSettings) -> Result<PathBuf> {
        let roots = settings.roots.iter().map(|root| self.path_of(root).display().to_string());
        let tables = [
            ("verifier", vec![("url", settings.verifier_url.clone().map(Value::from))]),
            ("tpm", vec![("tcti", Some(Value::from(self.tpm().tcti())))]),
            (
                "logs",
                vec![
                    ("firmware", Some(path(&self.firmware_log()))),
                    ("ima", Some(path(&self.ima_list()))),
                    ("systemd", Some(path(&self.systemd_log()))),
                ],
            ),
            (
                "measure",
                vec![
                    ("roots", Some(Value::from(roots.map(Value::from).collect::<Vec<_>>()))),
                    ("dpkg-admin-dir", Some(path(&self.dpkg_admin_dir()))),
                    ("path-prefix", Some(path(&self.root()))),
                    ("settle-ms", number(settings.settle_ms)?),
                    ("reconcile-secs", number(settings.reconcile_secs)?),
                ],
            ),
            ("seal", vec![("heartbeat-secs", number(settings.heartbeat_secs)?)]),
            ("spool", vec![("max-bytes", number(settings.spool_max_bytes)?)]),
        ];
        let mut config = Table::new();
        config.insert("state-dir".to_owned(), path(&self.state_dir()));
        for (name, keys) in tables {
            let keys = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            config.insert(name.to_owned(), Value::Table(keys.collect()));
        }
        let file = self.dir().join("agent.toml");
        std::fs::write(&file, toml::to_string(&config)?).context("write agent.toml")?;
        Ok(file)
    }
}

fn path(path: &Path) -> Value {
    Value::from(path.display().to_string())
}

fn number(number: Option<u64>) -> Result<Option<Value>> {
    number.map(|number| Ok(Value::from(i64::try_from(number)?))).transpose()
}
