//! One walk: directories are listed, files looked up in the cache or examined, and the tree brought up to date.
//!
//! A directory whose listing is equal to that of the walk before, stamp for stamp, is passed over: 16 bytes for each
//! are what is kept of it, and they are kept only where every file in it was settled.
//!
//! In: the engine and where to begin. Out: the engine's tree and gaps as the disk is. A walk stays on the file
//! system of its root, follows no symbolic link, and is stopped by nothing that it cannot read: that becomes a
//! gap. It sees each directory at its own moment; events that come meanwhile lead to the next walk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use evidence::body::GapCause;
use evidence::limits::PATH_BYTES;
use evidence::manifest::EntryFlags;
use evidence::time::UnixTime;
use rustix::io::Errno;

use super::cache::{Cache, short};
use super::engine::Engine;
use super::examine::{Digests, Finding, Known, Trust};
use super::limits::{BATCH_BYTES, BATCH_FILES, RACY_MS, REHASH_PARTS};
use super::list::{self, Listing, fingerprint};
use super::place::{Place, join, within};
use super::pool::{Batch, Examined, Pool};
use super::stamp::{Stamp, Verity};
use super::tree::{Artefact, Files, Fingerprint};

/// How far a walk goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Into every directory.
    All,
    /// Into directories that were not known before.
    New,
}

/// What of the cache and of earlier listings is not believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// One part of the files, by the number of their inode.
    pub(crate) part: Option<u64>,
    /// What was changed within this time: the clock was set, so that its stamps come again.
    pub(crate) changed: Option<(UnixTime, UnixTime)>,
}

impl Doubt {
    fn part_has(self, stamp: &Stamp) -> bool {
        self.part.is_some_and(|part| stamp.inode % REHASH_PARTS == part % REHASH_PARTS)
    }

    fn window_has(self, stamp: &Stamp) -> bool {
        self.changed.is_some_and(|(from, to)| {
            let (from, to) = (from.as_ms().saturating_sub(RACY_MS), to.as_ms().saturating_add(RACY_MS));
            (from..=to).contains(&stamp.changed_ms())
        })
    }
}

/// A walk that is under way.
pub(crate) struct Walk<'e> {
    engine: &'e mut Engine,
    depth: Depth,
    doubt: Doubt,
    digests: Digests,
    cache: Cache,
    pool: Pool,
    listing: Listing,
    tasks: Vec<Task>,
    /// Directories of which files are being examined.
    unsettled: BTreeMap<Arc<[u8]>, Unsettled>,
    files: u64,
    seen: Option<Vec<u64>>,
}

struct Task {
    path: Arc<[u8]>,
    device: u64,
}

/// A directory some of whose files are being examined.
struct Unsettled {
    listed: Fingerprint,
    left: usize,
    /// Whether an equal listing will mean that nothing has changed.
    trust: Trust,
}

impl<'e> Walk<'e> {
    pub(crate) fn new(engine: &'e mut Engine, depth: Depth, doubt: Doubt) -> Self {
        let cache = Cache::new(&engine.cache_path);
        let pool = Pool::new(engine.threads, engine.tools());
        // A first scan is in a hurry, and packages are compared within the day.
        let first = depth == Depth::All && doubt == Doubt::default();
        let digests = if first { Digests::One } else { Digests::WithMd5 };
        let seen = (depth == Depth::All && engine.prune_next).then(Vec::new);
        let (listing, tasks, unsettled) = (Listing::default(), Vec::new(), BTreeMap::new());
        Self { engine, depth, doubt, digests, cache, pool, listing, tasks, unsettled, files: 0, seen }
    }

    /// Walks from these directories and settles the gaps of what it walked.
    pub(crate) fn run(mut self, from: Vec<Arc<[u8]>>) {
        let devices = self.root_devices();
        for path in from.into_iter().rev() {
            let root =
                devices.iter().filter(|(root, _)| within(&path, root)).max_by_key(|(root, _)| root.len());
            match root {
                Some((_, Ok(device))) => self.tasks.push(Task { path, device: *device }),
                Some((root, Err(errno))) => self.lose(&Arc::clone(root), *errno),
                None => {}
            }
        }
        while let Some(task) = self.tasks.pop() {
            if self.engine.stop.load(Ordering::Relaxed) {
                return;
            }
            self.walk_directory(task);
            self.engine.take_hints();
        }
        while let Some(results) = self.pool.next() {
            self.apply(results);
            self.engine.take_hints();
        }
        self.finish();
    }

    fn root_devices(&self) -> Vec<RootDevice> {
        let device = |root: &[u8]| list::open(root).and_then(Stamp::of).map(|stamp| stamp.device);
        self.engine.roots.iter().map(|root| (Arc::clone(root), device(root))).collect()
    }

