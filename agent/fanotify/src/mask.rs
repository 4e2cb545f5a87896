//! What happened, or what is asked for: a set of event bits.

use std::ops::BitOr;

/// A set of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mask(u64);

impl Mask {
    /// A file that was open for writing was closed.
    pub const CLOSE_WRITE: Self = Self(libc::FAN_CLOSE_WRITE);
    /// A file was written to.
    pub const MODIFY: Self = Self(libc::FAN_MODIFY);
    /// A name came from another place.
    pub const MOVED_TO: Self = Self(libc::FAN_MOVED_TO);
    /// A name went to another place.
    pub const MOVED_FROM: Self = Self(libc::FAN_MOVED_FROM);
    /// A name was made.
    pub const CREATE: Self = Self(libc::FAN_CREATE);
    /// A name was removed.
    pub const DELETE: Self = Self(libc::FAN_DELETE);
    /// Mode, owner, times, extended attributes or the number of names changed.
    pub const ATTRIB: Self = Self(libc::FAN_ATTRIB);
    /// A file was opened to be executed.
    pub const OPEN_EXEC: Self = Self(libc::FAN_OPEN_EXEC);
    /// Also of directories; in an event: it was a directory.
    pub const ONDIR: Self = Self(libc::FAN_ONDIR);
    /// Also of what lies directly in a directory that is marked.
    pub const EVENT_ON_CHILD: Self = Self(libc::FAN_EVENT_ON_CHILD);
    /// Events were lost: the queue was full.
    pub const OVERFLOW: Self = Self(libc::FAN_Q_OVERFLOW);

    /// A set from its bits, known or not.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of the others is here.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Mask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}
