//! What could not be seen, from when to when.
//!
//! In: what a walk could not read, by directory, and what the event queue lost. Out: gaps as evidence carries
//! them, open ones at every time and closed ones once. A gap of a directory closes when a later walk of that
//! directory does not meet it again. Their number is bounded: many become one with a wider scope.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evidence::body::{Gap, GapCause, GapEnd};
use evidence::time::UnixTime;

use super::limits::{CLOCK_STEP, GAPS_CLOSED, GAPS_OPEN, GAPS_PER_DIRECTORY};
use super::place::within;

/// Every gap that is open, and those that closed since the last report.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    open: BTreeMap<Key, OpenGap>,
    closed: Vec<Gap>,
    changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    cause: &'static str,
    scope: String,
}

#[derive(Debug)]
struct OpenGap {
    cause: GapCause,
    from: UnixTime,
    directory: Arc<[u8]>,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    InThisWalk,
    /// Its directory is being walked and it was not met again so far.
    Before,
}

impl Gaps {
    /// Its directory is walked again: what is not met until `settle` is over.
    pub(crate) fn begin(&mut self, directory: &[u8]) {
        for gap in self.open.values_mut().filter(|gap| *gap.directory == *directory) {
            gap.seen = Seen::Before;
        }
    }

    /// A whole tree is there no more.
    pub(crate) fn begin_tree(&mut self, tree: &[u8]) {
        for gap in self.open.values_mut().filter(|gap| within(&gap.directory, tree)) {
            gap.seen = Seen::Before;
        }
    }

    /// Something in a directory cannot be seen.
    pub(crate) fn meet(&mut self, cause: GapCause, directory: &Arc<[u8]>, scope: String, now: UnixTime) {
        let key = Key { cause: cause.name(), scope };
        if let Some(gap) = self.open.get_mut(&key) {
            gap.seen = Seen::InThisWalk;
            gap.directory = Arc::clone(directory);
            return;
        }
        let (key, directory) = self.bounded(key, cause, directory);
        let gap = OpenGap { cause, from: now, directory, seen: Seen::InThisWalk };
        let changed = &mut self.changed;
        let entry = self.open.entry(key).and_modify(|gap| gap.seen = Seen::InThisWalk);
        entry.or_insert_with(|| {
            *changed = true;
            gap
        });
    }

    /// A gap that is no directory's: it is there or it is not.
    pub(crate) fn stand(&mut self, cause: GapCause, scope: &str, is: bool, now: UnixTime) {
        let pseudo: Arc<[u8]> = Arc::from(scope.as_bytes());
        for gap in self.open.values_mut().filter(|gap| gap.cause == cause && gap.directory == pseudo) {
            gap.seen = Seen::Before;
        }
        if is {
            self.meet(cause, &pseudo, scope.to_owned(), now);
        }
    }

    /// Something was not seen, and cannot be looked at any more.
    pub(crate) fn pass(&mut self, cause: GapCause, scope: String, now: UnixTime) {
        self.changed = true;
        fold(&mut self.closed, Gap { from: now, until: GapEnd::Closed(now), cause, scope });
    }

    /// Nobody looked from this time on. The clock may have been set a little since, which passes unseen.
    pub(crate) fn stalled(&mut self, from: UnixTime) {
        self.since(GapCause::Stalled, earlier(from, CLOCK_STEP));
    }

    /// The clock was set; `from` is the earlier of what it shows and would have shown.
    pub(crate) fn clock_set(&mut self, from: UnixTime) {
        self.since(GapCause::ClockSet, from);
    }

    /// The clock was set back by so much, all in all: what began before must not look as if it had begun after evidence that was sealed since.
    pub(crate) fn set_back(&mut self, by: Duration) {
        let froms = self.open.values_mut().map(|gap| &mut gap.from);
        for from in froms.chain(self.closed.iter_mut().map(|gap| &mut gap.from)) {
            *from = earlier(*from, by);
        }
    }

    /// Makes gaps older: what they tell of began before it was noticed.
    fn since(&mut self, cause: GapCause, from: UnixTime) {
        for gap in self.open.values_mut().filter(|gap| gap.cause == cause) {
            gap.from = gap.from.min(from);
        }
    }

    fn bounded(&self, key: Key, cause: GapCause, directory: &Arc<[u8]>) -> (Key, Arc<[u8]>) {
        if self.open.len() >= GAPS_OPEN {
            return (Key { scope: EVERYTHING.into(), ..key }, Arc::from([]));
        }
        let siblings = self.open.values().filter(|gap| gap.cause == cause && gap.directory == *directory);
        let key = if siblings.count() < GAPS_PER_DIRECTORY {
            key
        } else {
            Key { scope: format!("{}/*", super::place::printable(directory)), ..key }
        };
        (key, Arc::clone(directory))
    }

