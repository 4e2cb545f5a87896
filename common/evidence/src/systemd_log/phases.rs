//! Phases of the boot that older versions of systemd extend into PCR 11 without logging them.
//!
//! In: PCR 11 as the logs have it, and the quoted value. Out: the phases that lead from one to the other, if any do. To be
//! reported, never hidden: nothing but the hash speaks for them, though no other text than these gives it.

use super::SystemdLog;
use super::decode::PHASES;
use super::merge::PrefixRange;
use crate::digest::{Digest, HashAlg};
use crate::pcr::PcrIndex;

/// Phases that were extended and not logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseRepair {
    /// Which, in order.
    pub phases: Vec<&'static str>,
    /// Where they belong.
    pub place: PhasePlace,
    /// The prefixes of systemd's log with which they lead to the quoted value.
    pub range: PrefixRange,
}

/// Where unlogged phases belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhasePlace {
    /// Before what systemd logged: the initrd has an older version than the system.
    Before,
    /// Behind it.
    Behind,
}

/// The phases that can be repaired, in the order in which they are reached.
pub const UNLOGGED_PHASES: [&str; 6] = PHASES;
/// Where phases are measured.
const PHASES_PCR: PcrIndex = {
    let [_, _, _, _, _, _, _, _, _, _, _, pcr11, ..] = PcrIndex::ALL;
    pcr11
};
/// Logged extends of PCR 11 that are tried: a boot has six, and some more where it is shut down without a restart.
const TRIED: usize = 64;

/// Finds phases that lead PCR 11 from `firmware`, what the firmware log leaves, to the quoted value.
pub fn repair_phases(log: SystemdLog<'_>, firmware: Digest, quoted: Digest) -> Option<PhaseRepair> {
    let bank = firmware.alg();
    let logged = Logged::read(log, bank)?;
    let hashes = PHASES.map(|phase| bank.hash(&[phase.as_bytes()]));
    before(&logged, firmware, quoted, &hashes).or_else(|| behind(&logged, firmware, quoted, &hashes))
}

/// What the log extends PCR 11 with.
struct Logged {
    /// Digests, each with the number of records up to and with its own.
    extends: Vec<(u64, Digest)>,
}

impl Logged {
    /// `None` where there are more than are tried.
    fn read(log: SystemdLog<'_>, bank: HashAlg) -> Option<Self> {
        let mut extends = Vec::new();
        for (at, record) in log.cel().records().flatten().enumerate() {
            if record.register.pcr() != Some(PHASES_PCR) || !record.is_measured() {
                continue;
            }
            let Some(digest) = record.digest(bank) else { continue };
            if extends.len() == TRIED {
                return None;
            }
            extends.push((u64::try_from(at).ok()?.checked_add(1)?, digest));
        }
        Some(Self { extends })
    }

    /// The prefixes that lead from `start` to `quoted`: at least one record's.
    fn range(&self, start: Digest, quoted: Digest) -> Option<PrefixRange> {
        let mut value = start;
        let mut extends = self.extends.iter();
        while let Some((from, digest)) = extends.next() {
            value = value.extend(digest)?;
            if value == quoted {
                return Some(PrefixRange { from: *from, before: extends.next().map(|(from, _)| *from) });
            }
        }
        None
    }
}

fn before(logged: &Logged, firmware: Digest, quoted: Digest, hashes: &[Digest; 6]) -> Option<PhaseRepair> {
    choices().find_map(|choice| {
        let start = extended(firmware, choice, hashes)?;
        let range = logged.range(start, quoted)?;
        Some(PhaseRepair { phases: chosen(choice), place: PhasePlace::Before, range })
    })
}

/// The longest prefix that phases lead on from: it explains the value with the least that has to be believed.
fn behind(logged: &Logged, firmware: Digest, quoted: Digest, hashes: &[Digest; 6]) -> Option<PhaseRepair> {
    let mut value = firmware;
    let mut from = 0;
    let mut found = None;
    let mut extends = logged.extends.iter();
    loop {
        let next = extends.next();
        if let Some(choice) = choices().find(|choice| extended(value, *choice, hashes) == Some(quoted)) {
            let range = PrefixRange { from, before: next.map(|(from, _)| *from) };
            found = Some(PhaseRepair { phases: chosen(choice), place: PhasePlace::Behind, range });
        }
        let Some((number, digest)) = next else { return found };
        (value, from) = (value.extend(digest)?, *number);
    }
}

/// Every choice of phases but none of them, as a set of bits.
fn choices() -> impl Iterator<Item = u32> {
    1..1 << PHASES.len()
}

fn chosen(choice: u32) -> Vec<&'static str> {
    let with_bits = PHASES.into_iter().enumerate();
    with_bits.filter(|(at, _)| choice >> at & 1 == 1).map(|(_, phase)| phase).collect()
}

/// The value after the chosen phases, in their order.
fn extended(start: Digest, choice: u32, hashes: &[Digest; 6]) -> Option<Digest> {
    let with_bits = hashes.iter().enumerate();
    with_bits.filter(|(at, _)| choice >> at & 1 == 1).try_fold(start, |value, (_, hash)| value.extend(hash))
}
