//! What is known of files, by what the file system says of them, so that a restart hashes nothing twice.
//!
//! In: settled findings. Out: the same, for an equal stamp; findings that are racy are kept for their details only. It
//! is a store of shortcuts, not of evidence: a damaged one is thrown away, and each entry is believed only until a walk
//! hashes the file anew. Whoever can write to this file as root can lie to the agent in easier ways.

use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTableMetadata as _, TableDefinition};

use super::content::{Capabilities, Content, Traits};
use super::examine::{Known, Trust};
use super::limits::{CACHE_MEMORY, CACHE_PENDING, CACHE_SLACK, DETAILS_BYTES};
use super::stamp::{Identity, Stamp};

/// The cache as one walk uses it: opened when it is first asked, closed with the walk, so that it costs no memory
/// between walks and nothing at all to a walk that finds everything as it was.
pub(crate) struct Cache {
    path: PathBuf,
    state: State,
    pending: Vec<(Known, Trust)>,
    unsynced: bool,
    failed: bool,
}

enum State {
    Unopened,
    Open(Box<Open>),
    Unusable,
}

struct Open {
    database: Database,
    table: Option<redb::ReadOnlyTable<Identity, &'static [u8]>>,
}

impl Cache {
    pub(crate) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, state: State::Unopened, pending: Vec::new(), unsynced: false, failed: false }
    }

    /// Opens or makes the cache; where that fails, a damaged file is removed and made anew, and where that
    /// fails too the walk goes on without one.
    fn open(&mut self) -> Option<&mut Open> {
        if matches!(self.state, State::Unopened) {
            self.state = match open_or_make(&self.path) {
                Some(open) => State::Open(Box::new(open)),
                None => State::Unusable,
            };
            self.failed |= matches!(self.state, State::Unusable);
        }
        match &mut self.state {
            State::Open(open) => Some(open),
            State::Unopened | State::Unusable => None,
        }
    }

    /// What is known of a file with this stamp.
    pub(crate) fn find(&mut self, stamp: &Stamp) -> Option<Known> {
        let table = self.open()?.table.as_ref()?;
        let found = table.get(stamp.identity()).ok()??;
        let (known, trust) = decode(found.value(), stamp)?;
        (trust == Trust::Cacheable).then_some(known)
    }

    /// What else the content of a file says that has this identity and had this digest.
    pub(crate) fn details(&mut self, identity: Identity, digest: &Sha256Digest) -> Option<Box<[u8]>> {
        let table = self.open()?.table.as_ref()?;
        let found = table.get(identity).ok()??;
        let value = Value::parse(found.value())?;
        (value.digest.as_ref() == Some(digest)).then(|| value.details.into())
    }

    /// Remembers a file; written when enough have come together.
    pub(crate) fn put(&mut self, known: Known, trust: Trust) {
        // What will not be believed is worth keeping for its details alone.
        if trust == Trust::Racy && known.details.is_none() {
            return;
        }
        self.push(known, trust);
    }

    /// What was known of this file is not to be believed any more.
    pub(crate) fn distrust(&mut self, known: Known) {
        self.push(known, Trust::Racy);
    }

    fn push(&mut self, known: Known, trust: Trust) {
        self.pending.push((known, trust));
        if self.pending.len() >= CACHE_PENDING {
            self.write_pending(Durability::None);
        }
    }

    /// Writes what is pending, to the disk. A failure costs a second hashing, nothing else.
    pub(crate) fn flush(&mut self) {
        self.write_pending(Durability::Immediate);
    }

    /// Whether something could not be written.
    pub(crate) const fn failed(&self) -> bool {
        self.failed
    }

    fn write_pending(&mut self, durability: Durability) {
        let mut pending = std::mem::take(&mut self.pending);
        // What was written without waiting for the disk needs one commit that waits.
        if pending.is_empty() && !(self.unsynced && matches!(durability, Durability::Immediate)) {
            return;
        }
        self.unsynced = matches!(durability, Durability::None);
        // Rising keys fill the pages of the tree one after the other.
        pending.sort_unstable_by_key(|(known, _)| known.stamp.identity());
        let Some(open) = self.open() else { return };
        if let Err(error) = open.write(&pending, durability) {
            tracing::warn!(path = %self.path.display(), %error, "digest cache not written");
            self.failed = true;
        }
    }

    /// Whether there is so much more than what a full walk saw that it is worth dropping.
    pub(crate) fn is_stale(&self, files: u64) -> bool {
        self.len() > files.saturating_mul(2).saturating_add(CACHE_SLACK)
    }

    /// Drops what a full walk did not see: `seen` are the hashes of what it saw, rising.
    pub(crate) fn prune(&mut self, seen: &[u64]) {
        let Some(open) = self.open() else { return };
        if let Err(error) = open.retain(seen) {
            tracing::warn!(path = %self.path.display(), %error, "digest cache not pruned");
        }
    }

    /// Entries, where it is open.
    pub(crate) fn len(&self) -> u64 {
        let State::Open(open) = &self.state else { return 0 };
        open.table.as_ref().and_then(|table| table.len().ok()).unwrap_or(0)
    }
}

