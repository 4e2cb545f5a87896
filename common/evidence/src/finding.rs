//! How much a finding weighs, and how codes of findings are made, for every parser.
//!
//! In: nothing. Out: three weights, and a macro that turns a table of codes into a type. Each parser has its own findings
//! with stable codes; a weight says what reading the bytes alone can say of them, and policy may decide otherwise.

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

/// Makes `FindingCode` of a table: name, code, weight, and a text for people.
#[macro_export]
macro_rules! finding_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $text:literal;)*) => {
        /// The kinds of findings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingCode {
            $(
                $(#[$doc])*
                #[doc = ""]
                #[doc = concat!("`", $code, "`: ", $text, ".")]
                $name,
            )*
        }

        impl FindingCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as policies and answers write it; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How much it weighs: what reading the bytes alone can say of it.
            pub const fn severity(self) -> $crate::finding::Severity {
                match self { $(Self::$name => $crate::finding::Severity::$severity,)* }
            }

            /// What it means, for people.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}
