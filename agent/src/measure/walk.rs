//! One walk: directories are listed, files looked up in the cache or examined, and the tree brought up to date.
//!
//! In: the engine and where to begin. Out: the engine's tree and gaps as the disk is. A walk stays on the file
//! system of its root, follows no symbolic link, and is stopped by nothing that it cannot read: that becomes a
//! gap. It sees each directory at its own moment; events that come meanwhile lead to the next walk.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use evidence::body::GapCause;
use evidence::limits::PATH_BYTES;
use evidence::manifest::EntryFlags;
use rustix::io::Errno;

use super::cache::Cache;
use super::engine::Engine;
use super::examine::{Finding, Known, Trust};
use super::limits::{BATCH_BYTES, BATCH_FILES, REHASH_PARTS};
use super::list::{self, Listing};
use super::place::{Place, join, within};
use super::pool::{Batch, Examined, Pool};
use super::stamp::Stamp;
use super::tree::{Artefact, Owner};

/// How far a walk goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Into every directory.
    All,
    /// Into directories that were not known before.
    New,
}

/// A walk that is under way.
pub(crate) struct Walk<'e> {
    engine: &'e mut Engine,
    depth: Depth,
    /// The part of the files that the cache is not asked for.
    part: Option<u64>,
    cache: Cache,
    pool: Pool,
    tasks: Vec<Task>,
    seen: Vec<(u64, u64)>,
}

struct Task {
    path: Arc<[u8]>,
    device: u64,
}

