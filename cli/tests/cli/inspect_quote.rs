//! `lydian inspect quote`: on boots of our own, on everything else that a TPM attests, and on other people's quotes.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use serde_json::Value;

use crate::run::{Finished, file, finish, lydian, program, vector};

fn inspect(attest: &str, more: &[&str]) -> Finished {
    finish(program().args(["inspect", "quote", "--attest", attest]).args(more), b"")
}

fn quote(boot: &str, key: &str, more: &[&str]) -> Finished {
    let path = |name: &str| vector(boot, name);
    let nonce = format!("@{}", path("nonce.hex"));
    let mut command = program();
    command.args(["inspect", "quote", "--attest", &path(&format!("quote_{key}.msg"))]);
    command.args(["--signature", &path(&format!("quote_{key}.sig"))]);
    command.args(["--ak", &path(&format!("ak_{key}.tpm2b")), "--nonce", &nonce]);
    command.args(["--pcrs", &path(&format!("quote_{key}.pcrs"))]).args(more);
    finish(&mut command, b"")
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

/// Checks of the JSON view that do not hold; each has a finding, and they alone make the exit code 1.
fn failed(run: &Finished) -> Vec<String> {
    let json = run.json();
    let checks = json["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["holds"] == false).collect();
    let errors =
        json["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").count();
    assert_eq!((run.code == 1, errors), (!failed.is_empty(), failed.len()), "{run:?}");
    failed.iter().map(|check| check["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_does_not_fit_a_quote_exits_with_1() {
    let attest = vector("uki", "quote_ecc.msg");
    let check = |more: &[&str], field: &str, failing: &str| {
        let run = inspect(&attest, &[&["-o", "json"], more].concat());
        assert_eq!((run.code, failed(&run)), (1, vec![failing.to_owned()]));
        assert_eq!(run.json().pointer(field), Some(&Value::Bool(false)), "{field}");
    };
    let (signature, key) = (vector("uki", "quote_ecc.sig"), vector("direct", "ak_ecc.tpm2b"));
    check(&["--signature", &signature, "--public", &key], "/signature/valid", "signature");
    check(&["--pcrs", &vector("direct", "quote_ecc.pcrs")], "/pcr_digest_matches", "PCR values");
    check(&["--nonce", "00"], "/nonce_matches", "nonce");
    check(&["--selection", "sha256:0,7"], "/pcr_selection_matches", "selection");
    let name = hex::encode([&[0, 0x0b][..], &[7; 32]].concat());
    let own = vector("uki", "ak_ecc.tpm2b");
    check(&["--ak", &own, "--name", &name], "/checks/1/holds", "name");
    let certified = vector("attested", "object.tpm2b");
    check(&["--ak", &certified], "/checks/0/holds", "key");
    check(&["--object", &certified], "/checks/0/holds", "object");
}

#[test]
fn a_quote_alone_is_shown_and_nothing_is_claimed() {
    let run = lydian(&["inspect", "quote", &vector("direct", "quote_ecc.msg")]);
    assert_eq!(run.code, 0);
    assert!(run.out.starts_with("TPM quote  not checked\n"), "{}", run.out);
    assert!(run.words.starts_with("nothing was checked"), "{}", run.words);
    let json = lydian(&["inspect", "quote", &vector("direct", "quote_ecc.msg"), "-o", "json"]).json();
    for field in ["signature", "nonce_matches", "pcr_selection_matches", "pcr_digest_matches", "pcrs", "key"]
    {
        assert_eq!(json[field], Value::Null, "{field}");
    }
}

#[test]
fn what_else_a_tpm_attests_is_held_against_what_it_is_about() {
    let path = |name: &str| vector("attested", name);
    let mut all = String::new();
    for (kind, more) in [
        ("certify", vec!["--object".to_owned(), path("object.tpm2b")]),
        (
            "creation",
            vec!["--object".into(), path("object.tpm2b"), "--creation-data".into(), path("creation.data")],
        ),
        ("nv", vec!["--nv-public".to_owned(), path("nv.public")]),
        ("time", vec![]),
        ("session", vec![]),
        ("command", vec![]),
    ] {
        let (attest, signature, key) =
            (path(&format!("{kind}.msg")), path(&format!("{kind}.sig")), path("ak.tpm2b"));
        let mut arguments = vec!["--signature", &signature, "--ak", &key];
        arguments.extend(more.iter().map(String::as_str));
        let run = inspect(&attest, &arguments);
        assert_eq!(run.code, 0, "{kind}: {run:?}");
        all += &run.text();
    }
    assert_snapshot!("attested", all);
    // The object is another, and so is its creation.
    let (attest, other) = (path("certify.msg"), path("ak.tpm2b"));
    assert_eq!(failed(&inspect(&attest, &["--object", &other, "-o", "json"])), ["object"]);
    let (attest, data) = (path("creation.msg"), std::fs::read(path("creation.data")).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut data = data;
    *data.last_mut().unwrap() ^= 1;
    let data = file(&folder, "data", &data);
    let run = inspect(&attest, &["--creation-data", data.to_str().unwrap(), "-o", "json"]);
    assert_eq!(failed(&run), ["creation data"]);
}

/// What can be read is shown, and the exit code says that it is not all.
#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let bad = file(&folder, "bad", b"\0\x14\0");
    let bad = bad.to_str().unwrap();
    for option in ["--signature", "--ak", "--pcrs", "--object", "--nv-public", "--creation-data"] {
        let run = inspect(&vector("uki", "quote_ecc.msg"), &[option, bad, "-o", "json"]);
        assert_eq!(run.code, 2, "{option}: {run:?}");
        let json = run.json();
        assert_eq!((&json["type"], json["unread"].as_array().unwrap().len()), (&"quote".into(), 1));
        assert!(run.words.starts_with("error: "), "{}", run.words);
    }
    let run = inspect(&vector("uki", "quote_ecc.msg"), &["--nonce", "xyz"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    let run = inspect(&vector("attested", "nv.msg"), &["--pcrs", &vector("uki", "quote_ecc.pcrs")]);
    assert_eq!(run.code, 2, "an NV index has no PCRs");
}

/// A number alone, DER, or a pair; and the key without its public area.
#[test]
fn bare_signatures_and_keys_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let framed = std::fs::read(vector("uki", "quote_ecc.sig")).unwrap();
    let (r, s) = (&framed[6..38], &framed[40..72]);
    let pair = file(&folder, "pair", &[r, s].concat());
    let integer = |number: &[u8]| {
        let pad: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        [&[2, u8::try_from(number.len() + pad.len()).unwrap()], pad, number].concat()
    };
    let numbers = [integer(r), integer(s)].concat();
    let der = [&[0x30, u8::try_from(numbers.len()).unwrap()], numbers.as_slice()].concat();
    let der = file(&folder, "der", &der);
    let area = std::fs::read(vector("uki", "ak_ecc.tpm2b")).unwrap();
    let point = [&area[area.len() - 66..][..32], &area[area.len() - 32..]].concat();
    let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d03010703420004").unwrap();
    let spki = file(&folder, "spki", &[head, point].concat());
    let area = vector("uki", "ak_ecc.tpm2b");
    for signature in [&pair, &der] {
        for (key, checkable) in [(area.as_str(), true), (spki.to_str().unwrap(), false)] {
            let more = ["--signature", signature.to_str().unwrap(), "--ak", key, "-o", "json"];
            let run = inspect(&vector("uki", "quote_ecc.msg"), &more);
            let json = run.json();
            assert_eq!((run.code, &json["signature"]["valid"]), (0, &Value::Bool(true)), "{run:?}");
            let holds = if checkable { Value::Bool(true) } else { Value::Null };
            assert_eq!(json["checks"][1]["holds"], holds, "a bare key has no attributes");
        }
    }
    let more =
        ["--signature", pair.to_str().unwrap(), "--scheme", "rsassa-sha256", "--ak", &area, "-o", "json"];
    assert_eq!(failed(&inspect(&vector("uki", "quote_ecc.msg"), &more)), ["signature"]);
}

/// A scheme that nothing here verifies is called by its name; it is neither valid nor a crash.
#[test]
fn a_scheme_that_is_not_supported_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut signature = std::fs::read(vector("uki", "quote_ecc.sig")).unwrap();
    for (scheme, name) in [(0x1a, "ecdaa"), (0x1b, "sm2"), (0x1c, "ecschnorr")] {
        signature[1] = scheme;
        let path = file(&folder, name, &signature);
        let (attest, key) = (vector("uki", "quote_ecc.msg"), vector("uki", "ak_ecc.tpm2b"));
        let run = inspect(&attest, &["--signature", path.to_str().unwrap(), "--ak", &key, "-o", "json"]);
        let json = run.json();
        assert_eq!((run.code, &json["signature"]["scheme"]), (1, &name.into()), "{run:?}");
        assert_eq!(json["signature"]["valid"], Value::Null);
        assert_eq!(json["findings"][0]["code"], "scheme-not-supported");
    }
}

/// Other people's quotes: what another implementation says of each (`check.json`) is what is shown.
#[test]
fn other_peoples_quotes_are_as_another_implementation_says() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let root = std::env::var_os("LYDIAN_VECTORS").map_or(default, PathBuf::from);
    if !root.is_dir() {
        eprintln!(
            "SKIPPED: {} is missing; set LYDIAN_VECTORS to check other people's quotes",
            root.display()
        );
        return;
    }
    let mut cases = Vec::new();
    collect(&root, &mut cases);
    let (mut valid, mut digests, mut nonces) = (0, 0, 0);
    for case in &cases {
        let check: Value = serde_json::from_slice(&std::fs::read(case.join("check.json")).unwrap()).unwrap();
        let json = one(case, &check);
        let context = case.display();
        assert_eq!(json["type"], check["attest"]["type"], "{context}");
        assert_eq!(json["clock"]["clock"], check["attest"]["clock"], "{context}");
        assert_eq!(json["clock"]["reset_count"], check["attest"]["resetCount"], "{context}");
        assert_eq!(json["firmware_version"], check["attest"]["firmwareVersion"], "{context}");
        assert_eq!(json["signature"]["scheme"], check["signature"]["alg"], "{context}");
        assert_eq!(json["signature"]["hash"], check["signature"]["hash"], "{context}");
        assert_eq!(json["signature"]["valid"], check["signature_verifies"], "{context}");
        assert_eq!(json["nonce_matches"], true, "{context}");
        if let Some(pairs) = check["attest"]["pcrSelect"].as_array() {
            let banks = pairs.iter().map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()));
            assert_eq!(json["pcr_selection"], Value::Object(banks.collect()), "{context}");
        }
        if !check["pcrDigest_matches_pcrs"].is_null() {
            assert_eq!(json["pcr_digest_matches"], check["pcrDigest_matches_pcrs"], "{context}");
        }
        valid += usize::from(json["signature"]["valid"] == true);
        digests += usize::from(json["pcr_digest_matches"] == true);
        nonces += usize::from(json["nonce_matches"] == true);
    }
    println!("{} quotes: {valid} signatures, {digests} PCR digests, {nonces} nonces hold", cases.len());
    assert!(cases.len() >= 31 && valid >= 22 && digests >= 28, "{} {valid} {digests}", cases.len());
}

fn one(case: &Path, check: &Value) -> Value {
    let path = |name: &str| case.join(name).to_str().unwrap().to_owned();
    let given = |name: &str| case.join(name).exists();
    let mut command = program();
    command.args(["inspect", "quote", "-o", "json", "--attest", &path("attest.bin")]);
    command.args(["--signature", &path("signature.bin")]);
    for key in ["ak.tpm2b_public.bin", "ak_tpmt_public.bin", "ak_pub.pem"] {
        if given(key) {
            command.args(["--ak", &path(key)]);
            break;
        }
    }
    if given("ak.name") {
        command.args(["--name", &format!("@{}", path("ak.name"))]);
    }
    let nonce = if given("nonce.hex") {
        format!("@{}", path("nonce.hex"))
    } else {
        check["attest"]["extraData"].as_str().unwrap().to_owned()
    };
    command.args(["--nonce", &nonce]);
    for pcrs in ["pcrs.json", "pcrs_blob.bin"] {
        if given(pcrs) {
            command.args(["--pcrs", &path(pcrs)]);
            break;
        }
    }
    if given("creation_data.bin") {
        command.args(["--creation-data", &path("creation_data.bin")]);
    }
    if check["attest"]["type"] == "creation" && given("ak_tpmt_public.bin") {
        // The key attests its own creation.
        command.args(["--object", &path("ak_tpmt_public.bin")]);
    }
    let run = finish(&mut command, b"");
    assert_eq!(run.code, 0, "{}: {run:?}", case.display());
    run.json()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.ends_with("check.json") {
            found.push(folder.to_owned());
        }
    }
}
