//! Files with several names: the kernel tells of a change under the name that was used, and of no other.
//!
//! In: stamps of such files as walks meet them. Out: the directories of their other names, when the stamp has
//! changed; and whether a name is still unknown, since a second name is no event for the first. Names outside
//! the watched trees stay unknown: a change through one of those is found by the reconciling walk. So is one
//! through a name that came and went before a walk could see it, and on file systems with whole-second stamps
//! the second change within a second.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stamp::{Identity, Stamp};

/// Where each of these files was met.
#[derive(Debug, Default)]
pub(crate) struct Links {
    files: BTreeMap<Identity, Linked>,
    /// Which of them each directory had.
    had: BTreeMap<Arc<[u8]>, Vec<Identity>>,
    /// First met in the walk that is under way.
    new: Vec<Identity>,
}

#[derive(Debug)]
struct Linked {
    last: Stamp,
    directories: BTreeMap<Arc<[u8]>, u32>,
}

impl Links {
    /// A directory's files; returns the directories that have to be walked again.
    pub(crate) fn meet<'a>(
        &mut self,
        directory: &Arc<[u8]>,
        files: impl Iterator<Item = &'a Stamp>,
    ) -> Vec<Arc<[u8]>> {
        let mut here: BTreeMap<Identity, (Stamp, u32)> = BTreeMap::new();
        for stamp in files {
            if stamp.links > 1 {
                here.entry(stamp.identity()).or_insert((*stamp, 0)).1 += 1;
            } else if !self.files.is_empty() {
                self.files.remove(&stamp.identity());
            }
        }
        let mut touched = self.miss(directory, |identity| here.contains_key(&identity));
        if !here.is_empty() {
            self.had.insert(Arc::clone(directory), here.keys().copied().collect());
        }
        touched.extend(here.into_values().flat_map(|(stamp, names)| self.meet_one(stamp, directory, names)));
        touched
    }

    /// What a directory had and has no more: it may have been changed before that name went.
    fn miss(&mut self, directory: &[u8], still: impl Fn(Identity) -> bool) -> Vec<Arc<[u8]>> {
        let mut touched = Vec::new();
        for identity in self.had.remove(directory).unwrap_or_default() {
            if let Some(file) = self.files.get_mut(&identity).filter(|_| !still(identity)) {
                file.directories.remove(directory);
                touched.extend(file.directories.keys().cloned());
            }
        }
        touched
    }

    fn meet_one(&mut self, stamp: Stamp, directory: &Arc<[u8]>, names: u32) -> Vec<Arc<[u8]>> {
        let new = &mut self.new;
        let Linked { last, directories } = self.files.entry(stamp.identity()).or_insert_with(|| {
            new.push(stamp.identity());
            Linked { last: stamp, directories: BTreeMap::new() }
        });
        directories.insert(Arc::clone(directory), names);
        if *last == stamp {
            return Vec::new();
        }
        *last = stamp;
        directories.keys().filter(|other| *other != directory).cloned().collect()
    }

    /// Directories in which a file of this device and inode was met.
    pub(crate) fn directories(&self, device: u64, inode: u64) -> Vec<Arc<[u8]>> {
        let files = self.files.range((device, inode, i64::MIN)..=(device, inode, i64::MAX));
        files.flat_map(|(_, file)| file.directories.keys().cloned()).collect()
    }

    /// At the end of a walk: whether a file that was first met in it has a name that was not.
    pub(crate) fn unknown_names(&mut self) -> bool {
        std::mem::take(&mut self.new)
            .iter()
            .filter_map(|identity| self.files.get(identity))
            .any(|file| file.directories.values().sum::<u32>() < file.last.links)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Stamp = Stamp {
        device: 1,
        inode: 2,
        born: 0,
        size: 3,
        mode: 4,
        links: 2,
        modified: (0, 0),
        changed: (0, 1),
        verity: crate::measure::stamp::Verity::Off,
    };

    fn dirs() -> (Arc<[u8]>, Arc<[u8]>) {
        (Arc::from(b"/a".as_slice()), Arc::from(b"/b".as_slice()))
    }

    #[test]
    fn a_change_is_passed_on_once() {
        let (a, b) = dirs();
        let new = Stamp { changed: (0, 2), ..OLD };
        let mut links = Links::default();
        assert!(links.meet(&a, [OLD].iter()).is_empty());
        assert!(links.meet(&b, [OLD].iter()).is_empty());
        assert_eq!(links.meet(&a, [new].iter()), [Arc::clone(&b)]);
        assert!(links.meet(&b, [new].iter()).is_empty());
    }

    #[test]
    fn a_name_that_goes_has_the_others_looked_at() {
        let (a, b) = dirs();
        let mut links = Links::default();
        links.meet(&a, [OLD].iter());
        links.meet(&b, [OLD].iter());
        assert_eq!(links.meet(&a, [].iter()), [Arc::clone(&b)]);
        assert!(links.meet(&a, [].iter()).is_empty());
    }

    #[test]
    fn a_name_that_was_not_met_is_missed_once() {
        let (a, b) = dirs();
        let mut links = Links::default();
        links.meet(&a, [OLD].iter());
        assert!(links.unknown_names());
        assert!(!links.unknown_names());
        links.meet(&a, [Stamp { links: 1, ..OLD }].iter());
        links.meet(&a, [OLD].iter());
        links.meet(&b, [OLD].iter());
        assert!(!links.unknown_names());
        links.meet(&a, [Stamp { inode: 3, ..OLD }, Stamp { inode: 3, ..OLD }].iter());
        assert!(!links.unknown_names(), "two names in one directory");
    }
}
