//! How long to wait after failures: twice as long each time, never exactly as long as others.
//!
//! In: failures and successes, with the time and random bits. Out: the moment before which nothing is tried. Hosts whose
//! verifier comes back must not all call it in the same second.

use std::time::Duration;

/// Consecutive failures of one kind of work.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Duration>,
}

impl Backoff {
    /// No failure yet.
    pub(super) const NONE: Self = Self { failures: 0, until: None };

    /// Whether something may be tried now.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// When something may be tried; `None` for at once.
    pub(super) const fn until(&self) -> Option<Duration> {
        self.until
    }

    /// It went well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed; `random` is any number.
    pub(super) fn failed(&mut self, now: Duration, random: u64) {
        let whole = LEAST.saturating_mul(1_u32 << self.failures.min(DOUBLINGS)).min(MOST);
        self.wait(now, whole, random);
        self.failures = self.failures.saturating_add(1);
    }

    /// It failed in a way that time alone rarely mends.
    pub(super) fn failed_for_long(&mut self, now: Duration, random: u64) {
        self.failures = DOUBLINGS;
        self.wait(now, MOST, random);
    }

    /// Waits between half of the time and all of it.
    fn wait(&mut self, now: Duration, whole: Duration, random: u64) {
        let half = whole / 2;
        let jitter = u64::try_from(half.as_millis()).map_or(0, |ms| random % (ms + 1));
        self.until = Some(now.saturating_add(half).saturating_add(Duration::from_millis(jitter)));
    }
}

const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_mins(5);
/// 2⁹ s is more than [`MOST`].
const DOUBLINGS: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_start_over_after_a_success() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            backoff.failed(Duration::ZERO, u64::MAX);
            let wait = backoff.until().unwrap();
            assert!(wait >= last && wait <= MOST, "{wait:?}");
            last = wait;
        }
        assert!(last > MOST / 2);
        backoff.succeeded();
        assert!(backoff.is_over(Duration::ZERO));
        backoff.failed(Duration::ZERO, 0);
        assert_eq!(backoff.until(), Some(LEAST / 2));
        assert!(!backoff.is_over(Duration::ZERO) && backoff.is_over(LEAST));
    }

    #[test]
    fn jitter_stays_between_half_and_whole() {
        for random in 0..2_000 {
            let mut backoff = Backoff::default();
            backoff.failed(Duration::ZERO, random);
            let wait = backoff.until().unwrap();
            assert!((LEAST / 2..=LEAST).contains(&wait), "{wait:?}");
        }
    }
}
