//! Is this evidence true, and is it the next of its host?
//!
//! In: an envelope as it came, the enrolled host, the state carried from its last evidence, and the firmware log of
//! the boot where it is known already. Out: a [`VerifiedLog`], from which alone facts, appraisal and the next
//! state can be had, or the reason for refusing. Each step takes the witness of the step before, so none can be
//! skipped. Nothing here says that the host is as it should be: [`crate::policy`] does.

mod firmware;
mod ima;
mod log;
mod place;
mod quote;
mod systemd;

use evidence::envelope::Envelope;

use crate::attester::Attester;
use crate::refusal::Refusal;
use crate::state::HostState;

pub use firmware::{PcrStanding, VerifiedFirmwareLog};
pub use ima::VerifiedIma;
pub use log::{BootChange, VerifiedLog};
pub use place::PlacedQuote;
pub use quote::VerifiedQuote;
pub use systemd::VerifiedSystemdLog;

/// Verifies evidence from its signature to its logs.
///
/// `known_firmware_log` is the log whose digest is [`HostState::carried_firmware_log`]; its bytes are hashed and
/// compared again here.
pub fn verify<'e>(
    envelope: &'e Envelope,
    attester: &Attester,
    state: &HostState,
    known_firmware_log: Option<&'e [u8]>,
) -> Result<VerifiedLog<'e>, Refusal> {
    let quote = VerifiedQuote::new(envelope, attester)?;
    let placed = PlacedQuote::new(quote, state)?;
    VerifiedLog::new(placed, known_firmware_log)
}
