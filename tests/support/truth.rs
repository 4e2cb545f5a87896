//! What is in a tree in truth: the files that an inventory must have, each with the digest of what it holds now.
//!
//! In: a directory. Out: paths below it, as bytes behind a slash, with SHA-256. It is written against `DESIGN.md` with
//! the standard library alone, so that it shares no fault with the code that it judges. It looks at one file after the
//! other: nobody may write meanwhile. Executability by file capabilities is not looked at.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Paths and what they hold.
pub type Files = BTreeMap<Vec<u8>, [u8; 32]>;

/// Walks a tree. Directories that are in `without` are left out with all below them; all others are gone into, also where
/// another file system is mounted.
pub fn truth(root: &Path, without: &[PathBuf]) -> Result<Files> {
    let mut files = Files::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory).with_context(|| format!("list {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() && !without.contains(&path) {
                directories.push(path);
            } else if kind.is_file() && counts(&path)? {
                let below = path.strip_prefix(root)?.as_os_str().as_bytes();
                files.insert([b"/", below].concat(), digest(&path)?);
            }
        }
    }
    Ok(files)
}

/// How an inventory differs from the truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files that it does not have.
    pub missing: Vec<Vec<u8>>,
    /// Files of which it has another digest.
    pub wrong: Vec<Vec<u8>>,
    /// Files that are not there.
    pub surplus: Vec<Vec<u8>>,
}

impl Difference {
    /// Of what was found to what there is.
    pub fn of(found: &Files, truth: &Files) -> Self {
        let mut difference = Self::default();
        for (path, digest) in truth {
            match found.get(path) {
                None => difference.missing.push(path.clone()),
                Some(other) if other != digest => difference.wrong.push(path.clone()),
                Some(_) => {}
            }
        }
        difference.surplus = found.keys().filter(|path| !truth.contains_key(*path)).cloned().collect();
        difference
    }

    /// How many files.
    pub const fn count(&self) -> usize {
        self.missing.len() + self.wrong.len() + self.surplus.len()
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (what, paths) in [("missing", &self.missing), ("wrong", &self.wrong), ("surplus", &self.surplus)]
        {
            let some: Vec<_> = paths.iter().take(SHOWN).map(|path| path.escape_ascii().to_string()).collect();
            write!(f, "{} {what} {some:?} ", paths.len())?;
        }
        Ok(())
    }
}

const SHOWN: usize = 5;

/// By content, and by the bits that make a file act for another user; not by the name, but for kernel modules.
fn counts(path: &Path) -> Result<bool> {
    let metadata = fs::symlink_metadata(path)?;
    let mode = metadata.permissions().mode();
    if mode & 0o6000 != 0 {
        return Ok(true);
    }
    let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    Ok(head.starts_with(b"\x7fELF")
        || head.starts_with(b"#!") && mode & 0o111 != 0
        || head.starts_with(b"MZ") && is_pe(&mut file, &head)?
        || is_packed_module(path, &head, &metadata))
}

fn is_pe(file: &mut File, head: &[u8]) -> io::Result<bool> {
    let Some(Ok(offset)) = head.get(0x3c..0x40).map(<[u8; 4]>::try_from) else { return Ok(false) };
    file.seek(SeekFrom::Start(u32::from_le_bytes(offset).into()))?;
    let mut signature = Vec::new();
    file.take(4).read_to_end(&mut signature)?;
    Ok(signature == b"PE\0\0")
}

fn is_packed_module(path: &Path, head: &[u8], metadata: &Metadata) -> bool {
    let name = path.as_os_str().as_bytes();
    let packed: [(&[u8], &[u8]); 3] =
        [(b".ko.xz", b"\xfd7zXZ\0"), (b".ko.zst", b"\x28\xb5\x2f\xfd"), (b".ko.gz", b"\x1f\x8b")];
    metadata.len() > 0
        && packed.iter().any(|(ending, magic)| name.ends_with(ending) && head.starts_with(magic))
}

fn digest(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let size = file.read(&mut buffer).with_context(|| format!("read {}", path.display()))?;
        if size == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(buffer.get(..size).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, content: &[u8], mode: u32, expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(truth(dir.path(), &[]).unwrap().len() == 1, expected, "{name} {mode:o}");
    }

    #[test]
    fn what_can_be_run_counts_and_nothing_else() {
        check("a", b"\x7fELF", 0o644, true);
        check("a", b"#!/bin/sh", 0o755, true);
        check("a", b"#!/bin/sh", 0o644, false);
        check("a.exe", b"MZ", 0o755, false);
        check("a", b"text", 0o755, false);
        check("a", b"text", 0o4755, true);
        check("a.ko.gz", b"\x1f\x8b\x08", 0o644, true);
        check("a.gz", b"\x1f\x8b\x08", 0o644, false);
        check("a", b"", 0o755, false);
    }

    #[test]
    fn a_difference_names_each_kind() {
        let files = |list: &[(&str, u8)]| {
            list.iter().map(|(path, byte)| (path.as_bytes().to_vec(), [*byte; 32])).collect()
        };
        let (found, truth): (Files, Files) =
            (files(&[("/a", 1), ("/b", 1), ("/c", 1)]), files(&[("/a", 1), ("/b", 2), ("/d", 1)]));
        let difference = Difference::of(&found, &truth);
        assert_eq!((difference.missing.len(), difference.wrong.len(), difference.surplus.len()), (1, 1, 1));
        assert_eq!(Difference::of(&truth, &truth).count(), 0);
    }
}
