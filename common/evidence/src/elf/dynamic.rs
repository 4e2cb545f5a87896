//! The shared libraries that a file asks for.
//!
//! In: an [`Elf`]. Out: the names of its `DT_NEEDED` entries. Which files they come to is the loader's decision, by
//! paths, environment and cache.
//= System V gABI 4.2, chapter 5: Dynamic Section

use super::{Elf, SegmentType, until_nul};

/// Names of needed libraries, one by one.
#[derive(Clone, Debug)]
pub struct Needed<'a> {
    layout: super::Layout,
    entries: &'a [u8],
    strings: &'a [u8],
}

const END: u64 = 0;
const NEEDED: u64 = 1;
const STRINGS: u64 = 5;

impl<'a> Needed<'a> {
    pub(super) fn of(elf: &Elf<'a>) -> Self {
        let none = Self { layout: elf.layout, entries: &[], strings: &[] };
        let dynamic = elf.segments().find(|segment| segment.segment_type == SegmentType::DYNAMIC);
        let Some(entries) = dynamic.and_then(|dynamic| elf.segment_bytes(&dynamic)) else {
            return none;
        };
        let mut all = Self { entries, ..none };
        let address = std::iter::from_fn(|| all.entry()).find(|(tag, _)| *tag == STRINGS);
        let strings = address.and_then(|(_, address)| at_address(elf, address));
        Self { entries, strings: strings.unwrap_or_default(), ..none }
    }

    /// The next entry before the one that ends the list.
    fn entry(&mut self) -> Option<(u64, u64)> {
        let size = self.layout.pick((8, 16));
        let (entry, rest) = self.entries.split_at_checked(size)?;
        self.entries = rest;
        let tag = self.layout.wide(entry, (0, 0))?;
        if tag == END { None } else { Some((tag, self.layout.wide(entry, (4, 8))?)) }
    }
}

impl<'a> Iterator for Needed<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (_, place) = std::iter::from_fn(|| self.entry()).find(|(tag, _)| *tag == NEEDED)?;
        let text =
            usize::try_from(place).ok().and_then(|place| self.strings.get(place..)).unwrap_or_default();
        Some(until_nul(text).unwrap_or_default())
    }
}

/// The bytes of the file from those that are mapped to this address on.
fn at_address<'a>(elf: &Elf<'a>, address: u64) -> Option<&'a [u8]> {
    let segment = elf.segments().find(|segment| {
        segment.segment_type == SegmentType::LOAD
            && address.checked_sub(segment.address).is_some_and(|within| within < segment.file_size)
    })?;
    let within = address.checked_sub(segment.address)?;
    elf.segment_bytes(&segment)?.get(usize::try_from(within).ok()?..)
}
