//! IMA lists: an independent replay, values of a TPM, and what the index counts in text lists.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    let banks: Vec<String> = ["sha1", "sha256", "sha384", "sha512"]
        .iter()
        .flat_map(|bank| ["--bank".to_owned(), (*bank).to_owned()])
        .collect();
    for path in tally.corpus.of_kind("ima-log") {
        let Some(report) = tally.inspect("ima", &banks, &path) else { continue };
        tally.errors(&path, &report);
        against_index(tally, &path, &report);
        let replay = format!("{path}.ima_replay.json");
        if tally.corpus.has(&replay) {
            against_replay(tally, &path, &replay, &report);
        }
        let expected = format!("{path}.expected_pcrs.json");
        if tally.corpus.has(&expected) {
            against_tpm(tally, &path, &expected, &report);
        }
    }
}

fn against_replay(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let replay = tally.corpus.json(oracle);
    tally.compared_with(path, oracle);
    for field in ["entries", "violations", "templates"] {
        tally.same(path, field, &report[field], &replay[field]);
    }
    let key = "replayed_pcrs_per_bank";
    let pcrs = replay.as_object().into_iter().flatten().find(|(name, _)| name.starts_with(key));
    for (pcr, banks) in pcrs.and_then(|(_, pcrs)| pcrs.as_object()).into_iter().flatten() {
        for (bank, value) in banks.as_object().into_iter().flatten() {
            tally.same(path, &format!("{bank}:{pcr}"), &report["pcrs"][bank][pcr], value);
        }
    }
}

/// Values of a TPM can be older than the list's end: the replay says behind how many entries they were reached.
fn against_tpm(tally: &mut Tally<'_>, path: &str, expected: &str, report: &Value) {
    let banks = tally.corpus.json(expected)["banks"].clone();
    tally.compared_with(path, expected);
    let replay = format!("{path}.ima_replay.json");
    let reached = if tally.corpus.has(&replay) { tally.corpus.json(&replay) } else { Value::Null };
    for (bank, values) in banks.as_object().into_iter().flatten() {
        let Some(value) = values["10"].as_str() else { continue };
        let behind = reached["known_value_matched_after_N_entries"][format!("{bank}:10")]["calc"].as_u64();
        if behind.is_some_and(|behind| Some(behind) != report["entries"].as_u64()) {
            let options = ["--quoted".to_owned(), value.to_owned(), "--bank".to_owned(), bank.clone()];
            let quoted = tally.inspect("ima", &options, path).unwrap_or_default();
            tally.same(path, "quoted", &quoted["quoted"]["records"].as_u64(), &behind);
        } else {
            tally.same(path, &format!("{bank}:10"), &report["pcrs"][bank]["10"].as_str(), &Some(value));
        }
    }
}

/// The index counts: `entries=5; templates={'ima-ng': 2, 'ima-buf': 3}; violations=0`.
fn against_index(tally: &mut Tally<'_>, path: &str, report: &Value) {
    let known = tally.corpus.rows[path].known.clone();
    let field = |name: &str| {
        let rest = &known[known.find(&format!("{name}="))? + name.len() + 1..];
        Some(rest.split(';').next().unwrap_or(rest).trim().to_owned())
    };
    for name in ["entries", "violations"] {
        if let Some(count) = field(name).and_then(|text| text.parse::<u64>().ok()) {
            tally.same(path, &format!("index {name}"), &report[name].as_u64(), &Some(count));
            tally.compared(path);
        }
    }
    if let Some(templates) = field("templates") {
        let expected: BTreeMap<String, u64> = templates
            .trim_matches(['{', '}'])
            .split(',')
            .filter_map(|item| item.split_once(':'))
            .filter_map(|(name, count)| {
                Some((name.trim().trim_matches('\'').to_owned(), count.trim().parse().ok()?))
            })
            .collect();
        let found = report["templates"].as_object().into_iter().flatten();
        let found = found.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
        tally.same(path, "index templates", &found, &expected);
    }
}
