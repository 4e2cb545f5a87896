//! Certificates: endorsement keys', attestation keys', their authorities' and Secure Boot's, and platform certificates.
//!
//! The index has what openssl says of an X.509 certificate; go-attestation what it reads in a platform certificate.

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    let mut paths = tally.corpus.of_kind("ek-cert");
    paths.extend(tally.corpus.of_kind("ca-bundle"));
    let endings = [".crt", ".cer", ".der", "_chain.pem", "vcek.pem", "vcek-genoa.pem", "snakeoil.pem"];
    let others = tally.corpus.rows.values().filter(|row| {
        (row.kind == "other" || row.kind == "quote")
            && endings.iter().any(|ending| row.path.ends_with(ending))
            && !row.path.contains("/sigdbs/")
    });
    paths.extend(others.map(|row| row.path.clone()));
    let reports = tally.inspect_all("ek-cert", &[], &paths);
    for (path, report) in paths.iter().zip(reports) {
        let Some(report) = report else { continue };
        against_openssl(tally, path, &report);
        let expected = format!("{path}.json");
        if tally.corpus.has(&expected) {
            against_go_attestation(tally, path, &expected, &report);
        }
    }
}

/// `subject=C = CH, O = STM; issuer=…; key=rsaEncryption 2048; sig=…; notAfter=Jul 11 16:29:30 2032 GMT`; names are
/// cut off behind 80 characters.
fn against_openssl(tally: &mut Tally<'_>, path: &str, report: &Value) {
    let known = tally.corpus.rows[path].known.clone();
    let field = |name: &str| {
        let rest = &known[known.find(&format!("{name}="))? + name.len() + 1..];
        Some(rest.split(';').next().unwrap_or(rest).trim().to_owned())
    };
    let Some(key) = field("key") else { return };
    tally.compared(path);
    let bits = key.rsplit(' ').next().and_then(|bits| bits.parse::<u64>().ok());
    tally.same(path, "key", &report["key"]["bits"].as_u64(), &bits);
    if let Some(algorithm) = field("sig") {
        let found = report["signature_algorithm"].as_str().unwrap_or_default();
        tally.same(path, "sig", &found.to_ascii_lowercase(), &algorithm.to_ascii_lowercase());
    }
    if let Some(end) = field("notAfter").and_then(|text| rfc3339(&text)) {
        let found = report["not_after"].as_str().unwrap_or_default();
        tally.same(path, "notAfter", &found.get(..19), &Some(end.as_str()));
    }
    for name in ["subject", "issuer"] {
        let (Some(expected), Some(found)) = (field(name), report[name].as_str()) else { continue };
        let cut_off = usize::from(expected.len() >= 75);
        let parts: Vec<_> = expected.split([',', '+']).map(|part| part.trim().replace(" = ", "=")).collect();
        let parts = &parts[..parts.len().saturating_sub(cut_off)];
        // What openssl quotes has a comma within, and escapes are spelled otherwise.
        let plain = parts.iter().filter(|part| part.contains('=') && !part.contains(['"', '\\']));
        for part in plain {
            tally.same(path, name, &found.contains(part.as_str()), &true);
        }
    }
}

/// `Jul  8 05:57:23 2122 GMT` as `2122-07-08T05:57:23`.
fn rfc3339(text: &str) -> Option<String> {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_whitespace();
    let month = words.next()?;
    let month = months.iter().position(|name| *name == month)? + 1;
    let (day, time, year) = (words.next()?.parse::<u8>().ok()?, words.next()?, words.next()?);
    Some(format!("{year}-{month:02}-{day:02}T{time}"))
}

fn against_go_attestation(tally: &mut Tally<'_>, path: &str, oracle: &str, report: &Value) {
    let expected = tally.corpus.json(oracle);
    tally.compared_with(path, oracle);
    tally.same(path, "kind", &report["kind"].as_str(), &Some("platform"));
    for (ours, theirs) in [
        ("manufacturer", "PlatformManufacturer"),
        ("model", "PlatformModel"),
        ("version", "PlatformVersion"),
        ("platform_serial", "PlatformSerial"),
    ] {
        let expected = expected[theirs].as_str().filter(|text| !text.is_empty());
        tally.same(path, theirs, &report[ours].as_str().filter(|text| !text.is_empty()), &expected);
    }
    for (ours, theirs) in [("not_before", "NotBefore"), ("not_after", "NotAfter")] {
        let cut = |value: &Value| value.as_str().and_then(|text| text.get(..19)).map(str::to_owned);
        tally.same(path, theirs, &cut(&report[ours]), &cut(&expected[theirs]));
    }
    let common = expected["Issuer"]["CommonName"].as_str().unwrap_or_default();
    let issuer = report["issuer"].as_str().unwrap_or_default();
    tally.same(path, "Issuer", &issuer.contains(&format!("CN={common}")), &true);
}
