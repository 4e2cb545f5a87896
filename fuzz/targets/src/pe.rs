//! PE images: a digest or an error, and a signature that is over the image's digest is still over it without its table.

use evidence::digest::HashAlg;
use evidence::pe::{Image, IndirectData, Uki};

/// The target's body.
pub fn pe(bytes: &[u8]) {
    let Ok(image) = Image::parse(bytes) else { return };
    let digest = image.authenticode(HashAlg::Sha256);
    if let Ok(parts) = image.hashed() {
        assert_eq!(Ok(HashAlg::Sha256.hash(&parts)), digest);
    }
    assert!(image.findings().len() <= 64);
    for section in image.sections() {
        let _name = (section.name(), section.text());
    }
    let _kind = (image.kind(), image.sbat_level(), image.sbat().map(Iterator::count));
    if let Some(vendor) = image.vendor_certificates() {
        let _keys = (vendor.authorized(), vendor.deauthorized());
    }
    if let Some(uki) = Uki::of(&image) {
        let _pcr = uki.pcr_11(HashAlg::Sha256, uki.profiles());
    }
    for signed in image.attached().map_while(Result::ok).filter_map(|attached| attached.signed_data()?.ok()) {
        let _matches = IndirectData::of(&signed).ok().and_then(|data| data.is_of(&image));
    }
}
