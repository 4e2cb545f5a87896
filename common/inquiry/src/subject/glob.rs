//! Patterns of paths.
//!
//! `?` is any byte but a slash, `*` any number of those, `**` any number of any bytes, `[a-z]` one of a class, and a backslash takes
//! away the meaning of what follows. A path of n bytes is matched in n times the pattern's length, whatever the pattern is.

use std::fmt;
use std::str::FromStr;

use super::SubjectError;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    written: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Byte(u8),
    /// `?`.
    One,
    /// `*`.
    Some,
    /// `**`.
    Any,
    Class {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::One | Self::Some => byte != b'/',
            Self::Any => true,
            Self::Class { negated, ranges } => {
                byte != b'/' && ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte)) != *negated
            }
        }
    }

    const fn repeats(&self) -> bool {
        matches!(self, Self::Some | Self::Any)
    }
}

impl Glob {
    /// Whether a path fits as a whole.
    pub fn matches(&self, path: &[u8]) -> bool {
        // Which beginnings of the pattern the path so far can end.
        let mut at = vec![false; self.parts.len() + 1];
        if let Some(first) = at.first_mut() {
            *first = true;
        }
        self.skip(&mut at);
        for byte in path {
            let mut next = vec![false; at.len()];
            for (index, part) in self.parts.iter().enumerate() {
                if at.get(index) == Some(&true) && part.takes(*byte) {
                    let to = if part.repeats() { index } else { index + 1 };
                    if let Some(to) = next.get_mut(to) {
                        *to = true;
                    }
                }
            }
            self.skip(&mut next);
            at = next;
        }
        at.last() == Some(&true)
    }

    /// What repeats may be there no time.
    fn skip(&self, at: &mut [bool]) {
        for (index, part) in self.parts.iter().enumerate() {
            if part.repeats()
                && at.get(index) == Some(&true)
                && let Some(next) = at.get_mut(index + 1)
            {
                *next = true;
            }
        }
    }

    /// The same files on systems whose `/bin`, `/sbin` and `/lib…` lead into `/usr`, where that is what the pattern names.
    pub fn in_usr(&self) -> Option<Self> {
        const MERGED: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
        let merged = MERGED.iter().any(|root| {
            self.written.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        merged.then(|| format!("/usr{}", self.written).parse().ok()).flatten()
    }

    /// The bytes that every path that fits begins with.
    pub fn prefix(&self) -> Vec<u8> {
        let byte = |part: &Part| match part {
            Part::Byte(byte) => Some(*byte),
            _ => None,
        };
        self.parts.iter().map_while(byte).collect()
    }

    /// Whether only one path fits.
    pub fn is_exact(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Byte(_)))
    }
}

impl FromStr for Glob {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let error = |offset, what| SubjectError::Glob { offset, what };
        let mut parts: Vec<Part> = Vec::new();
        let mut bytes = text.bytes().enumerate().peekable();
        while let Some((offset, byte)) = bytes.next() {
            let part = match byte {
                b'?' => Part::One,
                b'*' if bytes.next_if(|(_, next)| *next == b'*').is_some() => Part::Any,
                b'*' => Part::Some,
                b'[' => class(&mut bytes)
                    .ok_or_else(|| error(offset, "this class does not end with a bracket"))?,
                b'\\' => {
                    Part::Byte(bytes.next().ok_or_else(|| error(offset, "nothing follows the backslash"))?.1)
                }
                byte => Part::Byte(byte),
            };
            parts.push(part);
        }
        Ok(Self { written: text.to_owned(), parts })
    }
}

/// Behind the bracket that opens it.
fn class(bytes: &mut std::iter::Peekable<impl Iterator<Item = (usize, u8)>>) -> Option<Part> {
    let negated = bytes.next_if(|(_, next)| matches!(next, b'!' | b'^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let (_, from) = bytes.next()?;
        if from == b']' && !ranges.is_empty() {
            return Some(Part::Class { negated, ranges });
        }
        if bytes.next_if(|(_, next)| *next == b'-').is_some() {
            match bytes.next()?.1 {
                // A dash at the end stands for itself.
                b']' => {
                    ranges.extend([(from, from), (b'-', b'-')]);
                    return Some(Part::Class { negated, ranges });
                }
                to => ranges.push((from, to)),
            }
        } else {
            ranges.push((from, from));
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
