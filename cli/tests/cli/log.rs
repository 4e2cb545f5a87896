//! Audits of logs in files: one that holds, and each way in which one does not.

use std::fs;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::cosignature::CosignerSecret;
use ledger::leaf::{Leaf, Salt};
use ledger::note::{KeyName, SignerKey};
use ledger::tile::TileWriter;

use crate::run::{Finished, lydian};

/// A log of some hundred leaves with two archived checkpoints and their anchors, cosigned by one witness.
struct Log {
    dir: tempfile::TempDir,
    key: SignerKey,
    witness: CosignerSecret,
    writer: TileWriter,
}

fn attestation(index: u64) -> [u8; Leaf::SIZE] {
    Leaf::attestation(&Salt::from_bytes([7; 32]), Sha256Digest::of(&[&index.to_be_bytes()]).as_bytes())
        .to_bytes()
}

impl Log {
    fn new() -> Self {
        let key = SignerKey::from_seed(KeyName::new("log.example/lydian").unwrap(), &[1; 32]);
        let witness = CosignerSecret::from_seed(KeyName::new("witness.example").unwrap(), &[2; 32]);
        let mut log = Self { dir: tempfile::tempdir().unwrap(), key, witness, writer: TileWriter::new() };
        log.append(&(0..300).map(attestation).collect::<Vec<_>>());
        log.archive(0);
        log.append(&(300..700).map(attestation).collect::<Vec<_>>());
        log.archive(1);
        log.append(&[attestation(700)]);
        log.publish();
        fs::write(log.path("policy"), format!("witness w {}\nquorum w\n", log.witness.cosigner_key()))
            .unwrap();
        log
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn append(&mut self, entries: &[[u8; Leaf::SIZE]]) {
        for (resource, bytes) in self.writer.append(entries).unwrap().files {
            self.write(&resource.to_string(), &bytes);
        }
    }

    fn signed(&self) -> SignedCheckpoint {
        let origin = self.key.verifier_key().name().into();
        let claim = Checkpoint::new(origin, self.writer.size(), self.writer.root()).unwrap();
        let mut signed = SignedCheckpoint::sign(claim, &self.key).unwrap();
        let verified = signed.verify(self.key.verifier_key()).unwrap();
        signed.add_signature(self.witness.cosign(&verified, 1_700_000_000).unwrap()).unwrap();
        signed
    }

    fn publish(&self) {
        self.write("checkpoint", self.signed().as_bytes());
    }

    fn archive(&mut self, number: u64) {
        let signed = self.signed();
        self.write(&format!("archive/{number:03}"), signed.as_bytes());
        let record = Sha256Digest::of(&[signed.as_bytes()]);
        self.append(&[Leaf::anchor(&Salt::from_bytes([0; 32]), record.as_bytes()).to_bytes()]);
    }

    fn verify(&self, more: &[&str]) -> Finished {
        self.verify_by(&self.key.verifier_key().to_string(), more)
    }

    fn verify_by(&self, key: &str, more: &[&str]) -> Finished {
        let (dir, policy) = (self.dir.path().to_str().unwrap(), self.path("policy"));
        let fixed =
            ["log", "verify", dir, "--log-key", key, "--policy", policy.to_str().unwrap(), "-o", "json"];
        lydian(&[&fixed, more].concat())
    }

    /// The one thing that does not hold.
    fn finding(&self) -> String {
        let done = self.verify(&[]);
        assert_eq!(done.code, 1, "{done:?}");
        let findings = done.json()["findings"].as_array().unwrap().clone();
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings[0].as_str().unwrap().to_owned()
    }

    fn flip(&self, file: &str, at: usize) {
        let mut bytes = fs::read(self.path(file)).unwrap();
        bytes[at] ^= 1;
        self.write(file, &bytes);
    }
}

#[test]
fn a_true_log_holds() {
    let log = Log::new();
    for jobs in ["1", "3"] {
        let done = log.verify(&["--jobs", jobs]);
        assert_eq!(done.code, 0, "{done:?}");
        let found = done.json();
        assert_eq!((found["size"].as_u64(), found["archived"].as_u64()), (Some(703), Some(2)));
        assert_eq!(
            (found["quorum"].as_str(), found["cosigned"][0]["witness"].as_str()),
            (Some("reached"), Some("witness.example"))
        );
        assert_eq!(
            (found["leaves"]["attestations"].as_u64(), found["leaves"]["anchors"].as_u64()),
            (Some(701), Some(2))
        );
    }
}

#[test]
fn an_audit_goes_on_where_it_stopped() {
    let mut log = Log::new();
    let state = log.path("state.json");
    let state = state.to_str().unwrap();
    assert_eq!(log.verify(&["--state", state]).code, 0);
    // At a size within a bundle it goes on only if nothing came after it; else the state is of another end.
    log.append(&(0..2_000).map(attestation).collect::<Vec<_>>());
    log.publish();
    let done = log.verify(&["--state", state]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(log.verify(&["--state", state]).words.matches("going on after 2703 leaves").count(), 1);
}

#[test]
fn a_rewritten_leaf_is_found() {
    let log = Log::new();
    log.flip("tile/entries/000", 50);
    assert_eq!(log.finding(), "hash 1 of tile/0/000 is not that of what is below it");
}

/// Leaf and tiles rewritten together, and signed anew: the archived checkpoints do not fit any more.
#[test]
fn a_rewritten_history_is_found() {
    let log = Log::new();
    let mut forged = Log::new();
    forged.writer = TileWriter::new();
    forged.append(&(1..704).map(attestation).collect::<Vec<_>>());
    forged.publish();
    for number in ["archive/000", "archive/001"] {
        fs::copy(log.path(number), forged.path(number)).unwrap();
    }
    assert!(forged.finding().starts_with("the checkpoint of 300 leaves claims the root"));
}

#[test]
fn a_deleted_tile_is_found() {
    let log = Log::new();
    fs::remove_file(log.path("tile/0/001")).unwrap();
    assert_eq!(log.finding(), "tile/0/001 is missing");
}

#[test]
fn an_archived_checkpoint_that_is_gone_or_another_is_found() {
    let log = Log::new();
    fs::remove_file(log.path("archive/001")).unwrap();
    assert_eq!(log.finding(), "leaf 701 anchors a checkpoint that is not in the archive");
    // The published checkpoint in its place is as well signed, and not the one that was anchored.
    fs::copy(log.path("checkpoint"), log.path("archive/000")).unwrap();
    let done = log.verify(&[]);
    assert_eq!((done.code, done.json()["findings"].as_array().unwrap().len()), (1, 2), "{done:?}");
}

#[test]
fn a_missing_anchor_is_found() {
    let mut log = Log::new();
    // Two more that nobody anchored: of the newest it may not be published yet, of the other it must.
    for number in ["archive/002", "archive/003"] {
        log.append(&[attestation(9)]);
        log.write(number, log.signed().as_bytes());
    }
    log.publish();
    assert_eq!(log.finding(), "archived checkpoint 2 is not the one that a leaf anchors");
}

#[test]
fn without_the_quorum_it_does_not_hold() {
    let log = Log::new();
    let signed = log.signed();
    let claim = signed.claim().clone();
    let alone = SignedCheckpoint::sign(claim.clone(), &log.key).unwrap();
    log.write("checkpoint", alone.as_bytes());
    assert!(log.finding().contains("0 of 1 witnesses have cosigned"), "{}", log.finding());
    // A cosignature of an older checkpoint is no cosignature of this one.
    let older = SignedCheckpoint::parse(&fs::read(log.path("archive/000")).unwrap()).unwrap();
    let mut replayed = alone;
    replayed.add_signature(older.note().signatures()[1].clone()).unwrap();
    log.write("checkpoint", replayed.as_bytes());
    assert!(log.finding().contains("bad cosignature in the name of witness.example"), "{}", log.finding());
}

#[test]
fn another_key_is_not_believed() {
    let log = Log::new();
    let other = SignerKey::from_seed(KeyName::new("log.example/lydian").unwrap(), &[9; 32]);
    let done = log.verify_by(&other.verifier_key().to_string(), &[]);
    assert_eq!(done.code, 1);
    assert!(
        done.json()["findings"][0].as_str().unwrap().starts_with("the published checkpoint: "),
        "{done:?}"
    );
    assert_eq!(log.verify_by("nonsense", &[]).code, 2);
}

/// An older checkpoint is shown as the published one: the archive knows a newer.
#[test]
fn a_rollback_is_found() {
    let log = Log::new();
    fs::copy(log.path("archive/000"), log.path("checkpoint")).unwrap();
    assert!(log.finding().contains("more than the published one"), "{}", log.finding());
}

#[test]
fn proofs_are_made_and_checked_from_files() {
    let log = Log::new();
    let (dir, out) = (log.dir.path().to_str().unwrap().to_owned(), log.path("5.tlog-proof"));
    let out = out.to_str().unwrap();
    assert_eq!(lydian(&["log", "prove", &dir, "--index", "5", "--out", out]).code, 0);
    let (key, policy) = (log.key.verifier_key().to_string(), log.path("policy"));
    let policy = policy.to_str().unwrap();
    let leaf = hex::encode(attestation(5));
    let check = |leaf: &str| {
        lydian(&["log", "check", out, "--log-key", &key, "--policy", policy, "--leaf", leaf, "-o", "json"])
    };
    let done = check(&leaf);
    assert_eq!((done.code, done.json()["witnesses"][0].as_str()), (0, Some("witness.example")), "{done:?}");
    let other = leaf.replace(&leaf[10..14], "ffff");
    assert_eq!(check(&other).code, 1);
    let beyond = lydian(&["log", "prove", &dir, "--index", "703"]);
    assert_eq!(beyond.code, 2, "{beyond:?}");
    assert!(Path::new(out).exists());
}

#[test]
fn what_is_no_log_is_an_error() {
    let empty = tempfile::tempdir().unwrap();
    let key = Log::new().key.verifier_key().to_string();
    let done = lydian(&["log", "verify", empty.path().to_str().unwrap(), "--log-key", &key]);
    assert_eq!(done.code, 2);
    assert!(done.words.contains("there is no checkpoint there"), "{done:?}");
    let done = lydian(&["log", "verify", "/nowhere/at/all", "--log-key", &key]);
    assert_eq!(done.code, 2);
    let done = lydian(&["log", "verify", empty.path().to_str().unwrap()]);
    assert!(done.code == 2 && done.words.contains("nothing can be believed"), "{done:?}");
}
