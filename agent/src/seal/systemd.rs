//! systemd's measurement log.
//!
//! In: systemd's file, which is read after the quote: systemd extends first and logs after, so by then all that was quoted is
//! logged. Out: its bytes for the verifier, and what is to be said of it. A host without it is no fault: systemd writes one
//! from version 255 on, where it was booted as a unified kernel image. Nothing is proved here: the verifier replays.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use evidence::limits::SYSTEMD_LOG_BYTES;

/// What the file is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SystemdLogState {
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// systemd was stopped between extending and logging: something that was extended is missing.
    Interrupted,
    /// It cannot be read.
    Unreadable,
}

impl SystemdLogState {
    /// The word for it in a body.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Present => "present",
            Self::Interrupted => "interrupted",
            Self::Unreadable => "unreadable",
        }
    }

    /// What the file is like now.
    pub(super) fn of(path: &Path) -> Self {
        match File::open(path).and_then(|file| file.metadata()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Absent,
            Err(_) => Self::Unreadable,
            //= systemd src/shared/tpm2-util.c: tpm2_userspace_log_dirty sets the sticky bit until the record is written
            Ok(metadata) if metadata.permissions().mode() & STICKY != 0 => Self::Interrupted,
            Ok(_) => Self::Present,
        }
    }
}

/// The log's bytes; `None` where there is none, or none that is worth sending.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    wait_for_writer(&file);
    let mut bytes = Vec::new();
    (&file).take(SYSTEMD_LOG_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > SYSTEMD_LOG_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than any log of systemd's"));
    }
    Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
}

/// systemd holds the file's lock from before it extends until it has logged. A lock that does not come free is a writer that
/// hangs: the log is then read as it is, and the verifier sees whether anything is missing.
fn wait_for_writer(file: &File) {
    for _ in 0..TRIES {
        match file.try_lock_shared() {
            Err(std::fs::TryLockError::WouldBlock) => sleep(PAUSE),
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => return,
        }
    }
}

const STICKY: u32 = 0o1000;
/// One extend and its record take some milliseconds.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    #[test]
    fn the_file_s_state_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(SystemdLogState::of(&path), SystemdLogState::Absent);
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "").unwrap();
        assert_eq!(SystemdLogState::of(&path), SystemdLogState::Present);
        assert_eq!(read(&path).unwrap(), None, "an empty log says nothing");
        write(&path, "record").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"record"[..]));
        set_permissions(&path, Permissions::from_mode(0o1600)).unwrap();
        assert_eq!(SystemdLogState::of(&path), SystemdLogState::Interrupted);
        assert!(read(&path).unwrap().is_some(), "what was logged is true all the same");
    }

    #[test]
    fn a_log_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        write(&path, vec![b' '; SYSTEMD_LOG_BYTES + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_writer_that_hangs_does_not_stop_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        write(&path, "record").unwrap();
        let writer = File::open(&path).unwrap();
        writer.lock().unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"record"[..]));
    }
}
