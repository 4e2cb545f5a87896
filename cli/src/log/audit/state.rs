//! Which chains were audited, so that an interrupted audit goes on.
//!
//! In and out: a file of lines beside the state of the log's audit, of the auditor's own. It holds for one root of the log, and for
//! files of the same length; it saves time and proves nothing.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use serde::{Deserialize, Serialize};

use super::chain::ChainReport;
use super::fleet::ChainFile;
use crate::error::CliError;
use crate::files;
use crate::limits::AUDIT_STATE_BYTES;

/// The first line: what the others hold for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Of {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: String,
    /// The version of what reads facts out of evidence.
    pub(super) extractor: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    bytes: u64,
    report: ChainReport,
    /// In hex.
    components: Vec<String>,
}

/// What was done, and where it is kept, if it is.
#[derive(Debug, Default)]
pub(super) struct Done {
    chains: HashMap<(String, String), Line>,
    kept: Option<(PathBuf, File)>,
}

impl Done {
    /// Goes on from a file if it is of the same log; begins it otherwise, and says so by `false`.
    pub(super) fn open(path: &Path, of: &Of) -> Result<(Self, bool), CliError> {
        let failed = |error| CliError::file(path, &error);
        let found = if path.exists() { files::read(path, AUDIT_STATE_BYTES)? } else { Vec::new() };
        let mut lines = found.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let first = lines.next().and_then(|line| serde_json::from_slice::<Of>(line).ok());
        let goes_on = first.as_ref() == Some(of);
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(!goes_on).append(goes_on).open(path);
        let mut done = Self { chains: HashMap::new(), kept: Some((path.to_owned(), file.map_err(failed)?)) };
        if !goes_on {
            done.line(of)?;
            return Ok((done, false));
        }
        for line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
            done.chains.insert((line.report.host.clone(), line.report.chain.clone()), line);
        }
        // A line that was cut short is ended, so that the next one is whole.
        if !found.ends_with(b"\n") {
            done.write(b"\n")?;
        }
        Ok((done, true))
    }

    /// What is known of a file that has not changed, for so many roots of the index.
    pub(super) fn chain(&self, file: &ChainFile, roots: usize) -> Option<(&ChainReport, Vec<Sha256Digest>)> {
        let line = self.chains.get(&(file.of.0.to_string(), file.of.1.to_string()))?;
        let components = line.components.iter().filter_map(|digest| digest.parse().ok()).collect();
        (line.bytes == file.bytes && line.report.facts.len() == roots).then_some((&line.report, components))
    }

    /// Keeps a chain in which everything holds; what does not is looked at again.
    pub(super) fn keep(
        &mut self,
        file: &ChainFile,
        report: &ChainReport,
        components: &BTreeSet<Sha256Digest>,
    ) -> Result<(), CliError> {
        if !report.findings.is_empty() || self.kept.is_none() {
            return Ok(());
        }
        let components = components.iter().map(ToString::to_string).collect();
        self.line(&Line { bytes: file.bytes, report: report.clone(), components })
    }

    fn line<T: Serialize>(&mut self, line: &T) -> Result<(), CliError> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| CliError::output(&error))?;
        bytes.push(b'\n');
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        let Some((path, file)) = &mut self.kept else { return Ok(()) };
        file.write_all(bytes).map_err(|error| CliError::file(path, &error))
    }
}
