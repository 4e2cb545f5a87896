//! The tamper matrix of firmware logs: every bit of a log, every event dropped, swapped, repeated, cut and appended, held
//! against the values that the TPM quoted.
//!
//! A change is noticed where a PCR no longer replays to its quoted value, the log no longer reads, or a finding appears.
//! One that is not noticed must lie where the specification measures nothing, and then the facts read as before and
//! nothing that it changed reads as verified.

use std::collections::BTreeMap;

use evidence::digest::HashAlg;
use evidence::eventlog::{BootFacts, Event, EventLog, EventType, FindingCode, SecureBoot, SeparatorState};
use evidence::pcr::{PcrIndex, PcrValues};

use crate::vectors::{BOOTS, own};

const BANK: HashAlg = HashAlg::Sha256;

/// What a verifier knows of a log.
#[derive(Debug, PartialEq)]
struct Seen {
    values: Option<PcrValues>,
    damaged: bool,
    padding_bytes: usize,
    findings: BTreeMap<FindingCode, usize>,
    facts: Facts,
}

/// Facts without the numbers of their events, which are not measured.
#[derive(Debug, PartialEq)]
struct Facts {
    secure_boot: &'static str,
    separators: [&'static str; 8],
    variables: Vec<(String, Vec<u8>)>,
    authorities: Vec<(String, Vec<u8>)>,
}

impl Facts {
    fn new(facts: &BootFacts<'_>) -> Self {
        Self {
            secure_boot: match facts.secure_boot {
                SecureBoot::On { .. } => "on",
                SecureBoot::Off { .. } => "off",
                SecureBoot::Unknown(_) => "unknown",
            },
            separators: facts.separators.map(|state| match state {
                SeparatorState::Normal { .. } => "normal",
                SeparatorState::Missing => "missing",
                SeparatorState::Error { .. } => "error",
                SeparatorState::Repeated { .. } => "repeated",
            }),
            variables: facts
                .variables
                .iter()
                .map(|of| (of.variable.name.to_string(), of.variable.data.to_vec()))
                .collect(),
            authorities: facts
                .authorities
                .iter()
                .map(|of| (of.variable.name.to_string(), of.variable.data.to_vec()))
                .collect(),
        }
    }
}

fn see(bytes: &[u8]) -> Seen {
    let parsed = EventLog::parse(bytes);
    let facts = parsed.log.facts(BANK);
    let mut findings = BTreeMap::new();
    for finding in &facts.findings {
        *findings.entry(finding.code).or_default() += 1;
    }
    Seen {
        values: parsed.log.replay(BANK).ok(),
        damaged: parsed.damage.is_some(),
        padding_bytes: parsed.log.padding_bytes(),
        findings,
        facts: Facts::new(&facts),
    }
}

impl Seen {
    /// Whether a verifier that holds the quoted values of `truth` sees that something is wrong.
    fn notices(&self, truth: &Self) -> bool {
        self.damaged
            || self.values != truth.values
            || self.padding_bytes != truth.padding_bytes
            || self.findings != truth.findings
    }
}

/// Where a change went unnoticed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unmeasured {
    /// An event that is never extended.
    NoAction,
    /// An event's type.
    Type,
    /// Data of an event whose digest is of something else.
    OpaqueData,
    /// Data beside the bytes that the digest is of: a boot variable's name, GRUB's prefix, a NUL.
    BesideMeasured,
}

/// Which event a byte belongs to, and where it is in the data, if it is there.
fn place<'a>(log: &EventLog<'a>, at: usize) -> (Event<'a>, Option<usize>) {
    let event = log.events().iter().take_while(|event| event.offset <= at).last().unwrap();
    let next = log.events().get(usize::try_from(event.number).unwrap() + 1);
    let end = next.map_or(log.as_bytes().len() - log.padding_bytes(), |next| next.offset);
    let start = end - event.data.len();
    (event, at.checked_sub(start))
}

/// Says why a flipped bit may go unnoticed, or fails.
fn excuse(original: &EventLog<'_>, bytes: &[u8], at: usize) -> Unmeasured {
    let (event, data) = place(original, at);
    let changed = EventLog::parse(bytes).log;
    let (now, _) = place(&changed, at);
    assert_eq!(now.number, event.number, "byte {at}");
    if event.event_type == EventType::NO_ACTION {
        return Unmeasured::NoAction;
    }
    assert_eq!(now.register, event.register, "byte {at}");
    let Some(data) = data else {
        assert!((4..8).contains(&(at - event.offset)), "byte {at}: neither type nor data of {event:?}");
        return Unmeasured::Type;
    };
    match now.measured_bytes(BANK) {
        None => Unmeasured::OpaqueData,
        Some(measured) => {
            assert!(!measured.contains(&data), "byte {at}: {now:?} reads as verified");
            Unmeasured::BesideMeasured
        }
    }
}

/// Flips every `step`th bit; how many were noticed, and where others were not.
fn flip(bytes: &[u8], step: usize) -> (usize, BTreeMap<Unmeasured, usize>) {
    let truth = see(bytes);
    let original = EventLog::parse(bytes).log;
    let (mut noticed, mut unmeasured) = (0, BTreeMap::new());
    let mut changed = bytes.to_vec();
    for bit in (0..bytes.len() * 8).step_by(step) {
        let at = bit / 8;
        changed[at] ^= 1 << (bit % 8);
        let seen = see(&changed);
        if seen.notices(&truth) {
            noticed += 1;
        } else {
            assert_eq!(seen.facts, truth.facts, "byte {at} bit {}", bit % 8);
            *unmeasured.entry(excuse(&original, &changed, at)).or_default() += 1;
        }
        changed[at] ^= 1 << (bit % 8);
    }
    (noticed, unmeasured)
}

