//! The firmware log: it is the one that the body names, and it replays to the quoted PCRs, with systemd's log behind it.

use evidence::body::FirmwareLog;
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::envelope::AttachmentKind;
use evidence::eventlog::{
    BootFacts, EXIT_BOOT_SERVICES_PCR, EXTENDED_BY_SYSTEM, EventLog, ExitBootServicesRepair,
};
use evidence::pcr::{PcrIndex, PcrValues};
use evidence::systemd_log::{PcrMerge, PhaseRepair, PrefixRange, SystemdLog, explain, merge, repair_phases};

use super::place::{Carried, PlacedQuote};
use super::systemd::{Explanation, VerifiedSystemdLog, explanation};
use crate::refusal::Refusal;
use crate::state::BootState;

/// How a quoted PCR and the firmware log relate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PcrStanding {
    /// The log replays to the quoted value: its events of this PCR are what was measured.
    Replayed,
    /// It does with the events of `ExitBootServices` appended, which some firmware does not log.
    ReplayedWithRepair(ExitBootServicesRepair),
    /// It does with records of systemd's log behind it, which tell what they measured.
    ReplayedWithSystemd,
    /// It does with records of systemd's log behind it, some of which do not tell what they measured.
    ReplayedWithOpaque,
    /// It does with phases of the boot that older versions of systemd measure without logging.
    ReplayedWithPhases(PhaseRepair),
    /// It does with the separator by which newer versions of systemd end firmware's part, which was not attached as logged.
    ReplayedWithSeparator,
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
    systemd: Option<VerifiedSystemdLog<'e>>,
}

impl PcrStanding {
    /// Whether the firmware log's own events of the PCR are what was measured: they replay to its value, or to the value that
    /// what came later started from.
    pub const fn proves_firmware(&self) -> bool {
        match self {
            Self::Replayed
            | Self::ReplayedWithRepair(_)
            | Self::ReplayedWithSystemd
            | Self::ReplayedWithOpaque
            | Self::ReplayedWithPhases(_)
            | Self::ReplayedWithSeparator => true,
            Self::BeyondLog | Self::Untouched => false,
        }
    }
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
        let attached = placed.quote().envelope().attachment(AttachmentKind::SystemdLog);
        let systemd = attached.map_or(&[][..], |attached| attached.bytes.as_slice());
        let systemd = SystemdLog::new(systemd);
        let mut merged = merge(systemd, bank, &replayed, placed.quote().values());
        let extended = log.extended(bank);
        let mut standings = Vec::new();
        for merge in merged.pcrs.clone() {
            let (pcr, quoted) = (merge.pcr, merge.quoted);
            let (standing, range) = match merge.range {
                Some(range) if range.from > 0 => (Some(PcrStanding::ReplayedWithSystemd), Some(range)),
                Some(_) if extended.contains(pcr) => (Some(PcrStanding::Replayed), None),
                Some(_) => (Some(PcrStanding::Untouched), None),
                None => {
                    let (standing, range) = repaired(&log, systemd, &merge).unzip();
                    (standing, range.flatten())
                }
            };
            let standing = standing.and_then(|standing| match range {
                Some(range) => admitted(standing, systemd, &merge, range),
                None => Some(standing),
            });
            let refused = Refusal::FirmwareLogReplay { pcr, bank, replayed: merge.firmware, quoted };
            standings.push((pcr, standing.ok_or(refused)?));
            if let Some(range) = range {
                merged.set_range(pcr, range);
            }
        }
        let systemd = attached.map(|_| VerifiedSystemdLog::new(systemd, merged));
        Ok(Self { bytes, log, bank, replayed, standings, systemd })
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
    pub fn standing(&self, pcr: PcrIndex) -> Option<&PcrStanding> {
        self.standings.iter().find(|(of, _)| *of == pcr).map(|(_, standing)| standing)
    }

    /// systemd's log, where one is attached.
    pub const fn systemd(&self) -> Option<&VerifiedSystemdLog<'e>> {
        self.systemd.as_ref()
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

/// The standing that records of systemd's log may give a PCR. Firmware's take its separator and nothing else.
fn admitted(
    standing: PcrStanding,
    systemd: SystemdLog<'_>,
    merge: &PcrMerge,
    range: PrefixRange,
) -> Option<PcrStanding> {
    let of_system = EXTENDED_BY_SYSTEM.contains(&merge.pcr.get());
    match explanation(systemd, merge.quoted.alg(), merge.pcr, range.from) {
        None | Some(Explanation::Separator) => Some(standing),
        Some(Explanation::Told) if of_system => Some(standing),
        Some(Explanation::Opaque) if of_system => Some(PcrStanding::ReplayedWithOpaque),
        Some(Explanation::Told | Explanation::Opaque) => None,
    }
}

/// What leads to a value that the logs alone do not lead to, with the prefixes of systemd's log that belong to it. `None`
/// where nothing does and the PCR is firmware's.
fn repaired(
    log: &EventLog<'_>,
    systemd: SystemdLog<'_>,
    merge: &PcrMerge,
) -> Option<(PcrStanding, Option<PrefixRange>)> {
    let (pcr, bank) = (merge.pcr, merge.quoted.alg());
    if pcr == EXIT_BOOT_SERVICES_PCR {
        if let Some(repair) = log.repair_exit_boot_services(bank, &merge.quoted) {
            return Some((PcrStanding::ReplayedWithRepair(repair), None));
        }
        for repair in ExitBootServicesRepair::ALL {
            let events = repair.events().iter().map(|text| bank.hash(&[text]));
            let start = events.into_iter().try_fold(merge.firmware, |value, digest| value.extend(&digest))?;
            if let Some(range) = explain(systemd, pcr, start, merge.quoted) {
                return Some((PcrStanding::ReplayedWithRepair(repair), Some(range)));
            }
        }
    }
    if pcr.get() == PHASES_PCR
        && let Some(repair) = repair_phases(systemd, merge.firmware, merge.quoted)
    {
        let range = repair.range;
        return Some((PcrStanding::ReplayedWithPhases(repair), Some(range)));
    }
    let separated = merge.firmware.extend(&bank.hash(&[OS_SEPARATOR]));
    if separated == Some(merge.quoted) {
        return Some((PcrStanding::ReplayedWithSeparator, None));
    }
    EXTENDED_BY_SYSTEM.contains(&pcr.get()).then_some((PcrStanding::BeyondLog, None))
}

/// Where phases of the boot are measured.
const PHASES_PCR: u8 = 11;
/// What systemd 261 extends into PCR 0 to 7, 9 and 12 to 14 when userspace takes over.
const OS_SEPARATOR: &[u8] = b"os-separator";
