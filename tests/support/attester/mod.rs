//! An attester that can be told to lie: it enrols and seals as an agent does, one step at a time.
//!
//! In: a TPM in memory, components, and what a verifier answered. Out: the messages that an agent would send next, as
//! values that a test can change before it sends them. It shares the formats with the agent and none of its code, keeps
//! nothing on disk, and checks receipts as an agent must.

mod receipt;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use ::agent::quote::Tpm as _;
use anyhow::{Context as _, Result, ensure};
use appraisal::attester::{AttestationKey, Attester};
use appraisal::state::HostState;
use evidence::body::{self, Body, BootCounters, Claim, FirmwareLog, Trigger};
use evidence::digest::{ChainId, Digest, HashAlg, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::ima::ImaList;
use evidence::manifest::{Manifest, state_root};
use evidence::pcr::{PcrIndex, PcrSelection};
use evidence::time::UnixTime;
use wire::enrol::{EnrolBegin, EnrolChallenge, EnrolFinish, Enrolled};
use wire::submit::Receipt;

use crate::logs::{EventLogBuilder, ImaListBuilder, Measured as _, SecureBootSwitch};
use crate::soft_tpm::SoftTpm;
use receipt::LogView;

/// A host whose every message is in the test's hands.
#[derive(Debug)]
pub struct SoftAttester {
    tpm: SoftTpm,
    name: String,
    chain: ChainId,
    selection: PcrSelection,
    log: LogView,
    next_seq: u64,
    prev: Sha256Digest,
    /// The components of the newest recorded evidence.
    recorded: BTreeSet<Sha256Digest>,
    /// The components now.
    components: BTreeSet<Sha256Digest>,
    firmware_log: Vec<u8>,
    firmware_log_standing: Standing,
    ima_list: Vec<u8>,
    ima_recorded: u64,
}

/// Whether the verifier has this boot's firmware log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unsent,
    Recorded,
}

/// A body under a quote, and the values that the quote is over.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What the chain commits to.
    pub evidence: Evidence,
    /// Values in the order of the selection.
    pub pcr_values: Vec<Digest>,
}

impl SoftAttester {
    /// Boots a host on this TPM, which must have been reset and not extended.
    pub fn boot(tpm: &SoftTpm, name: &str, secure_boot: SecureBootSwitch) -> Result<Self> {
        let mut attester = Self {
            tpm: tpm.clone(),
            name: name.to_owned(),
            chain: ChainId::new(random()?),
            selection: PcrSelection::new(Vec::new())?,
            log: LogView::Unknown,
            next_seq: 0,
            prev: Sha256Digest::new([0; 32]),
            recorded: BTreeSet::new(),
            components: BTreeSet::new(),
            firmware_log: Vec::new(),
            firmware_log_standing: Standing::Unsent,
            ima_list: Vec::new(),
            ima_recorded: 0,
        };
        attester.measure_boot(secure_boot)?;
        Ok(attester)
    }

    /// A power cycle.
    pub fn reboot(&mut self, secure_boot: SecureBootSwitch) -> Result<()> {
        self.tpm.reset();
        self.measure_boot(secure_boot)
    }

    fn measure_boot(&mut self, secure_boot: SecureBootSwitch) -> Result<()> {
        self.firmware_log = EventLogBuilder::typical(&self.tpm, secure_boot)?.finish();
        self.ima_list = ImaListBuilder::booted(&self.tpm)?.finish();
        self.firmware_log_standing = Standing::Unsent;
        self.ima_recorded = 0;
        Ok(())
    }

    /// The TPM.
    pub const fn tpm(&self) -> &SoftTpm {
        &self.tpm
    }

    /// The PCRs that the verifier asked for.
    pub const fn selection(&self) -> &PcrSelection {
        &self.selection
    }

    /// This boot's firmware log.
    pub fn firmware_log(&self) -> &[u8] {
        &self.firmware_log
    }

    /// The position that is sealed next.
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Where the next evidence's proofs start.
    pub fn from_size(&self) -> u64 {
        self.log.checkpoint().size
    }

