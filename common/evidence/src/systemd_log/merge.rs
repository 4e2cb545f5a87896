//! The firmware log and systemd's log together: which part of systemd's log quoted values vouch for.
//!
//! In: PCR values as the firmware log leaves them, systemd's log as it was read after the quote, and quoted values. Out: for
//! each quoted PCR the prefix of the log that leads to its value, and the prefix that all of them share. A PCR's value never
//! comes again along a log, so the prefixes of one PCR are a range, and those of all are where the ranges meet. What follows
//! the shared prefix was logged after the quote: it stays unverified. A PCR without a range is not explained by these two logs.

use super::SystemdLog;
use crate::cel::Replay;
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrValues};

/// What the two logs come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The bank.
    pub bank: HashAlg,
    /// How many records of systemd's log can be read.
    pub records: u64,
    /// The quoted PCRs of the bank, but IMA's.
    pub pcrs: Vec<PcrMerge>,
}

/// One quoted PCR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcrMerge {
    /// Which.
    pub pcr: PcrIndex,
    /// What was quoted.
    pub quoted: Digest,
    /// What the firmware log leaves.
    pub firmware: Digest,
    /// What all records of systemd's log lead to.
    pub replayed: Digest,
    /// How many records of systemd's log extend it.
    pub extends: u64,
    /// The prefixes that lead to the quoted value, if any do.
    pub range: Option<PrefixRange>,
}

/// Prefixes that lead to one value: from so many records on, and before so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixRange {
    /// The shortest, in records.
    pub from: u64,
    /// The first that is too long; `None` where even the whole log leads there.
    pub before: Option<u64>,
}

/// Where the ranges of all explained PCRs meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// This many records are vouched for; the rest is not.
    Prefix(u64),
    /// The logs explain each of these two, but at different times: no moment has both.
    Apart {
        /// This one's value comes late.
        late: PcrIndex,
        /// When this one's is gone already.
        early: PcrIndex,
    },
}

impl PcrMerge {
    /// Whether records of systemd's log were needed to come to the quoted value.
    pub fn needs_systemd(&self) -> bool {
        self.range.is_some_and(|range| range.from > 0)
    }
}

impl Merged {
    /// One PCR.
    pub fn pcr(&self, pcr: PcrIndex) -> Option<&PcrMerge> {
        self.pcrs.iter().find(|merge| merge.pcr == pcr)
    }

    /// The quoted PCRs that neither log explains.
    pub fn unexplained(&self) -> impl Iterator<Item = &PcrMerge> {
        self.pcrs.iter().filter(|merge| merge.range.is_none())
    }

    /// Sets a range that was found with other start values, such as repaired ones.
    pub fn set_range(&mut self, pcr: PcrIndex, range: PrefixRange) {
        for merge in self.pcrs.iter_mut().filter(|merge| merge.pcr == pcr) {
            merge.range = Some(range);
        }
    }

    /// The prefix that all explained PCRs share.
    pub fn joint(&self) -> Joint {
        let explained = || self.pcrs.iter().filter_map(|merge| Some((merge.pcr, merge.range?)));
        let latest = explained().max_by_key(|(_, range)| range.from);
        let earliest =
            explained().filter_map(|(pcr, range)| Some((pcr, range.before?))).min_by_key(|at| at.1);
        match (latest, earliest) {
            (Some((late, range)), Some((early, before))) if range.from >= before => {
                Joint::Apart { late, early }
            }
            (Some((_, range)), _) => Joint::Prefix(range.from),
            (None, _) => Joint::Prefix(0),
        }
    }
}

/// Replays systemd's log behind the firmware log's values and compares with quoted ones.
pub fn merge(log: SystemdLog<'_>, bank: HashAlg, firmware: &PcrValues, quoted: &PcrValues) -> Merged {
    let mut replay = Replay::after(bank, firmware);
    let mut pcrs: Vec<PcrMerge> = PcrIndex::ALL
        .into_iter()
        .filter(|pcr| *pcr != PcrIndex::IMA)
        .filter_map(|pcr| {
            let (quoted, firmware) = (quoted.value(bank, pcr)?, replay.value(pcr));
            let range = (quoted == firmware).then_some(PrefixRange { from: 0, before: None });
            Some(PcrMerge { pcr, quoted, firmware, replayed: firmware, extends: 0, range })
        })
        .collect();
    let mut records = 0_u64;
    for record in log.cel().records().flatten() {
        records = records.saturating_add(1);
        let Some(pcr) = replay.extend(&record) else { continue };
        let Some(merge) = pcrs.iter_mut().find(|merge| merge.pcr == pcr) else { continue };
        merge.replayed = replay.value(pcr);
        merge.extends = merge.extends.saturating_add(1);
        merge.range = match merge.range {
            Some(range) => {
                let ends = range.before.unwrap_or(records);
                Some(PrefixRange { before: Some(ends), ..range })
            }
            None if merge.replayed == merge.quoted => Some(PrefixRange { from: records, before: None }),
            None => None,
        };
    }
    Merged { bank, records, pcrs }
}

/// The prefixes of systemd's log that lead one PCR from a start value to the quoted one.
pub fn explain(log: SystemdLog<'_>, pcr: PcrIndex, start: Digest, quoted: Digest) -> Option<PrefixRange> {
    let values = |value| {
        let mut values = PcrValues::new();
        values.insert(pcr, value);
        values
    };
    merge(log, start.alg(), &values(start), &values(quoted)).pcr(pcr)?.range
}
