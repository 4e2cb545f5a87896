//! Time as the log has it.
//!
//! A host's clock is a hint, and the verifier's says when evidence came. What is proved is an order: a quote was made after the
//! checkpoint that its evidence names was signed, and before its own leaf was appended. So a quote is a moment between two sizes
//! of the log, and a window of time is what sizes the log had when it began and ended.

/// When a quote was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The log had this many leaves already: the size of the checkpoint that the evidence names.
    pub after: u64,
    /// The evidence's leaf, which was not there yet.
    pub leaf: u64,
}

/// The time that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The log's size when it begins; `None` is as early as a host is known.
    pub from: Option<u64>,
    /// The log's size when it ends; `None` is as late as a host is known.
    pub to: Option<u64>,
}

impl Window {
    /// As long as each host is known.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether a quote was certainly made before the window begins.
    pub fn is_before(self, moment: Moment) -> bool {
        self.from.is_some_and(|from| moment.leaf < from)
    }

    /// Whether a quote was certainly made after the window ends.
    pub fn is_after(self, moment: Moment) -> bool {
        // A checkpoint of the very size that the log had then may be older than the end.
        self.to.is_some_and(|to| moment.after > to)
    }

    /// Whether a quote was certainly not made before the window begins.
    pub fn reaches_begin(self, moment: Moment) -> bool {
        self.from.is_none_or(|from| moment.after > from)
    }

    /// Whether a quote was certainly not made after the window ends.
    pub fn reaches_end(self, moment: Moment) -> bool {
        self.to.is_none_or(|to| moment.leaf < to)
    }

    /// Whether a quote was certainly made within the window.
    pub fn has(self, moment: Moment) -> bool {
        self.reaches_begin(moment) && self.reaches_end(moment)
    }
}
