//! `lydian inspect systemd-log` and `lydian cel`, on logs of our own.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Finished, file, finish, lydian, program, vector};

/// Runs with the log on standard input, so that no path gets into a snapshot.
fn on_stdin(log: &[u8], arguments: &[&str]) -> Finished {
    finish(program().args(["inspect", "systemd-log", "-"]).args(arguments), log)
}

fn log(boot: &str) -> Vec<u8> {
    std::fs::read(vector(boot, "tpm2-measure.log")).unwrap()
}

/// What the TPM of the UKI boot held.
fn held() -> Value {
    let values = std::fs::read(vector("uki", "pcrs_all.bin")).unwrap();
    let values = values.chunks(32).enumerate().map(|(pcr, value)| (pcr.to_string(), hex(value).into()));
    let values: serde_json::Map<_, _> = values.collect();
    json!({ "banks": { "sha256": values } })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn merged(log: &[u8], held: &Value, arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let known = file(&folder, "pcrs.json", held.to_string().as_bytes());
    let firmware = vector("uki", "binary_bios_measurements");
    let mut all = vec!["--firmware", &firmware, "--against", known.to_str().unwrap()];
    all.extend(arguments);
    on_stdin(log, &all)
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn a_boot_as_a_table() {
    assert_snapshot!("systemd-log-table", on_stdin(&log("systemd"), &[]).text());
}

#[test]
fn a_boot_as_json() {
    let run = on_stdin(&log("systemd"), &["-o", "json", "--bank", "sha256"]);
    assert_eq!(run.code, 0);
    let report = run.json();
    assert_eq!((&report["format"], &report["truncated_at"]), (&json!("json-seq"), &Value::Null));
    assert_snapshot!("systemd-log-event-json", serde_json::to_string_pretty(&report["events"][21]).unwrap());
    assert_eq!(report["nvpcrs"]["login"]["start"], "named");
    assert_eq!(report["pcrs"]["sha256"].as_object().unwrap().len(), 14);
}

#[test]
fn with_the_firmware_log_it_accounts_for_what_the_tpm_held() {
    let run = merged(&log("uki"), &held(), &["-o", "json"]);
    assert_eq!(run.code, 0, "{}", run.words);
    let report = run.json();
    assert_eq!(codes(&report), ["pcr-outside-log", "unverified-tail"]);
    assert_eq!(report["vouched_for"]["sha256"], 2);
    let matches = report["match"]["sha256"].as_object().unwrap();
    for (pcr, equal) in matches {
        assert_eq!(equal, &json!(pcr != "10"), "PCR {pcr}");
    }
    assert_eq!(matches.len(), 24);
}

#[test]
fn unlogged_phases_of_systemd_252_are_named() {
    let run = merged(b"", &held(), &["-o", "json"]);
    let report = run.json();
    assert_eq!((run.code, codes(&report)), (0, vec!["pcr-systemd-phases", "pcr-outside-log"]));
    let text = report["findings"][0]["text"].as_str().unwrap();
    assert!(text.contains("the phases sysinit, ready behind"), "{text}");
    assert_eq!(report["match"]["sha256"]["11"], false);
}

#[test]
fn other_values_are_a_mismatch_with_its_cause() {
    let mut other = held();
    other["banks"]["sha256"]["15"] = json!("11".repeat(32));
    let run = merged(&log("uki"), &other, &[]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("neither log extends it"), "{}", run.out);
    let mut text = String::from_utf8(log("uki")).unwrap();
    text.replace_range(..text.find("\n\u{1e}").unwrap() + 1, "");
    let run = merged(text.as_bytes(), &held(), &["--only-findings"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("the phases sysinit before what is logged"), "{}", run.out);
}

#[test]
fn changed_text_is_found_and_exits_with_1() {
    let text = String::from_utf8(log("systemd")).unwrap();
    let changed = text.replace("machine-id:4691", "machine-id:5691");
    let run = on_stdin(changed.as_bytes(), &["--only-findings"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("events           1 of 28"), "{}", run.out);
    assert!(run.out.contains("mismatch"), "{}", run.out);
}

#[test]
fn a_cut_log_is_read_as_far_as_it_goes_and_exits_with_2() {
    let bytes = log("uki");
    let run = on_stdin(&bytes[..bytes.len() - 20], &["-o", "json"]);
    assert_eq!(run.code, 2);
    let report = run.json();
    assert_eq!(report["events"].as_array().unwrap().len(), 2);
    let cut = bytes.iter().rposition(|byte| *byte == 0x1e).unwrap();
    assert_eq!(report["truncated_at"], cut);
    assert_eq!(codes(&report), ["record-truncated"]);
    assert_eq!(on_stdin(b"\x7fELF", &["-o", "json"]).code, 2);
    let wrong = on_stdin(b"\x7fELF", &[]);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    assert!(wrong.words.contains("not a log of systemd's"), "{}", wrong.words);
    assert_eq!(on_stdin(b"", &[]).code, 0, "an empty log is one");
}

#[test]
fn a_boot_goes_into_a_canonical_log_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let [firmware, ima] =
        ["binary_bios_measurements", "binary_runtime_measurements"].map(|name| vector("uki", name));
    let out = folder.path().join("boot.cel.json");
    let out = out.to_str().unwrap();
    let systemd = vector("uki", "tpm2-measure.log");
    let run = lydian(&[
        "cel",
        "write",
        "--firmware",
        &firmware,
        "--ima",
        &ima,
        "--systemd",
        &systemd,
        "--out",
        out,
    ]);
    assert_eq!(run.code, 0, "{}", run.words);
    let canonical = std::fs::read(out).unwrap();
    let run = on_stdin(&canonical, &["-o", "json"]);
    assert_eq!(run.code, 0, "{}", run.words);
    let report = run.json();
    assert_eq!(report["format"], "cel-json");
    assert_eq!(report["pcrs"]["sha256"]["0"], held()["banks"]["sha256"]["0"]);
    for (kind, original) in [("eventlog", &firmware), ("ima", &ima)] {
        let back = folder.path().join(kind);
        let run = lydian(&["cel", "extract", kind, out, "--out", back.to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.words);
        assert!(std::fs::read(back).unwrap() == std::fs::read(original).unwrap(), "{kind}");
    }
    let empty = lydian(&["cel", "extract", "ima", &systemd, "--out", "-"]);
    assert_eq!(empty.code, 2);
    assert!(empty.words.contains("it holds no IMA records"), "{}", empty.words);
}
