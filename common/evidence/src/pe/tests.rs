use super::*;
use crate::cursor::Truncated;
use crate::digest::HashAlg;
use crate::pkcs7::SignedData;

const SHIM: &[u8] = include_bytes!("../../../../tests/vectors/signing/shim.signed.efi");
const UKI: &[u8] = include_bytes!("../../../../tests/vectors/signing/uki.signed.efi");
const TINY: &[u8] = include_bytes!("../../../../tests/vectors/signing/tiny32.efi");

fn image(bytes: &[u8]) -> Image<'_> {
    Image::parse(bytes).unwrap()
}

fn sha256(bytes: &[u8]) -> Result<String, PeError> {
    image(bytes).authenticode(HashAlg::Sha256).map(|digest| digest.to_string())
}

fn codes(bytes: &[u8]) -> Vec<&'static str> {
    image(bytes).findings().iter().map(|finding| finding.code.as_str()).collect()
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Where the optional header starts in these images, and where their sections' headers do.
const OPTIONAL: usize = 64 + 24;
const SECTIONS: usize = OPTIONAL + 240;
const CHECKSUM: usize = OPTIONAL + 64;
const CERTIFICATES: usize = OPTIONAL + 112 + 32;

/// What `osslsigncode verify` 2.9 says of the same files.
#[test]
fn digests_are_those_of_osslsigncode() {
    assert_eq!(sha256(SHIM).unwrap(), "1206b41c2bfd28e55224577d0481f8419d83ce3604990a491005ecd9d534a1f7");
    let sha1 = image(UKI).authenticode(HashAlg::Sha1).unwrap();
    assert_eq!(sha1.to_string(), "93167949185483849b18c25c7c1753c1f4392c7b");
    assert!(codes(SHIM).is_empty() && codes(UKI).is_empty());
}

#[test]
fn headers_of_both_forms_are_read() {
    let (shim, tiny) = (image(SHIM), image(TINY));
    assert_eq!((shim.machine_name(), shim.subsystem_name()), ("x86_64", "EFI application"));
    assert!(shim.is_64() && !tiny.is_64() && !shim.is_nx_compatible());
    assert_eq!((tiny.machine_name(), tiny.headers_size(), tiny.entry_point()), ("i386", 512, 0x1000));
    let names: Vec<_> = tiny.sections().map(|section| section.name().into_owned()).collect();
    assert_eq!(names, [".text", ".reloc"]);
    assert_eq!(tiny.section(".reloc").unwrap().contents(), Some(&[0; 12][..]));
    assert_eq!(tiny.certificate_table(), None);
}

/// Section names of more than eight bytes lie in the string table, as in shim's real images.
#[test]
fn long_names_come_from_the_string_table() {
    let mut bytes = TINY.to_vec();
    let end = u32::try_from(bytes.len()).unwrap();
    bytes.extend_from_slice(b"\x11\0\0\0.vendor_cert\0");
    put(&mut bytes, 64 + 12, end);
    bytes[OPTIONAL + 224..][..8].copy_from_slice(b"/4\0\0\0\0\0\0");
    assert_eq!(image(&bytes).sections().next().unwrap().name(), ".vendor_cert");
    bytes[OPTIONAL + 224..][..8].copy_from_slice(b"/99\0\0\0\0\0");
    assert_eq!(image(&bytes).sections().next().unwrap().name(), "/99");
}

/// The digest covers everything but the checksum, the table's entry and the table.
#[test]
fn a_changed_bit_changes_the_digest_unless_it_is_left_out() {
    let original = sha256(SHIM).unwrap();
    let table = image(SHIM).certificate_table().unwrap();
    let out = |at: usize| {
        (CHECKSUM..CHECKSUM + 4).contains(&at)
            || (CERTIFICATES..CERTIFICATES + 8).contains(&at)
            || at >= table.offset
    };
    for at in 0..SHIM.len() {
        let mut changed = SHIM.to_vec();
        changed[at] ^= 1 << (at % 8);
        // A changed field can make it no image at all; then nothing is taken for the original.
        let Ok(parsed) = Image::parse(&changed) else {
            assert!(!out(at));
            continue;
        };
        let digest = parsed.authenticode(HashAlg::Sha256).map(|digest| digest.to_string());
        if (CERTIFICATES..CERTIFICATES + 8).contains(&at) {
            // The entry is left out, but says how much is left out at the end.
            continue;
        }
        assert_eq!(digest.as_ref() == Ok(&original), out(at), "at {at}");
    }
}

