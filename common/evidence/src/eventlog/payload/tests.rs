//! Event data made by hand: one of each type, and each of them cut short.

use super::*;
use crate::eventlog::EventType;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn sized8(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn sipa(id: u32, data: &[u8]) -> Vec<u8> {
    [&id.to_le_bytes(), &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

fn variable(guid: Guid, name: &str, data: &[u8]) -> Vec<u8> {
    let name = utf16(name);
    let lengths = [name.len() as u64 / 2, data.len() as u64].map(u64::to_le_bytes).concat();
    [&guid.0, lengths.as_slice(), &name, data].concat()
}

const GUID: Guid = Guid([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const PATH: &[u8] = &[4, 4, 8, 0, b'a', 0, b'b', 0, 0x7f, 0xff, 4, 0];

fn platform_event(form: u8) -> Vec<u8> {
    let signature: &[u8; 16] = match form {
        1 => b"SP800-155 Event\0",
        2 => b"SP800-155 Event2",
        _ => b"SP800-155 Event3",
    };
    let mut data = [&signature[..], &0x157_u32.to_le_bytes(), &GUID.0].concat();
    if form > 1 {
        for text in ["Maker\0", "Model\0", "1.0\0", "Firm\0"] {
            data.extend(sized8(text));
        }
        data.extend(0x158_u32.to_le_bytes());
        data.extend(sized8("2.0\0"));
    }
    if form > 2 {
        for (kind, place) in [(1_u32, &b"https://rim.example/\0"[..]), (0, b"cert")] {
            data.extend(kind.to_le_bytes());
            data.extend(u32::try_from(place.len()).unwrap().to_le_bytes());
            data.extend(place);
        }
    }
    data
}

fn gpt() -> Vec<u8> {
    let mut header = b"EFI PART".to_vec();
    header.resize(40, 0);
    header.extend([34_u64, 99].map(u64::to_le_bytes).concat());
    header.extend(GUID.0);
    header.extend([0; 12]);
    header.extend(128_u32.to_le_bytes());
    header.extend([0; 4]);
    let mut entry = [GUID.0, [9; 16]].concat();
    entry.extend([40_u64, 50, 4].map(u64::to_le_bytes).concat());
    entry.extend(utf16("root"));
    entry.resize(128, 0);
    [header, 1_u64.to_le_bytes().to_vec(), entry].concat()
}

fn device(form: u8) -> Vec<u8> {
    if form == 1 {
        let head = [&b"SPDM Device Sec\0"[..], &[1, 0], &[99, 0], &[0; 4], &1_u32.to_le_bytes()].concat();
        return [head.as_slice(), b"block"].concat();
    }
    let head = [&b"SPDM Device Sec2"[..], &[2, 0], &[0, 0], &[0; 4], &2_u32.to_le_bytes()].concat();
    let length = (PATH.len() as u64).to_le_bytes();
    [head.as_slice(), &[0; 16], &length, PATH, b"block"].concat()
}

/// One of each type whose data has fields.
fn typed() -> Vec<(EventType, Vec<u8>)> {
    let blob = [0x1000_u64, 0x20].map(u64::to_le_bytes).concat();
    let tables = [1_u64.to_le_bytes().to_vec(), GUID.0.to_vec(), 7_u64.to_le_bytes().to_vec()].concat();
    let option = [&1_u32.to_le_bytes()[..], &[12, 0], &utf16("Linux\0"), PATH, b"quiet"].concat();
    let image = [1_u64, 2, 3, PATH.len() as u64].map(u64::to_le_bytes).concat();
    vec![
        (EventType::NO_ACTION, platform_event(1)),
        (EventType::NO_ACTION, platform_event(2)),
        (EventType::NO_ACTION, platform_event(3)),
        (EventType::EFI_VARIABLE_DRIVER_CONFIG, variable(Guid::GLOBAL_VARIABLE, "SecureBoot", &[1])),
        (EventType::EFI_VARIABLE_BOOT, variable(Guid::GLOBAL_VARIABLE, "Boot0001", &option)),
        (EventType::EFI_BOOT_SERVICES_APPLICATION, [image.as_slice(), PATH].concat()),
        (EventType::EFI_GPT_EVENT, gpt()),
        (EventType::EFI_HANDOFF_TABLES, tables.clone()),
        (EventType::EFI_HANDOFF_TABLES2, [sized8("Tables"), tables].concat()),
        (EventType::EFI_PLATFORM_FIRMWARE_BLOB, blob.clone()),
        (EventType::EFI_PLATFORM_FIRMWARE_BLOB2, [sized8("Fv"), blob.clone()].concat()),
        (EventType::POST_CODE2, [sized8("ACPI"), blob].concat()),
        (EventType::EFI_SPDM_FIRMWARE_BLOB, device(1)),
        (EventType::EFI_SPDM_FIRMWARE_CONFIG, device(2)),
    ]
}

#[test]
fn every_type_decodes_and_every_cut_of_it_is_an_error_or_less() {
    for (event_type, data) in typed() {
        let whole = decode(event_type, &data).unwrap_or_else(|error| panic!("{event_type}: {error}"));
        assert!(!matches!(whole, Payload::Raw(_)), "{event_type}: {whole:?}");
        for end in 0..data.len() {
            match decode(event_type, &data[..end]) {
                Ok(cut) => assert_ne!(cut, whole, "{event_type} cut at {end}"),
                Err(error) => assert!(error.cause.offset <= end, "{event_type} cut at {end}: {error}"),
            }
        }
    }
}

//= TCG PFP 1.06 §10.4.5.2: TCG_Sp800_155_PlatformId_Event, 2 and 3
#[test]
fn platform_events_of_all_three_forms() {
    for form in 1..=3 {
        let data = platform_event(form);
        let Ok(Payload::PlatformEvent(event)) = decode(EventType::NO_ACTION, &data) else { panic!("{form}") };
        assert_eq!((event.vendor_id, event.manifest), (0x157, GUID));
        assert_eq!(event.platform.map(|names| names.model == "Model"), (form > 1).then_some(true));
        let firmware = event.platform.map(|names| (names.firmware_manufacturer_id, names.firmware_version));
        assert!(firmware.is_none_or(|(id, version)| id == 0x158 && version == "2.0"));
        let locators =
            event.locators.map(|locators| locators.map(|locator| (locator.kind, locator.data.len())));
        assert_eq!(locators, (form > 2).then_some([(1, 21), (0, 4)]));
    }
}

#[test]
fn partitions_and_load_options_have_their_names() {
    let data = gpt();
    let Ok(Payload::Gpt(gpt)) = decode(EventType::EFI_GPT_EVENT, &data) else { panic!() };
    assert_eq!((gpt.disk, gpt.usable_blocks), (GUID, (34, 99)));
    let partitions: Vec<_> = gpt.partitions().collect();
    assert_eq!(partitions.len(), 1);
    assert_eq!((partitions[0].name.to_string().as_str(), partitions[0].blocks), ("root", (40, 50)));

    let (_, data) = typed().remove(4);
    let Ok(Payload::Variable(variable)) = decode(EventType::EFI_VARIABLE_BOOT, &data) else { panic!() };
    let Contents::LoadOption(option) = variable.contents(EventType::EFI_VARIABLE_BOOT) else { panic!() };
    assert_eq!((option.attributes, option.optional_data), (1, &b"quiet"[..]));
    assert!(option.description == "Linux");
    assert_eq!(option.device_path.to_string(), "ab");
}

#[test]
fn contents_go_by_name_and_vendor() {
    let check = |guid, name: &str, data: &[u8], event_type, expected: &str| {
        let bytes = variable(guid, name, data);
        let read = EfiVariable::read(&bytes).unwrap();
        let found = format!("{:?}", read.contents(event_type));
        assert!(found.starts_with(expected), "{name}: {found}");
    };
    let (config, authority) = (EventType::EFI_VARIABLE_DRIVER_CONFIG, EventType::EFI_VARIABLE_AUTHORITY);
    check(Guid::GLOBAL_VARIABLE, "SecureBoot", &[1], config, "Switch(Some(1))");
    check(Guid::GLOBAL_VARIABLE, "SecureBoot", &[], config, "Switch(None)");
    check(Guid::GLOBAL_VARIABLE, "SecureBoot", &[1, 1], config, "Raw");
    check(GUID, "SecureBoot", &[1], config, "Raw");
    check(Guid::GLOBAL_VARIABLE, "BootOrder", &[1, 0, 0, 0], config, "BootOrder");
    check(Guid::GLOBAL_VARIABLE, "Boot00G1", &[0; 20], config, "Raw");
    check(Guid::GLOBAL_VARIABLE, "Boot00011", &[0; 20], config, "Raw");
    check(Guid::GLOBAL_VARIABLE, "Boot0001", &[0; 3], config, "Raw");
    check(Guid::GLOBAL_VARIABLE, "PK", &[0; 40], config, "SignatureLists");
    check(Guid::IMAGE_SECURITY, "db", &[0; 40], config, "SignatureLists");
    check(Guid::IMAGE_SECURITY, "db", &[0; 40], authority, "Signature(");
    check(Guid::SHIM_LOCK, "MokListRT", &[0; 40], authority, "Signature(");
    check(Guid::SHIM_LOCK, "SbatLevel", b"sbat,1\n", authority, "Text");
    check(Guid::SHIM_LOCK, "MokSBState", &[1], authority, "Switch(Some(1))");
    check(GUID, "db", &[0; 40], config, "Raw");
}

#[test]
fn strings_of_loaders_are_told_apart() {
    let check = |data: &[u8], kind: IplKind, text: &str| {
        let ipl = IplText::new(data);
        assert_eq!((ipl.kind, ipl.text.to_string().as_str()), (kind, text));
    };
    check(b"grub_cmd: set x\0", IplKind::GrubCommand, "set x");
    check(b"grub_cmd set x\0", IplKind::GrubCommand, "set x");
    check(b"kernel_cmdline: quiet\0", IplKind::KernelCommandLine, "quiet");
    check(b"grub_kernel_cmdline quiet\0", IplKind::KernelCommandLine, "quiet");
    check(b"module_cmdline: x\0", IplKind::ModuleCommandLine, "x");
    check(b"grub_module_cmdline x\0", IplKind::ModuleCommandLine, "x");
    for name in ["MokList", "MokListX", "MokListTrusted", "MokSBState"] {
        check(&[name.as_bytes(), &[0]].concat(), IplKind::ShimVariable, name);
    }
    check(&utf16(".osrel\0"), IplKind::UkiSection, ".osrel");
    check(b".linux\0", IplKind::UkiSection, ".linux");
    check(&utf16("root=/dev/vda2\0"), IplKind::Other, "root=/dev/vda2");
    check(b"/boot/vmlinuz\0", IplKind::Other, "/boot/vmlinuz");
    check(b"\0\0", IplKind::Other, "");
    check(&[0xff, 0xfe, 0x80], IplKind::Other, "\u{fffd}\u{fffd}\u{fffd}");
}

#[test]
fn tags_of_linux_and_systemd_are_known() {
    let check = |id: u32, text: &[u8], meaning: Option<&str>| {
        let data = sipa(id, text);
        let Ok(Payload::Tagged(tagged)) = decode(EventType::EVENT_TAG, &data) else { panic!("{id:#x}") };
        assert_eq!((tagged.id, tagged.data, tagged.meaning()), (id, text, meaning));
    };
    check(0x8f3b_22ec, b"Linux initrd\0", Some("Linux: initrd"));
    check(0x8f3b_22ed, b"LOADED_IMAGE::LoadOptions\0", Some("Linux: kernel command line"));
    check(0xf5bc_582a, &utf16("loader.conf\0"), Some("systemd-boot: loader.conf"));
    check(0x6c46_f751, &utf16("a.dtb\0"), Some("systemd-stub: device tree addon"));
    check(7, b"", None);
    // A kernel that logged neither number nor length.
    let Ok(Payload::Tagged(tagged)) = decode(EventType::EVENT_TAG, b"LOADED_IMAGE::LoadOptions\0") else {
        panic!()
    };
    assert_eq!(tagged.id, 0x8f3b_22ed);
    assert!(decode(EventType::EVENT_TAG, &[1, 2, 3]).is_err());
    assert!(decode(EventType::EVENT_TAG, &[1, 2, 3, 4, 9, 0, 0, 0, 1]).is_err());
}

#[test]
fn records_of_windows_nest_and_are_typed() {
    let module = [
        sipa(SipaId::FILE_PATH.0, &utf16("\\Windows\\a.sys\0")),
        sipa(SipaId::HASH_ALGORITHM_ID.0, &0x800c_u32.to_le_bytes()),
        sipa(SipaId::AUTHENTICODE_HASH.0, &[7; 32]),
        sipa(SipaId::IMAGE_SIZE.0, &0x2000_u64.to_le_bytes()),
        sipa(SipaId::IMAGE_VALIDATED.0, &[1]),
    ]
    .concat();
    let policy =
        [5_u64.to_le_bytes().as_slice(), &[10, 0, 0x0b, 0, 4, 0, 0, 0], &utf16("a.p7\0"), &[1, 2, 3, 4]]
            .concat();
    let inner = [
        sipa(SipaId::LOADED_MODULE_AGGREGATION.0, &module),
        sipa(SipaId::BOOT_COUNTER.0, &42_u64.to_le_bytes()),
        sipa(SipaId::TEST_SIGNING.0, &[0]),
        sipa(SipaId::SI_POLICY.0, &policy),
        sipa(0x0005_7777, &[1, 2]),
    ]
    .concat();
    let data = sipa(SipaId::TRUST_BOUNDARY.0, &inner);
    let Ok(Payload::Windows(records)) = decode(EventType::EVENT_TAG, &data) else { panic!() };
    let Some(SipaValue::Records(inner)) = records.iter().next().map(|record| record.value()) else {
        panic!()
    };
    let inner: Vec<_> = inner.iter().collect();
    let SipaValue::Records(module) = inner[0].value() else { panic!() };
    let module: Vec<_> = module.iter().map(|record| record.value()).collect();
    assert!(matches!(module[0], SipaValue::Text(path) if path == "\\Windows\\a.sys"));
    assert_eq!(module[1], SipaValue::Number(0x800c));
    assert_eq!(crypto_api_hash(0x800c), Some("sha256"));
    assert_eq!(module[2], SipaValue::Bytes(&[7; 32]));
    assert_eq!((module[3], module[4]), (SipaValue::Number(0x2000), SipaValue::Switch(true)));
    assert_eq!((inner[1].value(), inner[2].value()), (SipaValue::Number(42), SipaValue::Switch(false)));
    assert!(
        matches!(inner[3].value(), SipaValue::Policy { version: 5, name, hash_alg: 0x0b, digest: [1, 2, 3, 4] } if name == "a.p7")
    );
    assert_eq!((inner[4].id.name(), inner[4].value()), (None, SipaValue::Bytes(&[1, 2])));
    // A record that is cut within leaves a tagged event, whose data nobody reads.
    let mut cut = data.clone();
    cut[12] = 0xff;
    assert!(matches!(decode(EventType::EVENT_TAG, &cut), Ok(Payload::Tagged(_))));
}

/// Nesting is followed as deep as real logs go, and a little more; the rest stays bytes.
#[test]
fn records_that_nest_without_end_are_bounded() {
    let mut data = sipa(SipaId::BOOT_COUNTER.0, &[0; 8]);
    for _ in 0..5_000 {
        data = sipa(SipaId::TRUST_BOUNDARY.0, &data);
        if data.len() > 20_000 {
            break;
        }
    }
    assert!(matches!(decode(EventType::EVENT_TAG, &data), Ok(Payload::Windows(_))));
}

#[test]
fn text_shows_what_is_no_text() {
    let check = |text: Text<'_>, expected: &str| assert_eq!(text.to_string(), expected);
    check(Text::narrow(b"a\xffb\0"), "a\u{fffd}b");
    check(Text::wide(&[b'a', 0, 0x00, 0xd8, b'b', 0, 0, 0]), "a\u{fffd}b");
    check(Text::wide(&[b'a', 0, b'b']), "a");
    check(Text::wide_exact(&[b'a', 0, 0, 0]), "a\0");
    assert!(Text::wide_exact(&[b'a', 0, 0, 0]) != "a");
    assert!(Text::printable(&[1, 2, 3]).is_none());
    assert!(Text::printable(&[0; 8]).is_none());
    assert!(Text::printable(b"abc\0\0\0").is_some_and(|text| text == "abc"));
    assert!(Text::printable(b"k\0e\0\0\0\0\0").is_some_and(|text| text == "ke"));
}
