//! Whether the measuring thread comes round as it promises, and whether the host's clock was set meanwhile.
//!
//! In: the wall clock and a clock that cannot be set, at each round. Out: what went wrong since the last one. A stall is
//! told also where the host slept: nobody looked at its disks then. Slow corrections of the clock pass unseen.

use std::time::Duration;

use evidence::time::UnixTime;

use super::limits::{CLOCK_STEP, STALL};

/// When the thread came round last.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    last: Option<Moment>,
    /// Sleep that was meant.
    until: Duration,
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) wall: UnixTime,
    /// Since the host started.
    pub(crate) ticking: Duration,
}

/// What a round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nobody came from this time on.
    Stalled(UnixTime),
    /// The clock was set: what it showed before and what it would have shown now.
    ClockSet {
        /// The earlier of the time that it shows and the time that it would show.
        from: UnixTime,
        /// The later of both.
        to: UnixTime,
    },
}

impl Rounds {
    /// The thread will sleep until then.
    pub(crate) fn sleep_until(&mut self, ticking: Duration) {
        self.until = ticking;
    }

    /// The thread comes round.
    pub(crate) fn come(&mut self, now: Moment) -> Vec<Trouble> {
        // A sleep that ended early is over all the same.
        let until = std::mem::take(&mut self.until);
        let Some(last) = self.last.replace(now) else { return Vec::new() };
        let mut troubles = Vec::new();
        let due = last.ticking.max(until);
        if now.ticking > due + STALL {
            troubles.push(Trouble::Stalled(later(last.wall, due.saturating_sub(last.ticking))));
        }
        let expected = later(last.wall, now.ticking.saturating_sub(last.ticking));
        let (from, to) = (expected.min(now.wall), expected.max(now.wall));
        if u128::from(to.as_ms() - from.as_ms()) > CLOCK_STEP.as_millis() {
            troubles.push(Trouble::ClockSet { from, to });
        }
        troubles
    }
}

fn later(time: UnixTime, by: Duration) -> UnixTime {
    UnixTime::from_ms(time.as_ms().saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_secs: u64, ticking_secs: u64) -> Moment {
        Moment { wall: UnixTime::from_secs(wall_secs), ticking: Duration::from_secs(ticking_secs) }
    }

    fn check(sleep_secs: u64, now: Moment, expected: &[Trouble]) {
        let mut rounds = Rounds::default();
        assert_eq!(rounds.come(at(1_000, 10)), []);
        rounds.sleep_until(Duration::from_secs(10 + sleep_secs));
        assert_eq!(rounds.come(now), expected);
        assert_eq!(rounds.come(now), [], "it is told once");
    }

    #[test]
    fn sleep_that_was_meant_is_no_stall() {
        check(3_600, at(4_600, 3_610), &[]);
        check(0, at(1_000 + STALL.as_secs(), 10 + STALL.as_secs()), &[]);
    }

    #[test]
    fn a_stall_begins_where_the_sleep_should_have_ended() {
        let late = STALL.as_secs() + 1;
        check(100, at(1_100 + late, 110 + late), &[Trouble::Stalled(UnixTime::from_secs(1_100))]);
    }

    #[test]
    fn a_clock_that_was_set_shows() {
        let set =
            |from, to| Trouble::ClockSet { from: UnixTime::from_secs(from), to: UnixTime::from_secs(to) };
        check(10, at(500, 20), &[set(500, 1_010)]);
        check(10, at(90_000, 20), &[set(1_010, 90_000)]);
        check(10, at(1_012, 20), &[]);
    }
}
