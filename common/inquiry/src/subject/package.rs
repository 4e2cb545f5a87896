//! A package, in a range of versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::SubjectError;
use super::version::{Scheme, compare};
use crate::limits::PACKAGE_BYTES;

/// Packages of this name whose version is within the bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSubject {
    name: String,
    range: Option<(Bound, String)>,
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

    /// Whether a version is within the range, by any of these orders.
    pub fn takes(&self, version: &str, schemes: &[Scheme]) -> bool {
        match &self.range {
            None => true,
            Some((bound, named)) => {
                schemes.iter().any(|scheme| bound.admits(compare(*scheme, version, named)))
            }
        }
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
        if rest.is_empty() {
            return Ok(Self { name: name.to_owned(), range: None });
        }
        let found = Bound::ALL.iter().find_map(|(sign, bound)| Some((*bound, rest.strip_prefix(sign)?)));
        let (bound, version) = found.ok_or(SubjectError::Package)?;
        if !is_name(version) || version.contains(['<', '>', '=']) {
            return Err(SubjectError::Package);
        }
        Ok(Self { name: name.to_owned(), range: Some((bound, version.to_owned())) })
    }
}

impl fmt::Display for PackageSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let Some((bound, version)) = &self.range else { return Ok(()) };
        let sign = Bound::ALL.iter().find(|(_, known)| known == bound).map_or("=", |(sign, _)| sign);
        write!(f, "{sign}{version}")
    }
}
