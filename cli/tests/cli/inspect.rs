//! `lydian inspect` on boots of our own.

use insta::assert_snapshot;

use crate::run::{Finished, file, finish, lydian, program, vector};

/// Runs with the file on standard input, so that no path gets into a snapshot.
fn on_stdin(boot: &str, name: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(vector(boot, name)).unwrap();
    finish(program().arg("inspect").args(arguments).arg("-"), &bytes)
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