    /// A walk is over: what its directories did not meet again is closed. Only a walk of everything can close
    /// the gap that stands for those that were too many.
    pub(crate) fn settle(&mut self, now: UnixTime) {
        let over: Vec<Key> = self
            .open
            .iter()
            .filter(|(_, gap)| gap.seen == Seen::Before)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            self.close(&key, now);
        }
    }

    /// A walk of everything begins.
    pub(crate) fn begin_all(&mut self) {
        for gap in self.open.values_mut() {
            gap.seen = Seen::Before;
        }
    }

    /// The gaps for a report: all that are open, and those that closed since the last.
    pub(crate) fn report(&mut self) -> Vec<Gap> {
        self.changed = false;
        let open = self.open.iter().map(|(key, gap)| Gap {
            from: gap.from,
            until: GapEnd::Open,
            cause: gap.cause,
            scope: key.scope.clone(),
        });
        std::mem::take(&mut self.closed).into_iter().chain(open).collect()
    }

    /// Whether one opened or closed since the last report.
    pub(crate) const fn changed(&self) -> bool {
        self.changed
    }

    /// Whether one of this cause is open.
    pub(crate) fn has(&self, cause: GapCause) -> bool {
        self.open.values().any(|gap| gap.cause == cause)
    }

    /// Directories with an open gap of this cause.
    pub(crate) fn directories(&self, cause: GapCause) -> Vec<Arc<[u8]>> {
        self.open.values().filter(|gap| gap.cause == cause).map(|gap| Arc::clone(&gap.directory)).collect()
    }

    fn close(&mut self, key: &Key, now: UnixTime) {
        let Some(gap) = self.open.remove(key) else { return };
        self.changed = true;
        let closed =
            Gap { from: gap.from, until: GapEnd::Closed(now), cause: gap.cause, scope: key.scope.clone() };
        fold(&mut self.closed, closed);
    }
}

/// Adds a closed gap; where there are too many, those of its cause become one from the first to the last.
pub(crate) fn fold(closed: &mut Vec<Gap>, gap: Gap) {
    if closed.len() < GAPS_CLOSED {
        closed.push(gap);
        return;
    }
    let from = closed.iter().filter(|other| other.cause == gap.cause).map(|other| other.from).min();
    closed.retain(|other| other.cause != gap.cause);
    let from = from.map_or(gap.from, |from| from.min(gap.from));
    closed.push(Gap { from, scope: EVERYTHING.into(), ..gap });
}

