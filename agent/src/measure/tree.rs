//! The state in memory: directories by path, and the artefacts in each.
//!
//! In: what walks found. Out: the same, sorted by path. Only directories that are walked and files that count
//! are here; some 130 bytes for each.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use evidence::digest::Sha256Digest;
use evidence::manifest::EntryFlags;

use super::place::{join, within};

/// A file that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artefact {
    pub(crate) name: Box<[u8]>,
    pub(crate) digest: Sha256Digest,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) flags: EntryFlags,
    pub(crate) owner: Owner,
}

/// Who installed a file, by the package database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// Not looked up yet.
    Unknown,
    /// No package.
    Nobody,
    /// The package with this number in the last reading of the database.
    Package(u32),
}

/// A directory that is walked.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Device and inode: another directory that took the name is not this one.
    pub(crate) identity: (u64, u64),
    /// Its inotify watch.
    pub(crate) watch: Option<i32>,
    /// Sorted by name.
    pub(crate) files: Vec<Artefact>,
}

/// Every directory that is walked.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    directories: BTreeMap<Arc<[u8]>, Directory>,
}

impl Tree {
    pub(crate) fn get(&self, path: &[u8]) -> Option<&Directory> {
        self.directories.get(path)
    }

    pub(crate) fn get_mut(&mut self, path: &[u8]) -> Option<&mut Directory> {
        self.directories.get_mut(path)
    }

    pub(crate) fn insert(&mut self, path: Arc<[u8]>, identity: (u64, u64)) {
        self.directories.insert(path, Directory { identity, watch: None, files: Vec::new() });
    }

    /// Directories directly in this one.
    pub(crate) fn children(&self, path: &[u8]) -> Vec<Arc<[u8]>> {
        let start = join(path, b"");
        self.below(&start)
            .filter(|child| child.get(start.len()..).is_some_and(|name| !name.contains(&b'/')))
            .cloned()
            .collect()
    }

    /// Removes a directory and all below; returns them.
    pub(crate) fn remove(&mut self, path: &[u8]) -> Vec<(Arc<[u8]>, Directory)> {
        let below: Vec<_> =
            self.below(&join(path, b"")).filter(|child| within(child, path)).cloned().collect();
        let own = self.directories.remove_entry(path);
        own.into_iter().chain(below.iter().filter_map(|path| self.directories.remove_entry(path))).collect()
    }

    fn below<'a>(&'a self, start: &'a [u8]) -> impl Iterator<Item = &'a Arc<[u8]>> {
        self.directories
            .range::<[u8], _>((Bound::Excluded(start), Bound::Unbounded))
            .map(|(path, _)| path)
            .take_while(move |path| path.starts_with(start))
    }

    /// Adds or replaces a file; one that was there keeps its owner.
    pub(crate) fn put(&mut self, path: &[u8], mut artefact: Artefact) {
        let Some(directory) = self.directories.get_mut(path) else { return };
        match directory.files.binary_search_by(|file| file.name.cmp(&artefact.name)) {
            Ok(at) => {
                if let Some(file) = directory.files.get_mut(at) {
                    artefact.owner = file.owner;
                    *file = artefact;
                }
            }
            Err(at) => directory.files.insert(at, artefact),
        }
    }

    /// Removes a file where it is there.
    pub(crate) fn remove_file(&mut self, path: &[u8], name: &[u8]) {
        let Some(directory) = self.directories.get_mut(path) else { return };
        if let Ok(at) = directory.files.binary_search_by(|file| (*file.name).cmp(name)) {
            directory.files.remove(at);
        }
    }

    /// A file by directory and name.
    pub(crate) fn file_mut(&mut self, path: &[u8], name: &[u8]) -> Option<&mut Artefact> {
        let directory = self.directories.get_mut(path)?;
        let at = directory.files.binary_search_by(|file| (*file.name).cmp(name)).ok()?;
        directory.files.get_mut(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<[u8]>, &Directory)> {
        self.directories.iter()
    }

    /// Every file, in no order that matters.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut Artefact> {
        self.directories.values_mut().flat_map(|directory| &mut directory.files)
    }

    /// How many files count.
    pub(crate) fn files(&self) -> u64 {
        self.directories.values().map(|directory| directory.files.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in paths {
            tree.insert(Arc::from(path.as_bytes()), (0, 0));
        }
        tree
    }

    fn names(paths: &[Arc<[u8]>]) -> Vec<String> {
        paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
    }

    #[test]
    fn children_are_direct_ones() {
        let tree = tree(&["/", "/a", "/a-b", "/a/b", "/a/b/c", "/a/d", "/ab"]);
        assert_eq!(names(&tree.children(b"/a")), ["/a/b", "/a/d"]);
        assert_eq!(names(&tree.children(b"/")), ["/a", "/a-b", "/ab"]);
        assert_eq!(names(&tree.children(b"/a/d")), [] as [&str; 0]);
    }

    #[test]
    fn removal_takes_the_subtree_and_nothing_else() {
        let mut tree = tree(&["/a", "/a-b", "/a/b", "/a/b/c", "/ab"]);
        let removed: Vec<_> = tree.remove(b"/a").into_iter().map(|(path, _)| path).collect();
        assert_eq!(names(&removed), ["/a", "/a/b", "/a/b/c"]);
        let left: Vec<_> = tree.iter().map(|(path, _)| Arc::clone(path)).collect();
        assert_eq!(names(&left), ["/a-b", "/ab"]);
    }
}
