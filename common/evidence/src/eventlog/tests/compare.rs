//! Known values and their causes, and what Windows measured.

use super::*;

const BANK: HashAlg = HashAlg::Sha1;

fn extended(start: Digest, preimages: &[&[u8]]) -> Digest {
    preimages.iter().fold(start, |value, preimage| value.extend(&BANK.hash(&[preimage])).unwrap())
}

#[track_caller]
fn check(bytes: &[u8], pcr: u32, known: Digest, end: LogEnd, expected: Cause) {
    let log = EventLog::parse(bytes).log;
    let found = log.compare(BANK, PcrIndex::new(pcr).unwrap(), &known, end);
    assert_eq!(found, Comparison::Differs(expected));
}

#[test]
fn each_cause_is_found() {
    let zero = Digest::zero(BANK);
    let action = |pcr, text: &[u8]| measured(pcr, EventType::EFI_ACTION, text);
    let separator = |pcr| measured(pcr, EventType::SEPARATOR, &[0; 4]);
    let five = [action(5, b"a"), separator(5)].concat();
    let held: [&[u8]; 2] = [b"a", &[0; 4]];
    let invocation = b"Exit Boot Services Invocation";
    let success = b"Exit Boot Services Returned with Success";
    let failure = b"Exit Boot Services Returned with Failure";
    let whole = LogEnd::Whole;

    let log = EventLog::parse(&five).log;
    let same = log.compare(BANK, PcrIndex::new(5).unwrap(), &extended(zero, &held), whole);
    assert_eq!(same, Comparison::Equal);
    let unused = log.compare(BANK, PcrIndex::new(23).unwrap(), &zero, whole);
    assert_eq!(unused, Comparison::Equal);

    let repairs: [(&[&[u8]], ExitBootServicesRepair); 3] = [
        (&[invocation, success], ExitBootServicesRepair::Success),
        (&[invocation, failure], ExitBootServicesRepair::Failure),
        (&[invocation, failure, success], ExitBootServicesRepair::FailureThenSuccess),
    ];
    for (events, repair) in repairs {
        let value = extended(extended(zero, &held), events);
        check(&five, 5, value, whole, Cause::ExitBootServices(repair));
    }
    check(&five, 5, zero, whole, Cause::AtReset);
    check(&five, 5, extended(zero, &held[..1]), whole, Cause::Prefix { last: 0 });
    check(&five, 5, extended(zero, &[b"other"]), whole, Cause::NotFound);
    check(&five, 5, extended(zero, &[b"other"]), LogEnd::CutShort, Cause::LogEndsEarly);
    check(&action(5, b"a"), 5, extended(zero, &[b"a", b"b"]), whole, Cause::LogEndsEarly);
    check(&five, 3, extended(zero, &[b"a"]), whole, Cause::OutsideLog);
    check(&five, 3, extended(zero, &[b"a"]), LogEnd::CutShort, Cause::LogEndsEarly);
    check(&action(9, b"a"), 9, extended(zero, &[b"other"]), whole, Cause::BeyondLog);
    let phases = extended(zero, &[b".linux", b"enter-initrd", b"leave-initrd", b"sysinit"]);
    check(
        &action(11, b".linux"),
        11,
        phases,
        whole,
        Cause::SystemdPhases(&["enter-initrd", "leave-initrd", "sysinit"]),
    );
    let absent =
        log.compare(HashAlg::Sha256, PcrIndex::new(5).unwrap(), &Digest::zero(HashAlg::Sha256), whole);
    assert_eq!(absent, Comparison::Differs(Cause::BankAbsent));
}

//= TCG PFP 1.06 §10.4.5.3: the locality is PCR 0's start value
#[test]
fn a_start_from_another_locality_is_found() {
    let bytes =
        [measured(0, EventType::S_CRTM_VERSION, b"1"), measured(0, EventType::SEPARATOR, &[0; 4])].concat();
    for locality in [3, 4] {
        let start = Digest::new(BANK, &[[0; 19].as_slice(), &[locality]].concat()).unwrap();
        let known = extended(start, &[b"1", &[0; 4]]);
        check(&bytes, 0, known, LogEnd::Whole, Cause::StartupLocality { locality });
    }
}

