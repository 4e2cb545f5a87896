//! Fanotify: whole file systems, each by one mark.
//!
//! In: roots. Out: hints of what happened in them, under whatever name or mount it was done; and of executions anywhere
//! on their file systems. What happens outside of the roots ends here.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use fanotify::{Buffer, Event, FileHandle, Fsid, Group, InitError, Mask, OpenAs, Options};

use super::Hint;
use super::gather::Gathered;
use super::limits::READS;
use super::places::{Anchors, Place, Places, Root};
use crate::measure::place::printable;

/// Marked file systems.
#[derive(Debug)]
pub(super) struct Superblocks {
    group: Group,
    buffer: Buffer,
    places: Places,
}

impl Superblocks {
    pub(super) fn new(options: Options) -> Result<Self, InitError> {
        let group = Group::new(options)?;
        tracing::debug!(features = ?group.features(), "events of whole file systems");
        Ok(Self { group, buffer: Buffer::default(), places: Places::default() })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.group.as_fd()
    }

    /// Marks a root's file system, or says why not.
    pub(super) fn add(&mut self, path: &Arc<[u8]>, fd: impl AsFd) -> Result<(), String> {
        let fsid = Fsid::of(&fd).map_err(|error| format!("no number of the file system: {error}"))?;
        let device = rustix::fs::fstat(&fd).map_err(|error| error.to_string())?.st_dev;
        let (handle, mount) = FileHandle::of(&fd, b"").map_err(|error| error.to_string())?;
        handle.open(&fd, OpenAs::Directory).map_err(|error| {
            format!("handles cannot be opened: {error} (hint: it needs CAP_DAC_READ_SEARCH)")
        })?;
        self.group.mark_filesystem(&fd, EVENTS).map_err(|error| error.to_string())?;
        self.places.add(Root { path: Arc::clone(path), fsid, device, mount });
        Ok(())
    }

    /// Forgets a root, and takes the mark away with the last one of a file system that is still there.
    pub(super) fn remove(&mut self, path: &[u8]) {
        let Some(root) = self.places.remove(path) else { return };
        if self.places.roots().iter().any(|other| (other.fsid, other.device) == (root.fsid, root.device)) {
            return;
        }
        if let Some(fd) = Anchors::default().open(&root)
            && let Err(error) = self.group.unmark_filesystem(fd, EVENTS)
        {
            tracing::debug!(%error, root = printable(path), "mark stays");
        }
    }

    pub(super) fn ignore(&mut self, path: &Arc<[u8]>, fd: impl AsFd) {
        if let Err(error) = self.group.ignore_directory(fd, CHANGES) {
            tracing::debug!(%error, path = printable(path), "its events are dropped after they are read");
        }
        self.places.ignore(path);
    }

    pub(super) fn drain(&mut self, each: &mut impl FnMut(Hint)) {
        let Self { group, buffer, places } = self;
        let mut gathered = Gathered::default();
        let mut anchors = Anchors::default();
        for _ in 0..READS {
            let events = match group.read(buffer) {
                Ok(events) => events,
                Err(error) => {
                    tracing::error!(%error, "queue of file system events unreadable");
                    gathered.lose();
                    break;
                }
            };
            let mut came = false;
            for event in events {
                came = true;
                match event {
                    Ok(event) if event.is_overflow() => gathered.lose(),
                    Ok(event) => take(&event, places, &mut anchors, &mut gathered),
                    Err(error) => {
                        tracing::error!(%error, "file system event not understood");
                        gathered.lose();
                    }
                }
            }
            if !came {
                break;
            }
            if gathered.is_full() {
                tell(&mut gathered, places, &mut anchors, each);
            }
        }
        tell(&mut gathered, places, &mut anchors, each);
    }
}

fn take(event: &Event<'_>, places: &mut Places, anchors: &mut Anchors, gathered: &mut Gathered) {
    let Some(fsid) = event.fsid else { return };
    let of_directory = event.mask.intersects(Mask::ONDIR);
    if of_directory && event.mask.intersects(MOVES) {
        places.forget();
    }
    let changes_content = !of_directory && event.mask.intersects(CONTENT);
    let Some(directory) = &event.directory else {
        // The number of a file's names changed, or it was written to after its name was gone.
        if changes_content && let Some(child) = &event.child {
            gathered.link(fsid, child.clone(), 1);
        }
        return;
    };
    let place = places.find(fsid, directory, anchors);
    if place == Place::Unknown {
        return gathered.lose();
    }
    let name = event.name.filter(|name| *name != b".");
    if event.mask.intersects(CHANGES) {
        match (&place, &event.child) {
            (Place::Inside(paths), _) => paths.iter().for_each(|path| gathered.touch(path, name)),
            (Place::Outside(_), Some(child)) if changes_content => gathered.link(fsid, child.clone(), 2),
            (Place::Gone, Some(child)) if changes_content => gathered.link(fsid, child.clone(), 1),
            _ => {}
        }
    }
    if let Some(name) = name.filter(|_| !of_directory && event.mask.intersects(Mask::OPEN_EXEC)) {
        match &place {
            Place::Inside(paths) => paths.iter().for_each(|path| gathered.execute(path, name)),
            Place::Outside(Some(path)) => gathered.execute(path, name),
            Place::Outside(None) | Place::Gone | Place::Unknown => {}
        }
    }
}

fn tell(gathered: &mut Gathered, places: &Places, anchors: &mut Anchors, each: &mut impl FnMut(Hint)) {
    for ((fsid, handle), least) in gathered.take_linked() {
        match places.names_left(fsid, &handle, least, anchors) {
            Ok(found) => found.into_iter().for_each(|(device, inode)| each(Hint::Linked { device, inode })),
            Err(error) => {
                tracing::error!(%error, "a file that changed could not be looked for");
                gathered.lose();
            }
        }
    }
    gathered.tell(each);
}

/// What can change the content of a file, or what it may do.
const CONTENT: Mask = Mask::CLOSE_WRITE.union(Mask::ATTRIB);
/// What can change where a directory is.
const MOVES: Mask = Mask::MOVED_FROM.union(Mask::MOVED_TO);
/// What can change what a walk finds.
const CHANGES: Mask = CONTENT.union(MOVES).union(Mask::CREATE).union(Mask::DELETE);
/// What is asked for. Not `MODIFY`: each write to any log of the host would wake the agent.
const EVENTS: Mask = CHANGES.union(Mask::OPEN_EXEC).union(Mask::ONDIR);
