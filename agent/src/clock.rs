//! The agent's clock, passed to whatever needs the time so that tests can hold it.
//!
//! What it shows is a hint to everybody but this host: order is proved by the TPM and the log, not by it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use evidence::time::UnixTime;

/// Something that knows the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// The time since the host started, its sleep included: nobody can set it.
    fn ticking(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let secs = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or_default())
    }

    /// How far it was set back since this process started, all such steps together, as far as its readings show.
    fn fell_back(&self) -> Duration;
}

/// How far a clock was set back, by readings of it beside one that cannot be set.
#[derive(Debug)]
pub(crate) struct Steps {
    last: Option<(UnixTime, Duration)>,
    back: Duration,
}

impl Steps {
    pub(crate) const fn new() -> Self {
        Self { last: None, back: Duration::ZERO }
    }

    /// Both clocks at one time.
    pub(crate) fn read(&mut self, wall: UnixTime, ticking: Duration) {
        let Some((last, then)) = self.last.replace((wall, ticking)) else { return };
        let passed = u64::try_from(ticking.saturating_sub(then).as_millis()).unwrap_or(u64::MAX);
        let back = Duration::from_millis(last.plus_ms(passed).ms_since(wall));
        if back >= STEP {
            self.back = self.back.saturating_add(back);
        }
    }

    /// All steps back together.
    pub(crate) const fn back(&self) -> Duration {
        self.back
    }
}

/// What is less is a correction, or the time between two readings.
const STEP: Duration = Duration::from_millis(100);

/// This host has one such clock, whoever reads it.
static STEPS: Mutex<Steps> = Mutex::new(Steps::new());

/// The system's real-time clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // A clock before 1970 reads as 1970: time is a hint, and a wrong hint must not stop the agent.
        let mut steps = STEPS.lock().unwrap_or_else(PoisonError::into_inner);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        steps.read(now, self.ticking());
        now
    }

    fn fell_back(&self) -> Duration {
        STEPS.lock().unwrap_or_else(PoisonError::into_inner).back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_this_code() {
        assert!(SystemClock.now() > UnixTime::from_secs(1_750_000_000));
    }

    #[test]
    fn steps_back_add_up_and_steps_forward_do_not() {
        let mut steps = Steps::new();
        for (wall_ms, ticking_ms, back_ms) in [
            (100_000, 0, 0),
            (101_000, 1_000, 0),
            (101_950, 2_000, 0),
            (99_950, 3_000, 3_000),
            (900_000, 4_000, 3_000),
            (899_000, 4_000, 4_000),
        ] {
            steps.read(UnixTime::from_ms(wall_ms), Duration::from_millis(ticking_ms));
            assert_eq!(steps.back(), Duration::from_millis(back_ms), "{wall_ms}");
        }
    }
}
