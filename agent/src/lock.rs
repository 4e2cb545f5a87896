//! One agent for one state directory.
//!
//! In: the directory. Out: a lock that ends with the process, however it ends. Another agent on the same directory would
//! seal two pieces of evidence for one place in the chain.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::failure::{Failure, Status};

/// The right to use a state directory.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock; the directory is made if need be.
    pub fn take(state_dir: &Path) -> Result<Self, Failure> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir);
        made.map_err(|error| Failure::file(state_dir, &error))?;
        let path = state_dir.join(NAME);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| Failure::file(&path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Failure::new(
                Status::InputOutput,
                format_args!("another lydian-agent uses {}", state_dir.display()),
                "stop it first: systemctl stop lydian-agent",
            )),
            Err(errno) => Err(Failure::file(&path, &errno.into())),
        }
    }

    /// Whether somebody holds the lock of a directory.
    pub fn is_taken(state_dir: &Path) -> bool {
        match File::open(state_dir.join(NAME)) {
            Ok(file) => {
                flock(&file, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
            }
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

const NAME: &str = "lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_agents_do_not_share_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        assert!(!StateLock::is_taken(&state));
        let lock = StateLock::take(&state).unwrap();
        assert!(StateLock::is_taken(&state));
        assert!(StateLock::take(&state).unwrap_err().message().contains("another lydian-agent"));
        drop(lock);
        assert!(!StateLock::is_taken(&state));
        StateLock::take(&state).unwrap();
    }
}