#[test]
fn every_flipped_bit_is_noticed_or_unmeasured() {
    // All bits of the smallest log, and some of each byte of the others.
    for (boot, step) in [("direct", 1), ("uki", 11), ("shim-sb", 61)] {
        let bytes = own(boot, "binary_bios_measurements");
        let (noticed, unmeasured) = flip(&bytes, step);
        let others: usize = unmeasured.values().sum();
        eprintln!("{boot}: {noticed} flipped bits noticed, {others} unmeasured: {unmeasured:?}");
        assert!(noticed > others, "{boot}: most of a log is measured");
    }
}

/// The records of a log as byte strings.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let log = EventLog::parse(bytes).log;
    let ends = log.events().iter().skip(1).map(|event| event.offset).chain([bytes.len()]);
    log.events().iter().zip(ends).map(|(event, end)| bytes[event.offset..end].to_vec()).collect()
}

/// Checks one changed log: noticed, or of no measured event and with the same facts.
#[track_caller]
fn check(what: &str, truth: &Seen, changed: &[Vec<u8>], measured: bool) {
    let seen = see(&changed.concat());
    if seen.notices(truth) {
        return;
    }
    assert!(!measured, "{what} went unnoticed");
    assert_eq!(seen.facts, truth.facts, "{what}");
}

#[test]
fn every_dropped_repeated_and_appended_event_is_noticed() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        let (truth, all) = (see(&bytes), records(&bytes));
        let log = EventLog::parse(&bytes).log;
        for (number, event) in log.events().iter().enumerate() {
            let measured = event.pcr().is_some();
            let edit = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
                let mut changed = all.clone();
                change(&mut changed);
                changed
            };
            let dropped = edit(&|all| drop(all.remove(number)));
            check(&format!("{boot}: event {number} dropped"), &truth, &dropped, measured || number == 0);
            let repeated = edit(&|all| all.insert(number, all[number].clone()));
            check(&format!("{boot}: event {number} repeated"), &truth, &repeated, measured || number == 0);
            let appended = edit(&|all| all.push(all[number].clone()));
            check(&format!("{boot}: event {number} appended"), &truth, &appended, measured || number == 0);
        }
    }
}

#[test]
fn every_swap_is_noticed_or_of_different_pcrs() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        let (truth, all) = (see(&bytes), records(&bytes));
        let log = EventLog::parse(&bytes).log;
        let pcrs: Vec<Option<PcrIndex>> = log.events().iter().map(|event| event.pcr()).collect();
        let digests: Vec<_> = log.events().iter().map(|event| event.digest(BANK)).collect();
        for first in 1..all.len() {
            for second in first + 1..all.len() {
                let mut changed = all.clone();
                changed.swap(first, second);
                // What is measured is the order within a PCR.
                let between = first..=second;
                let disturbed = between
                    .clone()
                    .filter(|at| pcrs[*at] == pcrs[first] || pcrs[*at] == pcrs[second])
                    .map(|at| (pcrs[at], digests[at]));
                let after = between.map(|at| {
                    let from = if at == first {
                        second
                    } else if at == second {
                        first
                    } else {
                        at
                    };
                    (pcrs[from], digests[from])
                });
                let of = |pcr: Option<PcrIndex>, events: &[(Option<PcrIndex>, _)]| -> Vec<_> {
                    events.iter().filter(|(of, _)| *of == pcr).map(|(_, digest)| *digest).collect()
                };
                let (before, after): (Vec<_>, Vec<_>) = (disturbed.collect(), after.collect());
                let measured = [pcrs[first], pcrs[second]]
                    .into_iter()
                    .any(|pcr| pcr.is_some() && of(pcr, &before) != of(pcr, &after));
                check(&format!("{boot}: events {first} and {second} swapped"), &truth, &changed, measured);
            }
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    for boot in ["direct", "uki"] {
        let bytes = own(boot, "binary_bios_measurements");
        let truth = see(&bytes);
        for end in 0..bytes.len() {
            assert!(see(&bytes[..end]).notices(&truth), "{boot}: cut at {end}");
        }
    }
}

/// A type can be changed and an event's data with it: whatever they say then, Secure Boot's state stays or is unknown.
#[test]
fn no_relabelled_event_changes_the_state() {
    let types = [
        0x4,
        0x5,
        0x8,
        0xd,
        0x8000_0001,
        0x8000_0002,
        0x8000_0007,
        0x8000_000c,
        0x8000_00e0,
        0x9000_0000_u32,
    ];
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        let (truth, all) = (see(&bytes), records(&bytes));
        for number in 1..all.len() {
            for kind in types {
                let mut changed = all.clone();
                changed[number][4..8].copy_from_slice(&kind.to_le_bytes());
                let seen = see(&changed.concat());
                assert_eq!(seen.values, truth.values, "types are not measured");
                let state = seen.facts.secure_boot;
                assert!(
                    state == truth.facts.secure_boot || state == "unknown",
                    "{boot}: event {number} as {kind:#x}: {state}"
                );
                if state != "unknown" && !seen.notices(&truth) {
                    assert_eq!(seen.facts, truth.facts, "{boot}: event {number} as {kind:#x}");
                }
            }
        }
    }
}
