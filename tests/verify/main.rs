//! The verifier's checks as pure code: true evidence passes, and each way of tampering meets its own refusal.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod appraise;
mod tamper;

use anyhow::Result;
use appraisal::attester::Attester;
use appraisal::refusal::Refusal;
use appraisal::state::HostState;
use appraisal::verify::verify;
use evidence::envelope::Envelope;
use support::{SecureBootSwitch, SoftAttester, SoftTpm, SoftTpmSpec};

/// A host, and what a verifier knows of it.
struct Case {
    host: SoftAttester,
    attester: Attester,
    state: HostState,
}

impl Case {
    /// A host that has just enrolled.
    fn enrolled(seed: u64) -> Result<Self> {
        Self::with(seed, SecureBootSwitch::On)
    }

    fn with(seed: u64, secure_boot: SecureBootSwitch) -> Result<Self> {
        let tpm = SoftTpm::new(&SoftTpmSpec { seed, ..SoftTpmSpec::default() })?;
        let mut host = SoftAttester::boot(&tpm, "host", secure_boot)?;
        let (attester, state) = host.enrol_offline()?;
        Ok(Self { host, attester, state })
    }

    /// A host whose first evidence was accepted.
    fn attested(seed: u64) -> Result<Self> {
        let mut case = Self::enrolled(seed)?;
        let first = case.host.envelope()?;
        case.take(&first)??;
        Ok(case)
    }

    /// Verifies an envelope against the host's state.
    fn check(&self, envelope: &Envelope) -> Result<HostState, Refusal> {
        let known = Some(self.host.firmware_log()).filter(|_| self.state.carried_firmware_log().is_some());
        verify(envelope, &self.attester, &self.state, known).map(|verified| verified.next_state().clone())
    }

    /// As [`Case::check`]; both sides go on from what was accepted.
    fn take(&mut self, envelope: &Envelope) -> Result<Result<(), Refusal>> {
        match self.check(envelope) {
            Ok(next) => {
                self.state = next;
                self.host.move_on(&envelope.evidence)?;
                Ok(Ok(()))
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}