fn earlier(time: UnixTime, by: Duration) -> UnixTime {
    UnixTime::from_ms(time.as_ms().saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

const EVERYTHING: &str = "/";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rounds::{Moment, Rounds, Trouble};
    use super::*;
    use crate::clock::Steps;

    const CAUSE: GapCause = GapCause::Unreadable;

    fn at(ms: u64) -> UnixTime {
        UnixTime::from_ms(ms)
    }

    fn dir(path: &str) -> Arc<[u8]> {
        Arc::from(path.as_bytes())
    }

    #[test]
    fn a_gap_stays_open_while_it_is_met_and_is_reported_closed_once() {
        let mut gaps = Gaps::default();
        gaps.meet(CAUSE, &dir("/a"), "/a/x".into(), at(1));
        gaps.settle(at(2));
        assert!(matches!(gaps.report().as_slice(), [Gap { until: GapEnd::Open, .. }]));
        gaps.begin(b"/a");
        gaps.meet(CAUSE, &dir("/a"), "/a/x".into(), at(3));
        gaps.settle(at(4));
        assert!(!gaps.changed());
        gaps.begin(b"/a");
        gaps.settle(at(5));
        assert!(gaps.changed());
        let expected = Gap { from: at(1), until: GapEnd::Closed(at(5)), cause: CAUSE, scope: "/a/x".into() };
        assert_eq!(gaps.report(), [expected]);
        assert_eq!(gaps.report(), []);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_each_gap_older_that_is_not_told_yet() {
        let mut gaps = Gaps::default();
        gaps.meet(CAUSE, &dir("/a"), "/a/x".into(), at(1_000));
        gaps.meet(GapCause::Raced, &dir("/b"), "/b/x".into(), at(2_000));
        gaps.begin(b"/b");
        gaps.settle(at(3_000));
        gaps.set_back(Duration::from_millis(1_500));
        let froms: Vec<_> = gaps.report().iter().map(|gap| (gap.cause, gap.from)).collect();
        assert_eq!(froms, [(GapCause::Raced, at(500)), (CAUSE, at(0))]);
    }

    #[test]
    fn a_walk_elsewhere_closes_nothing() {
        let mut gaps = Gaps::default();
        gaps.meet(CAUSE, &dir("/a"), "/a/x".into(), at(1));
        gaps.begin(b"/b");
        gaps.begin_tree(b"/a/x");
        gaps.settle(at(2));
        assert!(matches!(gaps.report().as_slice(), [Gap { until: GapEnd::Open, .. }]));
        gaps.begin_tree(b"/a");
        gaps.settle(at(3));
        assert!(matches!(gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
    }

    #[test]
    fn many_gaps_become_wider_ones() {
        let mut gaps = Gaps::default();
        for n in 0..10 * GAPS_PER_DIRECTORY {
            gaps.meet(CAUSE, &dir("/a"), format!("/a/{n}"), at(1));
        }
        let report = gaps.report();
        assert_eq!(report.len(), GAPS_PER_DIRECTORY + 1);
        assert!(report.iter().any(|gap| gap.scope == "/a/*"));
        for n in 0..2 * GAPS_OPEN {
            gaps.meet(CAUSE, &dir(&format!("/d{n}")), format!("/d{n}/x"), at(1));
        }
        let report = gaps.report();
        assert_eq!(report.len(), GAPS_OPEN + 1);
        assert!(report.iter().any(|gap| gap.scope == EVERYTHING));
        gaps.begin_all();
        gaps.settle(at(9));
        let report = gaps.report();
        assert!(report.len() <= GAPS_CLOSED);
        assert!(report.iter().any(|gap| gap.scope == EVERYTHING && gap.from == at(1)));
    }

    #[derive(Clone, Debug)]
    enum Happens {
        /// The thread comes round.
        Round,
        /// Evidence is sealed.
        Seal,
        /// The clock is set by so many seconds.
        Set(i64),
    }

    fn happenings() -> impl Strategy<Value = Vec<(u64, Happens)>> {
        let happens = prop_oneof![
            3 => Just(Happens::Round),
            3 => Just(Happens::Seal),
            2 => (-4_000_i64..4_000).prop_map(Happens::Set),
        ];
        // Seconds from one to the next: often more than a stall is.
        proptest::collection::vec((1_u64..150, happens), 4..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whoever takes the newest evidence whose time is not after a gap's begin has one that was sealed before it began, however the clock
        /// was set.
        #[test]
        fn no_gap_looks_younger_than_it_is(happenings in happenings()) {
            let (mut rounds, mut gaps) = (Rounds::default(), Gaps::default());
            // The clock shows as many seconds more than have passed.
            let (mut passed, mut ahead) = (1_000_u64, 1_000_000_i64);
            let (mut came, mut began) = (None, None);
            let (mut steps, mut known) = (Steps::new(), Duration::ZERO);
            let mut sealed: Vec<(u64, UnixTime)> = Vec::new();
            for (secs, happens) in happenings {
                passed += secs;
                let wall = UnixTime::from_secs(passed.saturating_add_signed(ahead));
                match happens {
                    Happens::Set(by) => ahead += by,
                    Happens::Round => {
                        let last = came.replace(passed);
                        steps.read(wall, Duration::from_secs(passed));
                        for trouble in rounds.come(Moment { wall, ticking: Duration::from_secs(passed) }) {
                            match trouble {
                                Trouble::Stalled(from) => {
                                    gaps.meet(GapCause::Stalled, &dir(""), "/".into(), wall);
                                    gaps.stalled(from);
                                    began = began.or(last);
                                }
                                Trouble::ClockSet { from, .. } => {
                                    gaps.meet(GapCause::ClockSet, &dir(""), "/".into(), wall);
                                    gaps.clock_set(from);
                                }
                            }
                        }
                        let earlier = std::mem::replace(&mut known, steps.back());
                        gaps.set_back(steps.back().saturating_sub(earlier));
                    }
                    Happens::Seal => {
                        steps.read(wall, Duration::from_secs(passed));
                        let told = gaps.report();
                        let stalled = told.iter().find(|gap| gap.cause == GapCause::Stalled);
                        if let (Some(gap), Some(began)) = (stalled, began.take()) {
                            let before = sealed.iter().rev().find(|(_, shown)| *shown <= gap.from);
                            prop_assert!(before.is_none_or(|(at, _)| *at <= began), "{before:?} {began}");
                        }
                        gaps.begin_all();
                        gaps.settle(wall);
                        gaps.report();
                        sealed.push((passed, wall));
                    }
                }
            }
        }
    }
}
