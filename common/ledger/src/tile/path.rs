//! The paths of a log's files.
//!
//! In: names of files, or text that a stranger asks with. Out: the one spelling of each name, and from text only
//! what is spelled so: a path that was parsed holds no dots, no empty parts and no second form.

use std::fmt;
use std::str::FromStr;

use crate::limits::MAX_PATH_BYTES;
use crate::text;

use super::{BundleId, Resource, ResourceError, TileId, Width};

//= C2SP tlog-tiles v0.1.0, Merkle Tree: /tile/<L>/<N>[.p/<W>]
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Bundle(bundle) => {
                f.write_str("tile/entries/")?;
                (bundle.index(), bundle.width())
            }
            Self::Tile(tile) => {
                write!(f, "tile/{}/", tile.level())?;
                (tile.index(), tile.width())
            }
        };
        f.write_str(&indexed_path(index))?;
        if width.is_full() { Ok(()) } else { write!(f, ".p/{}", width.get()) }
    }
}

impl FromStr for Resource {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        if path.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong { found: path.len() });
        }
        let rest = path.strip_prefix("tile/").ok_or(PathError::Prefix)?;
        let (kind, rest) = rest.split_once('/').ok_or(PathError::Prefix)?;
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, Width::FULL),
            Some((index, width)) => {
                let number = text::decimal(width).and_then(|width| u16::try_from(width).ok());
                let width = Width::new(number.ok_or(PathError::Width)?)?;
                // A full file has a name of its own, so that it has only one.
                if width.is_full() {
                    return Err(PathError::Width);
                }
                (index, width)
            }
        };
        let index = parse_indexed_path(index)?;
        if kind == "entries" {
            return Ok(Self::Bundle(BundleId::new(index, width)?));
        }
        let level = text::decimal(kind).and_then(|level| u8::try_from(level).ok());
        Ok(Self::Tile(TileId::new(level.ok_or(PathError::Level)?, index, width)?))
    }
}

/// A number in groups of three digits, all but the last with an `x` before: `x001/x234/067`.
//= C2SP tlog-tiles v0.1.0, Merkle Tree: <N> is encoded in 3-digit path elements
pub fn indexed_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1_000);
    let mut rest = index / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

/// The number that [`indexed_path`] wrote.
pub fn parse_indexed_path(path: &str) -> Result<u64, PathError> {
    let mut index: u64 = 0;
    for group in path.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PathError::Index);
        }
        let digits: u64 = digits.parse().map_err(|_| PathError::Index)?;
        index =
            index.checked_mul(1_000).and_then(|index| index.checked_add(digits)).ok_or(PathError::Index)?;
    }
    // One spelling: no leading zero groups, and an `x` on every group but the last.
    if indexed_path(index) == path { Ok(index) } else { Err(PathError::Index) }
}

/// Why text is no path of a log's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Longer than any path.
    #[error("a path has at most {MAX_PATH_BYTES} bytes, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// It does not begin with `tile/` and a level or `entries`.
    #[error("the path is not tile/<level>/<index> or tile/entries/<index>")]
    Prefix,
    /// A level that is no number.
    #[error("the tile's level is not a decimal number without leading zeroes")]
    Level,
    /// An index in another form.
    #[error("the index is not in groups of three digits, all but the last after an x")]
    Index,
    /// A width in another form.
    #[error("the width of a partial file is a number from 1 to 255")]
    Width,
    /// A file that no log has.
    #[error(transparent)]
    Resource(#[from] ResourceError),
}
