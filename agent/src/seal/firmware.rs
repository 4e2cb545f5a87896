//! The firmware's event log of this boot.
//!
//! In: the kernel's copy. Out: its digest for the body, and its bytes where the verifier needs them. A log that cannot be
//! there (no such file) is told from one that could not be read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use evidence::body::FirmwareLog;
use evidence::digest::Sha256Digest;
use evidence::limits::EVENT_LOG_BYTES;

/// The log's bytes; `None` where the kernel exposes none.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(EVENT_LOG_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > EVENT_LOG_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than any firmware log"));
    }
    Ok(Some(bytes))
}

/// How a body names a log.
pub(super) fn name(log: Option<&[u8]>) -> FirmwareLog {
    log.map_or(FirmwareLog::Absent, |bytes| FirmwareLog::Present(Sha256Digest::of(&[bytes])))
}
