//! The newest snapshot, manifests on their way to the journal, and the gaps that evidence has yet to tell.
//!
//! In: reports from the measurer, and what was sealed. Out: why to seal, and with which gaps. A gap that closed is told
//! once; one that is open is told each time. Manifests are here for as long as a batch takes to fill, no longer.

use evidence::body::{Gap, GapCause, GapEnd, Trigger};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;

use crate::measure::Snapshot;

/// The host as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    components: Option<Vec<Sha256Digest>>,
    files: u64,
    gaps: Vec<Gap>,
    /// Since when there has been no room for the journal.
    no_room: Option<UnixTime>,
    unsaved: Vec<(Sha256Digest, Vec<u8>)>,
    unsaved_bytes: usize,
    /// Manifests that came since the snapshot: the next one will name them.
    ahead: Vec<Sha256Digest>,
}

impl Seen {
    /// Takes in a manifest; says whether there are enough for the journal.
    pub(super) fn keep(&mut self, component: Sha256Digest, manifest: Vec<u8>) -> bool {
        self.unsaved_bytes += manifest.len();
        self.unsaved.push((component, manifest));
        self.ahead.push(component);
        self.unsaved.len() >= BATCH_MANIFESTS || self.unsaved_bytes >= BATCH_BYTES
    }

    /// Whether more manifests wait for the journal than should: it cannot be written.
    pub(super) fn is_full(&self) -> bool {
        self.unsaved.len() >= 2 * BATCH_MANIFESTS || self.unsaved_bytes >= 2 * BATCH_BYTES
    }

    /// Takes in a snapshot; says why it is worth sealing, if it is.
    pub(super) fn take(&mut self, snapshot: Snapshot) -> Option<Trigger> {
        let open = |gaps: &[Gap]| -> Vec<(String, u64)> {
            let open = gaps.iter().filter(|gap| gap.until == GapEnd::Open);
            open.map(|gap| (gap.scope.clone(), gap.from.as_ms())).collect()
        };
        let closes = snapshot.gaps.iter().any(|gap| gap.until != GapEnd::Open);
        let gaps_changed = closes || open(&self.gaps) != open(&snapshot.gaps);
        let trigger = match &self.components {
            None => Some(Trigger::Start),
            Some(before) if *before != snapshot.components => Some(Trigger::Change),
            Some(_) => gaps_changed.then_some(Trigger::Gap),
        };
        self.gaps.retain(|gap| gap.until != GapEnd::Open);
        self.gaps.extend(snapshot.gaps);
        self.files = snapshot.files;
        self.components = Some(snapshot.components);
        self.ahead = Vec::new();
        trigger
    }

    /// A gap that the agent itself knows of.
    pub(super) fn add_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// Forgets closed gaps that evidence has told.
    pub(super) fn told(&mut self, told: &[Gap]) {
        self.gaps.retain(|gap| gap.until == GapEnd::Open || !told.contains(gap));
    }

    /// Manifests that are not in the journal yet.
    pub(super) fn unsaved(&self) -> &[(Sha256Digest, Vec<u8>)] {
        &self.unsaved
    }

    /// They are in the journal now.
    pub(super) fn saved(&mut self) {
        (self.unsaved, self.unsaved_bytes) = (Vec::new(), 0);
    }

    /// The journal has no room.
    pub(super) fn no_room(&mut self, now: UnixTime) {
        self.no_room.get_or_insert(now);
    }

    /// The journal was written.
    pub(super) fn room(&mut self, now: UnixTime) {
        if let Some(from) = self.no_room.take() {
            self.gaps.push(no_room(from, GapEnd::Closed(now)));
        }
    }

    /// Components whose manifests must stay: of the newest snapshot, and of the one that is on its way. Rising.
    pub(super) fn needed(&self) -> Vec<Sha256Digest> {
        let mut needed = [self.components().unwrap_or_default(), &self.ahead].concat();
        needed.sort_unstable();
        needed
    }

    /// Components, rising; `None` before the first snapshot.
    pub(super) fn components(&self) -> Option<&[Sha256Digest]> {
        self.components.as_deref()
    }

