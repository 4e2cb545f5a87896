//! Logs of other people's machines, read in place: known PCR values, an independent replay of IMA lists, and
//! no panic on any of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evidence::digest::{Digest, HashAlg};
use evidence::eventlog::{
    Cause, Comparison, EXIT_BOOT_SERVICES_PCR, EventLog, ExitBootServicesRepair, LogEnd,
};
use evidence::ima::{ImaList, ImaReplay, replay_prefix};
use evidence::pcr::PcrIndex;
use serde_json::Value;

use crate::vectors::{pcr, real, real_root};

/// Known values that a plain replay must *not* give, with the cause that is found.
const EXCEPTIONS: [(&str, &str, u32, Cause); 4] = [
    ("ebs_event_missing_eventlog", "sha1", 5, Cause::ExitBootServices(ExitBootServicesRepair::Success)),
    ("ebs_event_missing_eventlog", "sha256", 5, Cause::BankAbsent),
    // good-1's log, with another PCR 0.
    ("failed-1.evidence.json.extracted/eventlog.bin", "sha256", 0, Cause::NotFound),
    ("failed-2.evidence.json.extracted/eventlog.bin", "sha256", 0, Cause::NotFound),
];

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn without_suffix(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(path.to_str().unwrap().strip_suffix(suffix).unwrap())
}

/// `{bank: {pcr: hex}}` as typed values.
fn known_values(banks: &Value) -> Vec<(HashAlg, PcrIndex, Digest)> {
    let mut known = Vec::new();
    for (bank, values) in banks.as_object().unwrap() {
        let bank: HashAlg = bank.parse().unwrap();
        for (index, value) in values.as_object().unwrap() {
            let value = Digest::new(bank, &hex::decode(value.as_str().unwrap()).unwrap()).unwrap();
            known.push((bank, index.parse().unwrap(), value));
        }
    }
    known
}

fn is_ima_list(path: &Path) -> bool {
    without_suffix(path, ".expected_pcrs.json").with_added_extension("ima_replay.json").exists()
}

#[test]
fn firmware_logs_replay_to_the_known_values() {
    let Some(files) = real(".expected_pcrs.json") else { return };
    let (mut equal, mut untouched, mut outside, mut excepted, mut logs) = (0, 0, 0, 0, 0);
    for path in files.iter().filter(|path| !is_ima_list(path)) {
        let file = without_suffix(path, ".expected_pcrs.json");
        let bytes = std::fs::read(&file).unwrap();
        let parsed = EventLog::parse(&bytes);
        assert_eq!(parsed.damage, None, "{}", file.display());
        logs += 1;
        for (bank, index, value) in known_values(&json(path)["banks"]) {
            let excepted_here = EXCEPTIONS.iter().find(|(name, alg, number, _)| {
                file.ends_with(name) && *alg == bank.name() && pcr(*number) == index
            });
            let place = format!("{} {bank} PCR {index}", file.display());
            match (parsed.log.compare(bank, index, &value, LogEnd::Whole), excepted_here) {
                (Comparison::Equal, None) if parsed.log.extended(bank).contains(index) => equal += 1,
                (Comparison::Equal, None) => untouched += 1,
                (Comparison::Differs(found), Some((.., cause))) => {
                    assert_eq!(found, *cause, "{place}");
                    excepted += 1;
                }
                // What the log never extends is somebody else's: IMA's PCR 10, or an operating system's.
                (Comparison::Differs(Cause::OutsideLog), None) if index.get() >= 8 => outside += 1,
                other => panic!("{place}: {other:?}"),
            }
        }
    }
    eprintln!(
        "{logs} logs: {equal} PCR values replayed, {untouched} at reset, {outside} extended by others, {excepted} exceptions:"
    );
    for (name, bank, index, cause) in EXCEPTIONS {
        eprintln!("  {name} {bank} PCR {index}: {cause}");
    }
    assert!(logs > 0 && equal > 0, "the folder holds no known values");
    assert_eq!(excepted, EXCEPTIONS.len(), "an exception that is not met is to be removed");
}

#[test]
fn unlogged_exit_boot_services_are_found() {
    let Some(files) = real("ebs_event_missing_eventlog") else { return };
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let known = json(&path.with_added_extension("expected_pcrs.json"));
        let known = known_values(&known["banks"]);
        let (bank, _, quoted) = known.iter().find(|(bank, ..)| *bank == HashAlg::Sha1).unwrap();
        let log = EventLog::parse(&bytes).log;
        assert_eq!(log.repair_exit_boot_services(*bank, quoted), Some(ExitBootServicesRepair::Success));
        let other = Digest::zero(*bank);
        assert_eq!(log.repair_exit_boot_services(*bank, &other), None);
        assert_eq!(EXIT_BOOT_SERVICES_PCR, pcr(5));
    }
}

