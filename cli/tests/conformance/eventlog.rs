//! Firmware logs: PCRs that a TPM gave, and the events and PCRs that `tpm2_eventlog` prints.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracle_yaml;
use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    for path in tally.corpus.of_kind("tcg-eventlog") {
        let expected = format!("{path}.expected_pcrs.json");
        let known = tally.corpus.has(&expected);
        let against = || vec!["--against".to_owned(), tally.corpus.file(&expected).display().to_string()];
        let options = if known { against() } else { Vec::new() };
        let report = tally.inspect("eventlog", &options, &path);
        let failed = format!("{path}.tpm2_eventlog.FAILED.txt");
        if tally.corpus.has(&failed) {
            // The tool failed; that we answered is the comparison.
            tally.oracle(&failed);
        }
        let Some(report) = report else {
            if known {
                tally.differ(&path, "expected PCRs", "not compared".to_owned());
            }
            continue;
        };
        tally.errors(&path, &report);
        if known {
            against_tpm(tally, &path, &expected, &report);
        }
        for printed in printed_by_tool(tally, &path) {
            against_tool(tally, &path, &printed, &report);
        }
    }
}

/// Values of a TPM: what `--against` says, and what the replay itself says, which have to agree.
fn against_tpm(tally: &mut Tally<'_>, path: &str, expected: &str, report: &Value) {
    let banks = tally.corpus.json(expected)["banks"].clone();
    tally.compared_with(path, expected);
    for (bank, values) in banks.as_object().into_iter().flatten() {
        for (pcr, value) in values.as_object().into_iter().flatten() {
            let Some(replayed) = report["pcrs"][bank][pcr].as_str() else { continue };
            let equal = value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(replayed));
            tally.same(path, "--against", &report["match"][bank][pcr].as_bool(), &Some(equal));
            if !equal {
                tally.differ(
                    path,
                    &format!("{bank}:{pcr}"),
                    format!("replays to {replayed}, expected {value}"),
                );
            }
        }
    }
}

/// Outputs of `tpm2_eventlog` beside a log: of the corpus's builder, and of its own project for its fixtures.
fn printed_by_tool(tally: &Tally<'_>, path: &str) -> Vec<String> {
    // tpm2-tools has one log under a name of its own; the corpus keeps the bytes once.
    let fixture = match path.rsplit_once('/') {
        Some((_, "ubuntu-2104-no-dbx.bin")) => {
            "tpm2-software+tpm2-tools/test/integration/fixtures/event-gce-ubuntu-2104-log.bin"
        }
        _ => path,
    };
    let (folder, name) = fixture.rsplit_once('/').unwrap_or(("", fixture));
    let mut candidates = vec![format!("{path}.tpm2_eventlog.yaml"), format!("{path}.yaml")];
    for upstream in ["event-raw", "event-pretty", "event-pretty-39"] {
        candidates.push(format!("{folder}/{upstream}/{name}.yaml"));
    }
    candidates.retain(|candidate| tally.corpus.has(candidate));
    candidates
}

fn against_tool(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let printed = oracle_yaml::parse(&tally.corpus.text(oracle));
    tally.compared_with(path, oracle);
    for (bank, values) in &printed.pcrs {
        for (pcr, value) in values {
            let found = report["pcrs"][bank][pcr].as_str().map(str::to_owned);
            tally.same(path, &format!("yaml {bank}:{pcr}"), &found, &Some(value.clone()));
        }
    }
    let events = report["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    tally.same(path, "yaml events", &events.len(), &printed.events.len());
    for (event, printed) in events.iter().zip(&printed.events) {
        tally.same(path, "yaml pcr", &event["pcr"].to_string(), &printed.pcr);
        if printed.event_type.starts_with("EV_") {
            tally.same(path, "yaml type", &event["type"].as_str(), &Some(printed.event_type.as_str()));
        }
        // What the record that announces the banks has for a digest is no digest of theirs.
        if printed.event_type != "EV_NO_ACTION" {
            let digests: BTreeMap<_, _> = event["digests"].as_object().into_iter().flatten().collect();
            let digests: BTreeMap<String, String> = digests
                .into_iter()
                .map(|(bank, digest)| (bank.clone(), digest.as_str().unwrap_or_default().to_owned()))
                .collect();
            tally.same(path, "yaml digests", &digests, &printed.digests);
        }
    }
}
