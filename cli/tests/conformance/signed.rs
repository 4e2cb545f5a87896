//! PE images: Authenticode digests by two other programs, signatures, SBAT.

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    let paths = tally.corpus.of_kind("pe");
    let reports = tally.inspect_all("pe", &[], &paths);
    for (path, report) in paths.iter().zip(reports) {
        let (Some(report), oracle) = (report, format!("{path}.authenticode.json")) else { continue };
        if tally.corpus.has(&oracle) {
            against_oracle(tally, path, &oracle, &report);
        }
    }
}

fn against_oracle(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let expected = tally.corpus.json(oracle);
    tally.compared_with(path, oracle);
    for alg in ["sha1", "sha256", "sha384"] {
        tally.same(path, alg, &report["authenticode"][alg], &expected["authenticode"][alg]);
    }
    tally.same(path, "pesign", &report["authenticode"]["sha256"], &expected["pesign_sha256"]);
    let signatures = report["signatures"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (stored, calculated) = (&expected["osslsigncode"]["stored"], &expected["osslsigncode"]["calculated"]);
    tally.same(path, "signatures", &signatures.len(), &stored.as_array().map_or(0, Vec::len));
    for (number, signature) in signatures.iter().enumerate() {
        let matches = Some(stored[number] == calculated[number]);
        tally.same(path, "digest_matches", &signature["digest_matches"].as_bool(), &matches);
    }
    let lines = expected["sbat"]
        .as_str()
        .map_or(0, |text| text.lines().filter(|line| !line.trim().is_empty()).count());
    tally.same(path, "sbat", &report["sbat"].as_array().map_or(0, Vec::len), &lines);
}
