//! What has become of each file, and how that differs from what its oracles say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::book::{Exception, Unread};
use crate::corpus::{Corpus, Row};
use crate::program;

/// What has become of a file, the better the later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// There is a reason.
    Unread,
    /// Something that a reading was compared with.
    Oracle,
    /// Read; nobody else says what is in it.
    Read,
    /// Read, and compared with at least one oracle.
    Compared,
}

/// The state of a run.
pub(crate) struct Tally<'a> {
    pub(crate) corpus: &'a Corpus,
    outcomes: BTreeMap<String, Outcome>,
    reasons: BTreeSet<&'static str>,
    /// Values that were compared, by path.
    values: BTreeMap<String, usize>,
    differences: Vec<Difference>,
    faults: Vec<String>,
}

/// One reading that is not what was to be expected.
struct Difference {
    path: String,
    /// What was compared, such as `sha256:5` or `unreadable`.
    check: String,
    text: String,
}

/// What a run came to.
pub(crate) struct Summary {
    pub(crate) table: String,
    pub(crate) faults: Vec<String>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(corpus: &'a Corpus) -> Self {
        Self {
            corpus,
            outcomes: BTreeMap::new(),
            reasons: BTreeSet::new(),
            values: BTreeMap::new(),
            differences: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Runs the program over one file and takes its report, if it has one.
    pub(crate) fn inspect(&mut self, kind: &str, options: &[String], path: &str) -> Option<Value> {
        let file = self.corpus.file(path);
        self.inspect_files(kind, options, &[path.to_owned()], &[file]).pop().flatten()
    }

    /// Runs the program over files in one go.
    pub(crate) fn inspect_all(
        &mut self,
        kind: &str,
        options: &[String],
        paths: &[String],
    ) -> Vec<Option<Value>> {
        let files: Vec<_> = paths.iter().map(|path| self.corpus.file(path)).collect();
        self.inspect_files(kind, options, paths, &files)
    }

    /// Runs the program over files that hold what is in the corpus, in one go. Whoever crashes, or says nothing of a
    /// file, is at fault.
    pub(crate) fn inspect_files(
        &mut self,
        kind: &str,
        options: &[String],
        paths: &[String],
        files: &[PathBuf],
    ) -> Vec<Option<Value>> {
        let said = program::inspect(kind, options, files);
        if !matches!(said.code, Some(0..=2)) || said.reports.len() != paths.len() {
            let words: String = said.words.chars().take(300).collect();
            self.faults.push(format!("inspect {kind} {paths:?}: exit {:?}: {words}", said.code));
            return vec![None; paths.len()];
        }
        let mut reports = Vec::new();
        for (path, report) in paths.iter().zip(said.reports) {
            self.note(path, Outcome::Read);
            let error = match &report {
                None => Some(said.words.lines().next().unwrap_or("no report").to_owned()),
                Some(report) => report.get("error").and_then(Value::as_str).map(str::to_owned),
            };
            if let Some(error) = error {
                self.differ(path, "unreadable", error);
                reports.push(None);
                continue;
            }
            let cut =
                report.as_ref().and_then(|report| report.get("truncated_at")).filter(|at| !at.is_null());
            if let Some(at) = cut {
                self.differ(path, "truncated", format!("at {at}"));
            }
            reports.push(report);
        }
        reports
    }

    /// Notes what the report holds against a file: real ones should have nothing of the kind.
    pub(crate) fn errors(&mut self, path: &str, report: &Value) {
        for finding in report["findings"].as_array().into_iter().flatten() {
            if finding["severity"] == "error" {
                let code = finding["code"].as_str().unwrap_or_default();
                self.differ(path, &format!("finding {code}"), finding["text"].to_string());
            }
        }
    }

    /// Notes that a file was read, or is part of what was.
    pub(crate) fn read(&mut self, path: &str) {
        self.note(path, Outcome::Read);
    }

    /// Notes that a file's reading was compared with this oracle.
    pub(crate) fn compared_with(&mut self, path: &str, oracle: &str) {
        self.note(path, Outcome::Compared);
        self.oracle(oracle);
    }

    /// Notes that a file's reading was compared with what the index says of it.
    pub(crate) fn compared(&mut self, path: &str) {
        self.note(path, Outcome::Compared);
    }

    /// Notes a file as an oracle.
    pub(crate) fn oracle(&mut self, oracle: &str) {
        self.note(oracle, Outcome::Oracle);
    }

    /// Compares one value.
    pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        path: &str,
        check: &str,
        found: &T,
        expected: &T,
    ) {
        *self.values.entry(path.to_owned()).or_default() += 1;
        if found != expected {
            self.differ(path, check, format!("found {found:?}, expected {expected:?}"));
        }
    }

    /// Notes a difference.
    pub(crate) fn differ(&mut self, path: &str, check: &str, text: String) {
        self.differences.push(Difference { path: path.to_owned(), check: check.to_owned(), text });
    }

    /// Gives each file that is not read yet its reason, if it has one.
    pub(crate) fn leave_unread(&mut self, reasons: &[Unread]) {
        for row in self
            .corpus
            .rows
            .values()
            .filter(|row| !self.outcomes.contains_key(&row.path))
            .cloned()
            .collect::<Vec<_>>()
        {
            if let Some(reason) = reasons.iter().find(|reason| (reason.applies)(&row)) {
                self.note(&row.path, Outcome::Unread);
                self.reasons.insert(reason.id);
            }
        }
    }

    /// Judges the differences by the exceptions and counts.
    pub(crate) fn finish(mut self, exceptions: &[Exception], reasons: &[Unread]) -> Summary {
        let mut met = BTreeSet::new();
        let mut excepted = BTreeSet::new();
        for difference in &self.differences {
            let row = &self.corpus.rows[&difference.path];
            match exceptions.iter().find(|exception| (exception.applies)(row, &difference.check)) {
                Some(exception) => {
                    met.insert(exception.id);
                    excepted.insert(difference.path.clone());
                }
                None => self.faults.push(format!("{}: {}: {}", row.path, difference.check, difference.text)),
            }
        }
        let unmet = exceptions.iter().filter(|exception| !met.contains(exception.id));
        self.faults.extend(unmet.map(|exception| format!("exception {} is no longer met", exception.id)));
        let unused = reasons.iter().filter(|reason| !self.reasons.contains(reason.id));
        self.faults.extend(unused.map(|reason| format!("reason {} is no longer used", reason.id)));
        let left = self.corpus.rows.keys().filter(|path| !self.outcomes.contains_key(*path));
        self.faults.extend(left.map(|path| format!("{path}: left out without a reason")));
        Summary { table: self.table(&excepted), faults: self.faults }
    }

    fn note(&mut self, path: &str, outcome: Outcome) {
        assert!(self.corpus.has(path), "{path} is not in the index");
        let noted = self.outcomes.entry(path.to_owned()).or_insert(outcome);
        *noted = outcome.max(*noted);
    }

    fn table(&self, excepted: &BTreeSet<String>) -> String {
        let mut counts: BTreeMap<&str, [usize; 7]> = BTreeMap::new();
        for row in self.corpus.rows.values() {
            let column = match self.outcomes.get(&row.path) {
                _ if excepted.contains(&row.path) => 3,
                Some(Outcome::Compared) => 1,
                Some(Outcome::Read) => 2,
                Some(Outcome::Oracle) => 4,
                Some(Outcome::Unread) | None => 5,
            };
            for of in [kind(row), "all"] {
                let counts = counts.entry(of).or_default();
                counts[0] += 1;
                counts[column] += 1;
                counts[6] += self.values.get(&row.path).copied().unwrap_or_default();
            }
        }
        let all = counts.remove("all").unwrap_or_default();
        let mut table = String::from(
            "| kind | files | equal to an oracle | read | with a named exception | oracles | not read | values compared |\n|---|---|---|---|---|---|---|---|\n",
        );
        for (kind, [files, equal, read, excepted, oracles, unread, values]) in
            counts.into_iter().chain([("all", all)])
        {
            writeln!(
                table,
                "| {kind} | {files} | {equal} | {read} | {excepted} | {oracles} | {unread} | {values} |"
            )
            .unwrap();
        }
        table
    }
}

fn kind(row: &Row) -> &str {
    &row.kind
}
