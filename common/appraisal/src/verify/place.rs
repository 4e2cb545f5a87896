//! The place: this evidence is the next of its host's chain, and the TPM's time went on since the last.

use evidence::body::{Body, BootCounters};
use evidence::digest::Sha256Digest;
use evidence::manifest::state_root;
use evidence::tpm::{ClockInfo, ClockSafety};

use super::quote::VerifiedQuote;
use crate::refusal::Refusal;
use crate::state::{BootState, HostState, LastBoot};

/// A verified quote that follows the carried state.
#[derive(Clone, Debug)]
pub struct PlacedQuote<'e> {
    quote: VerifiedQuote<'e>,
    components: Vec<Sha256Digest>,
    carried: Carried,
}

/// Whether the last evidence is of the same boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// The TPM was reset or restarted since: logs start anew.
    NewBoot,
    /// Logs go on from here.
    SameBoot(BootState),
}

impl<'e> PlacedQuote<'e> {
    pub(super) fn new(quote: VerifiedQuote<'e>, state: &HostState) -> Result<Self, Refusal> {
        check_position(&quote, state)?;
        let carried = check_clock(quote.clock(), state.boot())?;
        let body = quote.body();
        if body.checkpoint.size < state.checkpoint_size {
            let (before, found) = (state.checkpoint_size, body.checkpoint.size);
            return Err(Refusal::CheckpointWentBack { before, found });
        }
        let components = state.after(&body.added, &body.removed).ok_or(Refusal::StateRoot)?;
        if state_root(&components) != Some(body.state_root) {
            return Err(Refusal::StateRoot);
        }
        check_executions(body, components.len())?;
        Ok(Self { quote, components, carried })
    }

    /// The quote.
    pub const fn quote(&self) -> &VerifiedQuote<'e> {
        &self.quote
    }

    pub(super) const fn carried(&self) -> Carried {
        self.carried
    }

    pub(super) fn into_parts(self) -> (VerifiedQuote<'e>, Vec<Sha256Digest>) {
        (self.quote, self.components)
    }
}

fn check_position(quote: &VerifiedQuote<'_>, state: &HostState) -> Result<(), Refusal> {
    let body = quote.body();
    if body.chain != state.chain {
        return Err(Refusal::WrongChain { expected: state.chain, found: body.chain });
    }
    if quote.envelope().evidence.digest() == state.prev {
        return Err(Refusal::Replayed { seq: body.seq });
    }
    if body.seq != state.next_seq {
        return Err(Refusal::SeqOutOfOrder { expected: state.next_seq, found: body.seq });
    }
    if body.prev != state.prev {
        return Err(Refusal::PrevMismatch { seq: body.seq, expected: state.prev, found: body.prev });
    }
    Ok(())
}

/// Executions name components by their position. The entry's position cannot be checked here: manifests may come later.
fn check_executions(body: &Body, components: usize) -> Result<(), Refusal> {
    let outside = |component: u32| usize::try_from(component).map_or(true, |position| position >= components);
    match body.executions.iter().map(|execution| execution.component).find(|component| outside(*component)) {
        Some(component) => Err(Refusal::ExecutionOutOfState { component, components }),
        None => Ok(()),
    }
}

/// Counters only grow, and within a boot so does the clock. Across a reset the clock may have gone back a little
/// after an unorderly shutdown, and the TPM says so.
//= TPM 2.0 Library Part 1 §36.2, §36.6: clock, safe
fn check_clock(clock: &ClockInfo, last: &LastBoot) -> Result<Carried, Refusal> {
    let LastBoot::Seen(last) = last else { return Ok(Carried::NewBoot) };
    let now = BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count };
    let before = last.counters;
    let went_back = |what, before: u64, found: u64| Err(Refusal::WentBack { what, before, found });
    if now.reset_count < before.reset_count {
        return went_back("reset count", before.reset_count.into(), now.reset_count.into());
    }
    if now.reset_count == before.reset_count && now.restart_count < before.restart_count {
        return went_back("restart count", before.restart_count.into(), now.restart_count.into());
    }
    let same_boot = now == before;
    let must_grow = same_boot || clock.safety == ClockSafety::Safe;
    if must_grow && clock.clock_ms < last.clock_ms {
        return went_back("clock", last.clock_ms, clock.clock_ms);
    }
    Ok(if same_boot { Carried::SameBoot(*last) } else { Carried::NewBoot })
}
