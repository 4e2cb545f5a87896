//! The programs on the stage: one verifier, one host with its TPM, one agent, and the operator's command line.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use support::swtpm::ca_certificates;
use support::{
    AgentSettings, Package, Program, Recording, Service, SimulatedHost, SwtpmSpec, TestEkCa, VerifierClient,
    elf, wait,
};
use wire::operator::{HostDetail, HostHistory};

use crate::talk::say;

/// What the host is called.
pub(crate) const HOST: &str = "demo-host";

/// Everything that runs.
pub(crate) struct Stage {
    dir: PathBuf,
    verifier: Service,
    url: String,
    token: String,
    pub(crate) host: SimulatedHost,
    agent_config: PathBuf,
    agent: Option<Service>,
    /// Vouches for the TPMs of the lying hosts.
    pub(crate) ek_ca: TestEkCa,
}

impl Stage {
    /// A fresh `./demo`, a verifier in it, and a booted host.
    pub(crate) async fn set() -> Result<Self> {
        let dir = std::env::current_dir()?.join("demo");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).context("removing the last demo")?;
        }
        let roots = dir.join("ek-roots");
        std::fs::create_dir_all(&roots)?;
        let ek_ca = TestEkCa::new("Lydian demo TPM maker")?;
        std::fs::write(roots.join("maker.pem"), ek_ca.root_pem()?)?;
        for (number, pem) in ca_certificates()?.into_iter().enumerate() {
            std::fs::write(roots.join(format!("swtpm-{number}.pem")), pem)?;
        }
        let config = dir.join("verifier.toml");
        std::fs::write(&config, verifier_config(&dir, &roots))?;
        let mut verifier =
            Program::new("lydian-verifier")?.args(["serve", "--config"]).args([&config]).start(&dir)?;
        verifier.file_words();
        let address = verifier.listening().await?;
        let create = Program::new("lydian-verifier")?
            .args(["token", "create", "--name", "demo", "--scope", "admin", "--config"])
            .args([&config]);
        let printed = create.run().await?.succeeded()?;
        let token = printed.split_whitespace().last().context("a token on standard output")?.to_owned();
        let host = SimulatedHost::boot(&Recording::load("shim-sb")?, &SwtpmSpec::default())?;
        populate(&host)?;
        let agent_config = write_agent_config(&host)?;
        let url = format!("https://localhost:{}", address.port());
        Ok(Self { dir, verifier, url, token, host, agent_config, agent: None, ek_ca })
    }

    /// The verifier's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The CA that agents and operators pin.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.join("verifier/ca.pem")
    }

    /// The operator's command line, ready to be pasted.
    pub(crate) fn command_line(&self) -> String {
        let lydian =
            std::env::current_exe().ok().and_then(|path| path.parent().map(|dir| dir.join("lydian")));
        let lydian = lydian.map_or_else(|| "lydian".to_owned(), |path| path.display().to_string());
        format!(
            "LYDIAN_URL={} LYDIAN_CA={} LYDIAN_TOKEN={} {lydian} host show {HOST}",
            self.url,
            self.ca().display(),
            self.token
        )
    }

    /// Runs `lydian` as an operator would, and shows what it prints. A host that is not trusted is an answer too.
    pub(crate) async fn lydian(&self, arguments: &[&str]) -> Result<String> {
        say(&format!("  $ lydian {}", arguments.join(" ")));
        let finished = self.program(arguments)?.run().await?;
        ensure!(finished.code() <= 1, "`lydian {}` failed: {}", arguments.join(" "), finished.stderr);
        for line in finished.stdout.lines().chain(finished.stderr.lines()) {
            say(&format!("    {line}"));
        }
        Ok(finished.stdout)
    }

    fn program(&self, arguments: &[&str]) -> Result<Program> {
        let program = Program::new("lydian")?.args(arguments);
        Ok(program.env("LYDIAN_URL", &self.url).env("LYDIAN_CA", self.ca()).env("LYDIAN_TOKEN", &self.token))
    }

    /// A client with the operator's token, for what the demo itself wants to know.
    pub(crate) fn client(&self) -> Result<VerifierClient> {
        let ca = std::fs::read_to_string(self.ca())?;
        let port: u16 = self.url.rsplit(':').next().context("a port")?.parse()?;
        Ok(VerifierClient::new(([127, 0, 0, 1], port).into(), &ca)?.with_token(&self.token))
    }

    /// A fresh join token.
    pub(crate) async fn join_token(&self) -> Result<String> {
        let printed =
            self.program(&["-o", "json", "enroll", "token", "create", "--note", "demo"])?.run().await?;
        let made: wire::operator::NewToken = serde_json::from_str(&printed.succeeded()?)?;
        Ok(made.secret)
    }

    /// The agent enrols.
    pub(crate) async fn enrol(&self) -> Result<()> {
        let token = self.join_token().await?;
        say(&format!("  $ lydian-agent enroll --url {} --ca … --token … --name {HOST}", self.url));
        let enrol = Program::new("lydian-agent")?
            .args(["enroll", "--config"])
            .args([&self.agent_config])
            .args(["--url", &self.url, "--name", HOST, "--ca"])
            .args([self.ca()])
            .env("LYDIAN_JOIN_TOKEN", token);
        let finished = enrol.run().await?;
        for line in finished.stdout.lines().chain(finished.stderr.lines()) {
            say(&format!("    {line}"));
        }
        ensure!(finished.code() == 0, "the agent did not enrol");
        Ok(())
    }

    /// The agent's service starts.
    pub(crate) async fn start_agent(&mut self) -> Result<()> {
        let mut agent = Program::new("lydian-agent")?
            .args(["run", "--config"])
            .args([&self.agent_config])
            .start(&self.dir)?;
        agent.file_words();
        agent.ready().await?;
        self.agent = Some(agent);
        Ok(())
    }

    /// Waits for the first recorded evidence with all its manifests.
    pub(crate) async fn first_attestation(&self) -> Result<Duration> {
        let start = Instant::now();
        let client = self.client()?;
        wait::until("the first evidence", || async {
            let host: HostDetail = client.read(&format!("/v1/hosts/{HOST}")).await?;
            let resolved = host.component_list.iter().all(|component| component.kind != "unresolved");
            Ok((host.summary.seq.is_some() && resolved).then_some(()))
        })
        .await?;
        Ok(start.elapsed())
    }

    /// The newest history entry that tells of this path.
    pub(crate) async fn change_of(&self, path: &str, digest: &str) -> Result<()> {
        let client = self.client()?;
        wait::until(format!("the change of {path} at the verifier"), || async {
            let history: HostHistory = client.read(&format!("/v1/hosts/{HOST}/history?limit=5")).await?;
            let mut changes = history.entries.iter().flat_map(|entry| &entry.changes);
            Ok(changes
                .any(|change| change.path.ends_with(path) && change.after.as_deref() == Some(digest))
                .then_some(()))
        })
        .await
    }

    /// Fetches a bundle and verifies it offline under the pinned log key.
    pub(crate) async fn audit(&self) -> Result<()> {
        let file = self.dir.join("evidence.bundle").display().to_string();
        self.lydian(&["evidence", "fetch", HOST, "1", "--out", &file]).await?;
        let version: wire::operator::Version = self.client()?.read("/v1/version").await?;
        say("  $ lydian evidence verify demo/evidence.bundle --log-key …");
        let verify =
            Program::new("lydian")?.args(["evidence", "verify", &file, "--log-key", &version.log_key]);
        let finished = verify.run().await?;
        for line in finished.stdout.lines() {
            say(&format!("    {line}"));
        }
        ensure!(finished.code() == 0, "the bundle does not verify: {}", finished.stderr);
        let mut bytes = std::fs::read(&file)?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        std::fs::write(&file, bytes)?;
        say("  and with one bit of the file flipped:");
        let finished = verify.run().await?;
        for line in finished.stderr.lines().chain(finished.stdout.lines()).take(3) {
            say(&format!("    {line}"));
        }
        ensure!(finished.code() != 0, "a flipped bit went unnoticed");
        Ok(())
    }

    /// Takes an answer away with its proof, and checks it offline; then as a verifier would give it that has something to hide.
    pub(crate) async fn prove(&self, subject: &str) -> Result<()> {
        let dir = self.dir.join("answer.proof");
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        let path = dir.display().to_string();
        self.lydian(&["trusted", subject, "--role", "present", "--proof", &path]).await?;
        let version: wire::operator::Version = self.client()?.read("/v1/version").await?;
        say("  $ lydian verify demo/answer.proof --log-key …");
        let verify = Program::new("lydian")?.args(["verify", &path, "--log-key", &version.log_key]);
        let finished = verify.run().await?;
        for line in finished.stdout.lines() {
            say(&format!("    {line}"));
        }
        ensure!(finished.code() == 0, "the proof does not hold: {}", finished.stderr);
        let answer = dir.join("answer.json");
        let text = std::fs::read_to_string(&answer)?;
        std::fs::write(&answer, text.replace("\"answer\": \"yes\"", "\"answer\": \"no\""))?;
        say("  and with the YES of the answer made a NO:");
        let finished = verify.run().await?;
        let found = finished.stdout.lines().skip_while(|line| !line.contains("What does not hold"));
        for line in found.take(3) {
            say(&format!("    {line}"));
        }
        ensure!(finished.code() == 1, "an answer that was altered went unnoticed");
        Ok(())
    }

    /// Ends the agent, then the verifier; says how long the agent took.
    pub(crate) async fn end(&mut self) -> Result<Duration> {
        let took = match &mut self.agent {
            Some(agent) => agent.terminate().await?.0,
            None => Duration::ZERO,
        };
        self.verifier.terminate().await?;
        Ok(took)
    }
}

