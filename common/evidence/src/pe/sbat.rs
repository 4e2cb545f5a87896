//! SBAT: which generation each component of a loader is of.
//!
//! In: the `.sbat` section, or the level that shim carries. Out: their lines. Shim refuses a loader one of whose components
//! is of a lower generation than the level asks for; comparing them is left to whoever knows the level in force.
//= https://github.com/rhboot/shim/blob/main/SBAT.md

use crate::cursor::Cursor;

use super::Image;
use super::image::usize_of;

/// A line of the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SbatEntry<'a> {
    /// The component that the generation counts for.
    pub component: &'a str,
    /// The generation, as it is written; a number.
    pub generation: &'a str,
    /// Whoever builds it.
    pub vendor: &'a str,
    /// The vendor's package.
    pub package: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Where to find more.
    pub url: &'a str,
}

/// The lines of a `.sbat` section or of a level, up to the first zero; bytes that are no text end them.
pub fn sbat_entries(bytes: &[u8]) -> impl Iterator<Item = SbatEntry<'_>> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => text
            .get(..error.valid_up_to())
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default(),
    };
    text.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut fields = line.splitn(6, ',');
        let mut next = || fields.next().unwrap_or_default().trim();
        SbatEntry {
            component: next(),
            generation: next(),
            vendor: next(),
            package: next(),
            version: next(),
            url: next(),
        }
    })
}

/// The levels that a shim carries in `.sbatlevel`: it raises the machine's to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SbatLevel<'a> {
    /// What it sets unless it is told otherwise.
    pub previous: &'a [u8],
    /// What it sets where it is told to take the latest.
    pub latest: &'a [u8],
}

impl<'a> Image<'a> {
    /// The lines of the `.sbat` section; `None` where there is no such section.
    pub fn sbat(&self) -> Option<impl Iterator<Item = SbatEntry<'a>> + use<'a>> {
        self.section(".sbat")?.contents().map(sbat_entries)
    }

    /// The levels in `.sbatlevel`: a version, two offsets that count from behind it, and two texts.
    pub fn sbat_level(&self) -> Option<SbatLevel<'a>> {
        let mut cursor = Cursor::new(self.section(".sbatlevel")?.contents()?);
        let _version = cursor.u32_le().ok().filter(|version| *version == 0)?;
        let base = cursor.rest();
        let (previous, latest) = (usize_of(cursor.u32_le().ok()?), usize_of(cursor.u32_le().ok()?));
        let text = |offset: usize| base.get(offset..)?.split(|byte| *byte == 0).next();
        Some(SbatLevel { previous: text(previous)?, latest: text(latest)? })
    }
}
