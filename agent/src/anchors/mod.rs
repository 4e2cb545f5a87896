//! What the host trusts: keys and certificates of its stores, as components of its state.
//!
//! In: a directory that stands for `/`. Out: a manifest for each store, with an entry for each file of it and an edge for
//! each key, and what could not be read. Time and network play no part, and nothing is written. A store says what it lists;
//! which programs ask it, and whether any key was ever used, is not known here. Private keys are never read: names that
//! they go by are not opened, and content that holds one is dropped before it is hashed.

mod apt;
mod ca;
mod containers;
mod draft;
mod efi;
mod forms;
mod kernel;
mod limits;
mod look;
pub(crate) mod names;
mod packages;
mod root;
mod sshd;
mod systemd;

use std::path::{Path, PathBuf};

use evidence::manifest::Manifest;

use self::draft::Draft;
use self::limits::REREAD_EVERY;
use self::look::{Look, Watch};
use self::root::Root;

pub(crate) use self::efi::signature_lists;
pub use self::kernel::{MeasuredKey, ima_keys};
pub use self::root::UnreadCause;

/// All stores of a host.
#[derive(Debug)]
pub struct Anchors {
    root: Root,
    groups: Vec<Group>,
    looks: u32,
}

/// Something that could not be read, and so is in no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The path as the host names it.
    pub path: PathBuf,
    /// Why.
    pub cause: UnreadCause,
}

/// Stores that are read together.
#[derive(Debug)]
struct Group {
    read: fn(&mut Look<'_>) -> Vec<Draft>,
    manifests: Vec<Manifest>,
    unread: Vec<Unread>,
    watch: Watch,
    freshness: Freshness,
}

/// Whether what was read last can be believed while its stamps stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    /// It was never read.
    Never,
    /// It had just changed: a write within the same tick of the clock would have left the stamps as they are.
    Young,
    /// It was read again, at a later look, with the same stamps.
    Settled,
}

impl Anchors {
    /// Stores below this directory; nothing is read yet.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        let group = |read| Group {
            read,
            manifests: Vec::new(),
            unread: Vec::new(),
            watch: Watch::default(),
            freshness: Freshness::Never,
        };
        Ok(Self { root: Root::new(root)?, groups: GROUPS.map(group).into(), looks: 0 })
    }

    /// Manifests of all stores, where any of them or what could not be read is other than at the last call. Looks at stamps
    /// where it can; every so many calls, and at the one after a change, it reads everything that is due.
    pub fn refresh(&mut self) -> Option<Vec<Manifest>> {
        self.looks = self.looks.wrapping_add(1);
        let reread = self.looks.is_multiple_of(REREAD_EVERY);
        let mut changed = false;
        for group in &mut self.groups {
            changed |= group.refresh(&self.root, reread);
        }
        changed.then(|| self.groups.iter().flat_map(|group| &group.manifests).cloned().collect())
    }

    /// What could not be read at the last look.
    pub fn unread(&self) -> impl Iterator<Item = &Unread> {
        self.groups.iter().flat_map(|group| &group.unread)
    }
}

const GROUPS: [fn(&mut Look<'_>) -> Vec<Draft>; 8] = [
    efi::components,
    kernel::components,
    apt::components,
    packages::components,
    ca::components,
    sshd::components,
    containers::components,
    systemd::components,
];

impl Group {
    fn refresh(&mut self, root: &Root, reread: bool) -> bool {
        let moved = match self.freshness {
            Freshness::Never => true,
            Freshness::Young | Freshness::Settled => self.watch.has_changed(root),
        };
        if !moved && !reread && self.freshness == Freshness::Settled {
            return false;
        }
        let first = self.freshness == Freshness::Never;
        self.freshness = if moved { Freshness::Young } else { Freshness::Settled };
        let mut look = Look::new(root);
        let drafts = (self.read)(&mut look);
        let (watch, unread) = look.finish();
        let mut unread: Vec<Unread> =
            unread.into_iter().map(|(path, cause)| Unread { path, cause }).collect();
        let mut manifests = Vec::new();
        for draft in drafts {
            let name = PathBuf::from(&draft.name);
            match draft.finish() {
                Some(Ok(manifest)) => manifests.push(manifest),
                Some(Err(_)) => unread.push(Unread { path: name, cause: UnreadCause::Manifest }),
                None => {}
            }
        }
        self.watch = watch;
        let changed = first || manifests != self.manifests || unread != self.unread;
        (self.manifests, self.unread) = (manifests, unread);
        changed
    }
}

#[cfg(test)]
mod tests;
