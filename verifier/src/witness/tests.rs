//! A verifier and its witnesses, through real sockets.

use std::path::Path;
use std::time::Duration;

use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::cosignature::CosignerKey;
use ledger::note::SignerKey;
use ledger::proof::ConsistencyProof;
use ledger::tile::TileWriter;
use ledger::tree::LogSize;
use ledger::witness::AddCheckpoint;

use super::*;
use crate::config::{Config, Overrides, RawConfig};
use crate::serve;

fn witness_config(dir: &Path, log_key: &str) -> WitnessConfig {
    let toml = format!("name = 'witness.example/w'\n[[log]]\nkey = '{log_key}'");
    let overrides =
        Overrides { listen: Some("127.0.0.1:0".into()), state_dir: Some(dir.into()), ..Overrides::default() };
    WitnessConfig::new(toml::from_str(&toml).unwrap(), &overrides).unwrap()
}

fn verifier_config(dir: &Path, log: &str) -> Config {
    let toml =
        format!("[endorsement]\npolicy = 'danger-first-use'\n[log]\norigin = 'log.example/lydian'\n{log}");
    let overrides =
        Overrides { listen: Some("127.0.0.1:0".into()), state_dir: Some(dir.into()), ..Overrides::default() };
    Config::new(toml::from_str::<RawConfig>(&toml).unwrap(), &overrides).unwrap()
}

/// A verifier that made its log, and a witness that knows it.
struct Bench {
    dir: tempfile::TempDir,
    witness: Running,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The first start makes the log's key; witnesses come later, as they would.
        let first = serve::start(verifier_config(&dir.path().join("v"), ""), Clock::system()).await.unwrap();
        let log_key = first.log_key().to_owned();
        first.end().await;
        let witness = start(witness_config(&dir.path().join("w"), &log_key), Clock::system()).await.unwrap();
        Self { dir, witness }
    }

    /// The `[log]` settings with a quorum of the one witness, at an address.
    fn log_section(&self, address: &str) -> String {
        let policy = self.dir.path().join("policy");
        let text = format!("witness w {} {address}\nquorum w\n", self.witness.key());
        std::fs::write(&policy, text).unwrap();
        let ca = self.dir.path().join("w/ca.pem");
        format!(
            "policy = '{}'\nwitness-ca = '{}'\ncosign-interval-secs = 1\narchive-interval-secs = 1",
            policy.display(),
            ca.display()
        )
    }

    fn address(&self) -> String {
        format!("https://localhost:{}", self.witness.address().port())
    }

    async fn verifier(&self, dir: &str, section: &str) -> Result<serve::Running, Failure> {
        serve::start(verifier_config(&self.dir.path().join(dir), section), Clock::system()).await
    }
}

fn published(dir: &Path) -> Option<SignedCheckpoint> {
    let bytes = std::fs::read(dir.join("log/checkpoint")).ok()?;
    Some(SignedCheckpoint::parse(&bytes).unwrap())
}

/// Waits for a published checkpoint of at least so many leaves that the witness has cosigned.
async fn cosigned(dir: &Path, key: &str, leaves: u64) -> SignedCheckpoint {
    let key: CosignerKey = key.parse().unwrap();
    for _ in 0..1_000 {
        if let Some(signed) = published(dir)
            && signed.claim().size().get() >= leaves
            && key.verify(&signed).unwrap().is_some()
        {
            return signed;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was cosigned: {:?}", published(dir));
}

#[tokio::test]
async fn a_head_is_published_when_it_was_cosigned() {
    let bench = Bench::new().await;
    let verifier = bench.verifier("v", &bench.log_section(&bench.address())).await.unwrap();
    let dir = bench.dir.path().join("v");
    // A log without leaves is cosigned too; its first archived checkpoint would be no news.
    let signed = cosigned(&dir, bench.witness.key(), 0).await;
    signed.verify(&verifier.log_key().parse().unwrap()).unwrap();
    verifier.end().await;
}

#[tokio::test]
async fn without_the_quorum_the_old_checkpoint_stays() {
    let bench = Bench::new().await;
    let before = published(&bench.dir.path().join("v")).unwrap();
    // Nobody listens there any more.
    let verifier = bench.verifier("v", &bench.log_section("https://localhost:1")).await.unwrap();
    assert_eq!(published(&bench.dir.path().join("v")).unwrap(), before);
    verifier.end().await;
}

#[tokio::test]
async fn a_witness_that_knows_more_keeps_the_verifier_from_starting() {
    let bench = Bench::new().await;
    let section = bench.log_section(&bench.address());
    // The same key has signed a log that went on: as if this verifier were restored from a backup.
    let secret = std::fs::read_to_string(bench.dir.path().join("v/log.key")).unwrap();
    let key = SignerKey::from_secret_text(secret.trim_end()).unwrap();
    let mut writer = TileWriter::new();
    writer.append(&[[0; 34]; 5]).unwrap();
    let claim = Checkpoint::new(key.verifier_key().name().into(), writer.size(), writer.root()).unwrap();
    let ahead = SignedCheckpoint::sign(claim, &key).unwrap();
    let request = AddCheckpoint::new(LogSize::ZERO, ConsistencyProof::default(), ahead).unwrap();
    let sent = crate::http::tests::client(bench.witness.ca_pem())
        .post(format!("{}/add-checkpoint", bench.address()))
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status().as_u16(), 200);
    let failure = bench.verifier("v", &section).await.err().unwrap();
    assert_eq!(failure.exit(), Exit::Software);
    assert!(failure.to_string().contains("has cosigned 5 leaves of this log"), "{failure}");
}
