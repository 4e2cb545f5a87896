//! `lydian inspect elf`, `module` and `keyring` on files of our own.

use insta::assert_snapshot;
use serde_json::Value;

use crate::run::{Finished, file, finish, lydian, program, vector};

/// Runs with the file on standard input, so that no path gets into a snapshot.
fn on_stdin(folder: &str, name: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(vector(folder, name)).unwrap();
    finish(program().arg("inspect").args(arguments).arg("-"), &bytes)
}

#[test]
fn elf_as_table_and_json() {
    assert_snapshot!("elf", on_stdin("modules", "unsigned.ko", &["elf"]).text());
    assert_snapshot!("elf-json", on_stdin("modules", "unsigned.ko", &["elf", "-o", "json"]).text());
}

#[test]
fn a_cut_elf_file_is_read_as_far_as_it_goes_and_exits_with_2() {
    let bytes = std::fs::read(vector("modules", "unsigned.ko")).unwrap();
    let run = finish(program().args(["inspect", "elf", "-o", "json", "-"]), &bytes[..600]);
    let elf = run.json();
    assert_eq!((run.code, &elf["truncated_at"], &elf["machine"]), (2, &600.into(), &"x86_64".into()));
    assert!(
        elf["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "section-table-outside")
    );
}

#[test]
fn what_is_none_of_them_is_an_error() {
    for kind in ["elf", "module", "keyring"] {
        let run = finish(program().args(["inspect", kind, "-"]), b"#!/bin/sh\n");
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{kind}");
        assert!(run.words.starts_with("error: "), "{kind}: {}", run.words);
    }
}

#[test]
fn modules_as_table_and_json() {
    let keys = ["--keys", &vector("modules", "rsa.der")];
    let table = on_stdin("modules", "signed.ko.xz", &["module", keys[0], keys[1]]);
    assert_snapshot!("module", table.text());
    let json = on_stdin("modules", "signed.ko.zst", &["module", keys[0], keys[1], "-o", "json"]);
    assert_snapshot!("module-json", json.text());
    assert_snapshot!("module-unsigned", on_stdin("modules", "unsigned.ko", &["module"]).text());
}

#[test]
fn a_module_is_valid_not_valid_or_not_verified() {
    let module = |name: &str, keys: &[&str]| -> (i32, Value) {
        let mut arguments = vec!["module", "-o", "json"];
        let keys: Vec<String> = keys.iter().map(|key| vector("modules", key)).collect();
        arguments.extend(keys.iter().flat_map(|key| ["--keys", key]));
        let run = on_stdin("modules", name, &arguments);
        (run.code, run.json()["signature"]["valid"].clone())
    };
    for name in ["signed.ko", "signed.ko.gz", "signed.ko.xz", "signed.ko.zst"] {
        assert_eq!(module(name, &[]), (0, Value::Null), "{name}");
        assert_eq!(module(name, &["rsa.der"]), (0, true.into()), "{name}");
        assert_eq!(module(name, &["ec.der"]), (1, false.into()), "{name}");
        assert_eq!(module(name, &["ec.der", "rsa.der"]), (0, true.into()), "{name}");
    }
    assert_eq!(module("attributes.ko", &["ec.der"]), (0, true.into()));
}

#[test]
fn a_changed_module_exits_with_1() {
    let mut bytes = std::fs::read(vector("modules", "signed.ko")).unwrap();
    bytes[80] ^= 1;
    let keys = vector("modules", "rsa.der");
    let run = finish(program().args(["inspect", "module", "--keys", &keys, "-"]), &bytes);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("signature-invalid: the signature does not hold"), "{}", run.out);
}

#[test]
fn keys_that_are_no_certificates_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "keys.pem", b"no certificate");
    let module = vector("modules", "signed.ko");
    let run = lydian(&["inspect", "module", "--keys", path.to_str().unwrap(), &module]);
    assert_eq!(run.code, 2);
    assert!(run.words.contains("not a certificate"), "{}", run.words);
}

#[test]
fn key_rings_as_table_and_json() {
    let at = ["--at", "2027-01-15"];
    assert_snapshot!("keyring", on_stdin("keyrings", "all.gpg", &["keyring", at[0], at[1]]).text());
    let json = on_stdin("keyrings", "rsa.asc", &["keyring", at[0], at[1], "-o", "json"]);
    assert_snapshot!("keyring-json", json.text());
}

#[test]
fn states_are_of_the_time_that_is_asked_for() {
    let status = |at: &str| {
        let run = on_stdin("keyrings", "rsa.asc", &["keyring", "--at", at, "-o", "json"]);
        (run.code, run.json()["keys"][0]["status"].clone())
    };
    assert_eq!(status("2027-01-15"), (0, "valid".into()));
    assert_eq!(status("2019524646"), (0, "expired".into()));
    assert_eq!(status("2020-01-01T00:00:00Z"), (0, "unverified".into()), "before it was made");
    let run = on_stdin("keyrings", "rsa.asc", &["keyring", "--at", "soon"]);
    assert_eq!(run.code, 2);
}

#[test]
fn a_changed_key_ring_exits_with_1_and_a_cut_one_with_2() {
    let good = std::fs::read(vector("keyrings", "ed25519.gpg")).unwrap();
    let run = |bytes: &[u8]| finish(program().args(["inspect", "keyring", "-o", "json", "-"]), bytes);
    let mut bytes = good.clone();
    let at = bytes.windows(7).position(|window| window == b"Ed25519").unwrap();
    bytes[at] ^= 1;
    let changed = run(&bytes);
    assert_eq!(
        (changed.code, &changed.json()["keys"][0]["status"]),
        (1, &"unverified".into()),
        "{changed:?}"
    );
    let cut = run(&good[..good.len() - 1]);
    assert_eq!((cut.code, cut.json()["keys"].as_array().unwrap().len()), (2, 1));
    assert!(cut.json()["truncated_at"].is_u64());
    let mut armored = std::fs::read(vector("keyrings", "ed25519.asc")).unwrap();
    let sum = armored.windows(2).rposition(|window| window == b"\n=").unwrap() + 2;
    armored[sum] = if armored[sum] == b'A' { b'B' } else { b'A' };
    let damaged = run(&armored);
    assert_eq!(damaged.code, 2);
    assert!(damaged.out.contains("armor-damaged"), "{}", damaged.out);
}
