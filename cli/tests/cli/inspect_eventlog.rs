//! `lydian inspect eventlog` on boots of our own, and on every log of the folder of vectors.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Finished, file, finish, lydian, program, vector};

const LOG: &str = "binary_bios_measurements";

/// Runs with the log on standard input, so that no path gets into a snapshot.
fn on_stdin(boot: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(vector(boot, LOG)).unwrap();
    run_on(&bytes, arguments)
}

fn run_on(bytes: &[u8], arguments: &[&str]) -> Finished {
    finish(program().args(["inspect", "eventlog", "-"]).args(arguments), bytes)
}

#[test]
fn as_tables() {
    for boot in ["direct", "shim-sb", "uki"] {
        assert_snapshot!(format!("eventlog-{boot}"), on_stdin(boot, &[]).text());
    }
    assert_snapshot!("eventlog-shim-sb-pcr7", on_stdin("shim-sb", &["--pcr", "7"]).text());
}

#[test]
fn as_json() {
    assert_snapshot!("eventlog-direct-json", on_stdin("direct", &["-o", "json"]).text());
    assert_snapshot!("eventlog-shim-sb-pcr7-json", on_stdin("shim-sb", &["-o", "json", "--pcr", "7"]).text());
}

#[test]
fn json_lines_are_the_events_then_the_log() {
    let run = on_stdin("uki", &["-o", "jsonl", "--pcr", "7"]);
    assert_eq!(run.code, 0);
    let mut lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let log = lines.pop().unwrap();
    assert_eq!((&log["format"], &log["event_count"]), (&json!("crypto-agile"), &json!(39)));
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|event| event["pcr"] == 7 && event["file"] == "(standard input)"));
}

/// The filters are for events: what PCRs come to and what is wrong is always the whole log's.
#[test]
fn filters_leave_pcrs_and_findings_alone() {
    let all = on_stdin("shim-sb", &["-o", "json"]).json();
    let pcr7 = on_stdin("shim-sb", &["-o", "json", "--pcr", "7"]).json();
    assert_eq!((&all["pcrs"], &all["findings"]), (&pcr7["pcrs"], &pcr7["findings"]));
    assert_eq!(pcr7["events"].as_array().unwrap().len(), 9);
    let none = on_stdin("shim-sb", &["-o", "json", "--only-findings"]).json();
    assert_eq!((&none["events"], &none["pcrs"]), (&json!([]), &all["pcrs"]));
}

