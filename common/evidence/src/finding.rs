//! How much a finding weighs, for every parser of this crate.
//!
//! In: nothing. Out: three weights. Each parser has its own findings with stable codes; a weight says what reading the
//! bytes alone can say of them, and policy may decide otherwise.

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Info,
    /// Out of order, or not as the specification wants it; what was read stands.
    Warning,
    /// What was read contradicts itself, or what it was compared with.
    Error,
}

impl Severity {
    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
