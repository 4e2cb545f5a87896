//! What the measuring half counted since it started, under the names that evidence carries.
//!
//! In: what walks, threads and hints add up. Out: counters sorted by name. They say how much was looked at, so that
//! "nothing was found" can be weighed; they are this program's word.

use evidence::body::Counter;

use super::limits::REHASH_PARTS;

/// One number for each name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) bytes_hashed: u64,
    /// Files whose digest was compared with the one that their package lists.
    /// Files whose content was another than before.
    pub(crate) files_changed: u64,
    pub(crate) files_compared: u64,
    pub(crate) events: u64,
    pub(crate) executions: u64,
    pub(crate) executions_dropped: u64,
    pub(crate) files_hashed: u64,
    pub(crate) files_raced: u64,
    /// Names in all listings.
    pub(crate) files_seen: u64,
    pub(crate) overflows: u64,
    /// The part that is hashed anew by the next walk of everything.
    pub(crate) rehash_part: u64,
    /// How often all parts were done.
    pub(crate) rehash_round: u64,
    pub(crate) walks_full: u64,
    pub(crate) walks_touched: u64,
}

impl Counters {
    /// Sorted by name.
    pub(crate) fn list(&self) -> Vec<Counter> {
        let all = [
            ("bytes.hashed", self.bytes_hashed),
            ("events", self.events),
            ("executions", self.executions),
            ("executions.dropped", self.executions_dropped),
            ("files.changed", self.files_changed),
            ("files.compared", self.files_compared),
            ("files.hashed", self.files_hashed),
            ("files.raced", self.files_raced),
            ("files.seen", self.files_seen),
            ("overflows", self.overflows),
            ("rehash.part", self.rehash_part),
            ("rehash.parts", REHASH_PARTS),
            ("rehash.round", self.rehash_round),
            ("walks.full", self.walks_full),
            ("walks.touched", self.walks_touched),
        ];
        all.into_iter().map(|(name, value)| Counter { name: name.to_owned(), value }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_rise() {
        assert!(Counters::default().list().is_sorted_by(|a, b| a.name < b.name));
    }
}
