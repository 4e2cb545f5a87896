//! How fast hashing may go: bytes a second for all threads together, and a share of each thread's time.
//!
//! In: what was hashed, and a clock that is passed in. Out: how long to rest. Nothing here waits. A limit bounds what
//! the agent takes from the host; it is no promise that it gets it.

use std::num::{NonZeroU8, NonZeroU64};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::limits::{BUDGET_BURST, REST_LEAST};

/// Limits on hashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes a second; `None` for no limit.
    pub bytes_per_second: Option<NonZeroU64>,
    /// Percent of one processor's time that each hashing thread may take; 100 for no limit.
    pub cpu_percent: NonZeroU8,
}

impl Pace {
    /// As fast as it goes.
    pub const UNLIMITED: Self = Self { bytes_per_second: None, cpu_percent: WHOLE };
}

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Budget {
    pace: Pace,
    bucket: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// When all that was taken is paid for.
    paid: Duration,
}

impl Budget {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, bucket: Mutex::default() }
    }

    /// Whether there is anything to ask for.
    pub(crate) fn is_limited(&self) -> bool {
        self.pace != Pace::UNLIMITED
    }

    /// How long a thread rests for having worked so long.
    fn share(&self, worked: Duration) -> Duration {
        let percent = u32::from(self.pace.cpu_percent.get().min(100));
        (worked * (100 - percent)).checked_div(percent).unwrap_or_default()
    }

    /// Takes bytes; returns how long it is until they are paid for.
    fn take(&self, bytes: u64, now: Duration) -> Duration {
        let Some(rate) = self.pace.bytes_per_second else { return Duration::ZERO };
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        bucket.paid = bucket.paid.max(now.saturating_sub(BUDGET_BURST)) + cost;
        bucket.paid.saturating_sub(now)
    }
}

/// A thread's rests, gathered until they are worth a sleep.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    owed: Duration,
}

impl Rests {
    /// How long to sleep now, after bytes that took `worked` to hash.
    pub(crate) fn owe(&mut self, budget: &Budget, bytes: u64, worked: Duration, now: Duration) -> Duration {
        self.owed += budget.share(worked);
        // One sleep pays for both: while it lasts neither bytes nor time are taken.
        let rest = self.owed.max(budget.take(bytes, now));
        if rest < REST_LEAST {
            return Duration::ZERO;
        }
        self.owed = Duration::ZERO;
        rest
    }
}

const WHOLE: NonZeroU8 = NonZeroU8::MIN.saturating_add(99);

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(bytes_per_second: u64, percent: u8) -> Budget {
        Budget::new(Pace {
            bytes_per_second: NonZeroU64::new(bytes_per_second),
            cpu_percent: NonZeroU8::new(percent).unwrap(),
        })
    }

    /// Hashes in pieces of a MiB, each taking a millisecond; returns how long it took by the held clock.
    fn run(budget: &Budget, pieces: u32) -> Duration {
        let (mut now, mut rests) = (Duration::from_secs(1_000), Rests::default());
        let begun = now;
        for _ in 0..pieces {
            let worked = Duration::from_millis(1);
            now += worked;
            now += rests.owe(budget, 1 << 20, worked, now);
        }
        now.saturating_sub(begun)
    }

    #[test]
    fn bytes_per_second_hold_over_time() {
        let time = run(&budget(10 << 20, 100), 100);
        assert!(time > Duration::from_secs(9) && time < Duration::from_secs(11), "{time:?}");
    }

    #[test]
    fn a_quarter_of_the_time_is_four_times_as_long() {
        let time = run(&budget(0, 25), 1_000);
        assert!(time > Duration::from_millis(3_950) && time <= Duration::from_secs(4), "{time:?}");
    }

    #[test]
    fn the_stricter_limit_holds() {
        assert!(run(&budget(10 << 20, 1), 100) > Duration::from_secs(9));
        assert!(run(&budget(u64::MAX, 25), 1_000) > Duration::from_secs(3));
    }

    #[test]
    fn no_limit_never_rests() {
        let unlimited = Budget::new(Pace::UNLIMITED);
        assert!(!unlimited.is_limited());
        assert_eq!(run(&unlimited, 100), Duration::from_millis(100));
    }

    #[test]
    fn what_was_not_used_for_long_is_not_saved_up() {
        let budget = budget(1 << 20, 100);
        budget.take(1 << 20, Duration::from_secs(1));
        let later = Duration::from_secs(1_000);
        let rest = budget.take(10 << 20, later);
        assert!(rest >= Duration::from_secs(10).saturating_sub(BUDGET_BURST), "{rest:?}");
    }
}
