//! Tampering with an event log: whatever changes what was measured changes the replay of its PCR, and whatever
//! changes only what was said of it is found, or leaves the fact unknown.

use evidence::digest::HashAlg;
use evidence::eventlog::{DigestCheck, Event, EventLog, EventType, FindingCode, SecureBoot};
use evidence::pcr::PcrIndex;
use proptest::prelude::*;

use crate::vectors::{BOOTS, own, pcr};

const BANK: HashAlg = HashAlg::Sha256;

/// The records of a crypto-agile log as byte strings: the first is the table of banks.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let log = EventLog::parse(bytes).log;
    let ends = log.events().iter().skip(1).map(|event| event.offset).chain([bytes.len()]);
    log.events().iter().zip(ends).map(|(event, end)| bytes[event.offset..end].to_vec()).collect()
}

fn replayed(bytes: &[u8], index: PcrIndex) -> Option<evidence::digest::Digest> {
    EventLog::parse(bytes).log.replay(BANK).ok()?.value(BANK, index)
}

/// The number of a record that extends a PCR, and that PCR.
fn pick(bytes: &[u8], at: prop::sample::Index) -> (usize, PcrIndex) {
    let log = EventLog::parse(bytes).log;
    let extending: Vec<_> =
        log.events().iter().filter_map(|event| Some((event.number, event.pcr()?))).collect();
    let (number, index) = extending[at.index(extending.len())];
    (usize::try_from(number).unwrap(), index)
}

proptest! {
    #[test]
    fn a_flipped_digest_changes_its_pcr(
        boot in 0..BOOTS.len(), at: prop::sample::Index, byte in 0usize..32, bit in 0u8..8,
    ) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let (number, index) = pick(&bytes, at);
        let mut changed = records(&bytes);
        // Register, type, count of digests and the algorithm come first.
        changed[number][14 + byte] ^= 1 << bit;
        prop_assert_ne!(replayed(&changed.concat(), index), replayed(&bytes, index));
    }

    #[test]
    fn a_dropped_event_changes_its_pcr(boot in 0..BOOTS.len(), at: prop::sample::Index) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let (number, index) = pick(&bytes, at);
        let mut changed = records(&bytes);
        changed.remove(number);
        prop_assert_ne!(replayed(&changed.concat(), index), replayed(&bytes, index));
    }

    #[test]
    fn a_repeated_event_changes_its_pcr(boot in 0..BOOTS.len(), at: prop::sample::Index) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let (number, index) = pick(&bytes, at);
        let mut changed = records(&bytes);
        changed.insert(number, changed[number].clone());
        prop_assert_ne!(replayed(&changed.concat(), index), replayed(&bytes, index));
    }

    #[test]
    fn an_appended_event_changes_its_pcr(boot in 0..BOOTS.len(), index in 0u32..24, text: [u8; 8]) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let digest = BANK.hash(&[&text]);
        let head = [index, EventType::EFI_ACTION.0, 1].map(u32::to_le_bytes).concat();
        let tail = [&8u32.to_le_bytes(), text.as_slice()].concat();
        let record = [&head, BANK.tpm_id().to_le_bytes().as_slice(), digest.as_bytes(), &tail].concat();
        let changed = [bytes.as_slice(), &record].concat();
        prop_assert_ne!(replayed(&changed, pcr(index)), replayed(&bytes, pcr(index)));
    }

    #[test]
    fn two_swapped_events_of_a_pcr_change_it(
        boot in 0..BOOTS.len(), a: prop::sample::Index, b: prop::sample::Index,
    ) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let (first, index) = pick(&bytes, a);
        let log = EventLog::parse(&bytes).log;
        let event = log.events().get(first).unwrap();
        let others: Vec<usize> = log.events().iter()
            .filter(|other| other.pcr() == Some(index) && other.digest(BANK) != event.digest(BANK))
            .map(|other| usize::try_from(other.number).unwrap())
            .collect();
        prop_assume!(!others.is_empty());
        let mut changed = records(&bytes);
        changed.swap(first, others[b.index(others.len())]);
        prop_assert_ne!(replayed(&changed.concat(), index), replayed(&bytes, index));
    }

    /// Data is not measured, but a verified event's data is bound to its digest.
    #[test]
    fn changed_data_of_a_verified_event_is_no_longer_verified(
        boot in 0..BOOTS.len(), at: prop::sample::Index, byte: prop::sample::Index, bit in 0u8..8,
    ) {
        let bytes = own(BOOTS[boot], "binary_bios_measurements");
        let log = EventLog::parse(&bytes).log;
        // GRUB's prefix, the name of a boot variable and a NUL are not part of what is hashed.
        let whole = |event: &Event<'_>| event.digest(BANK) == Some(BANK.hash(&[event.data]));
        let verified: Vec<_> = log.events().iter().filter(whole).filter(|event| !event.data.is_empty()).collect();
        let event = verified[at.index(verified.len())];
        prop_assert_eq!(event.digest_check(BANK), DigestCheck::Verified);
        let mut data = event.data.to_vec();
        let byte = byte.index(data.len());
        data[byte] ^= 1 << bit;
        let changed = event.with_data(&data);
        prop_assert_ne!(changed.digest_check(BANK), DigestCheck::Verified);
    }

    /// However events are relabelled and their data rewritten, Secure Boot never reads as on where it was off.
    #[test]
    fn no_relabelling_turns_secure_boot_on(
        number in 0usize..24, kind in prop::sample::select(vec![1u32, 4, 6, 8, 0xd, 0x8000_0001, 0x8000_0002,
            0x8000_0007, 0x8000_000c, 0x8000_00e0, 0x9000_0000]), rewrite: bool,
    ) {
        let bytes = own("direct", "binary_bios_measurements");
        let mut changed = records(&bytes);
        prop_assume!(number > 0 && number < changed.len());
        let record = &mut changed[number];
        record[4..8].copy_from_slice(&kind.to_le_bytes());
        if rewrite && let Some(last) = record.last_mut() {
            *last = 1;
        }
        let bytes = changed.concat();
        let facts = EventLog::parse(&bytes).log.facts(BANK);
        prop_assert!(!matches!(facts.secure_boot, SecureBoot::On { .. }), "{:?}", facts.secure_boot);
    }
}