fn populate(host: &SimulatedHost) -> Result<()> {
    let (hello, sshd) = (elf("hello 1.0"), elf("sshd 9.2"));
    host.install(&Package {
        name: "hello",
        version: "1.0",
        architecture: "amd64",
        files: &[("/usr/bin/hello", &hello)],
    })?;
    host.install(&Package {
        name: "sshd",
        version: "9.2",
        architecture: "amd64",
        files: &[("/usr/sbin/sshd", &sshd)],
    })?;
    host.write_executable("/usr/local/bin/backup", b"#!/bin/sh\necho backup\n")
}

fn write_agent_config(host: &SimulatedHost) -> Result<PathBuf> {
    let file = host.write_agent_config(&AgentSettings { settle_ms: None, ..AgentSettings::default() })?;
    // Beside the small tree, this machine's own programs; so paths are shown as they are here.
    let mut config: toml::Table = std::fs::read_to_string(&file)?.parse()?;
    let measure =
        config.get_mut("measure").and_then(toml::Value::as_table_mut).context("a table of roots")?;
    let tree = host.path_of("/usr").display().to_string();
    measure.insert("roots".to_owned(), vec![tree, "/usr/bin".to_owned()].into());
    measure.remove("path-prefix");
    std::fs::write(&file, toml::to_string(&config)?)?;
    Ok(file)
}

fn verifier_config(dir: &Path, roots: &Path) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\nstate-dir = \"{}\"\n[log]\norigin = \"demo.lydian.example/log\"\n\
         [endorsement]\npolicy = \"require-chain\"\nroots = \"{}\"\n\
         [limits]\nrequests-per-minute = 1000000\n",
        dir.join("verifier").display(),
        roots.display()
    )
}
