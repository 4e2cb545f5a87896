use std::collections::BTreeMap;

use evidence::body::{Body, BootCounters, CheckpointView, FirmwareLog, Trigger};
use evidence::digest::{ChainId, HostId};
use evidence::time::UnixTime;
use ledger::checkpoint::{Checkpoint, Origin};
use ledger::note::{KeyName, SignerKey};
use ledger::tree::{ConsistencyPlan, Frontier, InclusionPlan, LogSize, NodeId};

use super::*;

/// A log as a verifier keeps it.
struct Log {
    key: SignerKey,
    frontier: Frontier,
    nodes: BTreeMap<NodeId, Hash>,
    heads: Vec<(LogSize, Hash)>,
}

impl Log {
    fn new() -> Self {
        let key = SignerKey::from_seed(KeyName::new("log.example/lydian").unwrap(), &[7; 32]);
        let frontier = Frontier::from_hashes(LogSize::ZERO, Vec::new()).unwrap();
        Self { key, frontier, nodes: BTreeMap::new(), heads: vec![(LogSize::ZERO, Hash::empty_root())] }
    }

    fn push(&mut self, entry: &[u8]) -> u64 {
        self.nodes.extend(self.frontier.push(Hash::leaf(entry)).unwrap());
        let index = self.size();
        self.heads.push((LogSize::new(index + 1).unwrap(), self.frontier.root()));
        index
    }

    fn size(&self) -> u64 {
        self.heads.len() as u64 - 1
    }

    fn head(&self, size: u64) -> SignedCheckpoint {
        let (size, root) = self.heads[usize::try_from(size).unwrap()];
        let origin = Origin::new(self.key.verifier_key().name().as_str()).unwrap();
        SignedCheckpoint::sign(Checkpoint::new(origin, size, root).unwrap(), &self.key).unwrap()
    }

    fn verified(&self, size: u64) -> VerifiedCheckpoint {
        self.head(size).verify(self.key.verifier_key()).unwrap()
    }

    fn fetch(&self, nodes: &[NodeId]) -> Vec<Hash> {
        nodes.iter().map(|node| self.nodes[node]).collect()
    }

    /// The receipt for `leaf` at `index` in the tree of `size` leaves.
    fn receipt(&self, leaf: &Leaf, index: u64, from: u64, size: u64) -> Receipt {
        let log_size = LogSize::new(size).unwrap();
        let plan = InclusionPlan::new(LeafIndex::new(index).unwrap(), log_size).unwrap();
        let inclusion = plan.build(&self.fetch(plan.nodes())).unwrap();
        let plan = ConsistencyPlan::new(LogSize::new(from).unwrap(), log_size).unwrap();
        let consistency = plan.build(&self.fetch(plan.nodes())).unwrap();
        let wire = |hashes: &[Hash]| hashes.iter().map(|hash| hash.as_bytes().as_slice().into()).collect();
        Receipt {
            leaf: leaf.to_bytes().as_slice().into(),
            index,
            inclusion: wire(inclusion.hashes()),
            from_size: from,
            consistency: wire(consistency.hashes()),
            checkpoint: self.head(size).note().as_str().to_owned(),
            wanted: vec![Sha256Digest::new([4; 32]).to_string()],
            status: "affirming".into(),
        }
    }
}

fn evidence(seq: u64) -> Evidence {
    let body = Body {
        host: HostId::new([1; 32]),
        chain: ChainId::new([2; 16]),
        seq,
        prev: Sha256Digest::new([0; 32]),
        boot: BootCounters { reset_count: 1, restart_count: 0 },
        checkpoint: CheckpointView::none(),
        state_root: Sha256Digest::of(&[]),
        added: Vec::new(),
        removed: Vec::new(),
        gaps: Vec::new(),
        posture: Vec::new(),
        agent_time: UnixTime::from_ms(1),
        salt: [9; 32],
        firmware_log: FirmwareLog::Absent,
        ima_first: 0,
        trigger: Trigger::Start,
        agent_version: "1".into(),
        coverage: Vec::new(),
        counters: Vec::new(),
        executions: Vec::new(),
        strays: Vec::new(),
    };
    Evidence::seal(&body.encode(), b"attest", b"signature").unwrap()
}

fn leaf(evidence: &Evidence) -> Leaf {
    Leaf::attestation(&Salt::from_bytes(evidence.body().salt), evidence.digest().as_bytes())
}

/// A log of an enrolment, five strangers' leaves, our evidence, and two more strangers'; we hold the head of size 3.
fn scene() -> (Log, Evidence, Receipt) {
    let mut log = Log::new();
    let ours = evidence(0);
    for n in 0..6_u8 {
        log.push(&Leaf::enrol(&Salt::from_bytes([n; 32]), &[n; 32]).to_bytes());
    }
    let index = log.push(&leaf(&ours).to_bytes());
    log.push(b"a stranger's");
    let size = log.size();
    let receipt = log.receipt(&leaf(&ours), index, 3, size);
    (log, ours, receipt)
}

