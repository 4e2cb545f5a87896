//! GUIDs of UEFI.
//!
//! In: 16 bytes. Out: an identifier that compares and reads as the specification writes it.

use std::fmt;

/// A GUID in its UEFI byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From the fields that the specification writes it in.
    pub const fn of(first: u32, second: u16, third: u16, rest: [u8; 8]) -> Self {
        let (a, b, c, d) = (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes(), rest);
        Self([a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]])
    }

    /// Who uses it to own signatures, or what it names, where that is well known.
    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find_map(|(guid, name)| (guid == self).then_some(*name))
    }

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

/// Owners of signatures that many machines have.
const NAMES: &[(Guid, &str)] = &[
    (Guid([0; 16]), "nobody"),
    (Guid::GLOBAL_VARIABLE, "UEFI"),
    (Guid::IMAGE_SECURITY, "UEFI image security"),
    (Guid::SHIM_LOCK, "shim"),
    (Guid::of(0x77fa_9abd, 0x0359, 0x4d32, [0xbd, 0x60, 0x28, 0xf4, 0xe7, 0x8f, 0x78, 0x4b]), "Microsoft"),
    (Guid::of(0x6dc4_0ae4, 0x2ee8, 0x9c4c, [0xa3, 0x14, 0x0f, 0xc7, 0xb2, 0x00, 0x87, 0x10]), "Canonical"),
    (Guid::of(0x7056_4dce, 0x9afc, 0x4ee3, [0x85, 0xfc, 0x94, 0x96, 0x49, 0xd7, 0xe4, 0x5c]), "Dell"),
    (Guid::of(0x3cc2_4e96, 0x22c7, 0x41d8, [0x88, 0x63, 0x8e, 0x39, 0xdc, 0xdc, 0xc2, 0xcf]), "Lenovo"),
    (Guid::of(0x7fac_c7b6, 0x127f, 0x4e9c, [0x9c, 0x5d, 0x08, 0x0f, 0x98, 0x99, 0x43, 0x45]), "Lenovo"),
    (Guid::of(0xf5a9_6b31, 0xdba0, 0x4faa, [0xa4, 0x2a, 0x7a, 0x0c, 0x98, 0x32, 0x76, 0x8e]), "HP"),
    (Guid::of(0xa0ba_a8a3, 0x041d, 0x48a8, [0xbc, 0x87, 0xc3, 0x6d, 0x12, 0x1b, 0x5e, 0x3d]), "OVMF"),
];
