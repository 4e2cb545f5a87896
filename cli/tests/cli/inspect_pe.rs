//! `lydian inspect pe` on images of our own.

use insta::assert_snapshot;

use crate::run::{Finished, finish, program, vector};

/// Runs with the bytes on standard input, so that no path gets into a snapshot.
fn on_stdin(bytes: &[u8], arguments: &[&str]) -> Finished {
    finish(program().args(["inspect", "pe", "-"]).args(arguments), bytes)
}

fn image(name: &str) -> Vec<u8> {
    std::fs::read(vector("signing", name)).unwrap()
}

#[test]
fn images_as_cards() {
    for name in ["shim.signed.efi", "uki.signed.efi", "tiny32.efi"] {
        assert_snapshot!(format!("pe-{name}"), on_stdin(&image(name), &[]).text());
    }
}

#[test]
fn an_image_as_json() {
    assert_snapshot!("pe-uki-json", on_stdin(&image("uki.signed.efi"), &["-o", "json"]).text());
}

#[test]
fn the_contract_of_the_json() {
    let run = on_stdin(&image("shim.signed.efi"), &["-o", "json"]);
    assert_eq!(run.code, 0);
    let json = run.json();
    assert_eq!(
        json["authenticode"]["sha256"],
        "1206b41c2bfd28e55224577d0481f8419d83ce3604990a491005ecd9d534a1f7"
    );
    assert_eq!(json["signatures"].as_array().unwrap().len(), 2);
    let signer = &json["signatures"][0]["signers"][0];
    assert_eq!(json["signatures"][0]["digest_matches"], true);
    assert_eq!(signer["subject"], "CN=Lydian test signer\\ ,OU=one,O=Lydian\\, tests");
    assert_eq!(signer["countersignature_time"], "2023-11-14T22:13:20Z");
    assert_eq!((&signer["chain_end"], signer["chain"].as_array().unwrap().len()), (&"root".into(), 3));
    assert_eq!(json["sbat"][2]["component"], "shim.lydian");
    assert_eq!(json["sbat"][1]["generation"], 4);
    assert!(json["uki"].is_null());
    assert_eq!(json["vendor_cert"]["deauthorized"]["hashes"].as_array().unwrap().len(), 2);
}

/// The table is no part of the digest: what is changed in it harms the signature alone.
#[test]
fn changed_images_and_changed_signatures_exit_with_1() {
    let mut changed = image("shim.signed.efi");
    changed[0x250] ^= 1;
    let run = on_stdin(&changed, &["-o", "json"]);
    assert_eq!(run.code, 1);
    let json = run.json();
    assert!(json["signatures"].as_array().unwrap().iter().all(|found| found["digest_matches"] == false));
    assert!(json["findings"].as_array().unwrap().iter().any(|found| found["code"] == "digest-mismatch"));
    let mut changed = image("uki.signed.efi");
    let at = changed.len() - 20;
    changed[at] ^= 1;
    let json = on_stdin(&changed, &["-o", "json"]).json();
    assert_eq!(json["signatures"][0]["digest_matches"], true);
    assert_eq!(json["signatures"][0]["signers"][0]["valid"], false);
}

#[test]
fn what_is_no_image_exits_with_2() {
    let run = on_stdin(b"#!/bin/sh\n", &[]);
    assert_eq!(run.code, 2);
    assert!(run.out.contains("no MZ, so this is no PE image"), "{run:?}");
}
