//! Firmware logs as `tpm2_eventlog` 5.4 reads them: numbers, registers, types, digests, and what PCRs come to.
//!
//! That tool extends `EV_NO_ACTION` events beyond the first, which must never be; its PCR 0 is wrong for such logs, and
//! the test demands that it is wrong for this reason.

use std::collections::BTreeMap;
use std::path::PathBuf;

use evidence::digest::{Digest, HashAlg};
use evidence::eventlog::{Cause, Comparison, DigestCheck, EventLog, EventType, LogEnd, LogFormat};

use crate::vectors::{BOOTS, own, own_path, pcr, real};

/// An event as the tool says.
#[derive(Debug, Default)]
struct Said {
    register: u32,
    event_type: String,
    size: usize,
    digests: Vec<(String, String)>,
}

/// What the tool says of a log.
#[derive(Debug, Default)]
struct Answer {
    events: Vec<Said>,
    pcrs: BTreeMap<(String, u32), String>,
}

/// Reads the few lines of its YAML that matter here; event data is not among them.
fn answer(text: &str) -> Answer {
    let mut answer = Answer::default();
    let (mut bank, mut algorithm, mut in_pcrs) = (String::new(), String::new(), false);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().trim_start_matches("- ").split_once(':') else { continue };
        let value = value.trim().trim_matches('"');
        in_pcrs |= indent == 0 && key == "pcrs";
        if in_pcrs {
            match (indent, key.trim().parse()) {
                (2, _) => key.clone_into(&mut bank),
                (4, Ok(index)) => {
                    drop(
                        answer.pcrs.insert((bank.clone(), index), value.trim_start_matches("0x").to_owned()),
                    );
                }
                _ => {}
            }
            continue;
        }
        // Events of a SHA-1-only log have no number.
        if key == "PCRIndex" && indent == 2 {
            answer.events.push(Said::default());
        }
        let Some(event) = answer.events.last_mut() else { continue };
        match key {
            "Digest" if indent == 4 && !algorithm.is_empty() => {
                event.digests.push((std::mem::take(&mut algorithm), value.to_owned()));
            }
            _ if indent != 2 => {}
            "PCRIndex" => event.register = value.parse().unwrap(),
            "EventType" => value.clone_into(&mut event.event_type),
            "EventSize" => event.size = value.parse().unwrap(),
            "AlgorithmId" => value.clone_into(&mut algorithm),
            // The first event, and all of a SHA-1-only log.
            "Digest" => event.digests.push(("sha1".to_owned(), value.to_owned())),
            _ => {}
        }
    }
    answer
}

/// The tool's name for a type.
fn name(event_type: EventType) -> &'static str {
    event_type.name().unwrap_or("Unknown event type")
}

/// Compares a log with the tool's answer; how many events and PCR values are the same, and the PCRs that are not.
fn check(path: &std::path::Path, log: &EventLog<'_>, said: &Answer) -> (usize, usize, Vec<(HashAlg, u32)>) {
    let at = path.display();
    assert_eq!(log.events().len(), said.events.len(), "{at}");
    for (event, said) in log.events().iter().zip(&said.events) {
        let place = format!("{at} event {}", event.number);
        assert_eq!((event.register, event.data.len()), (said.register, said.size), "{place}");
        assert_eq!(name(event.event_type), said.event_type, "{place}");
        let digests: Vec<_> =
            event.digests().map(|digest| (digest.alg().name().to_owned(), digest.to_string())).collect();
        assert_eq!(digests, said.digests, "{place}");
    }
    let (mut equal, mut other) = (0, Vec::new());
    for ((bank, index), value) in &said.pcrs {
        let bank: HashAlg = bank.parse().unwrap();
        let value = Digest::new(bank, &hex::decode(value).unwrap()).unwrap();
        match log.compare(bank, pcr(*index), &value, LogEnd::Whole) {
            Comparison::Equal => equal += 1,
            Comparison::Differs(cause) => {
                assert_eq!((*index, cause), (0, Cause::NoActionExtended), "{at} {bank} PCR {index}");
                other.push((bank, *index));
            }
        }
    }
    (said.events.len(), equal, other)
}

