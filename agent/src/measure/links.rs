//! Files with several names: the kernel tells of a change under the name that was used, and of no other.
//!
//! In: stamps of such files as walks meet them. Out: the directories of their other names, when the stamp has
//! changed. Names outside the watched trees stay unknown; a change through one of those is found by the
//! reconciling walk. On file systems with whole-second stamps, so is a second change within the second.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stamp::Stamp;

/// Where each of these files was met, with the last stamp.
#[derive(Debug, Default)]
pub(crate) struct Links {
    files: BTreeMap<(u64, u64), Linked>,
}

#[derive(Debug)]
struct Linked {
    last: Stamp,
    directories: Vec<Arc<[u8]>>,
}

impl Links {
    /// A file was met; the directories that have to be walked again.
    pub(crate) fn meet(&mut self, stamp: &Stamp, directory: &Arc<[u8]>) -> Vec<Arc<[u8]>> {
        let new = || Linked { last: *stamp, directories: Vec::new() };
        let Linked { last, directories } = self.files.entry(stamp.identity()).or_insert_with(new);
        if !directories.contains(directory) {
            directories.push(Arc::clone(directory));
        }
        if last == stamp {
            return Vec::new();
        }
        *last = *stamp;
        directories.iter().filter(|other| *other != directory).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_passed_on_once() {
        let (a, b): (Arc<[u8]>, Arc<[u8]>) = (Arc::from(b"/a".as_slice()), Arc::from(b"/b".as_slice()));
        let old =
            Stamp { device: 1, inode: 2, size: 3, mode: 4, links: 2, modified: (0, 0), changed: (0, 1) };
        let new = Stamp { changed: (0, 2), ..old };
        let mut links = Links::default();
        assert_eq!(links.meet(&old, &a), [] as [Arc<[u8]>; 0]);
        assert_eq!(links.meet(&old, &b), [] as [Arc<[u8]>; 0]);
        assert_eq!(links.meet(&new, &a), [Arc::clone(&b)]);
        assert_eq!(links.meet(&new, &b), [] as [Arc<[u8]>; 0]);
    }
}
