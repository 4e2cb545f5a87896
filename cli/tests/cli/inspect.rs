//! `lydian inspect` on boots of our own.

use insta::assert_snapshot;

use crate::run::{Finished, finish, lydian, program, vector};

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
fn quotes_with_everything_that_belongs_to_them() {
    for key in ["ecc", "rsa"] {
        let run = quote("uki", key, &[]);
        assert_snapshot!(format!("quote-uki-{key}"), run.text());
    }
    let run = quote("uki", "ecc", &["-o", "json"]);
    assert_snapshot!("quote-uki-ecc-json", run.text());
}

fn quote(boot: &str, key: &str, more: &[&str]) -> Finished {
    let path = |name: &str| vector(boot, name);
    let nonce = format!("@{}", path("nonce.hex"));
    let mut command = program();
    command.args(["inspect", "quote", "--attest", &path(&format!("quote_{key}.msg"))]);
    command.args(["--signature", &path(&format!("quote_{key}.sig"))]);
    command.args(["--public", &path(&format!("ak_{key}.tpm2b")), "--nonce", &nonce]);
    command.args(["--pcrs", &path(&format!("quote_{key}.pcrs"))]).args(more);
    finish(&mut command, b"")
}

#[test]
fn what_does_not_fit_a_quote_exits_with_1() {
    let attest = vector("uki", "quote_ecc.msg");
    let check = |more: &[&str], failing: &str| {
        let run = finish(program().args(["inspect", "quote", &attest, "-o", "json"]).args(more), b"");
        assert_eq!(run.code, 1, "{run:?}");
        let json = run.json();
        let failed: Vec<_> =
            json["checks"].as_array().unwrap().iter().filter(|check| check["holds"] == false).collect();
        assert_eq!(failed.len(), 1, "{json}");
        assert_eq!(failed[0]["check"], failing);
    };
    let (signature, key) = (vector("uki", "quote_ecc.sig"), vector("direct", "ak_ecc.tpm2b"));
    check(&["--signature", &signature, "--public", &key], "signature");
    check(&["--pcrs", &vector("direct", "quote_ecc.pcrs")], "PCR values");
    check(&["--nonce", "00"], "nonce");
}

#[test]
fn a_quote_alone_is_shown_and_nothing_is_claimed() {
    let run = lydian(&["inspect", "quote", &vector("direct", "quote_ecc.msg")]);
    assert_eq!(run.code, 0);
    assert!(run.out.starts_with("TPM quote  not checked\n"), "{}", run.out);
    assert!(run.words.starts_with("nothing was checked"), "{}", run.words);
}
