//! Where things lie: roots, excluded trees, the prefix that manifests leave out, and paths made fit to print.
//!
//! Paths are the host's bytes, absolute, without a slash at the end. Nothing here looks at the disk.

use std::path::{Component, Path};

use std::os::unix::ffi::OsStrExt as _;

/// Whether a path is on what the machine boots from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below /boot or /efi, where everything counts.
    Boot,
    /// Anywhere else.
    Ordinary,
}

/// The prefix and the excluded trees.
#[derive(Debug)]
pub(crate) struct Places {
    prefix: Box<[u8]>,
    excludes: Box<[Box<[u8]>]>,
}

impl Places {
    pub(crate) fn new(prefix: &Path, excludes: &[impl AsRef<Path>]) -> Self {
        let excludes = excludes.iter().map(|path| bytes(path.as_ref())).collect();
        Self { prefix: bytes(prefix), excludes }
    }

    /// Whether a tree at this path is left out.
    pub(crate) fn excluded(&self, path: &[u8]) -> bool {
        self.excludes.iter().any(|exclude| within(path, exclude))
    }

    /// The trees that are left out.
    pub(crate) fn excludes(&self) -> impl Iterator<Item = &[u8]> {
        self.excludes.iter().map(|exclude| &**exclude)
    }

    /// The path as manifests have it: without the prefix.
    pub(crate) fn shown<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        match path.strip_prefix(&*self.prefix) {
            _ if self.prefix.len() <= 1 => path,
            Some([]) => b"/",
            Some(rest) if rest.starts_with(b"/") => rest,
            _ => path,
        }
    }

    /// A path of the package database as the disk has it.
    pub(crate) fn on_disk(&self, shown: &[u8]) -> Vec<u8> {
        if self.prefix.len() <= 1 { shown.to_vec() } else { [&self.prefix, shown].concat() }
    }

    /// The directory that stands for `/`.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether files in this directory are boot files.
    pub(crate) fn of(&self, directory: &[u8]) -> Place {
        let shown = self.shown(directory);
        if within(shown, b"/boot") || within(shown, b"/efi") { Place::Boot } else { Place::Ordinary }
    }
}

/// Whether `path` is `tree` or below it.
pub(crate) fn within(path: &[u8], tree: &[u8]) -> bool {
    tree == b"/" || path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The directory that a path is in; of `/` itself.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) if slash > 0 => path.get(..slash).unwrap_or_default(),
        _ => b"/",
    }
}

/// A name in a directory.
pub(crate) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, slash, name].concat()
}

/// The bytes of an absolute path without `.`, doubled slashes or a slash at the end.
pub(crate) fn bytes(path: &Path) -> Box<[u8]> {
    let mut out = Vec::new();
    for part in path.components() {
        if let Component::Normal(name) = part {
            out.push(b'/');
            out.extend_from_slice(name.as_bytes());
        }
    }
    if out.is_empty() { b"/".as_slice().into() } else { out.into() }
}

/// A path for people: control characters, bytes that are not UTF-8 and backslashes are escaped, so that no
/// file name can forge a line of a report.
pub(crate) fn printable(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                c if c.is_control() => out.extend(c.escape_default()),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.extend(byte.escape_ascii().map(char::from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_left_out_of_what_is_shown() {
        let places = Places::new(Path::new("/host/"), &[] as &[&Path]);
        assert_eq!(places.shown(b"/host/usr/bin"), b"/usr/bin");
        assert_eq!(places.shown(b"/host"), b"/");
        assert_eq!(places.shown(b"/hostel/x"), b"/hostel/x");
        assert_eq!(places.on_disk(b"/usr/bin"), b"/host/usr/bin");
        let root = Places::new(Path::new("/"), &[] as &[&Path]);
        assert_eq!(root.shown(b"/usr/bin"), b"/usr/bin");
        assert_eq!(root.on_disk(b"/usr/bin"), b"/usr/bin");
    }

    #[test]
    fn an_exclude_is_a_tree_not_a_prefix_of_a_name() {
        let places = Places::new(Path::new("/"), &[Path::new("/usr/src/")]);
        assert!(places.excluded(b"/usr/src"));
        assert!(places.excluded(b"/usr/src/a"));
        assert!(!places.excluded(b"/usr/srcs"));
    }

    #[test]
    fn boot_is_relative_to_the_prefix() {
        let places = Places::new(Path::new("/host"), &[] as &[&Path]);
        assert_eq!(places.of(b"/host/boot/efi/EFI"), Place::Boot);
        assert_eq!(places.of(b"/host/efi"), Place::Boot);
        assert_eq!(places.of(b"/host/usr/boot"), Place::Ordinary);
        assert_eq!(places.of(b"/boot"), Place::Boot, "outside the prefix the path stands as it is");
    }

    #[test]
    fn names_cannot_forge_output() {
        assert_eq!(printable(b"/a\nb\x1b[31m"), "/a\\nb\\u{1b}[31m");
        assert_eq!(printable("/bücher\\".as_bytes()), "/bücher\\\\");
        assert_eq!(printable(b"/\xff\xfe"), "/\\xff\\xfe");
    }
}
