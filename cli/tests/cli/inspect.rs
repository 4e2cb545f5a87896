//! `lydian inspect` on boots of our own.

use insta::assert_snapshot;

use crate::run::{Finished, finish, program, vector};

/// Runs with the file on standard input, so that no path gets into a snapshot.
fn on_stdin(boot: &str, name: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(vector(boot, name)).unwrap();
    finish(program().arg("inspect").args(arguments).arg("-"), &bytes)
}

#[test]
fn firmware_logs_as_tables() {
    for boot in ["direct", "shim-sb", "uki"] {
        let run = on_stdin(boot, "binary_bios_measurements", &["eventlog"]);
        assert_snapshot!(format!("eventlog-{boot}"), run.text());
    }
}

#[test]
fn a_firmware_log_as_json() {
    let run = on_stdin("direct", "binary_bios_measurements", &["eventlog", "-o", "json"]);
    assert_snapshot!("eventlog-direct-json", run.text());
}

#[test]
fn json_lines_are_one_event_each() {
    let run = on_stdin("uki", "binary_bios_measurements", &["eventlog", "-o", "jsonl", "--pcr", "7"]);
    assert_eq!(run.code, 0);
    let events: Vec<serde_json::Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty());
    assert!(events.iter().all(|event| event["register"] == 7 && event["file"] == "(standard input)"));
}

#[test]
fn changed_text_in_a_log_is_found_and_exits_with_1() {
    let mut bytes = std::fs::read(vector("shim-sb", "binary_bios_measurements")).unwrap();
    let at = bytes
        .windows(15)
        .position(|window| window == b"set timeout=0\0")
        .or_else(|| bytes.windows(13).position(|window| window == b"set timeout=0"));
    bytes[at.unwrap() + 12] = b'9';
    let run = finish(program().args(["inspect", "eventlog", "--only-findings", "-"]), &bytes);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("mismatch (digest-mismatch)"), "{}", run.out);
    assert!(run.out.contains("events       1 of 50"), "{}", run.out);
}

#[test]
fn a_cut_log_is_read_as_far_as_it_goes_and_exits_with_1() {
    let bytes = std::fs::read(vector("direct", "binary_bios_measurements")).unwrap();
    let run = finish(program().args(["inspect", "eventlog", "-", "-o", "json"]), &bytes[..bytes.len() - 5]);
    assert_eq!(run.code, 1);
    let log = &run.json()[0];
    assert_eq!(log["event_count"], 24);
    assert!(log["damage"].as_str().unwrap().contains("event 24 ends early"), "{}", log["damage"]);
}

#[test]
fn a_bank_that_is_not_there_is_an_error_with_those_that_are() {
    let run = on_stdin("direct", "binary_bios_measurements", &["eventlog", "--bank", "sha512"]);
    assert_eq!(run.code, 2);
    assert!(run.words.contains("no bank sha512\nhint: it has: sha256"), "{}", run.words);
    assert_eq!(on_stdin("direct", "binary_bios_measurements", &["eventlog", "--bank", "md5"]).code, 2);
}
