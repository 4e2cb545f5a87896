//! Files, standard input, and values that may stand in files; read with a limit.
//!
//! In: a path, or `-` for standard input; a value, or `@` and the path of the file that holds it. Out: bytes or text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::CliError;
use crate::limits::SECRET_BYTES;

/// Reads a file of at most `limit` bytes; `-` is standard input.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    if path.as_os_str() == "-" {
        return read_all(io::stdin().lock(), path, limit);
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    read_all(file, path, limit)
}

/// Opens a file that may be of any length, to be read in pieces; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    Ok(Box::new(file))
}

/// The value itself, or for `@path` the trimmed text of a file.
pub(crate) fn value_or_file(value: &str) -> Result<String, CliError> {
    let Some(path) = value.strip_prefix('@') else {
        return Ok(value.trim().to_owned());
    };
    let path = Path::new(path);
    let bytes = read(path, SECRET_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| CliError::not_text(path))?;
    Ok(text.trim().to_owned())
}

/// Writes a file anew; `-` is left to the caller.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    std::fs::write(path, bytes).map_err(|error| CliError::file(path, &error))
}

/// Reads to the end of something that has at most `limit` bytes.
pub(crate) fn read_all(source: impl Read, path: &Path, limit: usize) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    source.take(one_more).read_to_end(&mut bytes).map_err(|error| CliError::file(path, &error))?;
    if bytes.len() > limit { Err(CliError::too_long(path, limit)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_kept() {
        let path = Path::new("x");
        assert_eq!(read_all(&[1, 2, 3][..], path, 3).unwrap(), [1, 2, 3]);
        assert!(read_all(&[1, 2, 3][..], path, 2).unwrap_err().message.contains("more than 2 bytes"));
    }

    #[test]
    fn values_come_from_files_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "secret\n").unwrap();
        assert_eq!(value_or_file(" plain ").unwrap(), "plain");
        assert_eq!(value_or_file(&format!("@{}", path.display())).unwrap(), "secret");
        assert!(value_or_file("@/nowhere/at/all").is_err());
    }
}
