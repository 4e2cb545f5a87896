//! The journal while the agent runs: opened again when its database has failed.
//!
//! In: what to do with the journal. Out: the result. After an input or output error the database refuses everything until
//! it is opened again; opening catches up with the spool, so nothing that was sealed is missed.

use std::path::PathBuf;

use crate::journal::{Journal, JournalError};

/// A journal that may have to be opened again.
pub(super) struct Memory {
    dir: PathBuf,
    journal: Option<Journal>,
}

impl Memory {
    pub(super) const fn new(dir: PathBuf, journal: Journal) -> Self {
        Self { dir, journal: Some(journal) }
    }

    /// Uses the journal.
    pub(super) fn with<T>(
        &mut self,
        body: impl FnOnce(&mut Journal) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::open(&self.dir)?,
        };
        let result = body(self.journal.insert(journal));
        if matches!(result, Err(JournalError::Store { .. })) {
            self.journal = None;
        }
        result
    }
}
