//! Boots of our own: what is read of them, and that it replays to what their TPM held.

use std::fmt::Write as _;

use evidence::digest::HashAlg;
use evidence::eventlog::{EventLog, FindingCode, SecureBoot};
use evidence::ima::{AggregatedPcrs, BootAggregateCheck, Extends, ImaList, ImaReplay, ListedCheck};
use evidence::ima::{ImaSignature, check_boot_aggregate, replay_prefix};
use evidence::pcr::PcrIndex;

use crate::vectors::{BOOTS, own, pcr, quoted_values, tpm_values};

const BANK: HashAlg = HashAlg::Sha256;

fn event_log_text(bytes: &[u8]) -> String {
    let parsed = EventLog::parse(bytes);
    let mut text =
        format!("{:?} {:?} damage: {:?}\n", parsed.log.format(), parsed.log.banks(), parsed.damage);
    for event in parsed.log.events() {
        let check = event.digest_check(BANK).name();
        let (number, register, kind) = (event.number, event.register, event.event_type);
        writeln!(text, "{number:3} {register:2} {kind:32} {check:12} {}", event.describe()).unwrap();
    }
    let facts = parsed.log.facts(BANK);
    writeln!(text, "secure boot: {:?}\nseparators: {:?}", facts.secure_boot, facts.separators).unwrap();
    for variable in &facts.variables {
        let (name, bytes) = (&variable.variable.name, variable.variable.data.len());
        writeln!(text, "variable {} {name} {bytes}", variable.event).unwrap();
    }
    for authority in &facts.authorities {
        let (name, bytes) = (&authority.variable.name, authority.variable.data.len());
        writeln!(text, "authority {} {name} {bytes}", authority.event).unwrap();
    }
    for finding in &facts.findings {
        writeln!(
            text,
            "finding {} pcr {} event {:?}",
            finding.code.as_str(),
            finding.register,
            finding.event
        )
        .unwrap();
    }
    text
}

#[test]
fn event_logs_read_as_recorded() {
    for boot in BOOTS {
        insta::assert_snapshot!(
            format!("eventlog-{boot}"),
            event_log_text(&own(boot, "binary_bios_measurements"))
        );
    }
}

#[test]
fn event_logs_replay_to_what_the_tpm_held() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        let parsed = EventLog::parse(&bytes);
        assert_eq!(parsed.damage, None, "{boot}");
        let (replayed, held) = (parsed.log.replay(BANK).unwrap(), tpm_values(boot));
        for index in PcrIndex::ALL {
            // Not firmware's: IMA's own PCR, and the phases that systemd 252 extends without logging them.
            let later = index == PcrIndex::IMA || (boot == "uki" && index == pcr(11));
            let equal = replayed.value(BANK, index) == held.value(BANK, index);
            assert_eq!(equal, !later, "{boot} PCR {index}");
        }
    }
}

#[test]
fn unlogged_phases_of_systemd_explain_pcr_11() {
    let bytes = own("uki", "binary_bios_measurements");
    let logged = EventLog::parse(&bytes).log.replay(BANK).unwrap().value(BANK, pcr(11)).unwrap();
    let phases: [&[u8]; 2] = [b"sysinit", b"ready"];
    let value = phases.iter().fold(logged, |value, phase| value.extend(&BANK.hash(&[phase])).unwrap());
    assert_eq!(Some(value), tpm_values("uki").value(BANK, pcr(11)));
}

#[test]
fn secure_boot_is_what_was_set_up() {
    for (boot, on) in [("direct", false), ("direct-imasig-viol", false), ("shim-sb", true), ("uki", false)] {
        let bytes = own(boot, "binary_bios_measurements");
        let facts = EventLog::parse(&bytes).log.facts(BANK);
        let found = matches!(facts.secure_boot, SecureBoot::On { .. });
        assert_eq!(found, on, "{boot}: {:?}", facts.secure_boot);
        assert!(!matches!(facts.secure_boot, SecureBoot::Unknown(_)), "{boot}: {:?}", facts.secure_boot);
        let mismatch = facts.findings.iter().any(|finding| finding.code == FindingCode::DigestMismatch);
        assert!(!mismatch, "{boot}: {:?}", facts.findings);
    }
}

