//! GUIDs of UEFI.
//!
//! In: 16 bytes. Out: an identifier that compares and reads as the specification writes it.

use std::fmt;

/// A GUID in its UEFI byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// `EFI_GLOBAL_VARIABLE`: `SecureBoot`, `PK`, `KEK`, `BootOrder`, `Boot0000` and so on.
    pub const GLOBAL_VARIABLE: Self =
        Self([0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0, 0xe0, 0x98, 3, 0x2b, 0x8c]);
    /// `EFI_IMAGE_SECURITY_DATABASE`: `db`, `dbx`, `dbt`, `dbr`.
    pub const IMAGE_SECURITY: Self = Self([
        0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f,
    ]);
    /// Shim's variables: `MokList`, `SbatLevel` and so on.
    pub const SHIM_LOCK: Self =
        Self([0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23]);
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        //= UEFI 2.10 Appendix A: the first three fields are little-endian
        for (at, byte) in [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].into_iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{:02x}", self.0.get(byte).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
