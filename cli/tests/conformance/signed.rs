//! PE images: Authenticode digests by two other programs, signatures, SBAT. Signatures that stand alone are read as such.

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    let (texts, paths): (Vec<_>, Vec<_>) =
        tally.corpus.of_kind("pe").into_iter().partition(|path| path.contains(".pk7"));
    let reports = tally.inspect_all("pe", &[], &paths);
    for (path, report) in paths.iter().zip(reports) {
        let Some(report) = report else { continue };
        tally.errors(path, &report);
        let oracle = format!("{path}.authenticode.json");
        if tally.corpus.has(&oracle) {
            against_oracle(tally, path, &oracle, &report);
        }
    }
    alone(tally, &texts);
}

/// Signatures of Ubuntu's loaders and kernels without the images, in PEM: the program reads what is in it.
fn alone(tally: &mut Tally<'_>, paths: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let file = folder.path().join(format!("{number}.p7"));
        std::fs::write(&file, unarmoured(&tally.corpus.text(path))).unwrap();
        files.push(file);
    }
    let reports = tally.inspect_files("pe", &[], paths, &files);
    for (path, report) in paths.iter().zip(reports) {
        let signer = report.unwrap_or_default()["signatures"][0]["signers"][0]["valid"].clone();
        tally.same(path, "valid", &signer.as_bool(), &Some(true));
    }
}

/// The octets of the text between PEM's lines.
fn unarmoured(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let lines = text.lines().filter(|line| !line.starts_with('-'));
    let values =
        lines.flat_map(str::bytes).filter_map(|byte| ALPHABET.iter().position(|known| *known == byte));
    let values: Vec<_> = values.map(|value| u32::try_from(value).unwrap()).collect();
    let mut octets = Vec::new();
    for group in values.chunks(4) {
        let bits = group.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - group.len()));
        octets.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    octets
}

fn against_oracle(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let expected = tally.corpus.json(oracle);
    tally.compared_with(path, oracle);
    for alg in ["sha1", "sha256", "sha384"] {
        tally.same(path, alg, &report["authenticode"][alg], &expected["authenticode"][alg]);
    }
    tally.same(path, "pesign", &report["authenticode"]["sha256"], &expected["pesign_sha256"]);
    let signatures = report["signatures"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = expected["sbverify_list"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let listed = lines.filter(|line| line.starts_with("signature ")).count();
    tally.same(path, "sbverify", &signatures.len(), &listed);
    let (stored, calculated) = (&expected["osslsigncode"]["stored"], &expected["osslsigncode"]["calculated"]);
    tally.same(path, "osslsigncode", &signatures.len(), &stored.as_array().map_or(0, Vec::len));
    for (signature, (stored, calculated)) in signatures.iter().zip(elements(stored).zip(elements(calculated)))
    {
        let matches = Some(stored == calculated);
        tally.same(path, "digest_matches", &signature["digest_matches"].as_bool(), &matches);
    }
    sbat(tally, path, report, expected["sbat"].as_str().unwrap_or_default());
}

fn sbat(tally: &mut Tally<'_>, path: &str, report: &Value, expected: &str) {
    let found = elements(&report["sbat"]).map(|line| {
        let generation = line["generation"].as_u64().unwrap_or_default();
        format!("{},{generation}", line["component"].as_str().unwrap_or_default())
    });
    let pair = |line: &str| line.split(',').take(2).collect::<Vec<_>>().join(",");
    let expected =
        expected.lines().map(|line| line.trim_matches(['\0', ' '])).filter(|line| !line.is_empty());
    tally.same(path, "sbat", &found.collect::<Vec<_>>(), &expected.map(pair).collect());
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
