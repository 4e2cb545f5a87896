//! What our own rings come to, at several times.

use std::fmt::Write as _;

use appraisal::openpgp::{FindingCode, Status, assess};
use evidence::openpgp::KeyRing;
use evidence::time::UnixTime;

use crate::gnupg::AT;
use crate::own;

/// A ring's states as text.
fn text(bytes: &[u8], at: u64) -> String {
    let ring = KeyRing::read(bytes).unwrap();
    let mut out = String::new();
    for certificate in ring.certificates().map(Result::unwrap) {
        let all = assess(&certificate, UnixTime::from_secs(at));
        let key = certificate.primary;
        let expires = |time: Option<u32>| time.map_or("never".to_owned(), |time| time.to_string());
        let status = all.status.name();
        writeln!(out, "{} {} {status}, expires {}", key.fingerprint(), key.algorithm, expires(all.expires))
            .unwrap();
        for user_id in &all.user_ids {
            writeln!(out, "  {} {}", String::from_utf8_lossy(user_id.bytes), user_id.status.name()).unwrap();
        }
        for subkey in &all.subkeys {
            let (id, status) = (subkey.key.key_id(), subkey.status.name());
            let (algorithm, expires) = (subkey.key.algorithm, expires(subkey.expires));
            writeln!(out, "  {id} {algorithm} {status}, expires {expires}").unwrap();
        }
        for finding in &all.findings {
            writeln!(out, "  {}: {finding}", finding.code.as_str()).unwrap();
        }
    }
    out
}

#[test]
fn every_kind_of_key_at_three_times() {
    let bytes = own("all.gpg");
    for (name, at) in [("2024-01-20", 1_705_708_800), ("2027-01-15", AT), ("2040-01-01", 2_208_988_800)] {
        insta::assert_snapshot!(format!("all-{name}"), text(&bytes, at));
    }
}

#[test]
fn before_a_key_was_made_nothing_binds_it() {
    let text = text(&own("ed25519.gpg"), 1_700_000_000);
    assert!(text.contains("unverified") && !text.contains(" valid"), "{text}");
}

#[test]
fn a_salted_signature_of_version_6_holds() {
    let ring = KeyRing::read(VERSION_6.as_bytes()).unwrap();
    let certificate = ring.certificates().next().unwrap().unwrap();
    let all = assess(&certificate, UnixTime::from_secs(AT));
    assert_eq!((all.status, all.subkeys[0].status), (Status::Valid, Status::Valid));
    assert_eq!(all.findings, []);
}

#[test]
fn what_is_not_verified_is_never_valid() {
    let bytes = own("all.gpg");
    let ring = KeyRing::read(&bytes).unwrap();
    for certificate in ring.certificates().map(Result::unwrap) {
        let all = assess(&certificate, UnixTime::from_secs(AT));
        // DSA, and Brainpool's curve.
        let is_open =
            certificate.primary.algorithm.0 == 17 || certificate.primary.curve() == Some("brainpoolP256r1");
        assert_eq!(all.status == Status::Unverified, is_open, "{}", certificate.primary.fingerprint());
        let said = all.findings.iter().any(|finding| finding.code == FindingCode::SelfSignatureUnverified);
        assert_eq!(said, is_open);
    }
}

/// The certificate of RFC 9580, appendix A.3.
const VERSION_6: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----

xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy
KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw
gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE
QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn
+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh
BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8
j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805
I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==
-----END PGP PUBLIC KEY BLOCK-----
";
