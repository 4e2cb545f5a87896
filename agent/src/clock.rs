//! The agent's clock, passed to whatever needs the time so that tests can hold it.
//!
//! What it shows is a hint to everybody but this host: order is proved by the TPM and the log, not by it.

use std::time::{SystemTime, UNIX_EPOCH};

use evidence::time::UnixTime;

/// Something that knows the time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;
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