#[test]
fn changed_text_is_found_and_exits_with_1() {
    let mut bytes = std::fs::read(vector("shim-sb", LOG)).unwrap();
    let at = bytes.windows(13).position(|window| window == b"set timeout=0").unwrap();
    bytes[at + 12] = b'9';
    let run = run_on(&bytes, &["--only-findings"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert_snapshot!("eventlog-changed-text", run.text());
    let log = run_on(&bytes, &["-o", "json"]).json();
    let finding = &log["findings"][0];
    assert_eq!((&finding["code"], &finding["event"]), (&json!("digest-mismatch"), &json!(36)));
    assert_eq!(log["events"][36]["offset"], finding["offset"]);
    assert_eq!(log["events"][36]["digest"], "mismatch");
}

#[test]
fn a_cut_log_is_read_as_far_as_it_goes_and_exits_with_2() {
    let bytes = std::fs::read(vector("direct", LOG)).unwrap();
    let run = run_on(&bytes[..bytes.len() - 5], &["-o", "json"]);
    assert_eq!(run.code, 2);
    let log = run.json();
    assert_eq!(log["event_count"], 24);
    let finding = log["findings"].as_array().unwrap().last().unwrap();
    assert_eq!(finding["code"], "log-damaged");
    assert_eq!(finding["offset"], log["truncated_at"]);
    assert!(finding["text"].as_str().unwrap().contains("event 24 ends early"), "{finding}");
}

#[test]
fn what_is_no_log_exits_with_2() {
    for bytes in [&b"some text in a file, long enough"[..], b"", &[0x7f; 100]] {
        let run = run_on(bytes, &["-o", "json"]);
        assert_eq!(run.code, 2, "{run:?}");
        let log = run.json();
        assert_eq!((&log["events"], log["truncated_at"].is_u64()), (&json!([]), true), "{log}");
    }
}

#[test]
fn a_bank_that_is_not_there_is_an_error_with_those_that_are() {
    let run = on_stdin("direct", &["--bank", "sha512"]);
    assert_eq!(run.code, 2);
    assert!(run.words.contains("no bank sha512\nhint: it has: sha256"), "{}", run.words);
    assert_eq!(on_stdin("direct", &["--bank", "md5"]).code, 2);
}

#[test]
fn several_banks_replay_and_any_can_be_checked() {
    let log = on_stdin("shim-sb-multibank-crb", &["-o", "json", "--bank", "sha1"]).json();
    assert_eq!(log["banks"], json!(["sha1", "sha256", "sha384"]));
    assert_eq!(log["bank"], "sha1");
    let held = std::fs::read(vector("shim-sb-multibank-crb", "pcrs_all.bin")).unwrap();
    let mut at = 0;
    for (bank, size) in [("sha1", 20), ("sha256", 32), ("sha384", 48)] {
        for pcr in 0..24 {
            // PCR 10 is IMA's.
            if let Some(value) = log["pcrs"][bank].get(pcr.to_string()).filter(|_| pcr != 10) {
                assert_eq!(value.as_str().unwrap(), hex::encode(&held[at..at + size]), "{bank} {pcr}");
            }
            at += size;
        }
    }
}

/// What the TPM of the `uki` boot held, as a file of known values.
fn known_values(folder: &tempfile::TempDir, boot: &str, change: impl FnOnce(&mut Value)) -> PathBuf {
    let held = std::fs::read(vector(boot, "pcrs_all.bin")).unwrap();
    let pcrs: serde_json::Map<String, Value> = held
        .chunks(32)
        .enumerate()
        .map(|(pcr, value)| (pcr.to_string(), json!(hex::encode(value))))
        .collect();
    let mut values = json!({"banks": {"sha256": pcrs}, "source": "our own TPM"});
    change(&mut values);
    file(folder, "pcrs.json", values.to_string().as_bytes())
}

#[test]
fn known_values_that_fit_and_those_of_the_running_system() {
    let folder = tempfile::tempdir().unwrap();
    let path = known_values(&folder, "uki", |_| {});
    let run = on_stdin("uki", &["-o", "json", "--against", path.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    let log = run.json();
    let differing: Vec<&String> = log["match"]["sha256"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, equal)| **equal == false)
        .map(|(pcr, _)| pcr)
        .collect();
    assert_eq!(differing, ["10", "11"]);
    let codes: Vec<_> = log["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
    assert_eq!(codes, ["pcr-outside-log", "pcr-systemd-phases"]);
    let path = path.to_str().unwrap();
    assert_snapshot!("eventlog-against", on_stdin("uki", &["--only-findings", "--against", path]).text());
}

#[test]
fn a_value_that_does_not_fit_names_its_cause_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let check = |change: &dyn Fn(&mut Value), code: &str| {
        let path = known_values(&folder, "uki", change);
        let run = on_stdin("uki", &["-o", "json", "--against", path.to_str().unwrap()]);
        assert_eq!(run.code, 1, "{code}: {run:?}");
        let codes: Vec<Value> = run.json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].clone())
            .collect();
        assert!(codes.contains(&json!(code)), "{code}: {codes:?}");
    };
    check(&|values| values["banks"]["sha256"]["4"] = json!("00".repeat(32)), "pcr-at-reset");
    check(&|values| values["banks"]["sha256"]["4"] = json!("01".repeat(32)), "pcr-mismatch");
    check(&|values| values["banks"]["sha1"] = json!({"0": "00".repeat(20)}), "pcr-bank-absent");
    let pcr1 = |values: &mut Value| values["banks"]["sha256"]["5"] = values["banks"]["sha256"]["1"].clone();
    check(&pcr1, "pcr-mismatch");
}

#[test]
fn a_file_of_known_values_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    for text in [
        "",
        "{}",
        r#"{"banks": {"md5": {}}}"#,
        r#"{"banks": {"sha256": {"24": ""}}}"#,
        r#"{"banks": {"sha256": {"0": "00"}}}"#,
    ] {
        let path = file(&folder, "bad.json", text.as_bytes());
        let run = on_stdin("direct", &["--against", path.to_str().unwrap()]);
        assert_eq!(run.code, 2, "{text}: {run:?}");
        assert!(run.words.contains("bad.json"), "{}", run.words);
    }
}

/// Rows of the folder of vectors that are firmware logs.
fn vectors() -> Option<(PathBuf, Vec<String>)> {
    let root = std::env::var_os("LYDIAN_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let Ok(index) = std::fs::read_to_string(root.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: {} is missing; set LYDIAN_VECTORS", root.display());
        return None;
    };
    let rows = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let logs = rows.filter(|row| row.get(7) == Some(&"tcg-eventlog")).map(|row| row[0].to_owned());
    Some((root, logs.collect()))
}

#[test]
fn every_vector_gives_the_contract_s_json() {
    let Some((root, logs)) = vectors() else { return };
    let (mut events, mut decoded) = (0, 0);
    for log in &logs {
        let run = lydian(&["inspect", "eventlog", "-o", "json", root.join(log).to_str().unwrap()]);
        let read = run.json();
        assert_eq!(run.code == 2, !read["truncated_at"].is_null(), "{log}");
        let errors = read["findings"].as_array().unwrap().iter().filter(|of| of["severity"] == "error");
        assert_eq!(run.code > 0, errors.count() > 0, "{log}: {}", read["findings"]);
        assert!(["crypto-agile", "legacy-sha1", "ccel"].contains(&read["format"].as_str().unwrap()), "{log}");
        for event in read["events"].as_array().unwrap() {
            events += 1;
            decoded += usize::from(event["decoded"]["kind"].is_string());
            let type_name = event["type"].as_str().unwrap();
            assert!(type_name.starts_with("EV_"), "{log}: {type_name}");
            let check = event["digest"].as_str().unwrap();
            assert!(["verified", "mismatch", "opaque", "not-extended"].contains(&check), "{log}: {check}");
        }
    }
    eprintln!("{} logs: {events} events, {decoded} of them decoded to a type", logs.len());
    assert!(logs.len() > 50 && decoded * 100 > events * 95, "{decoded} of {events}");
}