//= TCG PFP 1.06 §10.4.1: EV_NO_ACTION events SHALL NOT be extended
#[test]
fn a_value_with_what_must_not_be_extended_is_found() {
    let no_action = legacy(0, EventType::NO_ACTION, [0; 20], b"SP800-155 Event\0");
    let version = measured(0, EventType::S_CRTM_VERSION, b"1");
    let bytes = [version, no_action, measured(0, EventType::SEPARATOR, &[0; 4])].concat();
    let wrong = extended(Digest::zero(BANK), &[b"1"]).extend(&Digest::zero(BANK)).unwrap();
    check(&bytes, 0, extended(wrong, &[&[0; 4]]), LogEnd::Whole, Cause::NoActionExtended);
}

fn sipa(id: SipaId, data: &[u8]) -> Vec<u8> {
    [&id.0.to_le_bytes(), sized(data).as_slice()].concat()
}

/// Records of Windows before its separator.
fn windows_log(pcr: u32, records: &[Vec<u8>]) -> Vec<u8> {
    let boundary = sipa(SipaId::TRUST_BOUNDARY, &records.concat());
    measured(pcr, EventType::EVENT_TAG, &boundary)
}

#[test]
fn windows_is_read_of_verified_records_before_its_separator() {
    let weak = |on: u8| {
        [
            sipa(SipaId::BOOT_COUNTER, &7_u64.to_le_bytes()),
            sipa(SipaId::TEST_SIGNING, &[on]),
            sipa(SipaId::CODE_INTEGRITY, &[1 - on]),
            sipa(SipaId::LOADED_MODULE_AGGREGATION, &[]),
        ]
    };
    let end = measured(12, EventType::SEPARATOR, b"WBCL");
    let strong = windows_log(12, &weak(0));
    let see = |bytes: &[u8]| EventLog::parse(bytes).log.windows(BANK);
    let Windows::Verified(facts) = see(&[strong.clone(), end.clone()].concat()) else { panic!() };
    assert_eq!((facts.boot_counter, facts.modules), (Some(7), 1));
    assert_eq!((facts.test_signing, facts.code_integrity), (Setting::Off, Setting::On));
    assert_eq!(facts.kernel_debug, Setting::NotLogged);
    // On and off: neither.
    let Windows::Verified(facts) = see(&[strong.clone(), windows_log(13, &weak(1))].concat()) else {
        panic!()
    };
    assert_eq!((facts.test_signing, facts.code_integrity), (Setting::Mixed, Setting::Mixed));
    // What comes behind the separator is the running system's word.
    let Windows::Verified(facts) = see(&[strong.clone(), end.clone(), windows_log(12, &weak(1))].concat())
    else {
        panic!()
    };
    assert_eq!(facts.test_signing, Setting::Off);
    // Data that was changed, an event that is something else, and a separator under another type.
    let mut changed = strong.clone();
    let last = changed.len() - 20;
    changed[last] ^= 1;
    assert_eq!(see(&changed), Windows::Unverified { event: 0 });
    let other = [strong.clone(), measured(12, EventType::EFI_ACTION, b"x")].concat();
    assert_eq!(see(&other), Windows::Unverified { event: 1 });
    let disguised =
        [strong, measured(12, EventType::EFI_ACTION, b"WBCL"), windows_log(12, &weak(1))].concat();
    assert!(matches!(see(&disguised), Windows::Verified(facts) if facts.test_signing == Setting::Off));
    assert_eq!(see(&measured(4, EventType::EFI_ACTION, b"x")), Windows::NotLogged);
}

#[test]
fn bytes_beside_those_that_were_measured_are_told() {
    let check = |event_type, preimage: &[u8], data: &[u8], expected: Option<std::ops::Range<usize>>| {
        let bytes = event(event_type, preimage, data);
        let read = EventLog::parse(&bytes).log.events().get(0).unwrap().measured_bytes(BANK);
        assert_eq!(read, expected, "{event_type}");
    };
    let boot = variable("Boot0001", b"entry");
    check(EventType::EFI_VARIABLE_BOOT, b"entry", &boot, Some(boot.len() - 5..boot.len()));
    check(EventType::IPL, b"set x", b"grub_cmd: set x\0", Some(10..15));
    check(EventType::IPL, b"set x\0", b"grub_cmd set x\0", Some(9..15));
    check(EventType::IPL, b"file", b"/boot/file\0", None);
    check(EventType::EFI_ACTION, b"a", b"a\0", Some(0..1));
    check(EventType::SEPARATOR, &[1, 0, 0, 0], b"error", Some(0..0));
    check(EventType::EVENT_TAG, b"text", &[7, 0, 0, 0, 4, 0, 0, 0, b't', b'e', b'x', b't'], Some(8..12));
    check(EventType::NO_ACTION, b"a", b"a", None);
}
