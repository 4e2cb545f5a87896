//! No parser and no fuzz target without a row: a new one that has none, and no listed reason, fails here.

use std::collections::BTreeSet;

use crate::rows;
use crate::samples::workspace;

/// Modules of `evidence` that read no bytes from outside by themselves.
const NO_PARSER: [(&str, &str); 8] = [
    ("asn1", "reads what `x509` and `pkcs7` ask for; their rows go through it"),
    ("limits", "constants"),
    ("cursor", "reads what the parsers ask for; each parser's row goes through it"),
    ("digest", "fixed lengths, checked when made"),
    ("finding", "what parsers report"),
    ("pcr", "values that were parsed elsewhere"),
    ("source", "reads what `sqlite`, `rpm` and `buildinfo` ask for; their rows go through it"),
    ("time", "numbers"),
];

/// Fuzz targets of other crates' parsers: their rows are in `fuzz/targets/tests/bounds.rs`.
const NOT_HERE: [(&str, &str); 10] = [
    ("subject", "`inquiry` reads it"),
    ("submission", "`wire` reads it"),
    ("notes", "`ledger` reads them"),
    ("tiles", "`ledger` reads them"),
    ("witness", "`ledger` reads it"),
    ("quote_files", "`appraisal` reads them"),
    ("ek_certificate", "`appraisal` reads it"),
    ("crl", "`appraisal` reads it"),
    ("ek_roots_bundle", "`appraisal` reads it"),
    ("fanotify", "`lydian-fanotify` reads it"),
];

#[test]
fn every_module_that_parses_has_a_row() {
    let library = std::fs::read_to_string(workspace().join("common/evidence/src/lib.rs")).unwrap();
    let modules: BTreeSet<_> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    let rows = rows::all().iter().map(|row| row.module.to_owned()).collect();
    check("module", &modules, &rows, &NO_PARSER);
}

#[test]
fn every_fuzz_target_has_a_row() {
    let folder = workspace().join("fuzz/fuzz_targets");
    let targets = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let rows = rows::all().iter().map(|row| row.fuzz.to_owned()).collect();
    check("fuzz target", &targets, &rows, &NOT_HERE);
}

fn check(what: &str, found: &BTreeSet<String>, rows: &BTreeSet<String>, excused: &[(&str, &str)]) {
    let excused: BTreeSet<_> = excused.iter().map(|(name, _)| (*name).to_owned()).collect();
    let without: Vec<_> =
        found.iter().filter(|name| !rows.contains(*name) && !excused.contains(*name)).collect();
    assert!(without.is_empty(), "{what} without a row in tests/bounds/rows: {without:?}");
    let gone: Vec<_> = rows.union(&excused).filter(|name| !found.contains(*name)).collect();
    assert!(gone.is_empty(), "rows or reasons for a {what} that is not there: {gone:?}");
    let both: Vec<_> = rows.intersection(&excused).collect();
    assert!(both.is_empty(), "{what} with a row needs no reason: {both:?}");
}
