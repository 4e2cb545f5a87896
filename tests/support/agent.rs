//! The real agent on a simulated host.
//!
//! In: a host and a verifier. Out: a guard that enrols, runs, kills and ends `lydian-agent`. It decides nothing of what the
//! agent measures or sends.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::host::{AgentSettings, SimulatedHost};
use crate::process::{Finished, Program, Service};
use crate::verifier::Verifier;

/// An agent, running or not.
#[derive(Debug)]
pub struct Agent {
    config: PathBuf,
    dir: PathBuf,
    service: Option<Service>,
}

impl Agent {
    /// Configures an agent for this host.
    pub fn configure(host: &SimulatedHost, settings: &AgentSettings) -> Result<Self> {
        let config = host.write_agent_config(settings)?;
        Ok(Self { config, dir: host.dir().to_path_buf(), service: None })
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// One of its commands, with its configuration.
    pub fn command(&self, name: &str) -> Result<Program> {
        let program = Program::new("lydian-agent")?.args([name, "--config"]).args([&self.config]);
        // As the service's unit sets them.
        let program = program.env("MALLOC_ARENA_MAX", "1").env("MALLOC_TRIM_THRESHOLD_", "131072");
        Ok(program.env("TSS2_LOG", "all+NONE"))
    }

    /// Enrols with a new join token, as an administrator does.
    pub async fn enrol(&self, verifier: &Verifier, name: &str) -> Result<String> {
        self.try_enrol(verifier, name, &verifier.join_token().await?).await?.succeeded()
    }

    /// Enrols with this token, or not.
    pub async fn try_enrol(&self, verifier: &Verifier, name: &str, token: &str) -> Result<Finished> {
        let enroll = self.command("enroll")?.env("LYDIAN_JOIN_TOKEN", token);
        let enroll = enroll.args(["--url", &verifier.url(), "--name", name, "--ca"]);
        enroll.args([verifier.ca()]).run().await
    }

    /// Starts it, and waits until it is ready.
    pub async fn start(&mut self) -> Result<()> {
        let service = self.command("run")?.start(&self.dir)?;
        self.service.insert(service).ready().await
    }

    /// Starts it as another program does that becomes it, and waits until it is ready.
    pub async fn start_under(&mut self, other: Program) -> Result<()> {
        let run = self.command("run")?;
        let service = other.args(run.words()).environment_of(&run).start(&self.dir)?;
        self.service.insert(service).ready().await
    }

    /// Starts it without waiting.
    pub fn spawn(&mut self) -> Result<()> {
        self.service = Some(self.command("run")?.start(&self.dir)?);
        Ok(())
    }

    /// Its process.
    pub fn service(&mut self) -> Result<&mut Service> {
        self.service.as_mut().context("the agent was not started")
    }

    /// Kills it, if it runs.
    pub async fn kill_9(&mut self) -> Result<()> {
        match self.service.take() {
            Some(mut service) => service.kill_9().await,
            None => Ok(()),
        }
    }

    /// Asks it to end, and says how long that took.
    pub async fn terminate(&mut self) -> Result<(Duration, ExitStatus)> {
        let ended = self.service()?.terminate().await;
        self.service = None;
        ended
    }
}
