//! The IMA list: its new records go on where the last evidence ended, and a prefix replays to the quoted PCR 10.

use evidence::digest::HashAlg;
use evidence::envelope::AttachmentKind;
use evidence::ima::{
    BootAggregateCheck, ImaList, ImaReplay, PrefixMatch, check_boot_aggregate, leading_bank, replay_prefix,
};
use evidence::pcr::{PcrIndex, PcrValues};

use super::firmware::VerifiedFirmwareLog;
use super::place::{Carried, PlacedQuote};
use crate::refusal::Refusal;
use crate::state::{BootState, ImaState};

/// What the quote says of the IMA list.
#[derive(Clone, Debug)]
pub enum VerifiedIma<'e> {
    /// PCR 10 is not among the quoted PCRs.
    NotQuoted,
    /// PCR 10 is as a reset leaves it: the kernel measured nothing.
    Empty(ImaReplay),
    /// New records replayed to the quoted value; there may be none.
    Replayed {
        /// Raw bytes of the new verified records.
        bytes: &'e [u8],
        /// Number of the first of them.
        first: u64,
        /// What replayed.
        prefix: PrefixMatch,
        /// Violations since the boot.
        violations: u64,
        /// Whether the list is tied to this boot's firmware measurements, where its first record is among the new ones.
        boot_aggregate: Option<BootAggregateCheck>,
    },
}

impl<'e> VerifiedIma<'e> {
    pub(super) fn new(
        placed: &PlacedQuote<'e>,
        firmware: Option<&VerifiedFirmwareLog<'_>>,
    ) -> Result<Self, Refusal> {
        let (first, start, violations) = start(placed);
        let body_first = placed.quote().body().ima_first;
        let attached = placed.quote().envelope().attachment(AttachmentKind::ImaList);
        for found in [Some(body_first), attached.map(|attached| attached.first)].into_iter().flatten() {
            if found != first {
                return Err(Refusal::ImaOutOfOrder { expected: first, found });
            }
        }
        let values = placed.quote().values();
        let Some(bank) = quoted_bank(placed) else { return Ok(Self::NotQuoted) };
        let Some(quoted) = values.value(bank, PcrIndex::IMA) else { return Ok(Self::NotQuoted) };
        let start = start.unwrap_or_else(|| ImaReplay::start(bank));
        let bytes = attached.map_or(&[][..], |attached| attached.bytes.as_slice());
        if bytes.is_empty() && start.count() == 0 && quoted.is_zero() {
            return Ok(Self::Empty(start));
        }
        let prefix = replay_prefix(start, ImaList::new(bytes), &quoted).map_err(Refusal::Ima)?;
        // The kernel hashed the PCRs when IMA started; a system that extends PCR 9 later must not look tampered.
        let at_start = firmware.map_or(values, VerifiedFirmwareLog::replayed);
        let boot_aggregate = if first == 0 { aggregate(bytes, at_start) } else { None };
        let violations = violations.saturating_add(prefix.violations.len() as u64);
        let bytes = bytes.get(..prefix.bytes_verified).unwrap_or(bytes);
        Ok(Self::Replayed { bytes, first, prefix, violations, boot_aggregate })
    }

    /// What the next evidence goes on from.
    pub const fn state(&self) -> ImaState {
        match self {
            Self::NotQuoted => ImaState::NotQuoted,
            Self::Empty(replay) => ImaState::Replayed { replay: *replay, violations: 0 },
            Self::Replayed { prefix, violations, .. } => {
                ImaState::Replayed { replay: prefix.verified, violations: *violations }
            }
        }
    }

    /// Raw bytes of the new verified records.
    pub const fn new_records(&self) -> &'e [u8] {
        match self {
            Self::Replayed { bytes, .. } => bytes,
            Self::NotQuoted | Self::Empty(_) => &[],
        }
    }
}

/// First new record, the replay so far, violations so far.
fn start(placed: &PlacedQuote<'_>) -> (u64, Option<ImaReplay>, u64) {
    match placed.carried() {
        Carried::SameBoot(BootState { ima: ImaState::Replayed { replay, violations }, .. }) => {
            (replay.count(), Some(replay), violations)
        }
        Carried::SameBoot(_) | Carried::NewBoot => (0, None, 0),
    }
}

/// The quoted bank that counts: the kernel extends PCR 10 in all of them.
fn quoted_bank(placed: &PlacedQuote<'_>) -> Option<HashAlg> {
    let selection = placed.quote().selection();
    let banks = selection.banks().iter().map(|(bank, _)| *bank);
    leading_bank(&banks.filter(|bank| selection.contains(*bank, PcrIndex::IMA)))
}

fn aggregate(bytes: &[u8], values: &PcrValues) -> Option<BootAggregateCheck> {
    let first = ImaList::new(bytes).records().next()?.ok()?;
    check_boot_aggregate(&first, values)
}
