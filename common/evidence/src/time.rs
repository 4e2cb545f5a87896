//! Points in time, as the caller states them.
//!
//! In: a clock's reading that a shell took, or a time that a structure carries. Out: milliseconds since 1970, UTC.
//! Nothing in this workspace's pure crates reads a clock, and a time says nothing of whose clock it was.

use std::fmt;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// From milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// From whole seconds; a time beyond what fits is the latest that does.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// The milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// How long ago `earlier` was; nothing if it was not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time this much later, or the latest that fits.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Seconds and milliseconds since 1970; whoever shows it to people formats it.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_agree_and_nothing_wraps() {
        assert_eq!(UnixTime::from_secs(7).as_ms(), 7_000);
        assert_eq!(UnixTime::from_ms(7_999).as_secs(), 7);
        assert_eq!(UnixTime::from_ms(7_009).to_string(), "7.009");
        assert_eq!(UnixTime::from_secs(u64::MAX).as_ms(), u64::MAX);
        assert_eq!(UnixTime::from_ms(1).since(UnixTime::from_ms(2)), Duration::ZERO);
        assert_eq!(UnixTime::from_ms(1).after(Duration::MAX), UnixTime::from_ms(u64::MAX));
    }
}
