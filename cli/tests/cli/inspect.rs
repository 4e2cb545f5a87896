//! `lydian inspect` on boots of our own.

use insta::assert_snapshot;

use crate::run::{Finished, file, finish, lydian, program, vector};

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

#[test]
fn ima_lists_with_violations() {
    let run = on_stdin("direct-imasig-viol", "binary_runtime_measurements", &["ima", "--only-findings"]);
    assert_snapshot!("ima-violations", run.text());
    let all = on_stdin("direct-imasig-viol", "binary_runtime_measurements", &["ima", "-o", "json"]);
    let list = &all.json()[0];
    assert_eq!((all.code, &list["violations"]), (0, &2.into()));
    let records = list["records"].as_array().unwrap();
    assert_eq!(list["record_count"], records.len());
    assert!(records.iter().any(|record| record["signed_by"].is_string()), "a signed file is among them");
}

#[test]
fn a_quoted_value_tells_how_far_the_list_is_vouched_for() {
    let quoted = std::fs::read(vector("direct", "pcrs_all.bin")).unwrap();
    let pcr10 = hex::encode(&quoted[10 * 32..11 * 32]);
    let run =
        on_stdin("direct", "binary_runtime_measurements", &["ima", "--only-findings", "--quoted", &pcr10]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("quoted PCR 10    vouches for "), "{}", run.out);
    let other = "ab".repeat(32);
    let run = on_stdin("direct", "binary_runtime_measurements", &["ima", "--quoted", &other, "-o", "json"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.json()[0]["quoted"]["matches"], false);
}

#[test]
fn changed_records_exit_with_1() {
    let mut bytes = std::fs::read(vector("direct", "binary_runtime_measurements")).unwrap();
    let at = bytes.windows(14).position(|window| window == b"boot_aggregate").unwrap();
    bytes[at] = b'B';
    let run = finish(program().args(["inspect", "ima", "--only-findings", "-"]), &bytes);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("mismatches       1"), "{}", run.out);
}

#[test]
fn text_from_a_host_cannot_drive_the_terminal() {
    let mut bytes = std::fs::read(vector("direct", "binary_runtime_measurements")).unwrap();
    let at = bytes.windows(14).position(|window| window == b"boot_aggregate").unwrap();
    bytes[at..at + 4].copy_from_slice(b"\x1b[2J");
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "evil\x1b[31m", &bytes);
    for format in ["table", "json", "jsonl"] {
        let run = lydian(&["inspect", "ima", path.to_str().unwrap(), "-o", format]);
        assert_eq!(run.code, 1);
        assert!(!run.out.contains('\x1b'), "{format}");
    }
}