impl<'e> Walk<'e> {
    pub(crate) fn new(engine: &'e mut Engine, depth: Depth, part: Option<u64>) -> Self {
        let cache = Cache::open(&engine.cache_path);
        let pool = Pool::new(engine.threads, Arc::clone(&engine.clock), Arc::clone(&engine.stop));
        Self { engine, depth, part, cache, pool, tasks: Vec::new(), seen: Vec::new() }
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
            let seen = std::mem::take(&mut self.seen);
            self.cache.prune(seen.len() as u64, || seen);
        }
        let now = self.engine.clock.now();
        let pseudo: Arc<[u8]> = Arc::from(UNWATCHED.as_bytes());
        self.engine.gaps.begin(&pseudo);
        if self.engine.unwatched.iter().any(|path| self.engine.tree.get(path).is_some()) {
            self.engine.gaps.meet(GapCause::Missing, &pseudo, UNWATCHED.into(), now);
        }
        self.engine.gaps.settle(now);
    }

    fn walk_directory(&mut self, task: Task) {
        let Task { path, device } = task;
        let opened = list::open(&path).and_then(|fd| Stamp::of(&fd).map(|stamp| (fd, stamp)));
        let (fd, stamp) = match opened {
            Ok(opened) => opened,
            Err(errno) => return self.lose(&path, errno),
        };
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
        match list::list(&fd) {
            Ok(listing) => {
                self.report_failed(&path, &listing);
                self.descend(&path, device, &listing);
                self.take_files(&path, fd, listing);
            }
            Err(errno) => self.lose(&path, errno),
        }
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
        let root = self.engine.roots.contains(path);
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
        for (path, directory) in self.engine.tree.remove(path) {
            if let Some(watch) = directory.watch {
                self.engine.watch.remove(watch, &path);
            }
            self.engine.unwatched.remove(&path);
            self.engine.meet_links(&path, std::iter::empty());
        }
        self.engine.gaps.begin_tree(path);
    }

    fn report_failed(&mut self, path: &Arc<[u8]>, listing: &Listing) {
        for (name, _) in &listing.failed {
            self.meet(GapCause::Unreadable, path, name.to_bytes());
        }
    }

    fn descend(&mut self, path: &Arc<[u8]>, device: u64, listing: &Listing) {
        let mut gone = self.engine.tree.children(path);
        for (name, stamp) in &listing.directories {
            let child: Arc<[u8]> = join(path, name.to_bytes()).into();
            let is_root = self.engine.roots.contains(&child);
            let ours = stamp.device == device && !self.engine.places.excluded(&child);
            if is_root || ours {
                gone.retain(|known| *known != child);
            }
            let known = self.engine.tree.get(&child).is_some_and(|known| known.identity == stamp.identity());
            if ours && !is_root && (self.depth == Depth::All || !known) {
                self.tasks.push(Task { path: child, device });
            }
        }
        // A root below another has its own life.
        gone.retain(|child| !self.engine.roots.contains(child));
        for child in gone {
            self.forget(&child);
        }
    }

    fn take_files(&mut self, path: &Arc<[u8]>, fd: OwnedFd, listing: Listing) {
        let place = self.engine.places.of(path);
        let shown_length = self.engine.places.shown(path).len();
        self.engine.meet_links(path, listing.files.iter().map(|(_, stamp)| stamp));
        let old =
            self.engine.tree.get_mut(path).map(|known| std::mem::take(&mut known.files)).unwrap_or_default();
        let mut files = Vec::new();
        let mut unknown = Vec::new();
        for (name, stamp) in listing.files {
            if self.depth == Depth::All {
                self.seen.push(stamp.identity());
            }
            if shown_length + 1 + name.as_bytes().len() > PATH_BYTES {
                self.meet(GapCause::Unreadable, path, name.as_bytes());
                continue;
            }
            let before = old.binary_search_by(|file| (*file.name).cmp(name.as_bytes())).ok();
            let before = before.and_then(|at| old.get(at));
            match self.remembered(&stamp, name.as_bytes(), place) {
                Remembered::Artefact(known, flags) => {
                    let owner = before.map_or(Owner::Unknown, |file| file.owner);
                    files.extend(
                        artefact(name.as_bytes(), &known, flags).map(|file| Artefact { owner, ..file }),
                    );
                }
                Remembered::Nothing => {}
                Remembered::Unknown => {
                    // Until it is examined the old one stands, for its owner.
                    files.extend(before.cloned());
                    unknown.push((name, stamp.size));
                }
            }
        }
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        files.shrink_to_fit();
        if let Some(directory) = self.engine.tree.get_mut(path) {
            directory.files = files;
        }
        self.examine(path, fd, place, unknown);
    }

    fn remembered(&self, stamp: &Stamp, name: &[u8], place: Place) -> Remembered {
        let Some(known) = self.cache.find(stamp) else { return Remembered::Unknown };
        match known.traits.flags(stamp.mode, name, place) {
            None => Remembered::Nothing,
            Some(_) if self.part.is_some_and(|part| stamp.inode % REHASH_PARTS == part % REHASH_PARTS) => {
                Remembered::Unknown
            }
            // A file that did not count under another name or elsewhere was not hashed.
            Some(_) if known.digest.is_none() => Remembered::Unknown,
            Some(flags) => Remembered::Artefact(known, flags),
        }
    }

    fn examine(&mut self, path: &Arc<[u8]>, fd: OwnedFd, place: Place, files: Vec<(CString, u64)>) {
        let fd = Arc::new(fd);
        let mut names = Vec::new();
        let mut bytes = 0;
        let mut batches = Vec::new();
        for (name, size) in files {
            bytes += size;
            names.push(name);
            if bytes >= BATCH_BYTES || names.len() >= BATCH_FILES {
                batches.push(std::mem::take(&mut names));
                bytes = 0;
            }
        }
        batches.extend((!names.is_empty()).then_some(names));
        for names in batches {
            let batch = Batch { directory: Arc::clone(path), fd: Arc::clone(&fd), place, names };
            let results = self.pool.submit(batch);
            self.apply(results);
        }
    }

    fn apply(&mut self, results: Vec<Examined>) {
        for Examined { directory, place, findings } in results {
            for (name, finding) in findings {
                self.apply_one(&directory, place, name.as_bytes(), finding);
            }
        }
    }

    fn apply_one(&mut self, path: &Arc<[u8]>, place: Place, name: &[u8], finding: Finding) {
        let (known, raced) = match finding {
            Finding::Settled(known, trust) => {
                if trust == Trust::Cacheable {
                    self.cache.put(known);
                }
                (known, EntryFlags::default())
            }
            Finding::Raced(known) => {
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
        match flags.and_then(|flags| artefact(name, &known, flags)) {
            Some(artefact) => self.engine.tree.put(path, artefact),
            None => self.engine.tree.remove_file(path, name),
        }
    }
}

/// A root and the file system that it is on.
type RootDevice = (Arc<[u8]>, Result<u64, Errno>);

enum Remembered {
    Artefact(Known, EntryFlags),
    Nothing,
    Unknown,
}

fn artefact(name: &[u8], known: &Known, flags: EntryFlags) -> Option<Artefact> {
    let Stamp { size, mode, .. } = known.stamp;
    let digest = known.digest?;
    Some(Artefact { name: name.into(), digest, size, mode, flags, owner: Owner::Unknown })
}

/// The scope of the gap that says that some changes are found by walks only.
const UNWATCHED: &str = "file events of some directories: no more inotify watches (fs.inotify.max_user_watches); walked every minute";
