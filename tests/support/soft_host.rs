//! A host without processes: a TPM in memory, logs that were extended into it, and a chain of true evidence.
//!
//! In: what happens to the host. Out: envelopes as an agent would send them. Bodies, quotes and envelopes can be
//! changed on the way, which is what it is for: each check of the verifier has evidence that fails it and no other.

use std::collections::BTreeSet;

use agent::quote::Tpm as _;
use anyhow::Result;
use appraisal::attester::{AttestationKey, Attester};
use appraisal::state::HostState;
use evidence::body::{self, Body, BootCounters, CheckpointView, FirmwareLog, Trigger};
use evidence::digest::{ChainId, HashAlg, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::eventlog::EventType;
use evidence::manifest::state_root;
use evidence::pcr::{PcrIndex, PcrSelection};
use evidence::time::UnixTime;

use crate::logs::{EventLogBuilder, ImaListBuilder, Machine, SecureBootSwitch, systemd_measures};
use crate::soft_tpm::{SoftTpm, SoftTpmSpec};

/// A host that attests truly, one envelope at a time.
#[derive(Debug)]
pub struct SoftHost {
    /// Its TPM.
    pub tpm: SoftTpm,
    /// What its firmware holds and starts, from the next boot on.
    pub machine: Machine,
    /// This boot's firmware log.
    pub firmware_log: Vec<u8>,
    /// This boot's IMA list.
    pub ima_list: Vec<u8>,
    /// This boot's log of systemd's; attached where it is not empty.
    pub systemd_log: Vec<u8>,
    chain: ChainId,
    seq: u64,
    prev: Sha256Digest,
    checkpoint: CheckpointView,
    components: BTreeSet<Sha256Digest>,
    announced: BTreeSet<Sha256Digest>,
    attached: Attached,
}

/// What the verifier has of this boot's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attached {
    boot: Option<BootCounters>,
    ima_bytes: usize,
    ima_records: u64,
}

impl SoftHost {
    /// A host that has booted once, with a small firmware log and a list of three IMA records.
    pub fn new(seed: u64) -> Result<Self> {
        Self::with(&SoftTpmSpec { seed, ..SoftTpmSpec::default() }, SecureBootSwitch::On)
    }

    /// A host with a TPM to order.
    pub fn with(spec: &SoftTpmSpec, secure_boot: SecureBootSwitch) -> Result<Self> {
        let mut chain = [7; 16];
        for (to, from) in chain.iter_mut().zip(spec.seed.to_be_bytes()) {
            *to = from;
        }
        let mut host = Self {
            tpm: SoftTpm::new(spec)?,
            machine: Machine::new(secure_boot),
            firmware_log: Vec::new(),
            ima_list: Vec::new(),
            systemd_log: Vec::new(),
            chain: ChainId::new(chain),
            seq: 0,
            prev: Sha256Digest::new([0; 32]),
            checkpoint: CheckpointView::none(),
            components: BTreeSet::from([Sha256Digest::of(&[b"first component"])]),
            announced: BTreeSet::new(),
            attached: Attached { boot: None, ima_bytes: 0, ima_records: 0 },
        };
        host.boot()?;
        Ok(host)
    }

    /// A power cycle, and new logs.
    pub fn reboot(&mut self) -> Result<()> {
        self.tpm.reset();
        self.boot()
    }

    /// A power cycle after which Secure Boot is set like this.
    pub fn reboot_with(&mut self, secure_boot: SecureBootSwitch) -> Result<()> {
        self.machine.secure_boot = secure_boot;
        self.reboot()
    }

    fn boot(&mut self) -> Result<()> {
        let mut log = EventLogBuilder::of(&self.tpm, &self.machine)?;
        // As GRUB does; and no two boots of any two hosts have the same log.
        let line = format!(
            "BOOT_IMAGE=/vmlinuz ima_policy=tcb host={} boot={}",
            self.id(),
            self.tpm.clock().reset_count
        );
        log.measured(8, EventType::IPL, line.as_bytes(), format!("kernel_cmdline: {line}\0").as_bytes())?;
        self.firmware_log = log.finish();
        let mut list = ImaListBuilder::booted(&self.tpm)?;
        list.file("/usr/lib/systemd/systemd", &Sha256Digest::of(&[b"systemd"]))?;
        list.file("/usr/bin/bash", &Sha256Digest::of(&[b"bash"]))?;
        self.ima_list = list.finish();
        self.systemd_log.clear();
        Ok(())
    }

