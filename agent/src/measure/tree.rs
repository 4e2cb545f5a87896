//! The state in memory: directories by path, and the artefacts in each.
//!
//! In: what walks found. Out: the same, sorted by path. Only directories that are walked and files that count
//! are here. A directory's names lie in one buffer and its records in another: 64 bytes for a file, and its
//! name, so that half a million of them have room.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use evidence::digest::Sha256Digest;
use evidence::manifest::EntryFlags;

use super::place::{join, within};
use super::stamp::Identity;

/// A file that counts. Its name is in its directory's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Artefact {
    pub(crate) digest: Sha256Digest,
    pub(crate) size: u64,
    pub(crate) owner: Owner,
    /// Fingerprint of what else its content says, which is in the cache; 0 where there is nothing.
    pub(crate) details: u32,
    pub(crate) flags: EntryFlags,
    mode: u16,
    name_length: u16,
    name_at: u32,
}

impl Artefact {
    pub(crate) fn new(digest: Sha256Digest, size: u64, mode: u32, flags: EntryFlags, details: u32) -> Self {
        // `st_mode` has sixteen bits.
        let mode = u16::try_from(mode & 0xffff).unwrap_or_default();
        Self { digest, size, owner: Owner::Unknown, details, flags, mode, name_length: 0, name_at: 0 }
    }

    pub(crate) fn mode(&self) -> u32 {
        self.mode.into()
    }

    /// Takes what its package says of it.
    pub(crate) fn set_package_flags(&mut self, flags: EntryFlags) {
        self.flags = self.flags.without(PACKAGE_FLAGS).with(flags.only(PACKAGE_FLAGS));
    }
}

/// What walks do not know of a file.
const PACKAGE_FLAGS: EntryFlags = EntryFlags::NOT_AS_PACKAGED.with(EntryFlags::CONFIGURATION);

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

/// The files of one directory, sorted by name.
#[derive(Debug, Default)]
pub(crate) struct Files {
    records: Vec<Artefact>,
    names: Vec<u8>,
}

impl Files {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn name(&self, file: &Artefact) -> &[u8] {
        let start = usize::try_from(file.name_at).unwrap_or(usize::MAX);
        self.names.get(start..start.saturating_add(file.name_length.into())).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &Artefact)> {
        self.records.iter().map(|file| (self.name(file), file))
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Artefact> {
        self.records.get(self.find(name).ok()?)
    }

    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.records.binary_search_by(|file| self.name(file).cmp(name))
    }

    fn get_mut(&mut self, name: &[u8]) -> Option<&mut Artefact> {
        let at = self.find(name).ok()?;
        self.records.get_mut(at)
    }

    /// Adds or replaces a file; one that was there keeps its owner, and what its package says of the same content.
    pub(crate) fn put(&mut self, name: &[u8], mut file: Artefact) {
        match self.find(name) {
            Ok(at) => {
                if let Some(old) = self.records.get_mut(at) {
                    let Artefact { owner, name_length, name_at, .. } = *old;
                    if old.digest == file.digest {
                        file.set_package_flags(old.flags);
                    }
                    *old = Artefact { owner, name_length, name_at, ..file };
                }
            }
            Err(at) => {
                // Names are of 4,096 bytes at most, and a directory's listing was held in memory whole.
                let Ok(name_at) = u32::try_from(self.names.len()) else { return };
                let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
                self.names.extend_from_slice(name);
                self.records.insert(at, Artefact { name_length, name_at, ..file });
            }
        }
    }

    /// Gives back what growing took too much.
    pub(crate) fn shrink(&mut self) {
        self.records.shrink_to_fit();
        self.names.shrink_to_fit();
    }

    fn remove(&mut self, name: &[u8]) {
        if let Ok(at) = self.find(name) {
            self.records.remove(at);
        }
    }