/// An identity in few bytes, for the set of all that a walk saw. That two are equal only keeps an entry too many.
pub(crate) fn short(identity: Identity) -> u64 {
    let (device, inode, born) = identity;
    inode.rotate_left(20) ^ device.rotate_left(50) ^ born.cast_unsigned()
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

fn open_or_make(path: &Path) -> Option<Open> {
    Open::new(path)
        .or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "digest cache unusable: made anew");
            std::fs::remove_file(path).map_err(redb::Error::Io).and_then(|()| Open::new(path))
        })
        .inspect_err(|error| tracing::warn!(%error, "no digest cache: every walk hashes anew"))
        .ok()
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

    fn write(&mut self, pending: &[(Known, Trust)], durability: Durability) -> Result<(), redb::Error> {
        // Pages that a reader holds could not be used again.
        self.table = None;
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(TABLE)?;
            let mut value = Vec::with_capacity(256);
            for (known, trust) in pending {
                value.clear();
                encode(&mut value, known, *trust);
                table.insert(known.stamp.identity(), value.as_slice())?;
            }
        }
        transaction.commit()?;
        self.refresh()
    }

    fn retain(&mut self, seen: &[u64]) -> Result<(), redb::Error> {
        self.table = None;
        let transaction = self.database.begin_write()?;
        transaction.open_table(TABLE)?.retain(|key, _| seen.binary_search(&short(key)).is_ok())?;
        transaction.commit()?;
        self.refresh()
    }
}

/// The name carries the version of the values: another version is another table, and starts empty.
const TABLE: TableDefinition<'static, Identity, &'static [u8]> = TableDefinition::new("files-3");

/// One entry: content, a byte of what follows, the stamp; then digest, MD5 and details where there are any.
struct Value<'a> {
    content: Content,
    has: u8,
    stamp: &'a [u8],
    digest: Option<Sha256Digest>,
    md5: Option<[u8; 16]>,
    details: &'a [u8],
}

const CAPABILITIES: u8 = 1;
const DIGEST: u8 = 1 << 1;
const MD5: u8 = 1 << 2;
const DETAILS: u8 = 1 << 3;
const RACY: u8 = 1 << 4;
/// Details of an image have its signatures whole: what was kept without them is read anew.
const SIGNATURES: u8 = 1 << 5;
const STAMP_BYTES: usize = 65;

impl<'a> Value<'a> {
    fn parse(value: &'a [u8]) -> Option<Self> {
        let [content, has, rest @ ..] = value else { return None };
        let (stamp, mut rest) = rest.split_at_checked(STAMP_BYTES)?;
        let (mut digest, mut md5) = (None, None);
        if has & DIGEST != 0 {
            let (bytes, after) = rest.split_first_chunk::<32>()?;
            (digest, rest) = (Some(Sha256Digest::new(*bytes)), after);
        }
        if has & MD5 != 0 {
            let (bytes, after) = rest.split_first_chunk::<16>()?;
            (md5, rest) = (Some(*bytes), after);
        }
        let ends = rest.is_empty() || has & DETAILS != 0;
        ends.then_some(Self {
            content: Content::from_code(*content)?,
            has: *has,
            stamp,
            digest,
            md5,
            details: rest,
        })
    }
}

fn encode(out: &mut Vec<u8>, known: &Known, trust: Trust) {
    let Known { stamp, traits, digest, md5, details } = known;
    let details = details.as_ref().filter(|details| details.len() <= DETAILS_BYTES);
    let has = [
        (traits.capabilities == Capabilities::Some, CAPABILITIES),
        (digest.is_some(), DIGEST),
        (md5.is_some(), MD5),
        (details.is_some(), DETAILS),
        (trust == Trust::Racy, RACY),
        (traits.content == Content::Pe, SIGNATURES),
    ];
    out.push(traits.content.code());
    out.push(has.iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum());
    stamp.write(out);
    out.extend(digest.iter().flat_map(Sha256Digest::as_bytes));
    out.extend(md5.iter().flatten());
    out.extend(details.iter().flat_map(|details| details.iter()));
}

