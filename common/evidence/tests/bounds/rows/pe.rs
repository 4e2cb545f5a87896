//! PE images.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::pe::{Image, IndirectData, Uki};

use super::{CONSTANT, Row};
use crate::samples::of_folder;

pub(super) fn row() -> Row {
    Row {
        name: "PE image",
        module: "pe",
        fuzz: "pe",
        real: || of_folder("tests/vectors/signing", ".efi"),
        hostile: &[
            ("sections without contents", |size| image(size, 0, 0)),
            ("sections over the headers", |size| image(size, 8, 0)),
            ("profiles", |size| image(size, 0, 1)),
        ],
        scale: 4 << 10,
        read,
        multiple: 4,
        constant: CONSTANT,
    }
}

fn read(bytes: &[u8]) {
    let Ok(image) = Image::parse(bytes) else { return };
    let _digest = black_box(image.authenticode(HashAlg::Sha256));
    let _findings = black_box(image.findings().len());
    let _kind = black_box((image.kind(), image.machine_name()));
    let _sbat = black_box((image.sbat().map(Iterator::count), image.sbat_level()));
    let _vendor =
        black_box(image.vendor_certificates().map(|vendor| (vendor.authorized(), vendor.deauthorized())));
    if let Some(uki) = Uki::of(&image) {
        let _pcr = black_box((uki.pcr_11(HashAlg::Sha256, 0), uki.profiles(), uki.sections().count()));
    }
    for signed in image.attached().map_while(Result::ok).filter_map(|attached| attached.signed_data()?.ok()) {
        let _matches = black_box(IndirectData::of(&signed).ok().and_then(|data| data.is_of(&image)));
    }
}

/// An image that is all headers of sections, with so many bytes of contents each.
fn image(size: usize, raw_size: u32, profile: usize) -> Vec<u8> {
    let count = (size / 40).min(usize::from(u16::MAX));
    let mut bytes = vec![0; 64 + 24 + 240];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 64;
    bytes[64..70].copy_from_slice(b"PE\0\0\x64\x86");
    bytes[70..72].copy_from_slice(&u16::try_from(count).unwrap().to_le_bytes());
    bytes[84] = 240;
    bytes[88..90].copy_from_slice(&[0x0b, 2]);
    let headers = u32::try_from(bytes.len() + 40 * count).unwrap();
    bytes[88 + 60..88 + 64].copy_from_slice(&headers.to_le_bytes());
    bytes[88 + 108] = 16;
    for number in 0..count {
        let mut section = [0; 40];
        let name: &[u8] = if profile > 0 && number > 0 { b".profile" } else { b".linux" };
        section[..name.len()].copy_from_slice(name);
        section[16..20].copy_from_slice(&raw_size.to_le_bytes());
        section[20..24].copy_from_slice(&u32::try_from(number).unwrap().to_le_bytes());
        bytes.extend_from_slice(&section);
    }
    bytes
}