/// Changes one record and gives the codes of the facts that come of it, with Secure Boot's state.
fn check(boot: &str, change: impl FnOnce(&mut Vec<Vec<u8>>), expected: FindingCode) -> SecureBoot {
    let bytes = own(boot, "binary_bios_measurements");
    let before = EventLog::parse(&bytes).log.facts(BANK);
    assert!(before.findings.iter().all(|finding| finding.code != expected), "{expected:?} was there before");
    let mut changed = records(&bytes);
    change(&mut changed);
    let changed = changed.concat();
    let facts = EventLog::parse(&changed).log.facts(BANK);
    assert!(facts.findings.iter().any(|finding| finding.code == expected), "{:?}", facts.findings);
    facts.secure_boot
}

fn retype(record: &mut [u8], kind: EventType) {
    record[4..8].copy_from_slice(&kind.0.to_le_bytes());
}

/// Events of `shim-sb`: 4 is `SecureBoot`, 5 PK, 9 the separator of PCR 7, 22 the authority of shim.
#[test]
fn what_is_out_of_order_is_found_and_leaves_secure_boot_unknown() {
    let unknown = |state| assert!(matches!(state, SecureBoot::Unknown(_)), "{state:?}");
    let on = |state| assert!(matches!(state, SecureBoot::On { .. }), "{state:?}");
    let boot = "shim-sb";
    unknown(check(boot, |all| drop(all.remove(9)), FindingCode::SeparatorMissing));
    unknown(check(boot, |all| all.insert(5, all[4].clone()), FindingCode::DuplicateVariable));
    on(check(boot, |all| all.insert(6, all[5].clone()), FindingCode::DuplicateVariable));
    on(check(boot, |all| all.swap(9, 22), FindingCode::AuthorityBeforeSeparator));
    unknown(check(boot, |all| all.swap(4, 9), FindingCode::VariableAfterSeparator));
    on(check(boot, |all| retype(&mut all[9], EventType::EFI_ACTION), FindingCode::SeparatorDisguised));
    on(check(boot, |all| all.insert(10, all[9].clone()), FindingCode::SeparatorRepeated));
    unknown(check(boot, |all| retype(&mut all[6], EventType(0x8000_ffff)), FindingCode::UnknownEvent));
    unknown(check(boot, |all| retype(&mut all[6], EventType::EFI_ACTION), FindingCode::Pcr7Unverified));
    unknown(check(boot, |all| *all[4].last_mut().unwrap() = 0, FindingCode::DigestMismatch));
}

/// Root can extend PCR 7 with the very event of another boot, but only behind firmware's separator.
#[test]
fn a_state_that_was_extended_later_does_not_count() {
    let on = records(&own("shim-sb", "binary_bios_measurements")).remove(4);
    let forge = |all: &mut Vec<Vec<u8>>| all.push(on.clone());
    let state = check("direct", forge, FindingCode::VariableAfterSeparator);
    assert!(matches!(state, SecureBoot::Off { .. }), "{state:?}");
    // Not even when the log hides the separator under another type.
    let hide = |all: &mut Vec<Vec<u8>>| {
        retype(&mut all[9], EventType::EFI_VARIABLE_DRIVER_CONFIG);
        all.push(on.clone());
    };
    let state = check("direct", hide, FindingCode::SeparatorDisguised);
    assert!(matches!(state, SecureBoot::Off { .. }), "{state:?}");
}

#[test]
fn an_error_separator_is_reported() {
    let error = |all: &mut Vec<Vec<u8>>| {
        let digest = BANK.hash(&[&[1, 0, 0, 0]]);
        all[9][14..46].copy_from_slice(digest.as_bytes());
    };
    let state = check("shim-sb", error, FindingCode::SeparatorError);
    assert!(matches!(state, SecureBoot::Unknown(_)), "{state:?}");
}
