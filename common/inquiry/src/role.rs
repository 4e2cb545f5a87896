//! How a host had to do with a subject, and how well that is known.

use std::fmt;
use std::str::FromStr;

/// How a host had to do with a subject. Roles are never merged: to list a key is not to use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A store of the host listed it as trusted: it could have authorised something.
    Eligible,
    /// It authorised something that the host booted, or signed something that the host had.
    Used,
    /// It was run, or loaded to be run.
    Executed,
    /// The host had it, or was so.
    Present,
    /// A store of the host listed it as revoked.
    Revoked,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Eligible, Self::Used, Self::Executed, Self::Present, Self::Revoked];

    /// The word for it in questions and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Used => "used",
            Self::Executed => "executed",
            Self::Present => "present",
            Self::Revoked => "revoked",
        }
    }

    /// The number by which stores know it.
    pub const fn code(self) -> u8 {
        match self {
            Self::Eligible => 1,
            Self::Used => 2,
            Self::Executed => 3,
            Self::Present => 4,
            Self::Revoked => 5,
        }
    }

    /// The role with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or(UnknownWord { what: "role", known: "eligible, used, executed, present, revoked" })
    }
}

/// How well a fact is known, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Quoted, and its content recomputed to the digest.
    A,
    /// Content whose hash is in a quoted log.
    B,
    /// Follows from such facts without the host: who signed a program that is known by its hash.
    C,
    /// The agent's own word, sealed by a quote.
    D,
    /// A digest that nobody has resolved.
    E,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::A, Self::B, Self::C, Self::D, Self::E];

    /// The letter for it in questions and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    /// The number by which stores know it; a better one is less.
    pub const fn code(self) -> u8 {
        match self {
            Self::A => 1,
            Self::B => 2,
            Self::C => 3,
            Self::D => 4,
            Self::E => 5,
        }
    }

    /// The class with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }

    /// Whether it is this class or a better one.
    pub fn reaches(self, least: Self) -> bool {
        self <= least
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let known = |class: &Self| class.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(known).ok_or(UnknownWord { what: "class", known: "A, B, C, D, E" })
    }
}

/// Where facts come from, each with a coverage of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// What the agent saw of files and trust stores.
    Files,
    /// The firmware's log of each boot.
    Boot,
    /// The kernel's list of what was executed.
    Ima,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Files, Self::Boot, Self::Ima];

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Boot => "boot",
            Self::Ima => "ima",
        }
    }

    /// The number by which stores know it.
    pub const fn code(self) -> u8 {
        match self {
            Self::Files => 1,
            Self::Boot => 2,
            Self::Ima => 3,
        }
    }

    /// The source with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }

    /// The best class that a fact of it can have, and so the class of a NO that rests on it.
    pub const fn class(self) -> Class {
        match self {
            Self::Boot => Class::A,
            Self::Ima => Class::B,
            Self::Files => Class::D,
        }
    }
}

/// Why a word of a question is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no {what} is called so; there are {known}")]
pub struct UnknownWord {
    what: &'static str,
    known: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_read_back() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(Role::from_code(role.code()), Some(role));
        }
        for class in Class::ALL {
            assert_eq!(class.name().parse(), Ok(class));
            assert_eq!(Class::from_code(class.code()), Some(class));
        }
        for source in Source::ALL {
            assert_eq!(Source::from_code(source.code()), Some(source));
        }
        assert!("Present".parse::<Role>().is_err());
        assert!("F".parse::<Class>().is_err());
    }

    #[test]
    fn a_better_class_reaches_a_worse_one() {
        assert!(Class::A.reaches(Class::B) && Class::B.reaches(Class::B) && !Class::D.reaches(Class::B));
    }
}