    fn finish(mut self) {
        self.cache.flush();
        if self.depth == Depth::New {
            self.engine.want_unknown_names();
        } else {
            // A name that even this walk did not meet is outside the trees.
            self.engine.links.unknown_names();
            self.prune();
        }
        let now = self.engine.clock.now();
        let unwatched = self.engine.unwatched.iter().any(|path| self.engine.tree.get(path).is_some());
        self.engine.gaps.stand(GapCause::Missing, UNWATCHED, unwatched, now);
        self.engine.gaps.stand(GapCause::DiskFull, CACHE, self.cache.failed(), now);
        self.engine.gaps.settle(now);
    }

    /// What the cache has too much is found in one walk of everything and dropped in the next, which keeps in mind
    /// what it sees.
    fn prune(&mut self) {
        if let Some(mut seen) = self.seen.take() {
            seen.sort_unstable();
            self.cache.prune(&seen);
            self.engine.prune_next = false;
        } else {
            self.engine.prune_next = self.cache.is_stale(self.files);
        }
    }

    fn walk_directory(&mut self, task: Task) {
        let Task { path, device } = task;
        let opened = list::open(&path).and_then(|fd| Stamp::of(&fd).map(|stamp| (fd, stamp)));
        let (fd, stamp) = match opened {
            Ok(opened) => opened,
            Err(errno) => return self.lose(&path, errno),
        };
        self.engine.learn_steps(std::iter::once(&stamp));
        if stamp.device != device {
            return self.forget(&path);
        }
        self.engine.gaps.begin(&path);
        if self.engine.tree.get(&path).is_none_or(|known| known.identity != stamp.identity()) {
            self.forget(&path);
            self.engine.tree.insert(Arc::clone(&path), stamp.identity());
        }
        // The watch comes before the listing: what is made after the listing is then an event.
        self.watch(&fd, &path);
        let mut listing = std::mem::take(&mut self.listing);
        let listed = self.engine.clock.now();
        match listing.read(&fd) {
            Ok(()) => {
                self.report_failed(&path, &listing);
                self.descend(&path, device, &listing);
                self.take_files(&path, fd, listed, &mut listing);
            }
            Err(errno) => self.lose(&path, errno),
        }
        self.listing = listing;
    }

    fn watch(&mut self, fd: &OwnedFd, path: &Arc<[u8]>) {
        let Some(directory) = self.engine.tree.get_mut(path) else { return };
        // A new directory may have the inode of the one that is gone, but not its watch.
        if directory.watch.is_some_and(|watch| self.engine.watch.holds(watch, path)) {
            return;
        }
        match self.engine.watch.add(fd, path) {
            Ok(watch) => directory.watch = Some(watch),
            Err(error) => {
                tracing::debug!(%error, path = super::place::printable(path), "directory is not watched");
                self.engine.unwatched.insert(Arc::clone(path));
            }
        }
    }