#[test]
fn the_table_of_certificates_decides_how_much_is_left_out() {
    let mut changed = SHIM.to_vec();
    put(&mut changed, CERTIFICATES + 4, 8);
    assert_ne!(sha256(&changed).unwrap(), sha256(SHIM).unwrap());
    assert_eq!(codes(&changed), ["certificate-table-not-last"]);
    put(&mut changed, CERTIFICATES + 4, u32::MAX);
    assert!(matches!(sha256(&changed), Err(PeError::CertificateTable { .. })));
    assert_eq!(codes(&changed), ["certificate-table-outside"]);
    let mut appended = SHIM.to_vec();
    appended.extend_from_slice(b"appended");
    assert_ne!(sha256(&appended).unwrap(), sha256(SHIM).unwrap());
    assert_eq!(codes(&appended), ["certificate-table-not-last"]);
}

/// Sections are hashed by where they lie in the file, not in the order of their headers.
#[test]
fn headers_of_sections_may_be_in_any_order() {
    let mut swapped = SHIM.to_vec();
    let (first, second) = (SECTIONS + 16, SECTIONS + 40 + 16);
    for at in 0..8 {
        swapped.swap(first + at, second + at);
    }
    let parts = |bytes| image(bytes).hashed().unwrap().iter().map(|part| part.len()).collect::<Vec<_>>();
    assert_eq!(parts(SHIM), parts(&swapped));
}

#[test]
fn odd_layouts_are_told_and_hashed_as_firmware_does() {
    let raw_offset = SECTIONS + 40 + 20;
    let mut bytes = SHIM.to_vec();
    put(&mut bytes, raw_offset, 512);
    assert_eq!(codes(&bytes), ["sections-overlap", "gap"]);
    assert!(sha256(&bytes).is_ok());
    put(&mut bytes, raw_offset, 0);
    assert_eq!(codes(&bytes), ["section-in-headers", "gap"]);
    put(&mut bytes, raw_offset, u32::MAX);
    assert_eq!(codes(&bytes), ["gap", "section-outside", "certificate-table-overlaps"]);
    assert!(matches!(sha256(&bytes), Err(PeError::Section { number: 1, .. })));
    let mut trailing = TINY.to_vec();
    trailing.extend_from_slice(b"more");
    assert_eq!(codes(&trailing), ["trailing-data", "unaligned-size"]);
    assert_ne!(sha256(&trailing).unwrap(), sha256(TINY).unwrap());
    put(&mut trailing, OPTIONAL + 60, 64);
    assert!(matches!(sha256(&trailing), Err(PeError::HeaderSize { size: 64, .. })));
}

/// Thousands of sections over one and the same bytes would be hashed for hours.
#[test]
fn a_file_is_not_hashed_many_times_over() {
    let headers = 40_usize * 1_000;
    let mut bytes = TINY.to_vec();
    bytes.resize(512 + headers + 4096, 0);
    let size = u32::try_from(bytes.len()).unwrap();
    bytes[64 + 6..64 + 8].copy_from_slice(&1_000_u16.to_le_bytes());
    for number in 0..1_000 {
        put(&mut bytes, OPTIONAL + 224 + 40 * number + 16, size);
        put(&mut bytes, OPTIONAL + 224 + 40 * number + 20, 0);
    }
    assert!(matches!(sha256(&bytes), Err(PeError::Overlaps { .. })));
    let findings = image(&bytes).findings();
    assert_eq!(findings.last().unwrap().code, FindingCode::MoreFindings);
    assert!(findings.len() < 64);
}

#[test]
fn what_is_no_image_says_where() {
    let error = |bytes: &[u8]| Image::parse(bytes).unwrap_err();
    assert_eq!(error(b"ELF"), PeError::NotPe { offset: 0, what: "MZ" });
    assert_eq!(error(b"M"), Truncated { offset: 0, needed: 2, left: 1 }.into());
    let mut bytes = TINY.to_vec();
    bytes[64] = b'N';
    assert_eq!(error(&bytes), PeError::NotPe { offset: 64, what: "PE signature" });
    bytes[64] = b'P';
    bytes[OPTIONAL] = 7;
    assert_eq!(error(&bytes), PeError::NotPe { offset: OPTIONAL, what: "optional header" });
    put(&mut bytes, 0x3c, u32::MAX);
    assert!(matches!(error(&bytes), PeError::Truncated(_)));
}

#[test]
fn an_image_that_is_cut_off_has_no_digest_or_another() {
    let whole = sha256(SHIM).unwrap();
    for length in 0..SHIM.len() {
        let cut = &SHIM[..length];
        if let Ok(image) = Image::parse(cut) {
            let digest = image.authenticode(HashAlg::Sha256).map(|digest| digest.to_string());
            // Without the whole of its table an image has the same digest, in firmware too; what the headers say of the
            // table is then no longer true.
            let stripped = length == self::image(SHIM).certificate_table().unwrap().offset;
            assert_eq!(digest == Ok(whole.clone()), stripped, "{length}");
            assert!(!stripped || codes(cut) == ["certificate-table-outside"]);
            let _attached = image.attached().count();
        }
    }
}

