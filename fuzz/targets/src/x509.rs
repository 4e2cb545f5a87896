//! Certificates: fields or an error, never a crash; fingerprints of whatever is read.

use evidence::x509::Certificate;

/// The target's body.
pub fn x509(bytes: &[u8]) {
    let Ok((certificate, rest)) = Certificate::parse_prefix(bytes) else { return };
    assert_eq!(certificate.der().len() + rest.len(), bytes.len());
    let text = format!("{} {}", certificate.subject(), certificate.issuer());
    assert!(!text.chars().any(char::is_control));
    let _fields = (certificate.serial_hex(), certificate.not_before(), certificate.not_after());
    let _key = (certificate.public_key().name(), certificate.public_key().bits());
    let _extensions =
        (certificate.is_ca(), certificate.key_usage(), certificate.extended_key_usages().count());
    let _itself = appraisal::signed_data::chain(&certificate, &[certificate]);
}
