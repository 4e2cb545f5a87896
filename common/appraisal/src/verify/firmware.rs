//! The firmware log: it is the one that the body names, and it replays to the quoted PCRs.

use evidence::body::FirmwareLog;
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::envelope::AttachmentKind;
use evidence::eventlog::{
    BootFacts, EXIT_BOOT_SERVICES_PCR, EXTENDED_BY_SYSTEM, EventLog, ExitBootServicesRepair,
};
use evidence::pcr::{PcrIndex, PcrValues};

use super::place::{Carried, PlacedQuote};
use crate::refusal::Refusal;
use crate::state::BootState;

/// How a quoted PCR and the firmware log relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PcrStanding {
    /// The log replays to the quoted value: its events of this PCR are what was measured.
    Replayed,
    /// It does with the events of `ExitBootServices` appended, which some firmware does not log.
    ReplayedWithRepair(ExitBootServicesRepair),
    /// The operating system extends this PCR after firmware's log has ended, so the log's events of it are not proved.
    BeyondLog,
    /// The log has no events of it and it is as a reset leaves it.
    Untouched,
}

/// A firmware log of this boot, and what it proves.
#[derive(Clone, Debug)]
pub struct VerifiedFirmwareLog<'e> {
    bytes: &'e [u8],
    log: EventLog<'e>,
    bank: HashAlg,
    replayed: PcrValues,
    standings: Vec<(PcrIndex, PcrStanding)>,
}

impl<'e> VerifiedFirmwareLog<'e> {
    /// `None` where the host has no firmware log.
    pub(super) fn new(placed: &PlacedQuote<'e>, known: Option<&'e [u8]>) -> Result<Option<Self>, Refusal> {
        let body = placed.quote().body();
        if let Carried::SameBoot(BootState { firmware_log, .. }) = placed.carried()
            && firmware_log != body.firmware_log
        {
            return Err(Refusal::FirmwareLogMismatch { what: "it changed within one boot" });
        }
        let attached = placed.quote().envelope().attachment(AttachmentKind::FirmwareLog);
        let FirmwareLog::Present(digest) = body.firmware_log else {
            return match attached {
                None => Ok(None),
                Some(_) => Err(Refusal::FirmwareLogMismatch { what: "one is attached that the body denies" }),
            };
        };
        let bytes = match (attached, known) {
            (Some(attached), _) => attached.bytes.as_slice(),
            (None, Some(known)) if Sha256Digest::of(&[known]) == digest => known,
            (None, _) => return Err(Refusal::FirmwareLogNeeded { digest }),
        };
        if Sha256Digest::of(&[bytes]) != digest {
            return Err(Refusal::FirmwareLogMismatch {
                what: "the attached bytes are not those the body names",
            });
        }
        Self::replay(placed, bytes).map(Some)
    }

    fn replay(placed: &PlacedQuote<'e>, bytes: &'e [u8]) -> Result<Self, Refusal> {
        let parsed = EventLog::parse(bytes);
        if let Some(damage) = parsed.damage {
            return Err(Refusal::FirmwareLogDamaged(damage));
        }
        let log = parsed.log;
        let bank = strongest_bank(placed, &log)?;
        let replayed = log.replay(bank).map_err(Refusal::FirmwareLogUnreplayable)?;
        let mut standings = Vec::new();
        for (quoted_bank, pcr) in placed.quote().selection().iter() {
            if quoted_bank != bank || pcr == PcrIndex::IMA {
                continue;
            }
            let (Some(replayed), Some(quoted)) =
                (replayed.value(bank, pcr), placed.quote().values().value(bank, pcr))
            else {
                continue;
            };
            let standing = if replayed == quoted {
                if log.extended(bank).contains(pcr) { PcrStanding::Replayed } else { PcrStanding::Untouched }
            } else if pcr == EXIT_BOOT_SERVICES_PCR
                && let Some(repair) = log.repair_exit_boot_services(bank, &quoted)
            {
                PcrStanding::ReplayedWithRepair(repair)
            } else if EXTENDED_BY_SYSTEM.contains(&pcr.get()) {
                PcrStanding::BeyondLog
            } else {
                return Err(Refusal::FirmwareLogReplay { pcr, bank, replayed, quoted });
            };
            standings.push((pcr, standing));
        }
        Ok(Self { bytes, log, bank, replayed, standings })
    }

    /// The log's raw bytes.
    pub const fn bytes(&self) -> &'e [u8] {
        self.bytes
    }

    /// The log.
    pub const fn log(&self) -> &EventLog<'e> {
        &self.log
    }

    /// The bank that is relied on.
    pub const fn bank(&self) -> HashAlg {
        self.bank
    }

    /// What the PCRs held when firmware's log ended.
    pub const fn replayed(&self) -> &PcrValues {
        &self.replayed
    }

    /// How each quoted PCR of that bank but PCR 10 stands to the log.
    pub fn standings(&self) -> &[(PcrIndex, PcrStanding)] {
        &self.standings
    }

    /// How a PCR stands to the log; `None` where it is not quoted.
    pub fn standing(&self, pcr: PcrIndex) -> Option<PcrStanding> {
        self.standings.iter().find(|(of, _)| *of == pcr).map(|(_, standing)| *standing)
    }

    /// What the log adds up to, from events whose digests were recomputed.
    pub fn facts(&self) -> BootFacts<'e> {
        self.log.facts(self.bank)
    }
}

/// The strongest bank that the log and the quote share.
fn strongest_bank(placed: &PlacedQuote<'_>, log: &EventLog<'_>) -> Result<HashAlg, Refusal> {
    const STRENGTH: [HashAlg; 4] = [HashAlg::Sha512, HashAlg::Sha384, HashAlg::Sha256, HashAlg::Sha1];
    let quoted = placed.quote().selection().banks();
    let asked = quoted.first().map_or(HashAlg::Sha256, |(bank, _)| *bank);
    STRENGTH
        .into_iter()
        .find(|bank| log.banks().contains(bank) && quoted.iter().any(|(quoted, _)| quoted == bank))
        .ok_or(Refusal::FirmwareLogUnreplayable(evidence::eventlog::ReplayError::BankAbsent { bank: asked }))
}