fn decode(value: &[u8], stamp: &Stamp) -> Option<(Known, Trust)> {
    let mut expected = Vec::with_capacity(STAMP_BYTES);
    stamp.write(&mut expected);
    let Value { content, has, stamp: found, digest, md5, details } = Value::parse(value)?;
    let is = |bit| has & bit != 0;
    if content == Content::Pe && !is(SIGNATURES) {
        return None;
    }
    let known = Known {
        stamp: *stamp,
        traits: Traits {
            content,
            capabilities: if is(CAPABILITIES) { Capabilities::Some } else { Capabilities::None },
        },
        digest,
        md5,
        details: is(DETAILS).then(|| details.into()),
    };
    (found == expected).then_some((known, if is(RACY) { Trust::Racy } else { Trust::Cacheable }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::stamp::Verity;

    fn known(inode: u64, digest: Option<Sha256Digest>) -> Known {
        let stamp = Stamp {
            device: 1,
            inode,
            born: -9,
            size: 9,
            mode: 0o755,
            links: 1,
            modified: (-1, 5),
            changed: (7, 8),
            verity: Verity::Off,
        };
        let traits = Traits { content: Content::Elf, capabilities: Capabilities::Some };
        Known { stamp, traits, digest, md5: None, details: None }
    }

    fn put(cache: &mut Cache, known: &Known) {
        cache.put(known.clone(), Trust::Cacheable);
    }

    #[test]
    fn only_an_equal_stamp_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        let with = known(1, Some(Sha256Digest::of(&[b"x"])));
        let without = known(2, None);
        let whole = Known { md5: Some([7; 16]), details: Some([1, 2].into()), ..known(3, with.digest) };
        {
            let mut cache = Cache::new(&path);
            for known in [&with, &without, &whole] {
                put(&mut cache, known);
            }
        }
        let mut cache = Cache::new(&path);
        for known in [&with, &without, &whole] {
            assert_eq!(cache.find(&known.stamp).as_ref(), Some(known));
        }
        let stamp = with.stamp;
        let others = [
            Stamp { device: 2, ..stamp },
            Stamp { inode: 4, ..stamp },
            Stamp { born: 1, ..stamp },
            Stamp { size: 10, ..stamp },
            Stamp { mode: 0o644, ..stamp },
            Stamp { links: 2, ..stamp },
            Stamp { modified: (-1, 6), ..stamp },
            Stamp { changed: (7, 9), ..stamp },
            Stamp { verity: Verity::On, ..stamp },
        ];
        for other in others {
            assert_eq!(cache.find(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_racy_finding_is_kept_for_its_details_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(&dir.path().join("cache"));
        let digest = Sha256Digest::of(&[b"x"]);
        let racy = Known { details: Some([5].into()), ..known(1, Some(digest)) };
        cache.put(racy.clone(), Trust::Racy);
        cache.put(known(2, Some(digest)), Trust::Racy);
        cache.flush();
        assert_eq!(cache.len(), 1);
        assert_eq!(cache.find(&racy.stamp), None);
        assert_eq!(cache.details(racy.stamp.identity(), &digest), Some([5].into()));
        assert_eq!(cache.details(racy.stamp.identity(), &Sha256Digest::of(&[])), None, "of other content");
    }

    #[test]
    fn whole_batches_reach_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        {
            let mut cache = Cache::new(&path);
            (0..CACHE_PENDING as u64).for_each(|inode| put(&mut cache, &known(inode, None)));
        }
        let mut cache = Cache::new(&path);
        cache.find(&known(1, None).stamp).unwrap();
        assert_eq!(cache.len(), CACHE_PENDING as u64);
    }

    #[test]
    fn a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache");
        std::fs::write(&path, b"this is no database").unwrap();
        let mut cache = Cache::new(&path);
        put(&mut cache, &known(1, None));
        cache.flush();
        assert_eq!(cache.find(&known(1, None).stamp), Some(known(1, None)));
        assert!(!cache.failed());
    }

    #[test]
    fn a_place_that_cannot_be_written_costs_only_the_cache() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(&dir.path().join("absent/cache"));
        put(&mut cache, &known(1, None));
        cache.flush();
        assert_eq!(cache.find(&known(1, None).stamp), None);
        assert!(cache.failed());
    }

    #[test]
    fn pruning_keeps_what_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = Cache::new(&dir.path().join("cache"));
        let last = CACHE_SLACK + 10;
        (0..last).for_each(|inode| put(&mut cache, &known(inode, None)));
        cache.flush();
        assert!(!cache.is_stale(last));
        assert!(cache.is_stale(2));
        let mut seen = [4, 3].map(|inode| short(known(inode, None).stamp.identity()));
        seen.sort_unstable();
        cache.prune(&seen);
        assert_eq!(cache.len(), 2);
        assert!(cache.find(&known(3, None).stamp).is_some());
        assert!(cache.find(&known(5, None).stamp).is_none());
    }
}
