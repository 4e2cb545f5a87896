//! Hints of one draining, each told once.
//!
//! In: touched names, executions, and files that may have other names. Out: the same without repetition. The order of
//! events is lost, which no walk needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fanotify::{FileHandle, Fsid};

use super::Hint;
use super::limits::{GATHERED, NAMES_PER_DIRECTORY};

/// What came so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    touched: BTreeMap<Arc<[u8]>, Names>,
    executed: BTreeMap<Program, u32>,
    linked: BTreeMap<(Fsid, FileHandle), u32>,
    size: usize,
    lost: bool,
}

/// A directory and a name in it.
type Program = (Arc<[u8]>, Box<[u8]>);

/// The names that were touched in a directory.
#[derive(Debug)]
enum Names {
    These(BTreeSet<Box<[u8]>>),
    /// More than are kept, or the directory itself.
    Any,
}

impl Gathered {
    /// A name in a directory, or the directory itself.
    pub(super) fn touch(&mut self, directory: &Arc<[u8]>, name: Option<&[u8]>) {
        let names = self.touched.entry(Arc::clone(directory)).or_insert_with(|| {
            self.size += 1;
            Names::These(BTreeSet::new())
        });
        match (names, name) {
            (Names::Any, _) => {}
            (Names::These(known), Some(name)) if known.contains(name) => {}
            (Names::These(known), Some(name)) if known.len() < NAMES_PER_DIRECTORY => {
                self.size += 1;
                known.insert(name.into());
            }
            (names, _) => *names = Names::Any,
        }
    }

    /// An execution.
    pub(super) fn execute(&mut self, directory: &Arc<[u8]>, name: &[u8]) {
        let times = self.executed.entry((Arc::clone(directory), name.into())).or_insert_with(|| {
            self.size += 1;
            0
        });
        *times = times.saturating_add(1);
    }

    /// A file that changed under a name outside, or under one that is not told.
    pub(super) fn link(&mut self, fsid: Fsid, file: FileHandle, least: u32) {
        let known = self.linked.entry((fsid, file)).or_insert_with(|| {
            self.size += 1;
            least
        });
        *known = least.min(*known);
    }

    /// Something was not told by the kernel, or not understood.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// Whether it is time to tell.
    pub(super) fn is_full(&self) -> bool {
        self.size >= GATHERED
    }

    /// Files to be looked at for other names.
    pub(super) fn take_linked(&mut self) -> BTreeMap<(Fsid, FileHandle), u32> {
        std::mem::take(&mut self.linked)
    }

    /// Tells everything else.
    pub(super) fn tell(&mut self, each: &mut impl FnMut(Hint)) {
        let Self { touched, executed, lost, .. } = std::mem::take(self);
        if lost {
            each(Hint::Overflow);
        }
        for (directory, names) in touched {
            match names {
                Names::Any => each(Hint::Touched(directory, None)),
                Names::These(names) => {
                    for name in names {
                        each(Hint::Touched(Arc::clone(&directory), Some(name)));
                    }
                }
            }
        }
        for ((directory, name), times) in executed {
            each(Hint::Executed { directory, name, times });
        }
    }
}