fn ima_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for record in ImaList::new(bytes).records() {
        let record = record.unwrap();
        let (number, template, check) = (record.number, record.template, record.listed_check());
        writeln!(text, "{number:3} {} {template:8} {check:?} {}", record.pcr, record.describe()).unwrap();
    }
    text
}

#[test]
fn ima_lists_read_as_recorded() {
    for boot in ["direct", "direct-imasig-viol"] {
        insta::assert_snapshot!(format!("ima-{boot}"), ima_text(&own(boot, "binary_runtime_measurements")));
    }
}

#[test]
fn quoted_pcr_10_is_reached_by_a_prefix() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_runtime_measurements");
        let list = ImaList::detect(&bytes);
        assert_eq!(list.listed(), HashAlg::Sha1, "{boot}");
        for file in ["quote_ecc.pcrs", "quote_rsa.pcrs"] {
            let quoted = quoted_values(boot, file).value(BANK, PcrIndex::IMA).unwrap();
            let found = replay_prefix(ImaReplay::start(BANK), list, &quoted).unwrap();
            assert_eq!(found.verified.value(), quoted, "{boot}");
            assert_eq!(found.verified.extends(), Extends::BankHash, "{boot}");
            assert_eq!(found.tail_damage, None, "{boot}");
            assert!(found.records_verified > 100, "{boot}: {found:?}");
            let all = u64::try_from(list.records().count()).unwrap();
            assert_eq!(found.records_verified + found.unverified_tail_records, all, "{boot}");
            // The two violations of `direct-imasig-viol` came behind the quote, so it does not vouch for them.
            assert_eq!(found.violations, [0; 0], "{boot}");
        }
    }
}

#[test]
fn each_quoted_value_is_reached_from_the_one_before() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_runtime_measurements");
        let values =
            [tpm_values(boot), quoted_values(boot, "quote_rsa.pcrs"), quoted_values(boot, "quote_ecc.pcrs")];
        let (mut state, mut at) = (ImaReplay::start(BANK), 0);
        for values in values {
            let quoted = values.value(BANK, PcrIndex::IMA).unwrap();
            let found = replay_prefix(state, ImaList::new(&bytes[at..]), &quoted).unwrap();
            assert_eq!(found.verified.count(), state.count() + found.records_verified, "{boot}");
            state = found.verified;
            at += found.bytes_verified;
        }
        let whole = replay_prefix(ImaReplay::start(BANK), ImaList::new(&bytes), &state.value()).unwrap();
        assert_eq!((whole.verified, whole.bytes_verified), (state, at), "{boot}");
    }
}

#[test]
fn boot_aggregate_is_over_the_firmware_s_pcrs() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_runtime_measurements");
        let first = ImaList::new(&bytes).records().next().unwrap().unwrap();
        let nine = BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToNine };
        assert_eq!(check_boot_aggregate(&first, &tpm_values(boot)), Some(nine), "{boot}");
        let log = own(boot, "binary_bios_measurements");
        let replayed = EventLog::parse(&log).log.replay(BANK).unwrap();
        assert_eq!(check_boot_aggregate(&first, &replayed), Some(nine), "{boot}, from the log");
        let other = tpm_values(if boot == "uki" { "direct" } else { "uki" });
        assert_eq!(check_boot_aggregate(&first, &other), Some(BootAggregateCheck::Differs), "{boot}");
    }
}

#[test]
fn the_signed_file_has_its_signature() {
    let bytes = own("direct-imasig-viol", "binary_runtime_measurements");
    let records: Vec<_> = ImaList::new(&bytes).records().map(Result::unwrap).collect();
    let signatures: Vec<_> = records
        .iter()
        .filter_map(|record| record.fields().unwrap().signature.filter(|bytes| !bytes.is_empty()))
        .map(|bytes| ImaSignature::parse(bytes).unwrap())
        .collect();
    assert_eq!(signatures.len(), 1);
    assert_eq!(signatures[0].version, 2);
    let violations = records.iter().filter(|record| record.listed_check() == ListedCheck::Violation).count();
    assert_eq!(violations, 2);
}