    /// All gaps.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let own = self.no_room.map(|from| no_room(from, GapEnd::Open));
        self.gaps.iter().cloned().chain(own).collect()
    }

    /// Executables, and gaps that are open.
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.files, self.gaps().iter().filter(|gap| gap.until == GapEnd::Open).count() as u64)
    }
}

fn no_room(from: UnixTime, until: GapEnd) -> Gap {
    Gap { from, until, cause: GapCause::DiskFull, scope: "journal".to_owned() }
}

/// Manifests that are written to the journal at once, and their bytes: a flush of the disk for each would be slow, and
/// all of a host's at once would be large.
const BATCH_MANIFESTS: usize = 256;
const BATCH_BYTES: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(components: &[u8], gaps: &[Gap]) -> Snapshot {
        Snapshot {
            components: components.iter().map(|n| Sha256Digest::new([*n; 32])).collect(),
            gaps: gaps.to_vec(),
            files: 1,
            changed_at: UnixTime::from_ms(1),
            coverage: Vec::new(),
            counters: Vec::new(),
        }
    }

    fn gap(scope: &str, until: GapEnd) -> Gap {
        Gap { from: UnixTime::from_ms(1), until, cause: GapCause::Unreadable, scope: scope.into() }
    }

    #[test]
    fn only_what_differs_is_worth_sealing() {
        let mut seen = Seen::default();
        assert_eq!(seen.take(snapshot(&[1], &[])), Some(Trigger::Start));
        assert_eq!(seen.take(snapshot(&[1], &[])), None);
        assert_eq!(seen.take(snapshot(&[1, 2], &[])), Some(Trigger::Change));
        let open = gap("/a", GapEnd::Open);
        assert_eq!(seen.take(snapshot(&[1, 2], std::slice::from_ref(&open))), Some(Trigger::Gap));
        assert_eq!(seen.take(snapshot(&[1, 2], std::slice::from_ref(&open))), None);
        assert_eq!(seen.take(snapshot(&[1, 2], &[])), Some(Trigger::Gap), "it is open no more");
    }

    #[test]
    fn a_closed_gap_is_kept_until_it_was_told() {
        let mut seen = Seen::default();
        let closed = gap("/a", GapEnd::Closed(UnixTime::from_ms(5)));
        let open = gap("/b", GapEnd::Open);
        seen.take(snapshot(&[1], &[closed.clone(), open.clone()]));
        seen.take(snapshot(&[1], std::slice::from_ref(&open)));
        assert_eq!(seen.gaps(), [closed.clone(), open.clone()]);
        seen.told(&[closed, open.clone()]);
        assert_eq!(seen.gaps(), [open]);
    }

    #[test]
    fn manifests_go_in_batches_and_are_needed_before_their_snapshot() {
        let mut seen = Seen::default();
        let digest = |n: usize| Sha256Digest::of(&[&n.to_be_bytes()]);
        assert!((1..BATCH_MANIFESTS).all(|n| !seen.keep(digest(n), vec![0; 8])));
        assert!(seen.keep(digest(0), vec![0; 8]));
        assert!(!seen.is_full());
        assert!(seen.keep(Sha256Digest::new([9; 32]), vec![0; 2 * BATCH_BYTES]));
        assert!(seen.is_full());
        assert_eq!(seen.unsaved().len(), BATCH_MANIFESTS + 1);
        seen.saved();
        assert!(!seen.is_full());
        assert_eq!(seen.needed().len(), BATCH_MANIFESTS + 1, "the journal must not forget them");
        seen.take(snapshot(&[9], &[]));
        assert_eq!(seen.needed(), [Sha256Digest::new([9; 32])]);
    }

    #[test]
    fn a_full_disk_is_a_gap_until_the_journal_was_written() {
        let mut seen = Seen::default();
        seen.no_room(UnixTime::from_ms(3));
        seen.no_room(UnixTime::from_ms(4));
        seen.take(snapshot(&[1], &[]));
        assert_eq!(seen.gaps(), [no_room(UnixTime::from_ms(3), GapEnd::Open)]);
        seen.room(UnixTime::from_ms(5));
        let closed = no_room(UnixTime::from_ms(3), GapEnd::Closed(UnixTime::from_ms(5)));
        assert_eq!(seen.gaps(), std::slice::from_ref(&closed));
        seen.told(&[closed]);
        assert_eq!(seen.gaps(), []);
    }
}
