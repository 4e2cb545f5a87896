//! A verifier and its witnesses, through real sockets.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::cosignature::CosignerKey;
use ledger::note::{SignerKey, VerifierKey};
use ledger::proof::ConsistencyProof;
use ledger::tile::TileWriter;
use ledger::tree::LogSize;
use ledger::witness::{AddCheckpoint, SIZE_MEDIA_TYPE};

use super::*;
use crate::config::{Config, Overrides, RawConfig};
use crate::serve;
use crate::store::action::Who;
use crate::store::{migrated, token};
use evidence::time::UnixTime;

fn overrides(dir: &Path) -> Overrides {
    Overrides { listen: Some("127.0.0.1:0".into()), state_dir: Some(dir.into()), ..Overrides::default() }
}

async fn witness(dir: &Path, log_key: &str) -> Running {
    let name = dir.file_name().unwrap().to_str().unwrap();
    let toml = format!("name = '{name}.example'\n[[log]]\nkey = '{log_key}'");
    let config = WitnessConfig::new(toml::from_str(&toml).unwrap(), &overrides(dir)).unwrap();
    start(config, Clock::system()).await.unwrap()
}

fn verifier_config(dir: &Path, log: &str) -> Config {
    let toml =
        format!("[endorsement]\npolicy = 'danger-first-use'\n[log]\norigin = 'log.example/lydian'\n{log}");
    let mut config = Config::new(toml::from_str::<RawConfig>(&toml).unwrap(), &overrides(dir)).unwrap();
    config.database = crate::store::place::tests::database(dir);
    config
}

fn address(of: &Running) -> String {
    format!("https://localhost:{}", of.address().port())
}

async fn end(witness: Running) {
    witness.stopper()();
    witness.ended().await.unwrap();
}

fn published(dir: &Path) -> SignedCheckpoint {
    SignedCheckpoint::parse(&std::fs::read(dir.join("log/checkpoint")).unwrap()).unwrap()
}

/// A log that was begun, and two witnesses that know its key.
struct Bench {
    dir: tempfile::TempDir,
    log_key: String,
    witnesses: [Running; 2],
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The first start makes the log's key; witnesses come later, as they would.
        let first = serve::start(verifier_config(&dir.path().join("v"), ""), Clock::system()).await.unwrap();
        let log_key = first.log_key().to_owned();
        first.end().await;
        let witnesses = [
            witness(&dir.path().join("w0"), &log_key).await,
            witness(&dir.path().join("w1"), &log_key).await,
        ];
        Self { dir, log_key, witnesses }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn key(&self) -> VerifierKey {
        self.log_key.parse().unwrap()
    }

    /// The `[log]` settings for a quorum of so many of the two, of which some may be elsewhere.
    fn section(&self, quorum: usize, addresses: [&str; 2]) -> String {
        let mut text = String::new();
        let mut authorities = String::new();
        for (place, witness) in self.witnesses.iter().enumerate() {
            text +=
                &["witness w", &place.to_string(), " ", witness.key(), " ", addresses[place], "\n"].concat();
            authorities += witness.ca_pem();
        }
        text += &["group both ", &quorum.to_string(), " w0 w1\nquorum both\n"].concat();
        std::fs::write(self.path("policy"), text).unwrap();
        std::fs::write(self.path("authorities"), authorities).unwrap();
        let (policy, ca) = (self.path("policy"), self.path("authorities"));
        format!(
            "policy = '{}'\nwitness-ca = '{}'\ncosign-interval-secs = 1\narchive-interval-secs = 3600",
            policy.display(),
            ca.display()
        )
    }

    fn both(&self, quorum: usize) -> String {
        self.section(quorum, [&address(&self.witnesses[0]), &address(&self.witnesses[1])])
    }

    async fn verifier(&self, dir: &str, section: &str) -> Result<serve::Running, Failure> {
        serve::start(verifier_config(&self.path(dir), section), Clock::system()).await
    }

    /// Makes a leaf, as the command line does beside the running server.
    async fn leaf(&self, dir: &str) {
        let mut db = migrated(&crate::store::place::tests::database(&self.path(dir))).await.unwrap();
        let (now, expires) = (UnixTime::from_secs(1), UnixTime::from_secs(2));
        token::create_join(&mut db, &Who::token("test"), "", now, expires).await.unwrap();
    }

