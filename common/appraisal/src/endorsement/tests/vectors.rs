//! All certificates of the corpus, where it is at hand: each is read, and says what others say that it says.

use std::path::Path;

use super::real::{read, vectors};
use super::*;

/// Reads a file and looks at its first certificate; the others are those above it.
fn examined(path: &Path) -> Examination {
    let (_, ders) =
        certificates_in(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (first, more) = ders.split_first().unwrap();
    let more: Vec<&[u8]> = more.iter().map(Vec::as_slice).collect();
    let at = UnixTime::from_secs(1_796_083_200);
    let with = Surroundings { roots: None, intermediates: &more, lists: &NO_LISTS, at, public: None };
    examine(first, &with).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the corpus' index that are of this kind: the paths.
fn rows(dir: &Path, kind: &str) -> Vec<String> {
    let index = String::from_utf8(read(&dir.join("INDEX.tsv"))).unwrap();
    let columns = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    columns.filter(|row| row.get(7) == Some(&kind)).map(|row| row[0].to_owned()).collect()
}

#[test]
fn every_endorsement_and_platform_certificate_is_read() {
    let Some(dir) = vectors() else { return };
    let rows = rows(&dir, "ek-cert");
    let mut kinds = std::collections::BTreeMap::<_, usize>::new();
    for row in &rows {
        let found = examined(&dir.join(row));
        *kinds.entry(found.kind.name()).or_default() += 1;
        assert!(!found.issuer.is_empty() && !found.serial.is_empty(), "{row}");
        if found.kind.name() == "platform" {
            assert!(found.platform.is_some_and(|name| name.manufacturer.is_some()), "{row}");
        }
    }
    println!("{} certificates read: {kinds:?}", rows.len());
    assert_eq!(rows.len(), 36);
    let expected = [("ak", 5), ("ca", 5), ("ek", 7), ("other", 1), ("platform", 18)];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn every_authority_of_the_makers_is_read() {
    let Some(dir) = vectors() else { return };
    let rows = rows(&dir, "ca-bundle");
    let mut count = 0;
    for row in &rows {
        for der in certificates_in(&read(&dir.join(row))).unwrap().1 {
            let certificate = Certificate::parse(Which::Root(count), &der).unwrap();
            assert!(certificate.is_authority(), "{row}: {}", certificate.subject());
            certificate.public_key().unwrap();
            count += 1;
        }
    }
    println!("{count} certificates of authorities in {} files read", rows.len());
    assert_eq!(rows.len(), 125);
}

/// What go-attestation says of platform certificates.
#[test]
fn platform_certificates_say_what_go_attestation_says() {
    let Some(dir) = vectors() else { return };
    let mut compared = 0;
    for row in rows(&dir, "ek-cert") {
        let oracle = dir.join(format!("{row}.json"));
        if !oracle.is_file() {
            continue;
        }
        let text = String::from_utf8(read(&oracle)).unwrap();
        let oracle: serde_json::Value = serde_json::from_str(&text).unwrap();
        let found = examined(&dir.join(&row));
        let platform = found.platform.clone().unwrap_or_default();
        let same = |ours: Option<String>, name: &str| {
            assert_eq!(ours.unwrap_or_default(), oracle[name].as_str().unwrap_or_default(), "{row}: {name}");
        };
        same(platform.manufacturer, "PlatformManufacturer");
        same(platform.model, "PlatformModel");
        same(platform.version, "PlatformVersion");
        same(platform.serial, "PlatformSerial");
        let time = |time: UnixTime| Some(time.to_string().replace(".000Z", "Z"));
        same(time(found.validity.not_before), "NotBefore");
        same(time(found.validity.not_after), "NotAfter");
        let common_name = oracle["Issuer"]["CommonName"].as_str().unwrap_or_default();
        assert!(found.issuer.contains(common_name), "{row}: {}", found.issuer);
        if let Some(holder) = &found.holder {
            let common_name = oracle["Holder"]["Issuer"]["CommonName"].as_str().unwrap_or_default();
            assert!(holder.issuer.contains(common_name), "{row}: {}", holder.issuer);
        }
        assert!(text.contains(&format!("\"SerialNumber\": {},", decimal(&found.serial))), "{row}");
        if let Some(holder) = &found.holder {
            assert!(text.contains(&format!("\"Serial\": {}\n", decimal(&holder.serial))), "{row}");
        }
        compared += 1;
    }
    println!("{compared} platform certificates as go-attestation has them");
    assert_eq!(compared, 12);
}

/// A number that is not negative, in decimal: it is longer than any integer, and than what JSON is read to.
fn decimal(octets: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for octet in octets {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            let sum = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(sum % 10).unwrap();
            carry = sum / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap());
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}
