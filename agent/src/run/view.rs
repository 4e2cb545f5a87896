//! The newest snapshot, and the gaps that evidence has yet to tell.
//!
//! In: snapshots from the measurer, and what was sealed. Out: why to seal, and with which gaps. A gap that closed is told
//! once; one that is open is told each time.

use evidence::body::{Gap, GapEnd, Trigger};
use evidence::digest::Sha256Digest;

use crate::measure::Snapshot;

/// The host as it was seen last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    components: Option<Vec<Sha256Digest>>,
    files: u64,
    gaps: Vec<Gap>,
    unsaved: Vec<(Sha256Digest, Vec<u8>)>,
}

impl Seen {
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
        self.unsaved.extend(snapshot.new_manifests);
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
        self.unsaved = Vec::new();
    }

    /// Components, rising; `None` before the first snapshot.
    pub(super) fn components(&self) -> Option<&[Sha256Digest]> {
        self.components.as_deref()
    }

    /// All gaps.
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Executables, and gaps that are open.
    pub(super) fn numbers(&self) -> (u64, u64) {
        (self.files, self.gaps.iter().filter(|gap| gap.until == GapEnd::Open).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use evidence::body::GapCause;
    use evidence::time::UnixTime;

    use super::*;

    fn snapshot(components: &[u8], gaps: &[Gap]) -> Snapshot {
        Snapshot {
            components: components.iter().map(|n| Sha256Digest::new([*n; 32])).collect(),
            new_manifests: Vec::new(),
            gaps: gaps.to_vec(),
            files: 1,
            changed_at: UnixTime::from_ms(1),
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
}