    /// A directory that cannot be walked: gone without a word, unless it is a root; else a gap.
    fn lose(&mut self, path: &Arc<[u8]>, errno: Errno) {
        self.forget(path);
        let gone = matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP);
        let root = self.engine.is_root(path);
        if root {
            self.engine.unwatched.insert(Arc::clone(path));
        }
        let cause = match (gone, root) {
            (true, false) => return,
            (true, true) => GapCause::Missing,
            (false, _) => GapCause::Unreadable,
        };
        self.meet(cause, path, b"");
    }

    fn meet(&mut self, cause: GapCause, directory: &Arc<[u8]>, name: &[u8]) {
        let shown = self.engine.places.shown(directory);
        let scope =
            if name.is_empty() { super::place::printable(shown) } else { self.engine.scope(directory, name) };
        let now = self.engine.clock.now();
        self.engine.gaps.meet(cause, directory, scope, now);
    }

    fn forget(&mut self, path: &[u8]) {
        self.engine.forget(path);
    }

    fn report_failed(&mut self, path: &Arc<[u8]>, listing: &Listing) {
        for (name, _) in &listing.failed {
            self.meet(GapCause::Unreadable, path, name.to_bytes());
        }
    }

    fn descend(&mut self, path: &Arc<[u8]>, device: u64, listing: &Listing) {
        let mut gone: BTreeSet<Arc<[u8]>> = self.engine.tree.children(path).into_iter().collect();
        for (name, identity) in listing.directories() {
            let child: Arc<[u8]> = join(path, name.to_bytes()).into();
            let is_root = self.engine.is_root(&child);
            let ours =
                identity.0 == device && !self.engine.places.excluded(&child) && !self.engine.stops_at(&child);
            if is_root || ours {
                gone.remove(&child);
            }
            let known = self.engine.tree.get(&child).is_some_and(|known| known.identity == *identity);
            if ours && !is_root && (self.depth == Depth::All || !known) {
                self.tasks.push(Task { path: child, device });
            }
        }
        // A root below another has its own life.
        gone.retain(|child| !self.engine.is_root(child));
        for child in gone {
            self.forget(&child);
        }
    }

    fn take_files(&mut self, path: &Arc<[u8]>, fd: OwnedFd, listed: UnixTime, listing: &mut Listing) {
        self.engine.meet_links(path, listing.files().map(|(_, stamp)| stamp));
        self.files += listing.len() as u64;
        self.engine.counters.files_seen += listing.len() as u64;
        if let Some(seen) = &mut self.seen {
            seen.extend(listing.files().map(|(_, stamp)| short(stamp.identity())));
        }
        self.engine.learn_steps(listing.files().map(|(_, stamp)| stamp));
        let fingerprint = listing.fingerprint();
        let Some(directory) = self.engine.tree.get_mut(path) else { return };
        let before = directory.listed.take();
        let mut files = std::mem::take(&mut directory.files);
        let same = before == Some(fingerprint) && !listing.files().any(|(_, s)| self.doubt.window_has(s));
        let (unknown, trust) = if same {
            (self.to_hash_anew(&files, listing), Trust::Cacheable)
        } else {
            self.look_up(path, &mut files, listing)
        };
        if let Some(directory) = self.engine.tree.get_mut(path) {
            directory.files = files;
        }
        let left = unknown.len();
        self.unsettled.insert(Arc::clone(path), Unsettled { listed: fingerprint, left, trust });
        if left == 0 {
            return self.settle_directory(path);
        }
        self.examine(path, fd, listed, unknown);
    }

    /// Of files that have not changed, those whose turn it is to be hashed anew all the same.
    fn to_hash_anew(&self, files: &Files, listing: &Listing) -> Vec<(CString, Stamp)> {
        let due = listing.files().filter(|(_, stamp)| self.doubt.part_has(stamp));
        due.filter(|(name, _)| files.get(name.to_bytes()).is_some())
            .map(|(name, stamp)| (name.to_owned(), *stamp))
            .collect()
    }

    /// Brings a directory's files up to date as far as the cache knows them; returns the others.
    fn look_up(
        &mut self,
        path: &Arc<[u8]>,
        files: &mut Files,
        listing: &Listing,
    ) -> (Vec<(CString, Stamp)>, Trust) {
        let place = self.engine.places.of(path);
        let shown_length = self.engine.places.shown(path).len();
        let mut trust = if listing.failed.is_empty() { Trust::Cacheable } else { Trust::Racy };
        let (mut unknown, mut others) = (Vec::new(), BTreeSet::new());
        for (name, stamp) in listing.files() {
            let bytes = name.to_bytes();
            if shown_length + 1 + bytes.len() > PATH_BYTES {
                self.meet(GapCause::Unreadable, path, bytes);
                (trust, _) = (Trust::Racy, others.insert(bytes));
                continue;
            }
            match self.remembered(stamp, bytes, place) {
                Remembered::Artefact(file, md5) => {
                    if let Some(md5) = md5 {
                        self.engine.keep_md5(path, bytes, &file, md5);
                    }
                    files.put(bytes, file);
                }
                Remembered::Nothing => drop(others.insert(bytes)),
                // Until it is examined the old one stands, for its owner.
                Remembered::Unknown => unknown.push((name.to_owned(), *stamp)),
            }
        }
        files.retain(|name| listing.has(name) && !others.contains(name));
        (unknown, trust)
    }

    fn remembered(&mut self, stamp: &Stamp, name: &[u8], place: Place) -> Remembered {
        let Some(known) = self.cache.find(stamp) else { return Remembered::Unknown };
        match known.traits.flags(stamp.mode, name, place) {
            _ if self.doubt.window_has(stamp) => Remembered::Unknown,
            None => Remembered::Nothing,
            Some(_) if self.doubt.part_has(stamp) => Remembered::Unknown,
            // A file that did not count under another name or elsewhere was not hashed.
            Some(flags) => artefact(&known, flags)
                .map_or(Remembered::Unknown, |file| Remembered::Artefact(file, known.md5)),
        }
    }

    fn examine(&mut self, path: &Arc<[u8]>, fd: OwnedFd, listed: UnixTime, files: Vec<(CString, Stamp)>) {
        let fd = Arc::new(fd);
        let place = self.engine.places.of(path);
        let device = files.first().map_or(0, |(_, stamp)| stamp.device);
        let steps = self.engine.steps_of(device);
        let mut names = Vec::new();
        let mut bytes = 0;
        let mut batches = Vec::new();
        for (name, stamp) in files {
            bytes += stamp.size;
            names.push((name, stamp));
            if bytes >= BATCH_BYTES || names.len() >= BATCH_FILES {
                batches.push(std::mem::take(&mut names));
                bytes = 0;
            }
        }
        batches.extend((!names.is_empty()).then_some(names));
        let digests = self.digests;
        for names in batches {
            let directory = Arc::clone(path);
            let batch = Batch { directory, fd: Arc::clone(&fd), place, listed, digests, steps, names };
            let results = self.pool.submit(batch);
            self.apply(results);
            while self.pool.is_full() && !self.engine.stop.load(Ordering::Relaxed) {
                let results = self.pool.wait();
                self.apply(results);
                self.engine.take_hints();
            }
        }
    }

    fn apply(&mut self, results: Vec<Examined>) {
        for Examined { directory, place, findings } in results {
            let count = findings.len();
            let mut settled = true;
            for (name, finding) in findings {
                settled &= matches!(finding, Finding::Settled(_, Trust::Cacheable));
                self.apply_one(&directory, place, name.as_bytes(), finding);
            }
            if let Some(unsettled) = self.unsettled.get_mut(&directory) {
                unsettled.left = unsettled.left.saturating_sub(count);
                if !settled {
                    unsettled.trust = Trust::Racy;
                }
                if unsettled.left == 0 {
                    self.settle_directory(&directory);
                }
            }
        }
    }

    /// Every file of a directory was looked at.
    fn settle_directory(&mut self, path: &Arc<[u8]>) {
        let Some(Unsettled { listed, trust, .. }) = self.unsettled.remove(path) else { return };
        if let Some(directory) = self.engine.tree.get_mut(path) {
            directory.listed = (trust == Trust::Cacheable).then_some(listed);
            directory.files.shrink();
        }
    }

    fn apply_one(&mut self, path: &Arc<[u8]>, place: Place, name: &[u8], finding: Finding) {
        let (known, raced) = match finding {
            Finding::Settled(known, trust) => {
                self.count(&known);
                // With a clock that was set, what is racy now may be in the cache as settled.
                if trust == Trust::Racy && self.doubt.changed.is_some() {
                    self.cache.distrust(known.clone());
                } else {
                    self.cache.put(known.clone(), trust);
                }
                (known, EntryFlags::default())
            }
            Finding::Raced(known) => {
                self.count(&known);
                self.engine.counters.files_raced += 1;
                self.meet(GapCause::Raced, path, name);
                (known, EntryFlags::RACED)
            }
            Finding::Unreadable(errno) => {
                tracing::debug!(%errno, path = self.engine.scope(path, name), "unreadable");
                self.meet(GapCause::Unreadable, path, name);
                return self.engine.tree.remove_file(path, name);
            }
            Finding::Gone => return self.engine.tree.remove_file(path, name),
            Finding::Stopped => return,
        };
        let flags = known.traits.flags(known.stamp.mode, name, place).map(|flags| flags.with(raced));
        match flags.and_then(|flags| artefact(&known, flags)) {
            Some(artefact) => {
                if let Some(md5) = known.md5 {
                    self.engine.keep_md5(path, name, &artefact, md5);
                }
                let old = self.engine.tree.file(path, name).map(|file| file.digest);
                self.engine.counters.files_changed +=
                    u64::from(old.is_some_and(|old| old != artefact.digest));
                self.engine.tree.put(path, name, artefact);
            }
            None => self.engine.tree.remove_file(path, name),
        }
    }

    fn count(&mut self, known: &Known) {
        if known.digest.is_some() {
            self.engine.counters.files_hashed += 1;
            self.engine.counters.bytes_hashed += known.stamp.size;
        }
    }
}

/// A root and the file system that it is on.
type RootDevice = (Arc<[u8]>, Result<u64, Errno>);

enum Remembered {
    Artefact(Artefact, Option<[u8; 16]>),
    Nothing,
    Unknown,
}

fn artefact(known: &Known, flags: EntryFlags) -> Option<Artefact> {
    let Stamp { size, mode, verity, .. } = known.stamp;
    let flags = if verity == Verity::On { flags.with(EntryFlags::VERITY) } else { flags };
    let details = known.details.as_ref().map_or(0, |details| {
        let [a, b, c, d, ..] = fingerprint(details);
        u32::from_be_bytes([a, b, c, d]) | 1
    });
    Some(Artefact::new(known.digest?, size, mode, flags, details))
}

/// The scope of the gap that says that some changes are found by walks only.
const UNWATCHED: &str = "file events of some directories: no more inotify watches (fs.inotify.max_user_watches); walked every minute";
/// The scope of the gap that says that what was hashed could not be kept.
const CACHE: &str = "digest cache";
