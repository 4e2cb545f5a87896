//! Bundles of roots: written, read back, damaged.

use super::super::bundle::{Bundle, BundleEntry, BundleError};
use super::*;

fn entry(subject: &'static str, key: u8, tier: TrustTier, vendor: &str) -> BundleEntry {
    let der = Forged::authority(subject, key, subject, key).der();
    BundleEntry { tier, vendor: vendor.to_owned(), der }
}

fn good() -> [BundleEntry; 3] {
    [
        entry("one", 1, TrustTier::Manufacturer, "IFX"),
        entry("two", 2, TrustTier::Cloud, "GOOG"),
        entry("three\nlines", 3, TrustTier::Manufacturer, "AMD"),
    ]
}

#[test]
fn the_same_certificates_give_the_same_bytes() {
    let [one, two, three] = good();
    let text = Bundle::write("2026.11", &[one.clone(), two.clone(), three.clone()]).unwrap();
    assert_eq!(
        Bundle::write("2026.11", &[three.clone(), two.clone(), one.clone(), two.clone()]),
        Ok(text.clone())
    );
    let bundle = Bundle::parse(&text).unwrap();
    assert_eq!((bundle.version.as_str(), bundle.roots.len()), ("2026.11", 3));
    assert!(text.contains("\ntier cloud\nvendor GOOG\nsubject CN=two\n-----BEGIN CERTIFICATE-----\n"));
    assert!(text.contains("subject CN=three\\0alines\n"), "a name does not end its line");
    let (_, body) = text.split_once(&format!("sha256 {}\n", bundle.digest)).unwrap();
    assert_eq!(bundle.digest, Sha256Digest::of(&[body.as_bytes()]));
    // Any reader of PEM takes it, too.
    assert_eq!(certificates_from_pem(&text).unwrap().len(), 3);
}

#[test]
fn a_bundles_roots_have_its_tiers() {
    let text = Bundle::write("1", &good()).unwrap();
    let mut roots = EndorsementRoots::default();
    assert_eq!(roots.add_file(TrustTier::Manufacturer, text.as_bytes()), Ok(3));
    let verify = |leaf: Forged| {
        let at = UnixTime::from_secs(1_500);
        verify_chain(&leaf.der(), &[], &roots, &NO_LISTS, at, &endorsement_key(leaf.key))
            .map(|found| found.tier)
    };
    assert_eq!(verify(Forged::endorsement(9, "one", 1)), Ok(TrustTier::Manufacturer));
    assert_eq!(verify(Forged::endorsement(9, "two", 2)), Ok(TrustTier::Cloud));
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    let text = Bundle::write("2026.11", &good()).unwrap();
    let head = text.find("sha256 ").unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 0x01;
        let changed = String::from_utf8(bytes).unwrap();
        // The version is a name: another one is another edition of the same certificates.
        let in_version = (text.find("2026.11").unwrap()..text.find("\ncertificates").unwrap()).contains(&at);
        assert!(Bundle::parse(&changed).is_err() || in_version, "byte {at} of {head}: {changed:.120}");
        assert!(Bundle::parse(&text[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Bundle::parse(&format!("{text}\n")).unwrap_err(), BundleError::Digest);
}

#[test]
fn damage_is_named_with_its_line() {
    let text = Bundle::write("1", &good()).unwrap();
    // The head is made anew, so that what is behind it is looked at.
    let check = |from: &str, to: &str, expected: BundleError| {
        let (head, body) = text.split_at(text.find("\n\ncertificate").unwrap() + 1);
        let body = body.replacen(from, to, 1);
        let (head, _) = head.split_at(head.find("sha256").unwrap());
        let digest = Sha256Digest::of(&[body.as_bytes()]);
        assert_eq!(Bundle::parse(&format!("{head}sha256 {digest}\n{body}")).unwrap_err(), expected, "{from}");
    };
    let line = |line, expected| BundleError::Line { line, expected };
    check("\ncertificate ", "certificate ", line(5, "an empty line"));
    check("tier cloud", "tier first-use", line(7, "the tier `manufacturer` or `cloud`"));
    check("vendor GOOG", "vendor", line(8, "`vendor` and a word"));
    check("certificate ", "certificate 00", line(6, "a digest in hexadecimal"));
    check("-----BEGIN CERTIFICATE-----", "-----BEGIN X-----", line(10, "-----BEGIN CERTIFICATE-----"));
    check("MII", "M!!", line(18, "Base64 before this line"));
    check("tier cloud", "tier manufacturer", BundleError::Order { line: 20 });
    let word = BundleError::Word { what: "vendor", text: "a b".into() };
    check("vendor GOOG", "vendor a b", word);
    assert_eq!(Bundle::parse("lydian-ek-roots 2\n").unwrap_err(), BundleError::Format);
    assert_eq!(Bundle::parse("").unwrap_err(), BundleError::Format);
    let found = limits::BUNDLE_BYTES + 1;
    let too_large = BundleError::TooLarge { limit: limits::BUNDLE_BYTES, found };
    assert_eq!(Bundle::parse(&"x".repeat(found)).unwrap_err(), too_large);
}

#[test]
fn what_is_no_root_is_not_written() {
    let write = |entry| Bundle::write("1", &[entry]).unwrap_err();
    let leaf = Forged::endorsement(1, "x", 2).der();
    let entry_of = |der| BundleEntry { tier: TrustTier::Manufacturer, vendor: "X".into(), der };
    let error = EndorsementError::NotAuthority { which: ROOT };
    assert_eq!(write(entry_of(leaf)), BundleError::Certificate { line: 0, error });
    assert!(matches!(write(entry_of(vec![0x30, 0])), BundleError::Certificate { .. }));
    let word = |what, text: &str| BundleError::Word { what, text: text.to_owned() };
    assert_eq!(write(entry("one", 1, TrustTier::Cloud, "")), word("vendor", ""));
    assert_eq!(Bundle::write("a\nb", &good()), Err(word("version", "a\nb")));
    let empty = Bundle::write("1", &[]).unwrap();
    assert!(Bundle::parse(&empty).unwrap().roots.is_empty());
}
