//! The order of events, banks, and logs of measurement registers.

use super::*;
use crate::finding::Severity;
use crate::limits;

const SEPARATOR: &[u8] = &[0; 4];

fn codes(bytes: &[u8]) -> Vec<&'static str> {
    let facts = EventLog::parse(bytes).log.facts(HashAlg::Sha1);
    facts.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// A log with a separator in each of PCR 0 to 7, and these events before and after them.
fn booted(before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<u8> {
    let separators: Vec<u8> = (0..8).flat_map(|pcr| measured(pcr, EventType::SEPARATOR, SEPARATOR)).collect();
    [before.concat(), separators, after.concat()].concat()
}

#[track_caller]
fn check(before: &[Vec<u8>], after: &[Vec<u8>], expected: &[&str]) {
    let found = codes(&booted(before, after));
    assert_eq!(found[0], "sha1-only-log");
    assert_eq!(&found[1..], expected);
}

fn driver_config(name: &str, data: &[u8]) -> Vec<u8> {
    measured(7, EventType::EFI_VARIABLE_DRIVER_CONFIG, &variable(name, data))
}

#[test]
fn an_ordered_log_has_no_findings() {
    let variables = [driver_config("SecureBoot", &[1]), driver_config("PK", b""), driver_config("KEK", b"")];
    check(&variables, &[measured(5, EventType::EFI_ACTION, b"Exit Boot Services Invocation")], &[]);
}

//= TCG PFP 1.06 §3.3.4.8: the order of PCR 7's variables
#[test]
fn pcr_7_has_its_order() {
    let [state, pk, kek] =
        [driver_config("SecureBoot", &[1]), driver_config("PK", b""), driver_config("KEK", b"")];
    check(&[state.clone(), kek.clone(), pk.clone()], &[], &["pcr7-variable-order"]);
    check(&[state.clone(), pk.clone(), pk.clone()], &[], &["duplicate-variable"]);
    check(&[state.clone(), pk], &[kek], &["pcr7-variable-after-separator"]);
    // What else is measured there has no place of its own.
    check(&[state.clone(), driver_config("DeployedMode", &[0]), driver_config("PK", b"")], &[], &[]);
    let action = measured(7, EventType::EFI_ACTION, b"DMA Protection Disabled\0");
    check(&[state.clone(), action], &[], &[]);
    let other = measured(7, EventType::EFI_ACTION, b"Security Level is Downgraded to 0");
    check(&[state], &[other], &["pcr7-unverified-event"]);
}

#[test]
fn separators_are_in_their_places() {
    let again = |data: &[u8], pcr| measured(pcr, EventType::SEPARATOR, data);
    check(&[], &[again(SEPARATOR, 3)], &["separator-repeated"]);
    check(&[], &[again(&[0xff; 4], 3)], &["separator-repeated"]);
    // Later PCRs have separators of their own.
    check(&[], &[again(b"WBCL", 12), again(SEPARATOR, 9)], &[]);
    let disguised = measured(3, EventType::EFI_ACTION, SEPARATOR);
    check(&[disguised], &[], &["separator-disguised", "separator-repeated"]);
    // What firmware measures of itself may well be four zeros; its digest tells nobody.
    let memory = legacy(3, EventType::S_CRTM_CONTENTS, sha1(SEPARATOR), b"FIT Type 0x2D Measured S-CRTM\0");
    check(&[memory], &[], &["separator-lookalike", "separator-repeated"]);
    let error = legacy(8, EventType::SEPARATOR, sha1(&[1, 0, 0, 0]), b"what went wrong");
    check(&[], &[error], &[]);
    let error = legacy(2, EventType::SEPARATOR, sha1(&[1, 0, 0, 0]), b"what went wrong");
    check(&[error], &[], &["separator-error", "separator-repeated"]);
    let late = measured(0, EventType::S_CRTM_VERSION, b"1.0");
    check(&[], &[late], &["event-after-separator"]);
}

#[test]
fn what_no_tpm_extends_is_found() {
    check(&[], &[measured(24, EventType::EFI_ACTION, b"x")], &["unknown-register"]);
    check(&[], &[measured(u32::MAX, EventType::EFI_ACTION, b"x")], &["unknown-register"]);
    check(&[], &[measured(9, EventType(0x8401), b"x")], &["unknown-event"]);
    check(&[], &[measured(4, EventType::EFI_BOOT_SERVICES_APPLICATION, b"x")], &["malformed-event"]);
    check(&[], &[legacy(0, EventType::NO_ACTION, [1; 20], b"x")], &["no-action-digest"]);
    // Windows logs its trust point with this register; it extends nothing.
    check(&[], &[legacy(u32::MAX, EventType::NO_ACTION, [0; 20], b"x")], &[]);
}

//= TCG PFP 1.06 §10.4.5.3: an H-CRTM's measurement comes with locality 4
#[test]
fn an_h_crtm_starts_from_locality_4() {
    let locality = |value| {
        legacy(0, EventType::NO_ACTION, [0; 20], &[b"StartupLocality\0".as_slice(), &[value]].concat())
    };
    let hcrtm = legacy(0, EventType::EFI_HCRTM_EVENT, [5; 20], b"HCRTM");
    check(&[locality(4), hcrtm.clone()], &[], &[]);
    check(&[locality(3), hcrtm.clone()], &[], &["hcrtm-locality"]);
    check(&[hcrtm], &[], &["hcrtm-locality"]);
    check(&[locality(2)], &[], &["startup-locality-invalid"]);
}

//= TCG PFP 1.06 §3.2.1: every enabled bank is extended
#[test]
fn a_bank_that_firmware_leaves_alone_is_found() {
    let table = spec_id(&[(4, 20), (SHA256, 32)]);
    let digest = sha1(SEPARATOR);
    let events: Vec<u8> =
        (0..8).flat_map(|pcr| agile(pcr, EventType::SEPARATOR, &[(4, &digest)], SEPARATOR)).collect();
    let bytes = [table, events].concat();
    let log = EventLog::parse(&bytes).log;
    let of = |bank| log.facts(bank).findings;
    let [only] = of(HashAlg::Sha1)[..] else { panic!("{:?}", of(HashAlg::Sha1)) };
    assert_eq!((only.code, only.bank), (FindingCode::BankNotExtended, Some(HashAlg::Sha256)));
    assert_eq!(only.severity(), Severity::Error);
    let missing = of(HashAlg::Sha256).iter().filter(|of| of.code == FindingCode::DigestMissing).count();
    assert_eq!(missing, 8);
}

#[test]
fn findings_and_variables_are_bounded() {
    let bytes = measured(24, EventType::EFI_ACTION, b"x").repeat(1000);
    let facts = EventLog::parse(&bytes).log.facts(HashAlg::Sha1);
    assert_eq!(facts.findings.len(), limits::EVENT_LOG_FINDINGS + 1);
    let last = facts.findings.last().unwrap();
    assert_eq!((last.code, last.severity()), (FindingCode::MoreFindings, Severity::Error));

    // A state behind more variables than are kept is not known.
    let many: Vec<Vec<u8>> =
        (0..=limits::EVENT_LOG_VARIABLES).map(|n| driver_config(&format!("v{n}"), &[])).collect();
    let bytes = booted(&[vec![driver_config("SecureBoot", &[1])], many].concat(), &[]);
    let facts = EventLog::parse(&bytes).log.facts(HashAlg::Sha1);
    assert_eq!(facts.variables.len(), limits::EVENT_LOG_VARIABLES);
    assert!(facts.findings.iter().any(|finding| finding.code == FindingCode::MoreVariables));
    assert!(matches!(facts.secure_boot, SecureBoot::Unknown(SecureBootUnknown::UnverifiedEvent { .. })));
}

/// A log of measurement registers: a first event with register 1, SHA-384 alone.
fn ccel(events: &[(u32, EventType, &[u8])], padding: usize) -> Vec<u8> {
    let mut bytes = spec_id(&[(SHA384, 48)]);
    bytes[0] = 1;
    for (register, event_type, data) in events {
        let digest = HashAlg::Sha384.hash(&[data]);
        bytes.extend(agile(*register, *event_type, &[(SHA384, digest.as_bytes())], data));
    }
    bytes.extend(vec![0xff; padding]);
    bytes
}

//= Intel TDX Virtual Firmware Design Guide §8.3: RTMR0 stands for PCR 1 and 7, RTMR1 for PCR 2 to 6
#[test]
fn measurement_registers_are_told_from_pcrs() {
    let state = variable("SecureBoot", &[1]);
    let usual: [(u32, EventType, &[u8]); 5] = [
        (1, EventType::EFI_VARIABLE_DRIVER_CONFIG, &state),
        (1, EventType::SEPARATOR, SEPARATOR),
        (1, EventType::PLATFORM_CONFIG_FLAGS, b"ACPI DATA"),
        (2, EventType::SEPARATOR, SEPARATOR),
        (2, EventType::SEPARATOR, SEPARATOR),
    ];
    let bytes = ccel(&usual, 100);
    let parsed = EventLog::parse(&bytes);
    assert_eq!(
        (parsed.log.format(), parsed.damage, parsed.log.padding_bytes()),
        (LogFormat::Ccel, None, 100)
    );
    let facts = parsed.log.facts(HashAlg::Sha384);
    assert_eq!((facts.secure_boot, facts.findings), (SecureBoot::On { event: 1 }, vec![]));
    // A register that no such machine has, or another bank: PCRs.
    let other = ccel(&[(0, EventType::SEPARATOR, SEPARATOR)], 0);
    assert_eq!(EventLog::parse(&other).log.format(), LogFormat::CryptoAgile);
    let sha256 = [spec_id(&[(SHA256, 32)]), agile(1, EventType::SEPARATOR, &[(SHA256, &[1; 32])], SEPARATOR)];
    assert_eq!(EventLog::parse(&sha256.concat()).log.format(), LogFormat::CryptoAgile);
}

/// A register with all sorts of events in it could hide a state under another type.
#[test]
fn a_state_in_disguise_leaves_secure_boot_unknown() {
    let (on, off) = (variable("SecureBoot", &[1]), variable("SecureBoot", &[0]));
    let bytes = ccel(
        &[
            (1, EventType::EFI_VARIABLE_DRIVER_CONFIG, &on),
            (1, EventType::PLATFORM_CONFIG_FLAGS, &off),
            (1, EventType::SEPARATOR, SEPARATOR),
            (2, EventType::SEPARATOR, SEPARATOR),
        ],
        0,
    );
    let facts = EventLog::parse(&bytes).log.facts(HashAlg::Sha384);
    assert_eq!(facts.secure_boot, SecureBoot::Unknown(SecureBootUnknown::UnverifiedEvent { event: 2 }));
}