#[test]
fn ima_lists_replay_as_an_independent_reader_says() {
    let Some(files) = real(".ima_replay.json") else { return };
    let (mut values, mut records) = (0, 0);
    for path in &files {
        let file = without_suffix(path, ".ima_replay.json");
        let (bytes, said) = (std::fs::read(&file).unwrap(), json(path));
        let list = ImaList::detect(&bytes);
        assert_eq!(list.listed().size() as u64, said["template_digest_bytes"], "{}", file.display());
        let read: Vec<_> = list.records().map_while(Result::ok).collect();
        assert_eq!(read.len() as u64, said["entries"], "{}", file.display());
        assert_eq!(list.records().any(|record| record.is_err()), !said["parse_error"].is_null());
        let violations = read.iter().filter(|record| record.is_violation()).count();
        assert_eq!(violations as u64, said["violations"], "{}", file.display());
        assert!(read.iter().all(|record| record.fields().is_ok()), "{}", file.display());
        records += read.len();
        values += replay_as_said(&file, list, &said);
    }
    eprintln!("{} lists: {records} records, {values} replayed values", files.len());
    assert!(values > 0, "the folder holds no known values");
}

fn replay_as_said(file: &Path, list: ImaList<'_>, said: &Value) -> usize {
    let replayed =
        said.as_object().unwrap().iter().find(|(key, _)| key.starts_with("replayed_pcrs_per_bank"));
    let mut values = 0;
    for (bank, value) in replayed.unwrap().1["10"].as_object().unwrap() {
        let bank: HashAlg = bank.parse().unwrap();
        let quoted = Digest::new(bank, &hex::decode(value.as_str().unwrap()).unwrap()).unwrap();
        let found = replay_prefix(ImaReplay::start(bank), list, &quoted).unwrap();
        assert_eq!(found.records_verified, said["entries"], "{} {bank}", file.display());
        values += 1;
    }
    values
}

#[test]
fn ima_lists_replay_to_what_the_tpm_held() {
    let Some(files) = real(".expected_pcrs.json") else { return };
    let mut equal = 0;
    for path in files.iter().filter(|path| is_ima_list(path)) {
        let bytes = std::fs::read(without_suffix(path, ".expected_pcrs.json")).unwrap();
        let list = ImaList::detect(&bytes);
        for (bank, index, value) in known_values(&json(path)["banks"]) {
            if index == PcrIndex::IMA {
                replay_prefix(ImaReplay::start(bank), list, &value).unwrap();
                equal += 1;
            }
        }
    }
    eprintln!("{equal} values of PCR 10 are what a TPM held");
    assert!(equal > 0, "the folder holds no known values");
}

/// Every file that the folder's index calls a firmware log, also those that other tools fail on.
#[test]
fn every_recorded_log_is_read() {
    let Some(_) = real("INDEX.tsv") else { return };
    let index = std::fs::read_to_string(real_root().join("INDEX.tsv")).unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in index.lines().map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [path, ..] = row.as_slice() else { continue };
        if row.get(7) != Some(&"tcg-eventlog") {
            continue;
        }
        let bytes = std::fs::read(real_root().join(path)).unwrap();
        let parsed = EventLog::parse(&bytes);
        let described = parsed
            .log
            .events()
            .iter()
            .map(|event| event.describe())
            .all(|text| text.chars().all(|c| !c.is_control()));
        assert!(described, "{path}");
        let bank = *parsed.log.banks().last().unwrap();
        let facts = parsed.log.facts(bank);
        *seen
            .entry(format!("secure boot {:?}", facts.secure_boot).replace(|c: char| c.is_ascii_digit(), "#"))
            .or_default() += 1;
        for finding in facts.findings {
            *seen.entry(format!("finding {}", finding.code.as_str())).or_default() += 1;
        }
        let events = said_events(row.get(8).unwrap_or(&""));
        let damaged = row.get(8).is_some_and(|text| text.contains("PARSE STOPS"));
        assert_eq!(parsed.damage.is_some(), damaged, "{path}: {:?}", parsed.damage);
        if !damaged {
            assert_eq!(Some(parsed.log.events().len()), events, "{path}");
        }
        *seen.entry("logs".to_owned()).or_default() += 1;
    }
    for (what, count) in &seen {
        eprintln!("{count:6} {what}");
    }
    assert!(seen["logs"] > 50, "{seen:?}");
}

fn said_events(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("events=")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
