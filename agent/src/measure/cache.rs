//! Digests of files by what the file system says of them, so that a restart hashes nothing twice.
//!
//! In: settled findings that are not racy. Out: the same, for an equal stamp. It is a store of shortcuts, not
//! of evidence: a damaged one is thrown away, and each entry is believed only until a walk hashes the file
//! anew. Whoever can write to this file as root can lie to the agent in easier ways.

use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition};

use super::content::{Capabilities, Content, Traits};
use super::examine::Known;
use super::limits::{CACHE_MEMORY, CACHE_PENDING, CACHE_SLACK};
use super::stamp::Stamp;

/// The cache as one walk uses it; closed between walks, so that it costs no memory.
pub(crate) struct Cache {
    path: PathBuf,
    open: Option<Open>,
    pending: Vec<Known>,
    unsynced: bool,
}

struct Open {
    database: Database,
    table: Option<redb::ReadOnlyTable<(u64, u64), &'static [u8]>>,
}

impl Cache {
    /// Opens or makes the cache; where that fails, a damaged file is removed and made anew, and where that
    /// fails too the walk goes on without one.
    pub(crate) fn open(path: &Path) -> Self {
        let open = match Open::new(path) {
            Ok(open) => Some(open),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "digest cache unusable: made anew");
                let removed = std::fs::remove_file(path).map_err(redb::Error::Io);
                let made = removed.and_then(|()| Open::new(path));
                made.inspect_err(|error| tracing::warn!(%error, "no digest cache: every walk hashes anew"))
                    .ok()
            }
        };
        Self { path: path.to_owned(), open, pending: Vec::new(), unsynced: false }
    }

    /// What is known of a file with this stamp.
    pub(crate) fn find(&self, stamp: &Stamp) -> Option<Known> {
        let table = self.open.as_ref()?.table.as_ref()?;
        let found = table.get(stamp.identity()).ok()??;
        decode(found.value(), stamp)
    }

    /// Remembers a file; written when enough have come together.
    pub(crate) fn put(&mut self, known: Known) {
        self.pending.push(known);
        if self.pending.len() >= CACHE_PENDING {
            self.write_pending(Durability::None);
        }
    }

    /// Writes what is pending, to the disk. A failure costs a second hashing, nothing else.
    pub(crate) fn flush(&mut self) {
        self.write_pending(Durability::Immediate);
    }

    fn write_pending(&mut self, durability: Durability) {
        let mut pending = std::mem::take(&mut self.pending);
        // What was written without waiting for the disk needs one commit that waits.
        if pending.is_empty() && !(self.unsynced && matches!(durability, Durability::Immediate)) {
            return;
        }
        self.unsynced = matches!(durability, Durability::None);
        pending.sort_unstable_by_key(|known| known.stamp.identity());
        if let Some(open) = &mut self.open
            && let Err(error) = open.write(&pending, durability)
        {
            tracing::warn!(path = %self.path.display(), %error, "digest cache not written");
        }
    }

    /// Drops what a full walk did not see, once that is more than what it saw. `seen` tells.
    pub(crate) fn prune(&mut self, files: u64, seen: impl FnOnce() -> Vec<(u64, u64)>) {
        let Some(open) = &mut self.open else { return };
        let entries = open.table.as_ref().and_then(|table| table.len().ok()).unwrap_or(0);
        if entries <= files.saturating_mul(2).saturating_add(CACHE_SLACK) {
            return;
        }
        let mut seen = seen();
        seen.sort_unstable();
        if let Err(error) = open.retain(&seen) {
            tracing::warn!(path = %self.path.display(), %error, "digest cache not pruned");
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> u64 {
        self.open
            .as_ref()
            .and_then(|open| open.table.as_ref())
            .and_then(|table| table.len().ok())
            .unwrap_or(0)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Open {
    fn new(path: &Path) -> Result<Self, redb::Error> {
        let database = redb::Builder::new().set_cache_size(CACHE_MEMORY).create(path)?;
        let mut open = Self { database, table: None };
        open.refresh()?;
        Ok(open)
    }

    fn refresh(&mut self) -> Result<(), redb::Error> {
        self.table = None;
        self.table = match self.database.begin_read()?.open_table(TABLE) {
            Ok(table) => Some(table),
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(())
    }

    fn write(&mut self, pending: &[Known], durability: Durability) -> Result<(), redb::Error> {
        // Pages that a reader holds could not be used again.
        self.table = None;
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for known in pending {
                table.insert(known.stamp.identity(), encode(known).as_slice())?;
            }
        }
        transaction.commit()?;
        self.refresh()
    }

    fn retain(&mut self, seen: &[(u64, u64)]) -> Result<(), redb::Error> {
        self.table = None;
        let transaction = self.database.begin_write()?;
        transaction.open_table(TABLE)?.retain(|key, _| seen.binary_search(&key).is_ok())?;
        transaction.commit()?;
        self.refresh()
    }
}

/// The name carries the version of the values: another version is another table, and starts empty.
const TABLE: TableDefinition<'static, (u64, u64), &'static [u8]> = TableDefinition::new("digests-1");

/// Content, capabilities, the stamp without its key, and the digest where there is one.
fn encode(known: &Known) -> Vec<u8> {
    let Known { stamp, traits, digest } = known;
    let mut out = Vec::with_capacity(72);
    out.push(traits.content.code());
    out.push(u8::from(traits.capabilities == Capabilities::Some));
    encode_stamp(&mut out, stamp);
    if let Some(digest) = digest {
        out.extend_from_slice(digest.as_bytes());
    }
    out
}

fn encode_stamp(out: &mut Vec<u8>, stamp: &Stamp) {
    out.extend_from_slice(&stamp.size.to_be_bytes());
    out.extend_from_slice(&stamp.mode.to_be_bytes());
    for (secs, nanos) in [stamp.modified, stamp.changed] {
        out.extend_from_slice(&secs.to_be_bytes());
        out.extend_from_slice(&nanos.to_be_bytes());
    }
}

fn decode(value: &[u8], stamp: &Stamp) -> Option<Known> {
    let mut expected = Vec::with_capacity(40);
    encode_stamp(&mut expected, stamp);
    let [content, capabilities, rest @ ..] = value else { return None };
    let digest = match rest.strip_prefix(expected.as_slice())? {
        [] => None,
        digest => Some(Sha256Digest::from_slice(digest).ok()?),
    };
    let capabilities = match capabilities {
        0 => Capabilities::None,
        1 => Capabilities::Some,
        _ => return None,
    };
    let traits = Traits { content: Content::from_code(*content)?, capabilities };
    Some(Known { stamp: *stamp, traits, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(inode: u64, digest: Option<Sha256Digest>) -> Known {
        let stamp =
            Stamp { device: 1, inode, size: 9, mode: 0o755, links: 1, modified: (-1, 5), changed: (7, 8) };
        Known { stamp, traits: Traits { content: Content::Elf, capabilities: Capabilities::Some }, digest }
    }

    #[test]
    fn only_an_equal_stamp_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let with = known(1, Some(Sha256Digest::of(&[b"x"])));
        let without = known(2, None);
        {
            let mut cache = Cache::open(&path);
            cache.put(with);
            cache.put(without);
        }
        let cache = Cache::open(&path);
        assert_eq!(cache.find(&with.stamp), Some(with));
        assert_eq!(cache.find(&without.stamp), Some(without));
        let stamp = with.stamp;
        let others = [
            Stamp { device: 2, ..stamp },
            Stamp { inode: 3, ..stamp },
            Stamp { size: 10, ..stamp },
            Stamp { mode: 0o644, ..stamp },
            Stamp { modified: (-1, 6), ..stamp },
            Stamp { changed: (7, 9), ..stamp },
        ];
        for other in others {
            assert_eq!(cache.find(&other), None, "{other:?}");
        }
    }

    #[test]
    fn whole_batches_reach_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        {
            let mut cache = Cache::open(&path);
            (0..CACHE_PENDING as u64).for_each(|inode| cache.put(known(inode, None)));
        }
        assert_eq!(Cache::open(&path).len(), CACHE_PENDING as u64);
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        std::fs::write(&path, b"this is no database").unwrap();
        let mut cache = Cache::open(&path);
        cache.put(known(1, None));
        cache.flush();
        assert_eq!(cache.find(&known(1, None).stamp), Some(known(1, None)));
    }

    #[test]
    fn a_place_that_cannot_be_written_costs_only_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&dir.path().join("absent/cache"));
        cache.put(known(1, None));
        cache.flush();
        assert_eq!(cache.find(&known(1, None).stamp), None);
    }

    #[test]
    fn pruning_keeps_what_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&dir.path().join("cache"));
        let last = CACHE_SLACK + 10;
        (0..last).for_each(|inode| cache.put(known(inode, None)));
        cache.flush();
        cache.prune(last, || panic!("not yet"));
        cache.prune(2, || vec![(1, 4), (1, 3)]);
        assert_eq!(cache.len(), 2);
        assert!(cache.find(&known(3, None).stamp).is_some());
        assert!(cache.find(&known(5, None).stamp).is_none());
    }
}
