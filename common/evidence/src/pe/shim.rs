//! The keys that are built into shim.
//!
//! In: the `.vendor_cert` section. Out: what shim trusts and what it refuses beside db and dbx: a certificate or signature
//! lists. They are part of the image and of its digest.
//= shim, cert.S: vendor_authorized_size, vendor_deauthorized_size, and two offsets from the section's start

use crate::cursor::Cursor;
use crate::efi::SignatureLists;
use crate::x509::Certificate;

use super::Image;
use super::image::usize_of;

/// What is built into a shim.
#[derive(Clone, Copy, Debug)]
pub struct VendorCertificates<'a> {
    authorized: &'a [u8],
    deauthorized: &'a [u8],
}

/// Keys that are built in.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "made once for an image and never kept")]
pub enum VendorKeys<'a> {
    /// There are none.
    None,
    /// One certificate.
    Certificate(Certificate<'a>),
    /// Signature lists.
    Lists(SignatureLists<'a>),
}

impl<'a> Image<'a> {
    /// What shim's vendor built in; `None` where there is no such section, or it lies about its sizes.
    pub fn vendor_certificates(&self) -> Option<VendorCertificates<'a>> {
        // objcopy cuts the name where it writes no string table.
        let section = self.section(".vendor_cert").or_else(|| self.section(".vendor_"))?;
        let table = section.contents()?;
        let mut cursor = Cursor::new(table);
        let mut next = || cursor.u32_le().ok().map(usize_of);
        let [authorized, deauthorized] = [next()?, next()?];
        let [authorized_at, deauthorized_at] = [next()?, next()?];
        let part = |offset: usize, size: usize| table.get(offset..offset.checked_add(size)?);
        Some(VendorCertificates {
            authorized: part(authorized_at, authorized)?,
            deauthorized: part(deauthorized_at, deauthorized)?,
        })
    }
}

impl<'a> VendorCertificates<'a> {
    /// What it trusts.
    pub fn authorized(&self) -> VendorKeys<'a> {
        VendorKeys::of(self.authorized)
    }

    /// What it refuses.
    pub fn deauthorized(&self) -> VendorKeys<'a> {
        VendorKeys::of(self.deauthorized)
    }
}

impl<'a> VendorKeys<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        match Certificate::parse_prefix(bytes) {
            Ok((certificate, _)) => Self::Certificate(certificate),
            Err(_) => Self::Lists(SignatureLists::new(bytes)),
        }
    }
}
