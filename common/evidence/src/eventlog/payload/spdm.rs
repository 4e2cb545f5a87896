//! What devices say of their own firmware over SPDM.
//!
//! In: event data. Out: typed fields that borrow it. It is a device's word about itself; whether the device was
//! authenticated is in `auth_state`, and that is firmware's word.

use super::DevicePath;
use crate::cursor::{Cursor, Truncated};

/// `DEVICE_SECURITY_EVENT_DATA`, first or second form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSecurity<'a> {
    /// 1 or 2.
    pub version: u16,
    /// 0: authenticated, 1: it cannot be, 2: not bound, 3 and 4: it failed, 0xff: no SPDM; `None` in the first form.
    pub auth_state: Option<u8>,
    /// 1: PCI, 2: USB.
    pub device_type: u32,
    /// Where the device is; since the second form.
    pub device_path: Option<DevicePath<'a>>,
    /// What was measured: a block of measurements or a certificate chain, with the device's context behind it.
    pub measurement: &'a [u8],
}

impl<'a> DeviceSecurity<'a> {
    //= TCG PFP 1.06 §10.2.10: DEVICE_SECURITY_EVENT_DATA
    pub(super) fn read(data: &'a [u8]) -> Result<Option<Self>, Truncated> {
        if let Some(rest) = data.strip_prefix(b"SPDM Device Sec\0") {
            let mut cursor = Cursor::at(rest, 16);
            let version = cursor.u16_le()?;
            // The structure's length, and the algorithm that the device hashes with.
            cursor.take(6)?;
            let device_type = cursor.u32_le()?;
            let measurement = cursor.rest();
            return Ok(Some(Self { version, auth_state: None, device_type, device_path: None, measurement }));
        }
        let Some(rest) = data.strip_prefix(b"SPDM Device Sec2") else {
            return Ok(None);
        };
        let mut cursor = Cursor::at(rest, 16);
        let version = cursor.u16_le()?;
        let auth_state = Some(cursor.u8()?);
        // A reserved byte and the structure's length.
        cursor.take(5)?;
        let device_type = cursor.u32_le()?;
        // Type, length and identifier of the part behind the path.
        cursor.take(16)?;
        let path_bytes = usize::try_from(cursor.u64_le()?).unwrap_or(usize::MAX);
        let device_path = Some(DevicePath::new(cursor.take(path_bytes)?));
        let measurement = cursor.rest();
        Ok(Some(Self { version, auth_state, device_type, device_path, measurement }))
    }
}
