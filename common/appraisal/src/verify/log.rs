//! The whole: what verified evidence proves, and the state that the next one is checked against.

use evidence::body::{Body, BootCounters};
use evidence::envelope::Envelope;
use evidence::pcr::PcrValues;
use evidence::tpm::ClockInfo;

use super::firmware::VerifiedFirmwareLog;
use super::ima::VerifiedIma;
use super::place::{Carried, PlacedQuote};
use super::quote::VerifiedQuote;
use crate::refusal::Refusal;
use crate::state::{BootState, HostState, LastBoot};

/// Evidence that is true and in its place. The only door to facts, appraisal and the next state.
#[derive(Clone, Debug)]
pub struct VerifiedLog<'e> {
    quote: VerifiedQuote<'e>,
    firmware: Option<VerifiedFirmwareLog<'e>>,
    ima: VerifiedIma<'e>,
    boot: BootChange,
    next: HostState,
}

/// Whether this evidence is the first of its boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootChange {
    /// The first evidence of a boot.
    First,
    /// A later one.
    Same,
}

impl<'e> VerifiedLog<'e> {
    pub(super) fn new(placed: PlacedQuote<'e>, known: Option<&'e [u8]>) -> Result<Self, Refusal> {
        let firmware = VerifiedFirmwareLog::new(&placed, known)?;
        let ima = VerifiedIma::new(&placed, firmware.as_ref())?;
        let boot = match placed.carried() {
            Carried::NewBoot => BootChange::First,
            Carried::SameBoot(_) => BootChange::Same,
        };
        let (quote, components) = placed.into_parts();
        let (body, clock) = (quote.body(), quote.clock());
        let next = HostState {
            chain: body.chain,
            next_seq: body.seq.saturating_add(1),
            prev: quote.envelope().evidence.digest(),
            checkpoint_size: body.checkpoint.size,
            boot: LastBoot::Seen(BootState {
                counters: BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count },
                clock_ms: clock.clock_ms,
                firmware_log: body.firmware_log,
                ima: ima.state(),
            }),
            components,
        };
        Ok(Self { quote, firmware, ima, boot, next })
    }

    /// The envelope.
    pub const fn envelope(&self) -> &'e Envelope {
        self.quote.envelope()
    }

    /// What the host states.
    pub const fn body(&self) -> &'e Body {
        self.quote.body()
    }

    /// The TPM's clock and counters.
    pub const fn clock(&self) -> &ClockInfo {
        self.quote.clock()
    }

    /// The quoted PCR values.
    pub const fn values(&self) -> &PcrValues {
        self.quote.values()
    }

    /// The firmware log; `None` where the host has none.
    pub const fn firmware(&self) -> Option<&VerifiedFirmwareLog<'e>> {
        self.firmware.as_ref()
    }

    /// The IMA list.
    pub const fn ima(&self) -> &VerifiedIma<'e> {
        &self.ima
    }

    /// Whether this is the first evidence of its boot.
    pub const fn boot_change(&self) -> BootChange {
        self.boot
    }

    /// What the host's next evidence is checked against.
    pub const fn next_state(&self) -> &HostState {
        &self.next
    }
}
