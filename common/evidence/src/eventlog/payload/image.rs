//! Images that firmware or a loader started.
//!
//! In: event data. Out: where the image came from and lay. The digest is of the image itself (Authenticode), so that all
//! of this is the loader's word.

use super::DevicePath;
use crate::cursor::{Cursor, Truncated};

/// An image that was started (`UEFI_IMAGE_LOAD_EVENT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLoad<'a> {
    /// Where the image lay in memory.
    pub location: u64,
    /// Its length there.
    pub length: u64,
    /// The address that it was linked for.
    pub link_address: u64,
    /// Where it came from, as the loader says; empty for images that GRUB started from memory.
    pub device_path: DevicePath<'a>,
}

impl<'a> ImageLoad<'a> {
    //= TCG PFP 1.06 §10.2.3: UEFI_IMAGE_LOAD_EVENT
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        let mut cursor = Cursor::new(data);
        let (location, length, link_address) = (cursor.u64_le()?, cursor.u64_le()?, cursor.u64_le()?);
        let size = cursor.u64_le()?;
        let path = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { location, length, link_address, device_path: DevicePath::new(path) })
    }
}
