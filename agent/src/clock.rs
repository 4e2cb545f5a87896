//! The agent's clock, passed to whatever needs the time so that tests can hold it.
//!
//! What it shows is a hint to everybody but this host: order is proved by the TPM and the log, not by it.

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
}

/// The system's real-time clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        // A clock before 1970 reads as 1970: time is a hint, and a wrong hint must not stop the agent.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_this_code() {
        assert!(SystemClock.now() > UnixTime::from_secs(1_750_000_000));
    }
}
