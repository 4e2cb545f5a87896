//! Hashing anew what is believed, a part with each hour's walk: after the walk, and in pieces, so that no change waits for it.
//!
//! In: the directories that have files, when a walk of everything is over. Out: walks of a few of them at a time, in which
//! files of one part are hashed whatever is known of them. A part that is not done when the next walk comes is gone on with.

use std::sync::Arc;

use super::engine::Engine;
use super::limits::{REHASH_BYTES, REHASH_DIRECTORIES, REHASH_PARTS};
use super::walk::{Depth, Doubt, Walk};

/// How far hashing anew has come.
#[derive(Debug, Default)]
pub(crate) struct Rehash {
    /// Directories that are left of the part, last ones first.
    left: Vec<Arc<[u8]>>,
    /// Parts that were begun.
    begun: u64,
    /// Whether there was the first walk, after which nothing is to be doubted.
    walks: u64,
}

/// What hashing some of a part anew has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All as it was believed to be.
    Nothing,
    /// Another content.
    Change,
}

impl Engine {
    /// Whether there is more of the part.
    pub(crate) fn is_rehashing(&self) -> bool {
        !self.rehash.left.is_empty()
    }

    /// A walk of everything is over: the next part is due, unless it was the first walk or there is some of the last part.
    pub(crate) fn begin_rehash(&mut self) {
        self.rehash.walks += 1;
        if self.rehash.walks == 1 || self.is_rehashing() {
            return;
        }
        let directories = self.tree.iter().filter(|(_, directory)| directory.files.len() > 0);
        self.rehash.left = directories.map(|(path, _)| Arc::clone(path)).collect();
        self.rehash.left.reverse();
        self.rehash.begun += 1;
        self.count_parts();
    }

    /// Hashes some of the part anew.
    pub(crate) fn rehash_some(&mut self) -> Found {
        let Some(part) = self.rehash.begun.checked_sub(1) else { return Found::Nothing };
        let (mut directories, mut bytes) = (Vec::new(), 0);
        while bytes < REHASH_BYTES * REHASH_PARTS
            && directories.len() < REHASH_DIRECTORIES
            && let Some(path) = self.rehash.left.pop()
        {
            if let Some(directory) = self.tree.get(&path) {
                bytes += directory.files.iter().map(|(_, file)| file.size).sum::<u64>();
                directories.push(path);
            }
        }
        let before = self.counters.files_changed;
        Walk::new(self, Depth::New, Doubt { part: Some(part), changed: None }).run(directories);
        self.count_parts();
        if self.counters.files_changed == before { Found::Nothing } else { Found::Change }
    }

    /// The part that comes next, or is under way, and how often all were done.
    fn count_parts(&mut self) {
        let done = self.rehash.begun.saturating_sub(u64::from(self.is_rehashing()));
        (self.counters.rehash_part, self.counters.rehash_round) = (done % REHASH_PARTS, done / REHASH_PARTS);
    }
}
