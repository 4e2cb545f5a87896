//! `status`: what dpkg knows of each package.
//!
//! In: the file. Out: stanzas with the fields that matter here.

use std::path::Path;

use super::lines::{lines, split_at};
use crate::measure::packages::{Md5, digits, text};

/// What of a package is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// All files: unpacked, and perhaps configured. Also where nothing is said.
    #[default]
    Installed,
    /// Some files of some version.
    Broken,
    /// None, or what an administrator may have changed.
    Absent,
}

/// A package.
#[derive(Debug, Default)]
pub(super) struct Stanza {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) version: String,
    /// The source package's name, and its version in parentheses where that is another; empty where the name is the same, too.
    pub(super) source: String,
    pub(super) state: State,
    /// Configuration files, and their digests where they came with one.
    pub(super) conffiles: Vec<(Vec<u8>, Option<Md5>)>,
}

/// Calls back with each package.
pub(super) fn stanzas(file: &Path, mut each: impl FnMut(Stanza)) {
    let mut stanza = Stanza::default();
    let mut in_conffiles = false;
    lines(file, |line| {
        if line.is_empty() {
            each(std::mem::take(&mut stanza));
        }
        if let Some(rest) = line.strip_prefix(b" ") {
            if in_conffiles {
                stanza.conffiles.extend(conffile(rest));
            }
            return;
        }
        in_conffiles = line == b"Conffiles:";
        match split_at(line, b' ') {
            Some((b"Package:", value)) => stanza.name = text(value),
            Some((b"Version:", value)) => stanza.version = text(value),
            Some((b"Architecture:", value)) => stanza.architecture = text(value),
            Some((b"Source:", value)) => stanza.source = text(value),
            Some((b"Status:", value)) => stanza.state = state(value),
            _ => {}
        }
    });
    each(stanza);
}

impl Stanza {
    /// Name and version of the source package.
    //= Debian Policy 4.6.2 §5.6.1: the field is left out where the names are equal, the version where those are
    pub(super) fn built_from(&self) -> (String, String) {
        let (name, version) = match self.source.split_once(" (") {
            Some((name, rest)) => (name.trim(), rest.trim_end().trim_end_matches(')')),
            None => (self.source.trim(), self.version.as_str()),
        };
        (if name.is_empty() { &self.name } else { name }.to_owned(), version.to_owned())
    }
}

//= dpkg(1), "Package states": the last of three words
fn state(value: &[u8]) -> State {
    match value.rsplit(|byte| *byte == b' ').next() {
        Some(b"not-installed" | b"config-files") => State::Absent,
        Some(b"half-installed") => State::Broken,
        _ => State::Installed,
    }
}

/// A path, its MD5 or `newconffile`, and perhaps `obsolete` or `remove-on-upgrade`.
fn conffile(line: &[u8]) -> Option<(Vec<u8>, Option<Md5>)> {
    // A path may have spaces in it: from the end.
    let line = [b" obsolete".as_slice(), b" remove-on-upgrade"]
        .iter()
        .fold(line, |line, flag| line.strip_suffix(*flag).unwrap_or(line));
    let at = line.iter().rposition(|byte| *byte == b' ')?;
    let (path, digest) = (line.get(..at)?, line.get(at + 1..)?);
    Some((path.to_vec(), digits(digest)))
}
