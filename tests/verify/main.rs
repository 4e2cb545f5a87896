//! The verifier's checks as pure code: true evidence passes, and each way of tampering meets its own refusal.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests: a panic is how a test fails"
)]

mod appraise;
mod envelope;
mod profile;
mod systemd;
mod tamper;

use anyhow::Result;
use appraisal::refusal::Refusal;
use appraisal::state::HostState;
use appraisal::verify::verify;
use evidence::envelope::Envelope;
use support::SoftHost;

/// Verifies an envelope against the host's state and gives the next state.
fn check(host: &SoftHost, state: &HostState, envelope: &Envelope) -> Result<Result<HostState, Refusal>> {
    let known = Some(host.firmware_log.as_slice()).filter(|_| state.carried_firmware_log().is_some());
    Ok(verify(envelope, &host.attester()?, state, known).map(|verified| verified.next_state().clone()))
}

/// A host whose first evidence was accepted, and the state after it.
fn attested(seed: u64) -> Result<(SoftHost, HostState)> {
    let mut host = SoftHost::new(seed)?;
    let first = host.next()?;
    let state = check(&host, &host.enrolled_state(), &first)??;
    host.accepted(&first);
    Ok((host, state))
}