    /// Keeps files for which this is true, and no more memory than they need.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        let mut names = Vec::new();
        let mut records = std::mem::take(&mut self.records);
        records.retain_mut(|file| {
            let name = self.name(file);
            let kept = keep(name);
            if kept {
                file.name_at = u32::try_from(names.len()).unwrap_or(u32::MAX);
                names.extend_from_slice(name);
            }
            kept
        });
        records.shrink_to_fit();
        names.shrink_to_fit();
        (self.records, self.names) = (records, names);
    }
}

/// A directory that is walked.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Another directory that took the name is not this one.
    pub(crate) identity: Identity,
    /// Its inotify watch.
    pub(crate) watch: Option<i32>,
    /// What its last listing said, where every file of it was settled: an equal one needs no look at the files.
    pub(crate) listed: Option<Fingerprint>,
    pub(crate) files: Files,
}

/// The first half of a SHA-256.
pub(crate) type Fingerprint = [u8; 16];

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

    pub(crate) fn insert(&mut self, path: Arc<[u8]>, identity: Identity) {
        let new = Directory { identity, watch: None, listed: None, files: Files::default() };
        self.directories.insert(path, new);
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
    pub(crate) fn put(&mut self, path: &[u8], name: &[u8], file: Artefact) {
        if let Some(directory) = self.directories.get_mut(path) {
            directory.files.put(name, file);
        }
    }

    /// Removes a file where it is there.
    pub(crate) fn remove_file(&mut self, path: &[u8], name: &[u8]) {
        if let Some(directory) = self.directories.get_mut(path) {
            directory.files.remove(name);
        }
    }

    /// A file by directory and name.
    pub(crate) fn file(&self, path: &[u8], name: &[u8]) -> Option<&Artefact> {
        self.directories.get(path)?.files.get(name)
    }

    /// A file by directory and name.
    pub(crate) fn file_mut(&mut self, path: &[u8], name: &[u8]) -> Option<&mut Artefact> {
        self.directories.get_mut(path)?.files.get_mut(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<[u8]>, &Directory)> {
        self.directories.iter()
    }

    /// Every file, in no order that matters.
    pub(crate) fn files_mut(&mut self) -> impl Iterator<Item = &mut Artefact> {
        self.directories.values_mut().flat_map(|directory| &mut directory.files.records)
    }

    /// Every file, with its directory and name.
    pub(crate) fn for_each_file_mut(&mut self, mut each: impl FnMut(&[u8], &[u8], &mut Artefact)) {
        for (path, directory) in &mut self.directories {
            let Files { records, names } = &mut directory.files;
            for file in records {
                let start = usize::try_from(file.name_at).unwrap_or(usize::MAX);
                let name = names.get(start..start.saturating_add(file.name_length.into()));
                each(path, name.unwrap_or_default(), file);
            }
        }
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
            tree.insert(Arc::from(path.as_bytes()), (0, 0, 0));
        }
        tree
    }

    fn names(paths: &[Arc<[u8]>]) -> Vec<String> {
        paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
    }

    fn artefact(size: u64) -> Artefact {
        Artefact::new(Sha256Digest::of(&[]), size, 0o100_755, EntryFlags::ELF, 0)
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

    #[test]
    fn files_are_sorted_keep_their_owner_and_lose_what_is_gone() {
        let mut files = Files::default();
        for (name, size) in [(b"b", 1), (b"c", 2), (b"a", 3)] {
            files.put(name, artefact(size));
        }
        files.get_mut(b"b").unwrap().owner = Owner::Package(7);
        files.put(b"b", artefact(9));
        files.remove(b"c");
        files.put(b"long name", artefact(4));
        files.retain(|name| name != b"a");
        let found: Vec<_> = files.iter().map(|(name, file)| (name, file.size, file.owner)).collect();
        let expected: [(&[u8], u64, Owner); 2] =
            [(b"b", 9, Owner::Package(7)), (b"long name", 4, Owner::Unknown)];
        assert_eq!(found, expected);
        assert_eq!(files.names, b"blong name");
    }

    #[test]
    fn a_record_is_small() {
        assert_eq!(size_of::<Artefact>(), 64);
    }
}
