//! An attester that speaks to a verifier one message at a time, each in the test's hands.
//!
//! In: a [`SoftHost`], and what a verifier answered. Out: the messages that an agent would send next, as values that a test can
//! change before it sends them. It shares the formats with the agent and none of its code, keeps nothing on disk, and
//! checks receipts as an agent must.

mod receipt;

use agent::quote::Tpm as _;
use anyhow::{Context as _, Result, ensure};
use evidence::digest::{ChainId, Sha256Digest};
use evidence::envelope::Envelope;
use evidence::manifest::Manifest;
use evidence::pcr::PcrSelection;
use wire::enrol::{EnrolBegin, EnrolChallenge, EnrolFinish, Enrolled};
use wire::submit::Receipt;

use crate::client::{VerifierClient, granted};
use crate::soft_host::SoftHost;
use receipt::LogView;

/// A host on its way through enrolment and submission.
#[derive(Debug)]
pub struct SoftAttester {
    /// The host: its TPM, its logs, its chain.
    pub host: SoftHost,
    name: String,
    log: LogView,
}

impl SoftAttester {
    /// A host that is going to enrol under this name, with a chain that nobody had.
    pub fn new(mut host: SoftHost, name: &str) -> Result<Self> {
        let mut chain = [0; 16];
        getrandom::fill(&mut chain).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        host.start_chain(ChainId::new(chain));
        Ok(Self { host, name: name.to_owned(), log: LogView::Unknown })
    }

    /// Where the next evidence's proofs start.
    pub fn from_size(&self) -> u64 {
        self.log.checkpoint().size
    }

    /// A component comes or, if it is there, goes.
    pub fn toggle(&mut self, manifest: &Manifest) -> Sha256Digest {
        let digest = manifest.digest();
        self.host.toggle(digest);
        digest
    }

    /// The first message of an enrolment.
    pub fn enrol_begin(&mut self, token: &str) -> Result<EnrolBegin> {
        let endorsement = self.host.tpm.endorsement()?;
        Ok(EnrolBegin {
            token: token.to_owned(),
            host_name: self.name.clone(),
            agent_version: "soft".to_owned(),
            ek_public: endorsement.public.raw().into(),
            ek_certificates: endorsement.certificates.into_iter().map(Into::into).collect(),
            ak_public: self.host.tpm.ak().raw().into(),
            banks: self.host.tpm.banks()?.iter().map(ToString::to_string).collect(),
            chain: self.host.chain().to_string(),
            reason: String::new(),
        })
    }

    /// The second message: the challenge, opened by the TPM.
    pub fn enrol_finish(&mut self, challenge: &EnrolChallenge) -> Result<EnrolFinish> {
        let secret =
            self.host.tpm.activate_credential(&challenge.id_object.0, &challenge.encrypted_secret.0)?;
        Ok(EnrolFinish { session: challenge.session.clone(), secret: secret.as_slice().into() })
    }

    /// Takes in what the verifier says of the enrolment, and checks its proofs.
    pub fn enrolled(&mut self, enrolled: &Enrolled) -> Result<()> {
        ensure!(enrolled.host == self.host.id().to_string(), "enrolled as another host: {}", enrolled.host);
        let selection: PcrSelection = enrolled.selection.parse()?;
        ensure!(selection == SoftHost::selection(), "this host does not quote {selection}");
        self.log = LogView::pin(&enrolled.log_key)?;
        self.log.accept(&enrolled.receipt)?;
        self.host.saw(self.log.checkpoint());
        Ok(())
    }

    /// Takes in the receipt of evidence: checks its proofs, and moves on.
    pub fn recorded(&mut self, envelope: &Envelope, receipt: &Receipt) -> Result<()> {
        self.delivered(envelope, receipt)?;
        self.host.accepted(envelope);
        Ok(())
    }

    /// The same for evidence that was sealed some time before, after which the host has gone on.
    pub fn delivered(&mut self, envelope: &Envelope, receipt: &Receipt) -> Result<()> {
        self.log.accept_evidence(&envelope.evidence, receipt)?;
        self.host.saw(self.log.checkpoint());
        Ok(())
    }

    /// Enrols it.
    pub async fn enrol(&mut self, client: &VerifierClient, token: &str) -> Result<()> {
        let begin = self.enrol_begin(token)?;
        let challenge: EnrolChallenge = granted(client.post("/v1/enrol/begin", &begin).await?)?;
        let finish = self.enrol_finish(&challenge)?;
        let enrolled: Enrolled = granted(client.post("/v1/enrol/finish", &finish).await?)?;
        self.enrolled(&enrolled).context("the enrolment's receipt")
    }
}
