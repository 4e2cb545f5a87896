//! A package, binary or source, in a range of versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::SubjectError;
use super::version::{Scheme, compare};
use crate::limits::PACKAGE_BYTES;

/// Packages of this name whose version is within the bounds, of which there are two at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSubject {
    name: String,
    bounds: Vec<(Bound, String)>,
}

/// How a version relates to the one that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The same.
    Equal,
    /// Older.
    Less,
    /// The same or older.
    LessOrEqual,
    /// Newer.
    Greater,
    /// The same or newer.
    GreaterOrEqual,
}

impl Bound {
    /// Longer signs first, so that none is taken for the beginning of another.
    const ALL: [(&'static str, Self); 5] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
    ];

    const fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl PackageSubject {
    /// The package's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a version is within the bounds, by any of these orders.
    pub fn takes(&self, version: &str, schemes: &[Scheme]) -> bool {
        let within = |scheme: &Scheme| {
            self.bounds.iter().all(|(bound, named)| bound.admits(compare(*scheme, version, named)))
        };
        self.bounds.is_empty() || schemes.iter().any(within)
    }
}

impl FromStr for PackageSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let at = text.find(['<', '>', '=']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(at).ok_or(SubjectError::Package)?;
        let is_name = |part: &str| {
            !part.is_empty() && part.len() <= PACKAGE_BYTES && part.chars().all(|c| c.is_ascii_graphic())
        };
        if !is_name(name) {
            return Err(SubjectError::Package);
        }
        let (mut bounds, mut rest) = (Vec::new(), rest);
        while !rest.is_empty() {
            let found = Bound::ALL.iter().find_map(|(sign, bound)| Some((*bound, rest.strip_prefix(sign)?)));
            let (bound, behind) = found.filter(|_| bounds.len() < 2).ok_or(SubjectError::Package)?;
            let end = behind.find(['<', '>', '=']).unwrap_or(behind.len());
            let (version, left) = behind.split_at_checked(end).ok_or(SubjectError::Package)?;
            if !is_name(version) {
                return Err(SubjectError::Package);
            }
            bounds.push((bound, version.to_owned()));
            rest = left;
        }
        Ok(Self { name: name.to_owned(), bounds })
    }
}

impl fmt::Display for PackageSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.bounds.iter().try_for_each(|(bound, version)| {
            let sign = Bound::ALL.iter().find(|(_, known)| known == bound).map_or("=", |(sign, _)| sign);
            write!(f, "{sign}{version}")
        })
    }
}
