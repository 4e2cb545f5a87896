//! Files that must not be half written, and files that others must not touch.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::failure::{Exit, Failure};

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The owner alone: keys.
    Owner,
    /// Everybody: certificates.
    Everybody,
}

/// Writes a file so that after a crash it is there whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8], audience: Audience) -> Result<(), Failure> {
    write_and_rename(path, bytes, audience)
        .map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), &error))
}

fn write_and_rename(path: &Path, bytes: &[u8], audience: Audience) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let temp = dir.join(format!(".{name}.{}.new", std::process::id()));
    let mode = match audience {
        Audience::Owner => 0o600,
        Audience::Everybody => 0o644,
    };
    // What an earlier process with this id left behind when it was killed.
    match fs::remove_file(&temp) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temp)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temp, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temp);
        return Err(error);
    }
    File::open(dir)?.sync_all()
}

/// Reads a file of at most `limit` bytes that nobody but its owner and group can change.
pub fn read_trusted(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    read_guarded(path, limit, 0o002, "is writable by everybody", "chmod o-w")
}

/// Reads a secret of at most `limit` bytes that nobody but its owner can read or change.
pub fn read_secret(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    read_guarded(path, limit, 0o077, "is open to others than its owner", "chmod 600")
}

fn read_guarded(path: &Path, limit: u64, forbidden: u32, what: &str, cure: &str) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let failed = |error: io::Error| Failure::io(format_args!("cannot read {shown}"), &error);
    let file = File::open(path).map_err(failed)?;
    // The opened file's own mode, so that nobody can swap it between the check and the read.
    let mode = file.metadata().map_err(failed)?.mode();
    if mode & forbidden != 0 {
        return Err(Failure::new(Exit::Permission, format_args!("{shown} {what}"))
            .hint(format_args!("{cure} {shown}")));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::new(Exit::Config, format_args!("{shown} has more than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_has_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_whole(&path, b"old", Audience::Owner).unwrap();
        write_whole(&path, b"new", Audience::Owner).unwrap();
        assert_eq!(read_secret(&path, 10).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_others_can_touch_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_whole(&path, b"secret", Audience::Owner).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read_secret(&path, 10).unwrap_err().exit(), Exit::Permission);
        assert_eq!(read_trusted(&path, 10).unwrap(), b"secret");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o602)).unwrap();
        assert_eq!(read_trusted(&path, 10).unwrap_err().exit(), Exit::Permission);
    }

    #[test]
    fn a_long_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        write_whole(&path, &[0; 11], Audience::Everybody).unwrap();
        assert_eq!(read_trusted(&path, 10).unwrap_err().exit(), Exit::Config);
    }
}
