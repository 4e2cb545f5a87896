//! Why the journal cannot go on, and what an administrator can do about it.
//!
//! In: errors of files and of the database. Out: one error that tells a full disk from a forbidden or damaged one.

use std::io;
use std::path::{Path, PathBuf};

/// Why the journal cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or directory.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database.
    #[error("{path}: {source}")]
    Store {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// Bytes of ours that cannot be read again.
    #[error("{what} in the state directory is damaged")]
    Damaged {
        /// What.
        what: &'static str,
    },
}

impl JournalError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(super) fn store(path: &Path, source: redb::Error) -> Self {
        Self::Store { path: path.to_owned(), source: Box::new(source) }
    }

    /// The input or output error behind it.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } => Some(source.kind()),
            Self::Store { source, .. } => match &**source {
                redb::Error::Io(error) => Some(error.kind()),
                _ => None,
            },
            Self::Damaged { .. } => None,
        }
    }

    /// Whether the file system is full.
    pub fn is_no_room(&self) -> bool {
        matches!(self.io_kind(), Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// What the administrator can do.
    pub fn hint(&self) -> &'static str {
        match (self, self.io_kind()) {
            (_, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) => {
                "make room on the state directory's file system; the agent goes on by itself"
            }
            (_, Some(io::ErrorKind::PermissionDenied)) => "run as the user that owns the state directory",
            (_, Some(io::ErrorKind::ReadOnlyFilesystem)) => "the state directory must be writable",
            (Self::Store { source, .. }, _) if matches!(**source, redb::Error::DatabaseAlreadyOpen) => {
                "another lydian-agent uses this state directory"
            }
            (Self::Damaged { .. } | Self::Store { .. }, _) => {
                "check the disk; if the state directory is lost, remove it and enrol again"
            }
            (Self::Io { .. }, _) => "check the state directory and its file system",
        }
    }
}
