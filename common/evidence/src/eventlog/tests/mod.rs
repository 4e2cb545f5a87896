//! Logs made by hand, one for each rule of the format.

mod compare;
mod order;

use super::*;
use crate::cursor::Truncated;
use crate::efi::Guid;
use crate::pcr::PcrIndex;

const SHA256: u16 = 0x000b;
const SHA384: u16 = 0x000c;

fn legacy(register: u32, event_type: EventType, digest: [u8; 20], data: &[u8]) -> Vec<u8> {
    let head = [register, event_type.0].map(u32::to_le_bytes).concat();
    [head.as_slice(), &digest, &sized(data)].concat()
}

fn sized(data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

fn measured(register: u32, event_type: EventType, data: &[u8]) -> Vec<u8> {
    legacy(register, event_type, sha1(data), data)
}

fn sha1(data: &[u8]) -> [u8; 20] {
    HashAlg::Sha1.hash(&[data]).as_bytes().try_into().unwrap()
}

/// A first record with this table of algorithms and sizes.
fn spec_id(table: &[(u16, u16)]) -> Vec<u8> {
    let count = u32::try_from(table.len()).unwrap().to_le_bytes();
    let table: Vec<u8> =
        table.iter().flat_map(|(id, size)| [id.to_le_bytes(), size.to_le_bytes()].concat()).collect();
    let data = [b"Spec ID Event03\0".as_slice(), &[0, 0, 0, 0, 0, 2, 0, 2], &count, &table, &[0]].concat();
    legacy(0, EventType::NO_ACTION, [0; 20], &data)
}

fn agile(register: u32, event_type: EventType, digests: &[(u16, &[u8])], data: &[u8]) -> Vec<u8> {
    let head = [register, event_type.0, u32::try_from(digests.len()).unwrap()].map(u32::to_le_bytes).concat();
    let digests: Vec<u8> =
        digests.iter().flat_map(|(id, digest)| [id.to_le_bytes().as_slice(), digest].concat()).collect();
    [head, digests, sized(data)].concat()
}

fn damage(bytes: &[u8]) -> Option<EventLogError> {
    EventLog::parse(bytes).damage
}

fn pcr0(bytes: &[u8]) -> Digest {
    let parsed = EventLog::parse(bytes);
    assert_eq!(parsed.damage, None);
    parsed.log.replay(HashAlg::Sha1).unwrap().value(HashAlg::Sha1, PcrIndex::new(0).unwrap()).unwrap()
}

#[test]
fn an_empty_log_is_none() {
    assert_eq!(damage(&[]), Some(EventLogError::Empty));
}

#[test]
fn a_log_without_a_table_is_sha1_only() {
    let bytes = measured(0, EventType::S_CRTM_VERSION, b"1\0.\x000\0");
    let parsed = EventLog::parse(&bytes);
    assert_eq!((parsed.log.format(), parsed.damage), (LogFormat::LegacySha1, None));
    assert_eq!(parsed.log.banks(), [HashAlg::Sha1]);
    assert_eq!(parsed.log.events().get(0).unwrap().describe(), "1.0");
    let absent = ReplayError::BankAbsent { bank: HashAlg::Sha256 };
    assert_eq!(parsed.log.replay(HashAlg::Sha256), Err(absent));
}

#[test]
fn a_text_file_is_no_log() {
    let found = damage(b"this is not a log but some text in a file");
    assert!(matches!(found, Some(EventLogError::Truncated { event: 0, .. })), "{found:?}");
}

//= TCG PFP 1.06 §10.4.5.1: the table of algorithms
#[test]
fn the_table_is_checked() {
    let wrong = EventLogError::DigestSize { offset: 62, alg: HashAlg::Sha256, expected: 32, found: 20 };
    assert_eq!(damage(&spec_id(&[(SHA256, 20)])), Some(wrong));
    let twice = EventLogError::DuplicateAlgorithm { offset: 64, id: SHA256 };
    assert_eq!(damage(&spec_id(&[(SHA256, 32), (SHA256, 32)])), Some(twice));
    let none = EventLogError::AlgorithmCount { offset: 56, found: 0, limit: 16 };
    assert_eq!(damage(&spec_id(&[])), Some(none));
    let many: Vec<_> = (100..117).map(|id| (id, 1)).collect();
    let found = damage(&spec_id(&many));
    assert!(matches!(found, Some(EventLogError::AlgorithmCount { found: 17, .. })), "{found:?}");
}

#[test]
fn an_unknown_algorithm_is_skipped_by_its_size_in_the_table() {
    let table = spec_id(&[(0x7777, 5), (SHA256, 32)]);
    let event = agile(1, EventType::EFI_ACTION, &[(0x7777, &[9; 5]), (SHA256, &[1; 32])], b"x");
    let bytes = [table.as_slice(), &event].concat();
    let parsed = EventLog::parse(&bytes);
    assert_eq!((parsed.log.events().len(), parsed.damage), (2, None));
    assert_eq!(parsed.log.banks(), [HashAlg::Sha256]);
    assert_eq!(parsed.log.events().get(1).unwrap().digests().count(), 1);

    let event = agile(1, EventType::EFI_ACTION, &[(0x7778, &[9; 5])], b"x");
    let unknown = EventLogError::UnknownAlgorithm { offset: table.len() + 12, id: 0x7778 };
    assert_eq!(damage(&[table, event].concat()), Some(unknown));
}

#[test]
fn digests_of_an_event_are_checked() {
    let table = spec_id(&[(SHA256, 32), (SHA384, 48)]);
    let twice = agile(1, EventType::IPL, &[(SHA256, &[1; 32]), (SHA256, &[1; 32])], b"x");
    let error = EventLogError::DuplicateAlgorithm { offset: table.len() + 46, id: SHA256 };
    assert_eq!(damage(&[table.as_slice(), &twice].concat()), Some(error));
    let digests = [(SHA256, [1; 32].as_slice()), (SHA384, &[1; 48]), (4, &[1; 20])];
    let error = EventLogError::DigestCount { offset: table.len() + 8, found: 3, limit: 2 };
    assert_eq!(damage(&[table, agile(1, EventType::IPL, &digests, b"x")].concat()), Some(error));
}

#[test]
fn what_was_read_before_the_damage_is_kept() {
    let good = measured(0, EventType::S_CRTM_VERSION, b"1");
    let mut bytes = [good.as_slice(), &measured(4, EventType::EFI_ACTION, b"hello")].concat();
    bytes.truncate(bytes.len() - 2);
    let parsed = EventLog::parse(&bytes);
    assert_eq!(parsed.log.events().len(), 1);
    let cause = Truncated { offset: good.len() + 32, needed: 5, left: 3 };
    assert_eq!(parsed.damage, Some(EventLogError::Truncated { event: 1, cause }));
}

#[test]
fn padding_of_either_kind_is_no_event() {
    let bytes = measured(0, EventType::SEPARATOR, &[0; 4]);
    for (pad, bytes) in [(0, bytes.clone()), (0xff, measured(0, EventType::SEPARATOR, &[0xff; 4]))] {
        let padded = [bytes.as_slice(), &vec![pad; 1000]].concat();
        let parsed = EventLog::parse(&padded);
        assert_eq!((parsed.log.events().len(), parsed.damage), (1, None));
        assert_eq!(parsed.log.padding_bytes(), 1000);
    }
    let broken = [bytes.as_slice(), &[0; 1000], &[1]].concat();
    let parsed = EventLog::parse(&broken);
    assert!(parsed.damage.is_some(), "zeros with something behind them are not padding");
}

#[test]
fn limits_hold() {
    let found = damage(&vec![0; crate::limits::EVENT_LOG_BYTES + 1]);
    assert!(matches!(found, Some(EventLogError::TooLong { .. })), "{found:?}");
    let bytes = measured(0, EventType::EFI_ACTION, b"x").repeat(crate::limits::EVENT_LOG_EVENTS + 1);
    let parsed = EventLog::parse(&bytes);
    assert_eq!(parsed.log.events().len(), crate::limits::EVENT_LOG_EVENTS);
    assert!(matches!(parsed.damage, Some(EventLogError::TooManyEvents { .. })), "{:?}", parsed.damage);
}

//= TCG PFP 1.06 §10.4.1: EV_NO_ACTION events SHALL NOT be extended
#[test]
fn no_action_never_extends() {
    let event = measured(0, EventType::S_CRTM_VERSION, b"1");
    for register in [0, 7, u32::MAX] {
        let no_action = legacy(register, EventType::NO_ACTION, [9; 20], b"SP800-155 Event\0");
        assert_eq!(pcr0(&[event.as_slice(), &no_action].concat()), pcr0(&event));
    }
}

//= TCG PFP 1.06 §10.4.5.3: StartupLocality
#[test]
fn startup_locality_sets_the_start_of_pcr_0_under_its_rules() {
    let locality = |register, value: &[u8]| {
        legacy(register, EventType::NO_ACTION, [0; 20], &[b"StartupLocality\0".as_slice(), value].concat())
    };
    let event = measured(0, EventType::S_CRTM_VERSION, b"1");
    let check = |records: &[&[u8]], expected| {
        let bytes = records.concat();
        assert_eq!(EventLog::parse(&bytes).log.startup_locality(), expected);
        pcr0(&bytes)
    };
    let plain = check(&[&event], StartupLocality::NotLogged);
    for value in [0, 3, 4] {
        let logged = StartupLocality::Logged { event: 0, locality: value };
        let found = check(&[&locality(0, &[value]), &event], logged);
        let start = Digest::new(HashAlg::Sha1, &[[0; 19].as_slice(), &[value]].concat()).unwrap();
        let digest = Digest::new(HashAlg::Sha1, &sha1(b"1")).unwrap();
        assert_eq!(Some(found), start.extend(&digest));
        assert_eq!(found == plain, value == 0);
    }
    let invalid = |event| StartupLocality::Invalid { event };
    assert_eq!(check(&[&locality(0, &[1]), &event], invalid(0)), plain);
    assert_eq!(check(&[&locality(0, &[3, 0]), &event], invalid(0)), plain);
    assert_eq!(check(&[&locality(1, &[3]), &event], invalid(0)), plain);
    assert_eq!(check(&[&event, &locality(0, &[3])], invalid(1)), plain);
    assert_eq!(check(&[&locality(0, &[3]), &locality(0, &[3]), &event], invalid(1)), plain);
}

#[test]
fn drtm_registers_start_at_ones() {
    let bytes = measured(17, EventType::EFI_ACTION, b"x");
    let values = EventLog::parse(&bytes).log.replay(HashAlg::Sha1).unwrap();
    let digest = Digest::new(HashAlg::Sha1, &sha1(b"x")).unwrap();
    let value = |index| values.value(HashAlg::Sha1, PcrIndex::new(index).unwrap());
    assert_eq!(value(17), Digest::ones(HashAlg::Sha1).extend(&digest));
    assert_eq!(value(22), Some(Digest::ones(HashAlg::Sha1)));
    assert_eq!(value(23), Some(Digest::zero(HashAlg::Sha1)));
}

fn event(event_type: EventType, preimage: &[u8], data: &[u8]) -> Vec<u8> {
    legacy(4, event_type, sha1(preimage), data)
}

#[track_caller]
fn check_digest(event_type: EventType, preimage: &[u8], data: &[u8], expected: DigestCheck) {
    let bytes = event(event_type, preimage, data);
    let log = EventLog::parse(&bytes).log;
    assert_eq!(log.events().get(0).unwrap().digest_check(HashAlg::Sha1), expected, "{event_type} {data:?}");
}

fn variable(name: &str, data: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lengths = [name.len() as u64 / 2, data.len() as u64].map(u64::to_le_bytes).concat();
    [Guid::GLOBAL_VARIABLE.0.as_slice(), &lengths, &name, data].concat()
}

#[test]
fn digests_that_are_of_other_bytes_by_design() {
    use DigestCheck::{Mismatch, NotExtended, Opaque, Verified};
    let boot = variable("Boot0001", b"entry");
    check_digest(EventType::EFI_VARIABLE_BOOT, b"entry", &boot, Verified);
    check_digest(EventType::EFI_VARIABLE_BOOT2, b"entry", &boot, Mismatch);
    check_digest(EventType::EFI_VARIABLE_BOOT2, &boot, &boot, Verified);
    check_digest(EventType::EFI_VARIABLE_DRIVER_CONFIG, b"entry", &boot, Mismatch);
    // Old shims: some bytes behind the structure, all but the last of them measured.
    let long = [boot.as_slice(), &[0, 0, 0xaf]].concat();
    check_digest(EventType::EFI_VARIABLE_AUTHORITY, &long[..long.len() - 1], &long, Verified);
    check_digest(EventType::EFI_VARIABLE_AUTHORITY, &boot[..boot.len() - 1], &boot, Mismatch);
    // GRUB: without its prefix; older versions with the NUL and without the colon.
    check_digest(EventType::IPL, b"linux /vmlinuz", b"grub_cmd: linux /vmlinuz\0", Verified);
    check_digest(EventType::IPL, b"linux /vmlinuz\0", b"grub_cmd linux /vmlinuz\0", Verified);
    check_digest(EventType::IPL, b"root=/", b"grub_kernel_cmdline root=/\0", Verified);
    check_digest(EventType::IPL, b"other", b"kernel_cmdline: root=/\0", Mismatch);
    check_digest(EventType::IPL, b"file's bytes", b"/boot/vmlinuz\0", Opaque);
    // systemd: the name of a section, logged in UTF-16.
    check_digest(EventType::IPL, b".osrel\0", b".\0o\0s\0r\0e\0l\0\0\0", Verified);
    check_digest(EventType::EFI_ACTION, b"Exit", b"Exit\0", Verified);
    check_digest(EventType::EFI_BOOT_SERVICES_APPLICATION, b"x", b"x", Opaque);
    check_digest(EventType::POST_CODE, b"blob", b"POST CODE", Opaque);
    check_digest(EventType(0x9999_0000), b"blob", b"vendor", Opaque);
    check_digest(EventType::SEPARATOR, &[1, 0, 0, 0], b"error info", Verified);
    check_digest(EventType::SEPARATOR, b"x", &[0; 4], Mismatch);
    check_digest(EventType::NO_ACTION, b"x", b"x", NotExtended);
}

#[test]
fn a_separator_is_known_by_its_digest() {
    let check = |event_type, preimage: &[u8], expected| {
        let bytes = event(event_type, preimage, b"");
        assert_eq!(EventLog::parse(&bytes).log.events().get(0).unwrap().separator(HashAlg::Sha1), expected);
    };
    check(EventType::SEPARATOR, &[0; 4], Some(Separator::Normal));
    check(EventType::SEPARATOR, &[0xff; 4], Some(Separator::Normal));
    check(EventType::EFI_ACTION, &[0; 4], Some(Separator::Normal));
    check(EventType::SEPARATOR, &[1, 0, 0, 0], Some(Separator::Error));
    // A boot order of one entry.
    check(EventType::EFI_VARIABLE_BOOT, &[1, 0, 0, 0], None);
    check(EventType::SEPARATOR, b"WBCL", None);
    check(EventType::NO_ACTION, &[0; 4], None);
}

#[test]
fn text_for_people_cannot_steer_a_terminal() {
    let text = "grub_cmd: echo \u{1b}[2J\u{202e}evil\r\n\0";
    let bytes = event(EventType::IPL, b"x", text.as_bytes());
    let described = EventLog::parse(&bytes).log.events().get(0).unwrap().describe();
    assert_eq!(described, "grub: echo \\u{1b}[2J\\u{202e}evil\\u{d}\\u{a}");
    let long = "a".repeat(100_000);
    let bytes = event(EventType::EFI_ACTION, b"x", long.as_bytes());
    assert!(EventLog::parse(&bytes).log.events().get(0).unwrap().describe().chars().count() < 5000);
}

#[test]
fn device_paths_of_no_or_false_length_end_the_text() {
    let check = |path: &[u8], expected: &str| {
        let head = [0, 0, 0, path.len() as u64].map(u64::to_le_bytes).concat();
        let bytes = event(EventType::EFI_BOOT_SERVICES_APPLICATION, b"x", &[head.as_slice(), path].concat());
        let log = EventLog::parse(&bytes).log;
        let Ok(Payload::Image(image)) = log.events().get(0).unwrap().payload() else { panic!("an image") };
        assert_eq!(image.device_path.to_string(), expected);
    };
    check(&[4, 4, 8, 0, b'a', 0, b'b', 0, 0x7f, 0xff, 4, 0], "ab");
    check(&[4, 4, 0, 0, b'a', 0], "");
    check(&[4, 4, 0xff, 0xff, b'a', 0], "");
    check(&[1, 1, 6, 0, 2, 0x1f, 3, 99, 5, 0, 7], "Pci(0x1f,0x2)/Path(3,99,07)");
    check(&[1, 1, 5, 0, 2], "Path(1,1,02)");
    check(&[], "");
}

#[test]
fn guids_read_as_the_specification_writes_them() {
    assert_eq!(Guid::GLOBAL_VARIABLE.to_string(), "8be4df61-93ca-11d2-aa0d-00e098032b8c");
    assert_eq!(Guid::IMAGE_SECURITY.to_string(), "d719b2cb-3d3a-4596-a3bc-dad00e67656f");
    assert_eq!(Guid::SHIM_LOCK.to_string(), "605dab50-e046-4300-abb6-3dd810dd8b23");
}

#[test]
fn finding_codes_are_unique_and_plain() {
    let mut codes: Vec<&str> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
    assert!(
        codes
            .iter()
            .all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
    );
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), FindingCode::ALL.len());
}