    /// The kernel measures one more file.
    pub fn run(&mut self, path: &str) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.file(path, &Sha256Digest::of(&[path.as_bytes()]))?;
        self.ima_list.extend(list.finish());
        Ok(())
    }

    /// The kernel measures one more file, of this content.
    pub fn run_content(&mut self, path: &str, digest: &Sha256Digest) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.file(path, digest)?;
        self.ima_list.extend(list.finish());
        Ok(())
    }

    /// The kernel loads a certificate onto a keyring.
    pub fn load_key(&mut self, keyring: &str, certificate: &[u8]) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.key(keyring, certificate)?;
        self.ima_list.extend(list.finish());
        Ok(())
    }

    /// The kernel notes a violation.
    pub fn violate(&mut self, path: &str) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.violation(path)?;
        self.ima_list.extend(list.finish());
        Ok(())
    }

    /// systemd measures a text.
    pub fn systemd_measures(&mut self, pcr: u32, text: &str, event_type: &str) -> Result<()> {
        self.systemd_log.extend(systemd_measures(&self.tpm, pcr, text, event_type)?);
        Ok(())
    }

    /// A component comes or, if it is there, goes.
    pub fn toggle(&mut self, component: Sha256Digest) {
        if !self.components.remove(&component) {
            self.components.insert(component);
        }
    }

    /// Its components, sorted.
    pub const fn components(&self) -> &BTreeSet<Sha256Digest> {
        &self.components
    }

    /// Its identity.
    pub fn id(&self) -> HostId {
        self.tpm.host()
    }

    /// The chain that it started.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// It enrolled again and starts this chain.
    pub fn start_chain(&mut self, chain: ChainId) {
        self.chain = chain;
        self.seq = 0;
        self.prev = Sha256Digest::new([0; 32]);
        self.announced.clear();
        self.attached = Attached { boot: None, ima_bytes: 0, ima_records: 0 };
    }

    /// What it was asked to quote: PCR 0 to 15 of SHA-256.
    pub fn selection() -> PcrSelection {
        PcrSelection::of_bank(HashAlg::Sha256, PcrIndex::ALL.into_iter().take(16).collect())
    }

    /// What the verifier knows of it since enrolment.
    pub fn attester(&self) -> Result<Attester> {
        Ok(Attester {
            host: self.id(),
            ak: AttestationKey::new(self.tpm.ak())?,
            selection: Self::selection(),
        })
    }

    /// The state that the verifier starts with.
    pub const fn enrolled_state(&self) -> HostState {
        HostState::enrolled(self.chain)
    }

    /// The log's head as the host saw it last.
    pub const fn saw(&mut self, checkpoint: CheckpointView) {
        self.checkpoint = checkpoint;
    }

    /// The body of the next evidence.
    pub fn body(&self) -> Body {
        let clock = self.tpm.clock();
        let boot = BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count };
        let same_boot = self.attached.boot == Some(boot);
        Body {
            host: self.id(),
            chain: self.chain,
            seq: self.seq,
            prev: self.prev,
            boot,
            checkpoint: self.checkpoint,
            state_root: state_root(&self.components).unwrap_or(Sha256Digest::new([0; 32])),
            added: self.components.difference(&self.announced).copied().collect(),
            removed: self.announced.difference(&self.components).copied().collect(),
            gaps: Vec::new(),
            posture: Vec::new(),
            agent_time: UnixTime::from_ms(1_700_000_000_000 + self.seq),
            salt: *Sha256Digest::of(&[&self.seq.to_be_bytes(), self.id().as_bytes()]).as_bytes(),
            firmware_log: FirmwareLog::Present(Sha256Digest::of(&[&self.firmware_log])),
            ima_first: if same_boot { self.attached.ima_records } else { 0 },
            trigger: Trigger::Change,
            agent_version: "soft".to_owned(),
            coverage: Vec::new(),
            counters: Vec::new(),
            executions: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// Quotes a body and puts the envelope around it.
    pub fn seal(&self, body: &Body) -> Result<Envelope> {
        let raw = body.encode();
        let quote = self.tpm.clone().quote(&Self::selection(), &body::qualifying_data(&raw))?;
        let ima_from = if body.ima_first == 0 { 0 } else { self.attached.ima_bytes };
        let mut attachments = Vec::new();
        if self.attached.boot != Some(body.boot) {
            let bytes = self.firmware_log.clone();
            attachments.push(Attachment { kind: AttachmentKind::FirmwareLog, first: 0, bytes });
        }
        let bytes = self.ima_list.get(ima_from..).unwrap_or_default().to_vec();
        attachments.push(Attachment { kind: AttachmentKind::ImaList, first: body.ima_first, bytes });
        if !self.systemd_log.is_empty() {
            let bytes = self.systemd_log.clone();
            attachments.push(Attachment { kind: AttachmentKind::SystemdLog, first: 0, bytes });
        }
        Ok(Envelope {
            evidence: Evidence::seal(&raw, &quote.attest, &quote.signature)?,
            pcr_values: quote.pcr_values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            attachments,
        })
    }

    /// The next true envelope; the host goes on from it once it was [`SoftHost::accepted`].
    pub fn next(&self) -> Result<Envelope> {
        self.seal(&self.body())
    }

    /// The verifier has recorded this envelope.
    pub fn accepted(&mut self, envelope: &Envelope) {
        let body = envelope.evidence.body();
        self.seq = body.seq.saturating_add(1);
        self.prev = envelope.evidence.digest();
        self.announced.clone_from(&self.components);
        self.attached = Attached {
            boot: Some(body.boot),
            ima_bytes: self.ima_list.len(),
            ima_records: evidence::ima::ImaList::new(&self.ima_list).records().count() as u64,
        };
    }
}
