//! The corpus and its index.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows of the index that this test knows.
pub(crate) const ROWS: usize = 984;

/// The corpus on disk.
pub(crate) struct Corpus {
    pub(crate) root: PathBuf,
    /// By path.
    pub(crate) rows: BTreeMap<String, Row>,
}

/// One file, and what the index says of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) path: String,
    /// `tcg-eventlog`, `ima-log`, `quote`, `pe`, `dbx`, `ek-cert`, `ca-bundle`, `cel`, `policy` or `other`.
    pub(crate) kind: String,
    /// What is known of it, in words.
    pub(crate) known: String,
    /// How `tpm2_eventlog` 5.4 fared.
    pub(crate) tool: String,
}

impl Corpus {
    /// The corpus; `None` where it is not on this machine.
    pub(crate) fn load() -> Option<Self> {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
        let root = std::env::var_os("LYDIAN_VECTORS").map_or_else(default, PathBuf::from);
        let index = std::fs::read_to_string(root.join("INDEX.tsv")).ok()?;
        let rows = index.lines().skip(1).map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let column = |at: usize| columns.get(at).copied().unwrap_or_default().to_owned();
            Row { path: column(0), kind: column(7), known: column(8), tool: column(12) }
        });
        let rows = rows.map(|row| (row.path.clone(), row)).collect();
        Some(Self { root, rows })
    }

    /// Paths of the rows of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<String> {
        self.rows.values().filter(|row| row.kind == kind).map(|row| row.path.clone()).collect()
    }

    /// The file of a path if the index has it.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.rows.contains_key(path)
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.bytes(path)).into_owned()
    }

    /// The JSON of an oracle.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.bytes(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}
