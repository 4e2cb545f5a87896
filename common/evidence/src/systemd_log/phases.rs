//! Phases of the boot that older versions of systemd extend into PCR 11 without logging them.
//!
//! In: PCR 11 as the logs have it, and the quoted value. Out: the phases that lead from one to the other, if any do. To be
//! reported, never hidden: nothing but the hash speaks for them, though no other text than these gives it.

use super::decode::PHASES;
use super::merge::PrefixRange;
use super::{SystemdLog, explain};
use crate::cel::Replay;
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrValues};

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
    let hashes = PHASES.map(|phase| bank.hash(&[phase.as_bytes()]));
    before(log, firmware, quoted, &hashes).or_else(|| behind(log, bank, firmware, quoted, &hashes))
}

fn behind(
    log: SystemdLog<'_>,
    bank: HashAlg,
    firmware: Digest,
    quoted: Digest,
    hashes: &[Digest; 6],
) -> Option<PhaseRepair> {
    let mut start = PcrValues::new();
    start.insert(PHASES_PCR, firmware);
    let mut replay = Replay::after(bank, &start);
    let mut value = firmware;
    let (mut records, mut from, mut extends) = (0_u64, 0_u64, 0_usize);
    let mut found: Option<PhaseRepair> = None;
    let mut all = log.cel().records().flatten();
    loop {
        // A longer prefix with fewer unlogged phases explains the same value with less that has to be believed.
        let here = search(value, quoted, hashes);
        let searched = here.is_some();
        if let Some(phases) = here {
            let range = PrefixRange { from, before: None };
            found = Some(PhaseRepair { phases, place: PhasePlace::Behind, range });
        }
        // On to the next record that extends the PCR.
        let next = all.by_ref().any(|record| {
            records = records.saturating_add(1);
            replay.extend(&record) == Some(PHASES_PCR)
        });
        if let (Some(repair), true) = (&mut found, searched) {
            repair.range.before = next.then_some(records);
        }
        extends = extends.saturating_add(1);
        if !next || extends > TRIED {
            return found;
        }
        (value, from) = (replay.value(PHASES_PCR), records);
    }
}

fn before(
    log: SystemdLog<'_>,
    firmware: Digest,
    quoted: Digest,
    hashes: &[Digest; 6],
) -> Option<PhaseRepair> {
    let logged = log.cel().records().flatten().filter(|record| record.register.pcr() == Some(PHASES_PCR));
    let logged = logged.take(TRIED.saturating_add(1)).count();
    if logged == 0 || logged > TRIED {
        return None;
    }
    // Every choice of phases as a set of bits, in their order.
    (1..1_u32 << PHASES.len()).find_map(|choice| {
        let chosen = |at: &usize| choice >> at & 1 == 1;
        let places: Vec<usize> = (0..PHASES.len()).filter(chosen).collect();
        let start = places
            .iter()
            .filter_map(|at| hashes.get(*at))
            .try_fold(firmware, |value, hash| value.extend(hash))?;
        let range = explain(log, PHASES_PCR, start, quoted).filter(|range| range.from > 0)?;
        let phases = places.iter().filter_map(|at| PHASES.get(*at).copied()).collect();
        Some(PhaseRepair { phases, place: PhasePlace::Before, range })
    })
}

/// A choice of phases, in their order, that leads from one value to the other.
fn search(value: Digest, quoted: Digest, hashes: &[Digest; 6]) -> Option<Vec<&'static str>> {
    (1..1_u32 << PHASES.len()).find_map(|choice| {
        let chosen = || (0..PHASES.len()).filter(|at| choice >> at & 1 == 1);
        let reached =
            chosen().filter_map(|at| hashes.get(at)).try_fold(value, |value, hash| value.extend(hash))?;
        (reached == quoted).then(|| chosen().filter_map(|at| PHASES.get(at).copied()).collect())
    })
}
