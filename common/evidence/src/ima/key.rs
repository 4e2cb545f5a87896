//! Certificates that IMA measured when they were loaded onto a keyring.
//!
//! In: a certificate (DER). Out: whose it is and its digests. That the kernel accepted it is what the record says; here
//! nothing of it is verified.

use der::{Decode as _, Encode as _};
use x509_cert::Certificate;

use crate::digest::Sha256Digest;
use crate::limits;

/// A certificate's owner and digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Whose it is (RFC 4514).
    pub subject: String,
    /// SHA-256 of the certificate.
    pub sha256: Sha256Digest,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub spki_sha256: Sha256Digest,
}

/// Reads a measured certificate; `None` where it is none.
pub fn measured_key(bytes: &[u8]) -> Option<KeyFacts> {
    if bytes.len() > limits::IMA_KEY_BYTES {
        return None;
    }
    let certificate = Certificate::from_der(bytes).ok()?.tbs_certificate;
    Some(KeyFacts {
        subject: certificate.subject.to_string(),
        sha256: Sha256Digest::of(&[bytes]),
        // DER has one encoding for a value, and the reader accepts no other.
        spki_sha256: Sha256Digest::of(&[&certificate.subject_public_key_info.to_der().ok()?]),
    })
}
