//! The programs as witnesses of each other: a verifier, two witnesses, hosts, an auditor.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use evidence::export::Item;
use ledger::checkpoint::SignedCheckpoint;
use ledger::cosignature::CosignerKey;
use support::{Program, Service, wait};
use tempfile::TempDir;
use toml::{Table, Value};
use wire::operator::{LogWitnesses, Scope, Version};

use crate::audit::{Fleet, found, items, write};
use crate::scene::attest;

/// A witness's process and what it keeps.
struct Witness {
    dir: TempDir,
    service: Service,
    url: String,
    key: CosignerKey,
}

impl Witness {
    async fn start(number: usize, log_key: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("lydian-witness").tempdir()?;
        let (config, state) = (dir.path().join("witness.toml"), dir.path().join("state"));
        let text = format!(
            "listen = \"127.0.0.1:0\"\nstate-dir = \"{}\"\nnames = [\"localhost\"]\nname = \"witness.test/{number}\"\n\n\
             [[log]]\nkey = \"{log_key}\"\n",
            state.display()
        );
        std::fs::write(&config, text)?;
        let program = Program::new("lydian-verifier")?.args(["witness", "serve", "--config"]).args([&config]);
        let mut service = program.start(dir.path())?;
        let url = format!("https://localhost:{}", service.listening().await?.port());
        let key = Program::new("lydian-verifier")?.args(["witness", "key", "--config"]).args([&config]);
        let key = key.run().await?.succeeded()?.trim().parse()?;
        Ok(Self { dir, service, url, key })
    }

    fn ca(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("state/ca.pem"))?)
    }
}

/// The verifier's settings for a quorum of both witnesses.
fn section(dir: &Path, witnesses: &[Witness; 2]) -> Result<(Table, PathBuf)> {
    let (policy, ca) = (dir.join("policy"), dir.join("ca.pem"));
    let line =
        |(number, witness): (usize, &Witness)| format!("witness w{number} {} {}\n", witness.key, witness.url);
    let lines: String = witnesses.iter().enumerate().map(line).collect();
    std::fs::write(&policy, format!("{lines}group both 2 w0 w1\nquorum both\n"))?;
    std::fs::write(&ca, [witnesses[0].ca()?, witnesses[1].ca()?].concat())?;
    let mut log = Table::new();
    log.insert("policy".to_owned(), Value::from(policy.display().to_string()));
    log.insert("witness-ca".to_owned(), Value::from(ca.display().to_string()));
    for key in ["cosign-interval-secs", "archive-interval-secs"] {
        log.insert(key.to_owned(), Value::from(1));
    }
    Ok((log, policy))
}

#[tokio::test]
async fn what_witnesses_cosigned_binds_the_verifier_s_words() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let version: Version = fleet.verifier.client()?.read("/v1/version").await?;
    let mut witnesses =
        [Witness::start(0, &version.log_key).await?, Witness::start(1, &version.log_key).await?];
    let dir = tempfile::tempdir()?;
    let (log, policy) = section(dir.path(), &witnesses)?;
    fleet.verifier.restart_with(log).await?;
    let client = fleet.verifier.client()?;
    let (_, receipt) = attest(&client, &mut fleet.attesters[0]).await?;
    let leaf = receipt.index;

    // The published checkpoint has both cosignatures, and an archived one has the leaf.
    let published = async || {
        let text = client.read_text("/checkpoint").await?;
        let signed = SignedCheckpoint::parse(text.as_bytes())?;
        Ok((signed.claim().size().get() > leaf).then_some(signed))
    };
    let signed = wait::until("a cosigned checkpoint", published).await?;
    for witness in &witnesses {
        ensure!(witness.key.verify(&signed)?.is_some(), "{}", signed.note().as_str());
    }
    let log_dir = fleet.verifier.state_dir().join("log");
    let archived = async || {
        for number in 0..100 {
            let Ok(note) = std::fs::read(log_dir.join(format!("archive/{number:03}"))) else { break };
            if SignedCheckpoint::parse(&note)?.claim().size().get() > leaf {
                return Ok(Some(()));
            }
        }
        Ok(None)
    };
    wait::until("an archived checkpoint", archived).await?;
    let operator = fleet.verifier.operator(Scope::Read).await?;
    let standing: LogWitnesses = operator.read("/v1/log/witnesses").await?;
    ensure!(
        standing.policy && standing.witnesses.iter().all(|one| one.cosigned_size.is_some()),
        "{standing:?}"
    );

    // An auditor with the policy believes it; and a time that the witnesses contradict is found.
    let copies = fleet.copies().await?;
    let policy = ["--policy", policy.to_str().context("a path")?];
    let (code, report) = copies.audit(&policy).await?;
    ensure!(code == 0, "{report:#}");
    let chain = &copies.chains(0, &fleet)?[0];
    let truth = items(chain)?;
    let mut late = truth.clone();
    if let Some(Item::Attestation(last)) = late.last_mut() {
        last.received_ms += 3_600_000;
    }
    write(chain, &late)?;
    found(&copies.findings_with(&policy).await?, "but a witness saw the log with it")?;

    // Without the second witness nothing new is published, and an auditor with the policy believes nothing that one has cosigned.
    witnesses[1].service.terminate().await?;
    attest(&client, &mut fleet.attesters[0]).await?;
    let held = async || {
        let standing: LogWitnesses = operator.read("/v1/log/witnesses").await?;
        Ok(standing.waiting.filter(|waiting| waiting.why.contains("1 of 2 witnesses")))
    };
    wait::until("the quorum is missed", held).await?;
    Ok(())
}