    /// The kernel measures a file for the first time.
    pub fn measure_file(&mut self, path: &str, digest: &Sha256Digest) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.file(path, digest)?;
        self.ima_list.extend(list.bytes());
        Ok(())
    }

    /// A component came.
    pub fn add(&mut self, manifest: &Manifest) -> Sha256Digest {
        let digest = manifest.digest();
        self.components.insert(digest);
        digest
    }

    /// A component went.
    pub fn remove(&mut self, component: &Sha256Digest) {
        self.components.remove(component);
    }

    /// The first message of an enrolment.
    pub fn enrol_begin(&mut self, token: &str) -> Result<EnrolBegin> {
        let endorsement = self.tpm.endorsement()?;
        Ok(EnrolBegin {
            token: token.to_owned(),
            host_name: self.name.clone(),
            agent_version: AGENT_VERSION.to_owned(),
            ek_public: endorsement.public.raw().into(),
            ek_certificates: endorsement.certificates.into_iter().map(Into::into).collect(),
            ak_public: self.tpm.ak().raw().into(),
            banks: self.tpm.banks()?.iter().map(ToString::to_string).collect(),
            chain: self.chain.to_string(),
        })
    }

    /// The second message: the challenge, opened by the TPM.
    pub fn enrol_finish(&mut self, challenge: &EnrolChallenge) -> Result<EnrolFinish> {
        let secret = self.tpm.activate_credential(&challenge.id_object.0, &challenge.encrypted_secret.0)?;
        Ok(EnrolFinish { session: challenge.session.clone(), secret: secret.as_slice().into() })
    }

    /// Takes in what the verifier says of the enrolment, and checks its proofs.
    pub fn enrolled(&mut self, enrolled: &Enrolled) -> Result<()> {
        ensure!(enrolled.host == self.tpm.host().to_string(), "enrolled as another host: {}", enrolled.host);
        self.selection = enrolled.selection.parse()?;
        self.log = LogView::pin(&enrolled.log_key)?;
        self.log.accept(&enrolled.receipt)?;
        Ok(())
    }

    /// The true body of this moment.
    pub fn body(&self) -> Result<Body> {
        let clock = self.tpm.clock();
        Ok(Body {
            host: self.tpm.host(),
            chain: self.chain,
            seq: self.next_seq,
            prev: self.prev,
            boot: BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count },
            checkpoint: self.log.checkpoint(),
            state_root: state_root(&self.components).context("a set rises strictly")?,
            added: self.components.difference(&self.recorded).copied().collect(),
            removed: self.recorded.difference(&self.components).copied().collect(),
            gaps: Vec::new(),
            posture: vec![Claim { key: "kernel.release".to_owned(), value: "6.1.0-test".to_owned() }],
            agent_time: UnixTime::from_secs(1_795_392_000),
            salt: random()?,
            firmware_log: FirmwareLog::Present(Sha256Digest::of(&[&self.firmware_log])),
            ima_first: self.ima_recorded,
            trigger: if self.next_seq == 0 { Trigger::Start } else { Trigger::Change },
            agent_version: AGENT_VERSION.to_owned(),
        })
    }

    /// Quotes over a body, whatever it says.
    pub fn seal(&self, body: &Body) -> Result<Sealed> {
        let body_raw = body.encode();
        let quote = self.tpm.clone().quote(&self.selection, &body::qualifying_data(&body_raw))?;
        let evidence = Evidence::seal(&body_raw, &quote.attest, &quote.signature)?;
        Ok(Sealed { evidence, pcr_values: quote.pcr_values })
    }

    /// Puts sealed evidence into an envelope, with the logs that the verifier does not have.
    pub fn wrap(&self, sealed: &Sealed) -> Result<Envelope> {
        let mut attachments = Vec::new();
        if self.firmware_log_standing == Standing::Unsent {
            attachments.push(Attachment {
                kind: AttachmentKind::FirmwareLog,
                first: 0,
                bytes: self.firmware_log.clone(),
            });
        }
        let first = self.ima_recorded;
        let bytes = self.ima_from(first)?;
        attachments.push(Attachment { kind: AttachmentKind::ImaList, first, bytes });
        let pcr_values = sealed.pcr_values.iter().map(|value| value.as_bytes().to_vec()).collect();
        Ok(Envelope { evidence: sealed.evidence.clone(), pcr_values, attachments })
    }

    /// The true next submission.
    pub fn envelope(&self) -> Result<Envelope> {
        self.wrap(&self.seal(&self.body()?)?)
    }

    /// Takes in the receipt of evidence: checks its proofs, and moves on.
    pub fn recorded(&mut self, evidence: &Evidence, receipt: &Receipt) -> Result<()> {
        self.log.accept_evidence(evidence, receipt)?;
        self.move_on(evidence)
    }

    /// Goes on from evidence that a verifier took, where there is no log to prove it.
    pub fn move_on(&mut self, evidence: &Evidence) -> Result<()> {
        self.next_seq = evidence.body().seq.checked_add(1).context("a chain ends")?;
        self.prev = evidence.digest();
        self.recorded = self.components.clone();
        self.firmware_log_standing = Standing::Recorded;
        self.ima_recorded = u64::try_from(ImaList::new(&self.ima_list).records().count())?;
        Ok(())
    }

    /// Enrols without a verifier: what one would know of this host, and the state it would start with.
    pub fn enrol_offline(&mut self) -> Result<(Attester, HostState)> {
        let pcrs = PcrIndex::ALL.into_iter().take(16).collect();
        self.selection = PcrSelection::of_bank(HashAlg::Sha256, pcrs);
        let ak = AttestationKey::new(self.tpm.ak())?;
        let attester = Attester { host: self.tpm.host(), ak, selection: self.selection.clone() };
        Ok((attester, HostState::enrolled(self.chain)))
    }

    /// The kernel notes a violation.
    pub fn violate(&mut self, path: &str) -> Result<()> {
        let mut list = ImaListBuilder::new(&self.tpm);
        list.violation(path)?;
        self.ima_list.extend(list.bytes());
        Ok(())
    }

    fn ima_from(&self, first: u64) -> Result<Vec<u8>> {
        let mut offset = 0;
        for record in ImaList::new(&self.ima_list).records().take(usize::try_from(first)?) {
            let record = record?;
            offset = record.offset.saturating_add(record.size);
        }
        Ok(self.ima_list.get(offset..).unwrap_or_default().to_vec())
    }
}

const AGENT_VERSION: &str = "0.1.0-test";

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes)
}