fn signatures(bytes: &[u8]) -> Vec<SignedData<'_>> {
    image(bytes).attached().map(|attached| attached.unwrap().signed_data().unwrap().unwrap()).collect()
}

#[test]
fn signatures_are_over_the_images_digest_and_nest() {
    let image = image(SHIM);
    let attached = signatures(SHIM);
    assert_eq!(attached.len(), 1);
    let outer = IndirectData::of(&attached[0]).unwrap();
    assert_eq!(outer.is_of(&image), Some(true));
    assert_eq!(outer.algorithm().hash(), Some(HashAlg::Sha256));
    let signer = attached[0].signers().next().unwrap().unwrap();
    assert_eq!(signer.countersignature_time().unwrap().to_string(), "2023-11-14T22:13:20.000Z");
    let nested: Vec<_> = signer.nested_signatures().map(Result::unwrap).collect();
    let inner = IndirectData::of(&nested[0]).unwrap();
    assert_eq!((nested.len(), inner.algorithm().hash()), (1, Some(HashAlg::Sha384)));
    assert_eq!(inner.is_of(&image), Some(true));
    assert_eq!(inner.is_of(&self::image(UKI)), Some(false));
}

#[test]
fn sbat_is_read_line_by_line() {
    let shim = image(SHIM);
    let lines: Vec<_> =
        shim.sbat().unwrap().map(|line| (line.component, line.generation, line.version)).collect();
    assert_eq!(lines, [("sbat", "1", "1"), ("shim", "4", "1"), ("shim.lydian", "1", "16.1")]);
    let of = |text: &'static [u8]| sbat_entries(text).map(|line| line.component).collect::<Vec<_>>();
    assert_eq!(of(b"sbat,1,2022052400\ngrub,2\n\0after"), ["sbat", "grub"]);
    assert_eq!(of(b"a,1\r\n\nb\xff,1"), ["a", "b"]);
    assert!(of(b"").is_empty() && image(TINY).sbat().is_none());
}

#[test]
fn what_is_built_into_shim_is_read() {
    let vendor = image(SHIM).vendor_certificates().unwrap();
    let VendorKeys::Certificate(certificate) = vendor.authorized() else { panic!() };
    assert_eq!(certificate.subject().common_name().as_deref(), Some("Lydian test root"));
    let VendorKeys::Lists(lists) = vendor.deauthorized() else { panic!() };
    assert_eq!(lists.entries().count(), 2);
}

#[test]
fn kinds_are_guessed() {
    assert_eq!(image(SHIM).kind(), ImageKind::Shim);
    assert_eq!(image(UKI).kind(), ImageKind::UnifiedKernelImage);
    assert_eq!(image(TINY).kind(), ImageKind::Application);
    let mut kernel = TINY.to_vec();
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    assert_eq!(image(&kernel).kind(), ImageKind::LinuxKernel);
}

/// The names in their order, each with its zero, and each followed by the section as it lies in memory.
#[test]
fn pcr_11_is_what_the_stub_measures() {
    let image = image(UKI);
    let uki = Uki::of(&image).unwrap();
    let names: Vec<_> = uki.measured(0).map(|measured| measured.name).collect();
    assert_eq!(names, [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".uname", ".sbat"]);
    assert_eq!((uki.profiles(), uki.stub_version(), uki.depends_on_machine()), (1, None, false));
    let mut value = crate::digest::Digest::zero(HashAlg::Sha256);
    for name in names {
        let contents = image.section(name).unwrap().contents().unwrap();
        for part in [[name.as_bytes(), &[0]].concat(), contents.to_vec()] {
            value = value.extend(&HashAlg::Sha256.hash(&[&part])).unwrap();
        }
    }
    assert_eq!(uki.pcr_11(HashAlg::Sha256, 0), Some(value));
    assert_eq!(image.section(".uname").unwrap().text().as_deref(), Some("6.1.0-lydian"));
}

/// Where a section takes more of memory than of the file, the rest is zeros; an absurd rest is refused.
#[test]
fn sections_are_measured_with_the_zeros_behind_them() {
    let virtual_size = SECTIONS + 40 * 4 + 8; // .uname
    let mut bytes = UKI.to_vec();
    put(&mut bytes, virtual_size, 10_000);
    let grown = image(&bytes);
    let uki = Uki::of(&grown).unwrap();
    let value = uki.pcr_11(HashAlg::Sha256, 0);
    assert!(value.is_some() && value != Uki::of(&image(UKI)).unwrap().pcr_11(HashAlg::Sha256, 0));
    put(&mut bytes, virtual_size, u32::MAX);
    assert_eq!(Uki::of(&image(&bytes)).unwrap().pcr_11(HashAlg::Sha256, 0), None);
}
