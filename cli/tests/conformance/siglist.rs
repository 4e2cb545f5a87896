//! EFI signature lists and variable updates: counts by type, members, and lists of dbx contents.

use std::collections::{BTreeMap, BTreeSet};

use evidence::digest::Sha256Digest;
use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    let paths = tally.corpus.of_kind("dbx");
    let reports = tally.inspect_all("siglist", &[], &paths);
    for (path, report) in paths.iter().zip(reports) {
        let Some(report) = report else { continue };
        tally.errors(path, &report);
        let oracle = format!("{path}.siglist.json");
        if tally.corpus.has(&oracle) {
            against_oracle(tally, path, &oracle, &report);
        }
        against_members(tally, path, &report);
        if path == "microsoft+secureboot_objects/PostSignedObjects/DBX/amd64/DBXUpdate.bin" {
            against_contents(tally, path, &report);
        }
    }
}

fn against_oracle(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let expected = tally.corpus.json(oracle);
    tally.compared_with(path, oracle);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for list in report["lists"].as_array().into_iter().flatten() {
        let entries = list["entries"].as_array().map_or(0, Vec::len);
        *counts.entry(list["type"].as_str().unwrap_or_default().to_owned()).or_default() +=
            u64::try_from(entries).unwrap();
    }
    counts.retain(|_, count| *count > 0);
    let named = expected["entries"].as_object().into_iter().flatten();
    let named = named.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
    tally.same(path, "entries", &counts, &named);
    let clean = report["truncated_at"].is_null();
    tally.same(path, "clean", &Some(clean), &expected["clean"].as_bool());
}

/// `1.siglist` has its members in `1/cert-0.der`, `1/cert-1.hash` and so on, in the order of the lists.
fn against_members(tally: &mut Tally<'_>, path: &str, report: &Value) {
    let Some(folder) = path.strip_suffix(".siglist") else { return };
    let lists = report["lists"].as_array().into_iter().flatten();
    let entries: Vec<Value> =
        lists.flat_map(|list| list["entries"].as_array().cloned().unwrap_or_default()).collect();
    for (number, entry) in entries.iter().enumerate() {
        let certificate = format!("{folder}/cert-{number}.der");
        let hash = format!("{folder}/cert-{number}.hash");
        if tally.corpus.has(&certificate) {
            let expected = Sha256Digest::of(&[&tally.corpus.bytes(&certificate)]).to_string();
            tally.same(path, "member", &entry["cert_sha256"].as_str(), &Some(expected.as_str()));
            tally.compared_with(path, &certificate);
        } else if tally.corpus.has(&hash) {
            let expected: Vec<String> =
                tally.corpus.bytes(&hash).iter().map(|byte| format!("{byte:02x}")).collect();
            tally.same(path, "member", &entry["sha256"].as_str(), &Some(expected.concat().as_str()));
            tally.compared_with(path, &hash);
        }
    }
}

/// What Microsoft says that the newest dbx for x86-64 revokes.
fn against_contents(tally: &mut Tally<'_>, path: &str, report: &Value) {
    let list = "microsoft+secureboot_objects/PreSignedObjects/DBX/dbx_info_msft_latest.json";
    let contents = tally.corpus.json(list);
    let images = contents["images"]["x64"].as_array().into_iter().flatten();
    let expected: BTreeSet<_> =
        images.filter_map(|image| Some(image["authenticodeHash"].as_str()?.to_ascii_lowercase())).collect();
    let lists = report["lists"].as_array().into_iter().flatten();
    let entries = lists.flat_map(|list| list["entries"].as_array().cloned().unwrap_or_default());
    let found: BTreeSet<_> = entries.filter_map(|entry| Some(entry["sha256"].as_str()?.to_owned())).collect();
    tally.same(path, "contents", &found, &expected);
    tally.compared_with(path, list);
}
