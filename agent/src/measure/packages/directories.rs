//! Directories as packages name them, and as the disk has them: `/lib` is `/usr/lib`, and an administrator may have put a
//! link in the place of a directory, or an alternative may be one.
//!
//! In: a listed directory. Out: the same without links, within the prefix: an absolute link starts there. What is not
//! there stays as it is written.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;

use super::path_of;
use crate::measure::limits::{DIRECTORIES_KEPT, LINKS_FOLLOWED};
use crate::measure::place::join;

#[derive(Debug)]
pub(crate) struct Directories {
    prefix: Box<[u8]>,
    known: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl Directories {
    pub(crate) fn new(prefix: &[u8]) -> Self {
        Self { prefix: prefix.into(), known: BTreeMap::new() }
    }

    /// Where an absolute directory, without the prefix, is on the disk.
    pub(crate) fn real(&mut self, directory: &[u8]) -> &[u8] {
        if !self.known.contains_key(directory) {
            let real = self.follow(directory);
            if self.known.len() >= DIRECTORIES_KEPT {
                self.known.clear();
            }
            self.known.insert(directory.into(), real.into());
        }
        self.known.get(directory).map_or(&[], |real| real)
    }

    fn follow(&self, directory: &[u8]) -> Vec<u8> {
        let mut real = self.prefix.to_vec();
        let mut left = parts(directory);
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == b".." {
                let end = real.iter().rposition(|byte| *byte == b'/').unwrap_or(0).max(self.prefix.len());
                real.truncate(end);
                continue;
            }
            let path = join(&real, &part);
            match std::fs::read_link(path_of(&path)) {
                Ok(target) if links < LINKS_FOLLOWED => {
                    links += 1;
                    if target.is_absolute() {
                        real = self.prefix.to_vec();
                    }
                    left.extend(parts(target.as_os_str().as_bytes()));
                }
                _ => real = path,
            }
        }
        real
    }
}

/// A path's parts, last first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("usr/lib/x")).unwrap();
        std::fs::create_dir_all(root.join("opt")).unwrap();
        symlink("usr/lib", root.join("lib")).unwrap();
        symlink("/lib/x", root.join("opt/absolute")).unwrap();
        symlink("../../../../usr", root.join("opt/up")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        let prefix = root.as_os_str().as_bytes();
        let mut directories = Directories::new(prefix);
        let mut check = |listed: &str, expected: &str| {
            let real = String::from_utf8(directories.real(listed.as_bytes()).to_vec()).unwrap();
            assert_eq!(real.strip_prefix(root.to_str().unwrap()), Some(expected), "{listed}");
        };
        check("/lib/x", "/usr/lib/x");
        check("/opt/absolute", "/usr/lib/x");
        check("/opt/up/lib", "/usr/lib");
        check("/absent/y", "/absent/y");
        check("/circle/z", "/circle/z");
    }
}
