//! What was opened to be executed, counted by file until it is sealed.
//!
//! In: hints of the kernel. Out: for each file how often, with its place among the components where it has one. It is
//! this program's word, and says nothing of what was loaded beside the file. Counts stay until the evidence that tells
//! of them is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evidence::body::{Counter, Coverage};
use evidence::digest::Sha256Digest;

use super::counters::Counters;
use super::limits::EXECUTED;
use super::place::join;

/// What a seal asks of the measuring thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watching {
    /// By what means each root is watched, sorted.
    pub coverage: Vec<Coverage>,
    /// What was counted since the agent started, sorted by name.
    pub counters: Vec<Counter>,
    /// What was executed since the last seal, by path.
    pub executed: Vec<Executed>,
}

/// A file that was opened to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Its path as manifests have it.
    pub path: Vec<u8>,
    /// Where it stands among the components; `None` where it is not of the state.
    pub artefact: Option<Located>,
    /// How often since the last seal.
    pub count: u64,
    /// Its path on the disk.
    pub(crate) file: Arc<[u8]>,
}

/// A file's place among the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its component.
    pub component: Sha256Digest,
    /// Position of its entry in the component's manifest.
    pub entry: u32,
    /// Its content.
    pub digest: Sha256Digest,
}

/// Counts by path.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    files: BTreeMap<Arc<[u8]>, u64>,
}

impl Tally {
    /// So many more executions.
    pub(crate) fn add(&mut self, directory: &[u8], name: &[u8], times: u32, counters: &mut Counters) {
        counters.executions += u64::from(times);
        let path = join(directory, name);
        if let Some(count) = self.files.get_mut(path.as_slice()) {
            *count += u64::from(times);
        } else if self.files.len() < EXECUTED {
            self.files.insert(path.into(), u64::from(times));
        } else {
            counters.executions_dropped += u64::from(times);
        }
    }

    pub(crate) fn files(&self) -> BTreeSet<Arc<[u8]>> {
        self.files.keys().cloned().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<[u8]>, u64)> {
        self.files.iter().map(|(path, count)| (path, *count))
    }

    /// These counts are sealed; what came since stays.
    pub(crate) fn sealed(&mut self, told: &[Executed]) {
        for Executed { file, count, .. } in told {
            if let Some(left) = self.files.get_mut(file) {
                *left = left.saturating_sub(*count);
            }
        }
        self.files.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, count: u64) -> Executed {
        let file: Arc<[u8]> = Arc::from(path.as_bytes());
        Executed { path: file.to_vec(), artefact: None, count, file }
    }

    #[test]
    fn only_what_was_sealed_is_forgotten() {
        let (mut tally, mut counters) = (Tally::default(), Counters::default());
        for name in [b"a", b"b", b"a"] {
            tally.add(b"/bin", name, 1, &mut counters);
        }
        tally.sealed(&[told("/bin/a", 1), told("/bin/b", 1), told("/bin/c", 1)]);
        assert_eq!(
            tally.iter().map(|(path, count)| (&**path, count)).collect::<Vec<_>>(),
            [(&b"/bin/a"[..], 1)]
        );
    }

    #[test]
    fn their_number_is_bounded_and_what_is_too_much_is_counted() {
        let (mut tally, mut counters) = (Tally::default(), Counters::default());
        (0..EXECUTED + 3).for_each(|n| tally.add(b"/bin", n.to_string().as_bytes(), 1, &mut counters));
        tally.add(b"/bin", b"0", 1, &mut counters);
        assert_eq!((tally.files.len(), counters.executions_dropped), (EXECUTED, 3));
    }
}
