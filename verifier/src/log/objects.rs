//! What the log asks of its storage.
//!
//! In: paths of the log's own making, and bytes. Out: that they are durable, and are what is read back. A storage never
//! changes what was created as immutable.

use std::fmt;

/// Durable storage of named objects. Calls block: they are made on threads that may.
pub(crate) trait Objects: Send + Sync + fmt::Debug {
    /// Makes immutable objects durable. One that is there already with the same bytes is well; with
    /// others, the log is damaged and nothing of it is touched.
    fn create(&self, files: &[(String, Vec<u8>)]) -> Result<(), ObjectError>;

    /// Makes an object durable in place of an older one of its name.
    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError>;

    /// The bytes of an object; `None` where there is none.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError>;

    /// Removes objects; those that are not there are well.
    fn remove(&self, paths: &[String]) -> Result<(), ObjectError>;

    /// The paths of all partial tiles and bundles that are there.
    fn partials(&self) -> Result<Vec<String>, ObjectError>;
}

/// Why storage did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ObjectError {
    /// The storage refused; nothing is known to be wrong with what is there.
    #[error("{path}: {message}")]
    Io {
        /// The object.
        path: String,
        /// What the storage says.
        message: String,
        /// Whether room is what is missing.
        full: bool,
    },
    /// A flush failed: what the kernel shows from now on may not be on the disk, and no second flush will tell.
    #[error("{path} could not be made durable: {message}")]
    NotDurable {
        /// The object.
        path: String,
        /// What the kernel says.
        message: String,
    },
    /// An immutable object is there with other bytes.
    #[error("{path} is there already, with other bytes")]
    Differs {
        /// The object.
        path: String,
    },
    /// Somebody else has replaced an object that only this log's sequencer replaces.
    #[error("{path} was replaced by another verifier that appends to this log")]
    Overtaken {
        /// The object.
        path: String,
    },
    /// What was read back is not what was written.
    #[error("{path} does not hold what was just written to it")]
    ReadBack {
        /// The object.
        path: String,
    },
}

impl ObjectError {
    /// Whether trying again can help.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Io { .. })
    }
}