#[test]
fn real_logs_read_as_tpm2_eventlog_reads_them() {
    let Some(files) = real(".tpm2_eventlog.yaml") else { return };
    let (mut logs, mut events, mut values, mut wrong) = (0, 0, 0, BTreeMap::<PathBuf, usize>::new());
    for path in &files {
        let file = PathBuf::from(path.to_str().unwrap().strip_suffix(".tpm2_eventlog.yaml").unwrap());
        let bytes = std::fs::read(&file).unwrap();
        let said = answer(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        let log = EventLog::parse(&bytes).log;
        let (same, equal, other) = check(&file, &log, &said);
        (logs, events, values) = (logs + 1, events + same, values + equal);
        let announced = log.events().iter().skip(1).any(|event| event.event_type == EventType::NO_ACTION);
        assert!(other.is_empty() || announced, "{}: {other:?}", file.display());
        if !other.is_empty() {
            wrong.insert(file, other.len());
        }
    }
    eprintln!(
        "{logs} logs: {events} events and {values} PCR values as tpm2_eventlog says; its PCR 0 is wrong in:"
    );
    for (file, count) in &wrong {
        eprintln!("  {count} banks of {}", file.display());
    }
    assert!(events > 0 && values > 0, "the folder holds no answers");
}

/// trustee's reading of logs of confidential machines: it leaves out the first event.
#[test]
fn measurement_registers_read_as_trustee_reads_them() {
    let Some(files) = real("_out.json") else { return };
    let (mut logs, mut events, mut verified) = (0, 0, 0);
    for path in files.iter().filter(|path| path.to_string_lossy().contains("/CCEL_data")) {
        let file = PathBuf::from(path.to_str().unwrap().strip_suffix("_out.json").unwrap());
        let bytes = std::fs::read(&file).unwrap();
        let parsed = EventLog::parse(&bytes);
        assert_eq!((parsed.log.format(), parsed.damage), (LogFormat::Ccel, None), "{}", file.display());
        let said: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let said = said["uefi_event_logs"].as_array().unwrap();
        assert_eq!(parsed.log.events().len(), said.len() + 1, "{}", file.display());
        for (event, said) in parsed.log.events().iter().skip(1).zip(said) {
            let place = format!("{} event {}", file.display(), event.number);
            assert_eq!(said["index"], event.register, "{place}");
            assert_eq!(said["type_name"], name(event.event_type), "{place}");
            let digest = event.digest(HashAlg::Sha384).unwrap().to_string();
            assert_eq!(said["digests"][0]["digest"], digest.as_str(), "{place}");
            let check = event.digest_check(HashAlg::Sha384);
            assert_ne!(check, DigestCheck::Mismatch, "{place}");
            if said["digest_matches_event"] == true {
                assert_eq!(check, DigestCheck::Verified, "{place}");
                verified += 1;
            }
        }
        (logs, events) = (logs + 1, events + said.len());
    }
    eprintln!("{logs} logs: {events} events as trustee says, {verified} of them verified there too");
    assert!(verified > 0, "the folder holds no answers");
}

#[test]
fn own_boots_read_as_tpm2_eventlog_reads_them() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        let path = own_path(boot, "eventlog.yaml");
        let Ok(said) = std::fs::read(&path) else {
            eprintln!("SKIPPED: {} is not there", path.display());
            continue;
        };
        let said = answer(&String::from_utf8_lossy(&said));
        let (events, values, other) = check(&path, &EventLog::parse(&bytes).log, &said);
        assert!(events > 20 && values > 7 && other.is_empty(), "{boot}: {events} {values} {other:?}");
    }
}