#[track_caller]
fn refused(tamper: impl FnOnce(&mut Receipt, &mut Log), expected: impl FnOnce(&ReceiptError) -> bool) {
    let (mut log, ours, mut receipt) = scene();
    let newest = log.verified(3);
    tamper(&mut receipt, &mut log);
    let error =
        verify(&receipt, Recorded::Evidence(&ours), log.key.verifier_key(), Some(&newest)).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn a_true_receipt_gives_the_head_and_what_is_wanted() {
    let (log, ours, receipt) = scene();
    let key = log.key.verifier_key();
    let verified = verify(&receipt, Recorded::Evidence(&ours), key, Some(&log.verified(3))).unwrap();
    assert_eq!(verified.checkpoint, log.verified(8));
    assert_eq!((verified.index, verified.status.as_str()), (6, "affirming"));
    assert_eq!(verified.wanted, [Sha256Digest::new([4; 32])]);
    verify(&receipt, Recorded::Evidence(&ours), key, None)
        .expect("the first receipt has nothing to be consistent with");
}

#[test]
fn the_same_head_twice_is_fine() {
    let (log, ours, _) = scene();
    let receipt = log.receipt(&leaf(&ours), 6, 8, 8);
    verify(&receipt, Recorded::Evidence(&ours), log.key.verifier_key(), Some(&log.verified(8))).unwrap();
}

#[test]
fn an_enrolment_is_told_by_its_kind() {
    let (log, ours, receipt) = scene();
    let enrolment = Leaf::enrol(&Salt::from_bytes([2; 32]), &[2; 32]);
    let key = log.key.verifier_key();
    verify(&log.receipt(&enrolment, 2, 0, 3), Recorded::Enrolment, key, None).unwrap();
    assert_eq!(verify(&receipt, Recorded::Enrolment, key, None), Err(ReceiptError::OtherRecord));
    let other = verify(&log.receipt(&enrolment, 2, 0, 3), Recorded::Evidence(&ours), key, None);
    assert_eq!(other, Err(ReceiptError::OtherRecord));
}

#[test]
fn every_tampered_part_is_noticed() {
    refused(|receipt, _| receipt.leaf.0[20] ^= 1, |e| *e == ReceiptError::OtherRecord);
    refused(|receipt, _| receipt.leaf.0.truncate(33), |e| matches!(e, ReceiptError::Leaf(_)));
    refused(|receipt, _| receipt.index = 5, |e| matches!(e, ReceiptError::Inclusion(_)));
    refused(|receipt, _| receipt.index = u64::MAX, |e| matches!(e, ReceiptError::Index(_)));
    refused(|receipt, _| receipt.inclusion[0].0[0] ^= 1, |e| matches!(e, ReceiptError::Inclusion(_)));
    refused(|receipt, _| drop(receipt.inclusion.pop()), |e| matches!(e, ReceiptError::Inclusion(_)));
    refused(|receipt, _| receipt.inclusion[0].0.truncate(31), |e| *e == ReceiptError::Hash);
    refused(
        |receipt, _| receipt.inclusion = vec![vec![0; 32].into(); 1_000],
        |e| matches!(e, ReceiptError::Inclusion(_)),
    );
    refused(
        |receipt, _| receipt.consistency[0].0[0] ^= 1,
        |e| matches!(e, ReceiptError::Checkpoint(CheckpointError::Proof(_))),
    );
    refused(
        |receipt, _| drop(receipt.consistency.pop()),
        |e| matches!(e, ReceiptError::Checkpoint(CheckpointError::Proof(_))),
    );
    refused(|receipt, _| receipt.from_size = 2, |e| *e == ReceiptError::OtherStart { asked: 3, found: 2 });
    refused(|receipt, _| receipt.checkpoint.clear(), |e| matches!(e, ReceiptError::Checkpoint(_)));
    refused(|receipt, _| receipt.wanted.push("x".into()), |e| *e == ReceiptError::Wanted);
}

#[test]
fn a_head_of_another_key_or_of_another_log_is_noticed() {
    let other_key = |name: &str, seed: u8| SignerKey::from_seed(KeyName::new(name).unwrap(), &[seed; 32]);
    for key in [other_key("log.example/lydian", 8), other_key("another.example/log", 7)] {
        refused(
            |receipt, log| {
                let head = log.head(8).claim().clone();
                let origin = Origin::new(key.verifier_key().name().as_str()).unwrap();
                let head = Checkpoint::new(origin, head.size(), *head.root()).unwrap();
                receipt.checkpoint = SignedCheckpoint::sign(head, &key).unwrap().note().as_str().to_owned();
            },
            |e| matches!(e, ReceiptError::Checkpoint(_)),
        );
    }
}

#[test]
fn a_log_that_shrank_or_was_rewritten_is_noticed() {
    let (log, ours, _) = scene();
    let key = log.key.verifier_key();
    let small = log.receipt(&leaf(&ours), 6, 7, 7);
    let shrunk = verify(&small, Recorded::Evidence(&ours), key, Some(&log.verified(8)));
    assert_eq!(shrunk, Err(ReceiptError::Shrunk { before: 8, after: 7 }));
    let mut rewritten = Log::new();
    for n in 10..16_u8 {
        rewritten.push(&[n; 34]);
    }
    let index = rewritten.push(&leaf(&ours).to_bytes());
    let forked = rewritten.receipt(&leaf(&ours), index, 3, 7);
    let forked = verify(&forked, Recorded::Evidence(&ours), key, Some(&log.verified(3)));
    assert!(matches!(forked, Err(ReceiptError::Checkpoint(CheckpointError::Proof(_)))), "{forked:?}");
}
