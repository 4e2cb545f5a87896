//! A log and somebody who does not trust it, through the public interface alone: what each keeps between two
//! meetings is bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::HashMap;
use std::convert::Infallible;

use lydian_ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use lydian_ledger::hash::Hash;
use lydian_ledger::leaf::{Leaf, Salt};
use lydian_ledger::note::{KeyName, SignerKey, VerifierKey};
use lydian_ledger::proof::ProofError;
use lydian_ledger::proof_file::ProofFile;
use lydian_ledger::tree::{
    ConsistencyPlan, Frontier, HashReader, InclusionPlan, LeafIndex, LogSize, NodeId, load_frontier,
};

/// The log's side: a table of nodes, the frontier's bytes, and the key's text.
#[derive(Default)]
struct Log {
    nodes: HashMap<NodeId, Hash>,
    frontier: Vec<u8>,
    key: String,
}

impl Log {
    fn new() -> Self {
        let key = SignerKey::from_seed(KeyName::new("example.com/log").unwrap(), &[7; 32]);
        Self { nodes: HashMap::new(), frontier: Frontier::new().to_bytes(), key: key.to_secret_text() }
    }

    fn append(&mut self, leaf: &Leaf) {
        let mut frontier = Frontier::from_bytes(&self.frontier).unwrap();
        self.nodes.extend(frontier.push(leaf.hash()).unwrap());
        self.frontier = frontier.to_bytes();
    }

    fn key(&self) -> SignerKey {
        SignerKey::from_secret_text(&self.key).unwrap()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let (key, frontier) = (self.key(), Frontier::from_bytes(&self.frontier).unwrap());
        let origin = key.verifier_key().name().into();
        SignedCheckpoint::sign(Checkpoint::new(origin, frontier.size(), frontier.root()).unwrap(), &key)
            .unwrap()
    }
}

impl HashReader for Log {
    type Error = Infallible;

    fn read(&self, ids: &[NodeId]) -> Result<Vec<Hash>, Infallible> {
        Ok(ids.iter().filter_map(|id| self.nodes.get(id).copied()).collect())
    }
}

fn leaf(number: u8) -> Leaf {
    Leaf::attestation(&Salt::from_bytes([number; 32]), &[0xee; 32])
}

#[test]
fn a_host_follows_a_log_from_files_and_texts() {
    let mut log = Log::new();
    for number in 0..5 {
        log.append(&leaf(number));
    }
    // The host has the key from its configuration, and keeps the checkpoint as bytes.
    let trusted: VerifierKey = log.key().verifier_key().to_string().parse().unwrap();
    let kept = log.checkpoint().as_bytes().to_vec();

    for number in 5..12 {
        log.append(&leaf(number));
    }
    let old = SignedCheckpoint::parse(&kept).unwrap().verify(&trusted).unwrap();
    let new = SignedCheckpoint::parse(log.checkpoint().as_bytes()).unwrap().verify(&trusted).unwrap();
    let (old_size, size) = (old.checkpoint().size(), new.checkpoint().size());

    let plan = ConsistencyPlan::new(old_size, size).unwrap();
    let growth = plan.build(&log.read(plan.nodes()).unwrap()).unwrap();
    assert_eq!(new.verify_follows(&old, &growth), Ok(()));

    let index = LeafIndex::new(9).unwrap();
    let plan = InclusionPlan::new(index, size).unwrap();
    let proof = plan.build(&log.read(plan.nodes()).unwrap()).unwrap();
    let file = ProofFile::new(index, proof, log.checkpoint()).to_string();
    let read = ProofFile::parse(file.as_bytes()).unwrap();
    assert_eq!(read.verify(&leaf(9).hash(), &trusted).unwrap(), new);
    assert!(read.verify(&leaf(8).hash(), &trusted).is_err());
}

#[test]
fn a_host_notices_that_the_log_was_rewritten() {
    let (mut log, mut rewritten) = (Log::new(), Log::new());
    for number in 0..9 {
        log.append(&leaf(number));
        rewritten.append(&leaf(if number == 2 { 99 } else { number }));
    }
    let trusted = log.key().verifier_key().clone();
    let old = log.checkpoint().verify(&trusted).unwrap();
    rewritten.append(&leaf(9));
    let new = rewritten.checkpoint().verify(&trusted).unwrap();
    let plan = ConsistencyPlan::new(old.checkpoint().size(), new.checkpoint().size()).unwrap();
    let proof = plan.build(&rewritten.read(plan.nodes()).unwrap()).unwrap();
    let expected = CheckpointError::Proof(ProofError::OldRootMismatch);
    assert_eq!(new.verify_follows(&old, &proof), Err(expected));
}

#[test]
fn a_log_that_lost_a_node_finds_out_from_the_root() {
    let mut log = Log::new();
    for number in 0..6 {
        log.append(&leaf(number));
    }
    let size = LogSize::new(6).unwrap();
    assert_eq!(load_frontier(&log, size).unwrap().to_bytes(), log.frontier);
    let edge = Frontier::nodes(size)[1];
    let kept = log.nodes.insert(edge, Hash::leaf(b"a flipped bit")).unwrap();
    assert_ne!(load_frontier(&log, size).unwrap().root(), *log.checkpoint().claim().root());
    log.nodes.remove(&edge);
    assert!(load_frontier(&log, size).is_err());
    log.nodes.insert(edge, kept);
    assert_eq!(load_frontier(&log, size).unwrap().root(), *log.checkpoint().claim().root());
}
