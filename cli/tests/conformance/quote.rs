//! Quotes: each folder with a `check.json` through `inspect quote`, every part of it named.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tally::Tally;

/// Parts of one attestation, by the names that the corpus gives them.
struct Parts {
    folder: String,
    attest: String,
    signature: String,
    keys: Vec<String>,
    pcrs: Vec<String>,
    creation_data: Option<String>,
    check: Option<Value>,
}

pub(crate) fn check(tally: &mut Tally<'_>) {
    for parts in folders(tally).into_iter().chain([tools_files(), azure()]) {
        // Each form of the key and of the values in turn: every one must do.
        let keys: Vec<_> =
            if parts.keys.is_empty() { vec![None] } else { parts.keys.iter().map(Some).collect() };
        let pcrs: Vec<_> =
            if parts.pcrs.is_empty() { vec![None] } else { parts.pcrs.iter().map(Some).collect() };
        for key in &keys {
            for pcrs in &pcrs {
                one(tally, &parts, *key, *pcrs);
            }
        }
    }
}

fn folders(tally: &Tally<'_>) -> Vec<Parts> {
    let checks = tally.corpus.rows.keys().filter_map(|path| path.strip_suffix("/check.json"));
    let parts = |folder: &str| {
        let present = |names: &[&str]| -> Vec<String> {
            let paths = names.iter().map(|name| format!("{folder}/{name}"));
            paths.filter(|path| tally.corpus.has(path)).collect()
        };
        let mut keys = present(&["ak_pub.pem", "ak.tpm2b_public.bin", "ak_tpmt_public.bin"]);
        let shared = folder.rsplit_once('/').map(|(above, _)| format!("{above}/ak_tpmt_public.bin"));
        keys.extend(shared.filter(|shared| tally.corpus.has(shared)));
        Parts {
            folder: folder.to_owned(),
            attest: format!("{folder}/attest.bin"),
            signature: format!("{folder}/signature.bin"),
            keys,
            pcrs: present(&["pcrs.json", "pcrs_blob.bin"]),
            creation_data: present(&["creation_data.bin"]).pop(),
            check: Some(tally.corpus.json(&format!("{folder}/check.json"))),
        }
    };
    checks.map(parts).collect()
}

/// The files that tpm2-tools of another time wrote for keylime.
fn tools_files() -> Parts {
    let folder = "keylime+keylime/test-data/files";
    let file = |name: &str| format!("{folder}/{name}");
    Parts {
        folder: folder.to_owned(),
        attest: file("quote.out"),
        signature: file("quotesig.out"),
        keys: vec![file("ak.pub"), file("akpub.pem")],
        pcrs: vec![file("quotepcr.out")],
        creation_data: None,
        check: None,
    }
}

/// A quote of an Azure machine without the key that made it.
fn azure() -> Parts {
    let folder = "confidential-containers+trustee/deps/verifier/test_data/az-snp-vtpm";
    Parts {
        folder: folder.to_owned(),
        attest: format!("{folder}/tpm-quote.msg"),
        signature: format!("{folder}/tpm-quote.sig"),
        keys: Vec::new(),
        pcrs: Vec::new(),
        creation_data: None,
        check: None,
    }
}

fn one(tally: &mut Tally<'_>, parts: &Parts, key: Option<&String>, pcrs: Option<&String>) {
    let file = |path: &str| tally.corpus.file(path).display().to_string();
    let mut options = Vec::new();
    let mut used = vec![parts.signature.clone()];
    let mut option = |name: &str, path: &String| {
        options.extend([name.to_owned(), file(path)]);
        used.push(path.clone());
    };
    if let Some(key) = key {
        option("--ak", key);
    }
    if let Some(pcrs) = pcrs {
        option("--pcrs", pcrs);
    }
    if let Some(data) = &parts.creation_data {
        option("--creation-data", data);
    }
    options.extend(["--signature".to_owned(), file(&parts.signature)]);
    let check = parts.check.clone().unwrap_or_default();
    if check["nonce_matches"].as_bool() == Some(true) {
        let nonce = format!("{}/nonce.hex", parts.folder);
        let nonce = if tally.corpus.has(&nonce) {
            used.push(nonce.clone());
            tally.corpus.text(&nonce).trim().to_owned()
        } else {
            check["attest"]["extraData"].as_str().unwrap_or_default().to_owned()
        };
        options.extend(["--nonce".to_owned(), nonce]);
    }
    let Some(report) = tally.inspect("quote", &options, &parts.attest) else { return };
    for path in &used {
        tally.read(path);
    }
    if parts.check.is_some() {
        let path = &parts.attest;
        tally.compared_with(path, &format!("{}/check.json", parts.folder));
        compare(tally, path, &report, &check, key.is_some(), pcrs.is_some());
    }
}

fn compare(
    tally: &mut Tally<'_>,
    path: &str,
    report: &Value,
    check: &Value,
    with_key: bool,
    with_pcrs: bool,
) {
    let attest = &check["attest"];
    tally.same(path, "type", &report["type"], &attest["type"]);
    tally.same(path, "scheme", &report["signature"]["scheme"], &check["signature"]["alg"]);
    tally.same(path, "hash", &report["signature"]["hash"], &check["signature"]["hash"]);
    if with_key {
        tally.same(path, "signature", &report["signature"]["valid"], &check["signature_verifies"]);
    }
    if with_pcrs && !check["pcrDigest_matches_pcrs"].is_null() {
        tally.same(path, "pcr digest", &report["pcr_digest_matches"], &check["pcrDigest_matches_pcrs"]);
    }
    if !check["nonce_matches"].is_null() {
        tally.same(path, "nonce", &report["nonce_matches"], &check["nonce_matches"]);
    }
    if !attest["pcrDigest"].is_null() {
        tally.same(path, "pcr_digest", &report["pcr_digest"], &attest["pcrDigest"]);
        for selected in attest["pcrSelect"].as_array().into_iter().flatten() {
            let bank = selected[0].as_str().unwrap_or_default();
            let numbers = |list: &Value| {
                list.as_array().into_iter().flatten().filter_map(Value::as_u64).collect::<BTreeSet<_>>()
            };
            tally.same(
                path,
                "pcr_selection",
                &numbers(&report["pcr_selection"][bank]),
                &numbers(&selected[1]),
            );
        }
    }
    for (ours, theirs) in
        [("clock", "clock"), ("reset_count", "resetCount"), ("restart_count", "restartCount")]
    {
        tally.same(path, ours, &report["clock"][ours], &attest[theirs]);
    }
    tally.same(
        path,
        "safe",
        &report["clock"]["safe"].as_bool(),
        &attest["safe"].as_u64().map(|safe| safe == 1),
    );
    tally.same(path, "firmware_version", &report["firmware_version"], &attest["firmwareVersion"]);
}