    /// Another verifier's state, with the same key and a log of its own: as if one of both were restored from a backup.
    async fn twin(&self, leaves: u64) -> SignedCheckpoint {
        std::fs::create_dir(self.path("twin")).unwrap();
        std::fs::copy(self.path("v/log.key"), self.path("twin/log.key")).unwrap();
        let twin = self.verifier("twin", "").await.unwrap();
        for leaf in 1..=leaves {
            self.leaf("twin").await;
            twin.watched().leaves(leaf).await;
        }
        twin.end().await;
        published(&self.path("twin"))
    }

    async fn add_checkpoint(&self, place: usize, request: &AddCheckpoint) -> u16 {
        let witness = &self.witnesses[place];
        let client = crate::http::tests::client(witness.ca_pem());
        let url = format!("{}/add-checkpoint", address(witness));
        client.post(url).body(request.to_string()).send().await.unwrap().status().as_u16()
    }
}

fn first(checkpoint: SignedCheckpoint) -> AddCheckpoint {
    AddCheckpoint::new(LogSize::ZERO, ConsistencyProof::default(), checkpoint).unwrap()
}

fn files_in(dir: &Path) -> usize {
    std::fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn a_head_is_published_when_both_have_cosigned_it() {
    let bench = Bench::new().await;
    let verifier = bench.verifier("v", &bench.both(2)).await.unwrap();
    for leaf in 1..=3 {
        bench.leaf("v").await;
        verifier.watched().board.wait_published(leaf).await;
    }
    let signed = published(&bench.path("v"));
    signed.verify(&bench.key()).unwrap();
    for witness in &bench.witnesses {
        assert!(witness.key().parse::<CosignerKey>().unwrap().verify(&signed).unwrap().is_some());
    }
    verifier.end().await;
    // The archive has what was cosigned first, and the next one is not due for an hour, restarted or not.
    let archived = SignedCheckpoint::parse(&std::fs::read(bench.path("v/log/archive/000")).unwrap()).unwrap();
    archived.verify(&bench.key()).unwrap();
    let verifier = bench.verifier("v", &bench.both(2)).await.unwrap();
    verifier.watched().board.wait_published(4).await;
    verifier.end().await;
    assert_eq!(files_in(&bench.path("v/log/archive")), 1);
}

#[tokio::test]
async fn one_that_is_away_counts_where_the_quorum_needs_it() {
    let bench = Bench::new().await;
    let before = published(&bench.path("v"));
    // Nobody listens there.
    let addresses = [address(&bench.witnesses[0]), "https://localhost:1".to_owned()];
    let section = |quorum| bench.section(quorum, [&addresses[0], &addresses[1]]);
    let verifier = bench.verifier("v", &section(2)).await.unwrap();
    let standing = verifier.watched().board.witnesses();
    assert!(standing[0].cosigned.is_some() && standing[1].failure.is_some(), "{standing:?}");
    assert!(verifier.watched().board.unpublished().unwrap().1.contains("1 of 2 witnesses"), "{standing:?}");
    assert_eq!(published(&bench.path("v")), before);
    verifier.end().await;
    let verifier = bench.verifier("v", &section(1)).await.unwrap();
    bench.leaf("v").await;
    verifier.watched().board.wait_published(1).await;
    verifier.end().await;
}

#[tokio::test]
async fn everybody_goes_on_after_a_restart() {
    let mut bench = Bench::new().await;
    for round in 1..=2 {
        let verifier = bench.verifier("v", &bench.both(2)).await.unwrap();
        bench.leaf("v").await;
        verifier.watched().board.wait_published(round).await;
        verifier.end().await;
        for (place, name) in ["w0", "w1"].into_iter().enumerate() {
            let again = witness(&bench.path(&format!("{name}-unused")), &bench.log_key).await;
            end(std::mem::replace(&mut bench.witnesses[place], again)).await;
            let again = witness(&bench.path(name), &bench.log_key).await;
            end(std::mem::replace(&mut bench.witnesses[place], again)).await;
        }
    }
}

/// The verifier is older than what a witness has cosigned: it does not start, and the witness's proof keeps it from starting
/// while that witness cannot be asked.
#[tokio::test]
async fn a_witness_that_knows_more_stops_the_verifier_for_good() {
    let bench = Bench::new().await;
    let ahead = bench.twin(5).await;
    assert_eq!(bench.add_checkpoint(0, &first(ahead)).await, 200);
    let failure = bench.verifier("v", &bench.both(1)).await.err().unwrap();
    assert_eq!(failure.exit(), Exit::Software);
    let told = failure.to_string();
    assert!(
        told.contains("has cosigned 5 leaves of this log") && told.contains("it has the proof"),
        "{told}"
    );
    let failure = bench.verifier("v", "").await.err().unwrap();
    assert!(failure.to_string().contains("this log's key has signed another history"), "{failure}");
}

/// The verifier has outgrown the witness while that could not be asked: the witness's 422 stops it as well.
#[tokio::test]
async fn a_fork_that_is_longer_is_stopped_too() {
    let bench = Bench::new().await;
    let other = bench.twin(2).await;
    assert_eq!(bench.add_checkpoint(0, &first(other)).await, 200);
    let verifier = bench.verifier("v", "").await.unwrap();
    for leaf in 1..=4 {
        bench.leaf("v").await;
        verifier.watched().leaves(leaf).await;
    }
    verifier.end().await;
    let failure = bench.verifier("v", &bench.both(1)).await.err().unwrap().to_string();
    assert!(failure.contains("another log of 2 leaves") && failure.contains("it has the proof"), "{failure}");
    assert!(bench.verifier("v", "").await.is_err());
    // The witness has kept what it refused, beside what it had cosigned.
    assert_eq!(files_in(&bench.path("w0/doubts")), 1);
}

/// A witness's word alone stops the verifier once, and does not outlive it.
#[tokio::test]
async fn a_witness_without_proof_is_believed_for_once() {
    let bench = Bench::new().await;
    let dir = bench.path("liar");
    std::fs::create_dir(&dir).unwrap();
    let identity =
        ServerIdentity::open(&crate::config::TlsSource::OwnCa, &dir, &[], Clock::system().now()).unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let more = async || (StatusCode::CONFLICT, [(CONTENT_TYPE, SIZE_MEDIA_TYPE)], "9\n");
    let (identity, stop) = (Arc::new(identity), CancellationToken::new());
    std::fs::copy(dir.join("ca.pem"), bench.path("liar.pem")).unwrap();
    let server = Server {
        listener,
        tls: Arc::new(tls_config(identity).unwrap()),
        router: Router::new().route("/add-checkpoint", post(more)),
        connections: 4,
    };
    let serving = tokio::spawn(server.run(stop.clone()));
    let section = bench.section(1, [&url, &address(&bench.witnesses[1])]);
    let authorities =
        ["authorities", "liar.pem"].map(|file| std::fs::read_to_string(bench.path(file)).unwrap());
    std::fs::write(bench.path("authorities"), authorities.concat()).unwrap();
    let failure = bench.verifier("v", &section).await.err().unwrap().to_string();
    assert!(failure.contains("has cosigned 9 leaves") && failure.contains("it shows no proof"), "{failure}");
    stop.cancel();
    serving.await.unwrap();
    bench.verifier("v", &bench.both(1)).await.unwrap().end().await;
}

/// Two roots at one size are kept as what they are; junk proofs below a genuine checkpoint are not, whoever sends how many.
#[tokio::test]
async fn strangers_cannot_fill_the_place_of_forks() {
    let bench = Bench::new().await;
    let genuine = bench.twin(3).await;
    assert_eq!(bench.add_checkpoint(0, &first(genuine.clone())).await, 200);
    for junk in 0..20_u8 {
        let proof = ConsistencyProof::new(vec![ledger::hash::Hash::leaf(&[junk])]).unwrap();
        let request = AddCheckpoint::new(genuine.claim().size(), proof, genuine.clone()).unwrap();
        assert_eq!(bench.add_checkpoint(0, &request).await, 422);
    }
    assert_eq!((files_in(&bench.path("w0/doubts")), files_in(&bench.path("w0/forks"))), (0, 0));
    let secret = std::fs::read_to_string(bench.path("v/log.key")).unwrap();
    let key = SignerKey::from_secret_text(secret.trim_end()).unwrap();
    let mut writer = TileWriter::new();
    writer.append(&[[0; 34]; 3]).unwrap();
    let claim = Checkpoint::new(key.verifier_key().name().into(), writer.size(), writer.root()).unwrap();
    let fork = SignedCheckpoint::sign(claim, &key).unwrap();
    let request = AddCheckpoint::new(fork.claim().size(), ConsistencyProof::default(), fork.clone()).unwrap();
    for _ in 0..3 {
        assert_eq!(bench.add_checkpoint(0, &request).await, 409);
    }
    assert_eq!(files_in(&bench.path("w0/forks")), 1);
    let kept = std::fs::read_dir(bench.path("w0/forks")).unwrap().next().unwrap().unwrap().path();
    let kept = std::fs::read_to_string(kept).unwrap();
    // Both of them, each with the log's signature.
    assert!(kept.contains(&genuine.claim().to_string()) && kept.contains(fork.note().as_str()), "{kept}");
}
