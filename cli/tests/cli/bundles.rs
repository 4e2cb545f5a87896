//! Bundles as a verifier writes them: of a host that attests truly, in a log that signs truly.

use std::collections::HashMap;

use appraisal::state::HostState;
use evidence::bundle::Bundle;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::hash::Hash;
use ledger::leaf::{Leaf, Salt};
use ledger::note::{KeyName, SignerKey};
use ledger::proof_file::ProofFile;
use ledger::tree::{Frontier, InclusionPlan, LeafIndex, NodeId};
use support::SoftHost;

/// A host, and the verifier that records its evidence.
pub(crate) struct Recorded {
    pub(crate) host: SoftHost,
    pub(crate) log_key: SignerKey,
    state: HostState,
    frontier: Frontier,
    nodes: HashMap<NodeId, Hash>,
}

impl Recorded {
    pub(crate) fn new(host: SoftHost) -> Self {
        let state = host.enrolled_state();
        let log_key = SignerKey::from_seed(KeyName::new("verifier.example/log").unwrap(), &[3; 32]);
        let mut recorded = Self { host, log_key, state, frontier: Frontier::new(), nodes: HashMap::new() };
        recorded.push(Hash::leaf(b"the enrolment"));
        recorded
    }

    fn push(&mut self, leaf: Hash) {
        self.nodes.extend(self.frontier.push(leaf).unwrap());
    }

    /// The next evidence of the host, verified and logged, as a bundle.
    pub(crate) fn next(&mut self) -> Bundle {
        let envelope = self.host.next().unwrap();
        let before = self.state.encode();
        let log = self.host.firmware_log.clone();
        let attester = self.host.attester().unwrap();
        let verified = appraisal::verify::verify(&envelope, &attester, &self.state, Some(&log)).unwrap();
        self.state = verified.next_state().clone();
        self.host.accepted(&envelope);
        let salt = Salt::from_bytes(envelope.evidence.body().salt);
        let index = self.frontier.size().get();
        self.push(Leaf::attestation(&salt, envelope.evidence.digest().as_bytes()).hash());
        Bundle {
            envelope,
            firmware_log: log,
            ak_public: attester.ak.public().raw().to_vec(),
            selection: attester.selection.to_string(),
            host_name: "web-1".into(),
            tier: "manufacturer".into(),
            state: before,
            received_ms: 1_700_000_060_000,
            log_key: self.log_key.verifier_key().to_string(),
            proof: self.proof(index),
        }
    }

    fn proof(&self, index: u64) -> String {
        let size = self.frontier.size();
        let index = LeafIndex::new(index).unwrap();
        let plan = InclusionPlan::new(index, size).unwrap();
        let hashes: Vec<Hash> = plan.nodes().iter().map(|node| self.nodes[node]).collect();
        let origin = self.log_key.verifier_key().name().into();
        let head = Checkpoint::new(origin, size, self.frontier.root()).unwrap();
        let signed = SignedCheckpoint::sign(head, &self.log_key).unwrap();
        ProofFile::new(index, plan.build(&hashes).unwrap(), signed).to_string()
    }
}
