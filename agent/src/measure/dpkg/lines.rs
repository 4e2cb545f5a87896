//! Lines of the database's files, one at a time.
//!
//! In: a file. Out: its lines without their ends; what cannot be read has none. A line that is longer than any comes in
//! pieces, each of which is a line that means nothing.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::measure::limits::DPKG_LINE_BYTES;

pub(crate) fn lines(file: &Path, mut each: impl FnMut(&[u8])) {
    let Ok(file) = File::open(file) else { return };
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(DPKG_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => each(line.strip_suffix(b"\n").unwrap_or(&line)),
        }
    }
}

/// What stands before and behind the first of these bytes.
pub(crate) fn split_at(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == byte)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}