#[test]
fn a_bank_without_separators_proves_nothing() {
    let secure_boot = variable("SecureBoot", &[1]);
    let bytes = measured(7, EventType::EFI_VARIABLE_DRIVER_CONFIG, &secure_boot);
    let facts = EventLog::parse(&bytes).log.facts(HashAlg::Sha1);
    assert_eq!(facts.secure_boot, SecureBoot::Unknown(SecureBootUnknown::NoSeparator));
    let missing = facts.findings.iter().filter(|finding| finding.code == FindingCode::SeparatorMissing);
    assert_eq!(missing.count(), 8);
    let bytes = [bytes, measured(7, EventType::SEPARATOR, &[0; 4])].concat();
    let log = EventLog::parse(&bytes).log;
    assert_eq!(log.facts(HashAlg::Sha1).secure_boot, SecureBoot::On { event: 0 });
    let other_bank = log.facts(HashAlg::Sha256).secure_boot;
    assert_eq!(other_bank, SecureBoot::Unknown(SecureBootUnknown::NoSeparator));
}

#[test]
fn secure_boot_is_read_of_the_global_variable_alone() {
    let check = |data: &[u8], expected: SecureBoot| {
        let records = [
            measured(7, EventType::EFI_VARIABLE_DRIVER_CONFIG, data),
            measured(7, EventType::SEPARATOR, &[0; 4]),
        ];
        assert_eq!(EventLog::parse(&records.concat()).log.facts(HashAlg::Sha1).secure_boot, expected);
    };
    check(&variable("SecureBoot", &[1]), SecureBoot::On { event: 0 });
    check(&variable("SecureBoot", &[0]), SecureBoot::Off { event: 0 });
    check(&variable("SecureBoot", &[]), SecureBoot::Off { event: 0 });
    let bad = SecureBoot::Unknown(SecureBootUnknown::BadValue { event: 0 });
    check(&variable("SecureBoot", &[2]), bad);
    check(&variable("SecureBoot", &[1, 1]), bad);
    let none = SecureBoot::Unknown(SecureBootUnknown::NoVariable);
    check(&variable("SecureBoot\0", &[1]), none);
    let mut foreign = variable("SecureBoot", &[1]);
    foreign[0] ^= 1;
    check(&foreign, none);
}
