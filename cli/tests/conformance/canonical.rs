//! Records in CEL-JSON: systemd's components of a boot.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    for path in tally.corpus.of_kind("cel") {
        let Some(report) = tally.inspect("systemd-log", &[], &path) else { continue };
        // The file is JSON itself, so it says what it holds.
        let records = tally.corpus.json(&path)["records"].as_array().cloned().unwrap_or_default();
        let found = report["events"].as_array().cloned().unwrap_or_default();
        tally.same(&path, "records", &found.len(), &records.len());
        for (found, record) in found.iter().zip(&records) {
            tally.same(&path, "pcr", &found["pcr"], &record["pcr"]);
            let digests = record["digests"].as_array().into_iter().flatten();
            let expected: BTreeMap<_, _> =
                digests.map(|digest| (text(&digest["hashAlg"]), text(&digest["digest"]))).collect();
            let digests = found["digests"].as_object().into_iter().flatten();
            let found: BTreeMap<_, _> = digests.map(|(bank, digest)| (bank.clone(), text(digest))).collect();
            tally.same(&path, "digests", &found, &expected);
        }
        tally.compared(&path);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
