//! Certificates: endorsement keys', attestation keys', their authorities' and Secure Boot's, and platform certificates.

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
        for field in ["subject", "issuer"] {
            tally.same(path, field, &report[field].is_string(), &true);
        }
        let expected = format!("{path}.json");
        if tally.corpus.has(&expected) {
            tally.compared_with(path, &expected);
        }
    }
}
