//! Certificates as people and programs hand them on: PEM, Base64, DER, the contents of NV memory.
//!
//! In: a file's bytes. Out: the DER of each certificate in it, and the form that it had. What a certificate says is not
//! looked at, only where it begins and ends.
//= RFC 7468 §5, §6, §9: textual encodings of certificates, revocation lists and attribute certificates

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use evidence::asn1::Value;
use evidence::cursor::{Cursor, Truncated};
use evidence::tpm::certificates_from_nv;

use super::EndorsementError;
use super::limits::ROOTS;

/// How a file holds its certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One certificate, and nothing else.
    Der,
    /// The contents of NV memory: a header before, padding behind, or several certificates.
    Nv,
    /// Text with `-----BEGIN …-----`.
    Pem,
    /// Base64 without anything around it, with either alphabet.
    Base64,
    /// The data that snapd's secboot keeps: the endorsement certificate, then those above it.
    Secboot,
}

impl Form {
    /// Its name for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Der => "der",
            Self::Nv => "nv",
            Self::Pem => "pem",
            Self::Base64 => "base64",
            Self::Secboot => "secboot",
        }
    }
}

/// The labels of certificates in PEM; `TRUSTED` is OpenSSL's, which puts its own data behind the certificate.
const CERTIFICATES: [&str; 4] =
    ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "ATTRIBUTE CERTIFICATE"];
const REVOCATION_LISTS: [&str; 2] = ["X509 CRL", "CRL"];

/// The DER of each certificate in a PEM bundle; text between them, and what else it holds, is passed over.
pub fn certificates_from_pem(bundle: &str) -> Result<Vec<Vec<u8>>, EndorsementError> {
    blocks(bundle, &CERTIFICATES)
}

/// The DER of each list of revoked certificates in a file: PEM, or the list itself.
pub fn revocation_lists_in(bytes: &[u8]) -> Result<Vec<Vec<u8>>, EndorsementError> {
    match as_pem(bytes) {
        Some(text) => blocks(text, &REVOCATION_LISTS),
        None => Ok(vec![bytes.to_vec()]),
    }
}

/// The DER of each certificate in a file, whatever its form.
pub fn certificates_in(bytes: &[u8]) -> Result<(Form, Vec<Vec<u8>>), EndorsementError> {
    let none = EndorsementError::NoCertificate { size: bytes.len() };
    let (form, found) = if let Some(text) = as_pem(bytes) {
        (Form::Pem, certificates_from_pem(text)?)
    } else if Value::first(bytes).is_ok_and(|value| value.raw().len() == bytes.len()) {
        (Form::Der, vec![bytes.to_vec()])
    } else if let Some(der) = std::str::from_utf8(bytes).ok().and_then(decode) {
        (Form::Base64, der_of_base64(der).ok_or(none.clone())?)
    } else if let Ok(found) = secboot(bytes) {
        (Form::Secboot, found.into_iter().map(<[u8]>::to_vec).collect())
    } else {
        let chain = certificates_from_nv(bytes).map_err(|_| none.clone())?;
        (Form::Nv, chain.take(ROOTS).map(<[u8]>::to_vec).collect())
    };
    if found.is_empty() { Err(none) } else { Ok((form, found)) }
}

/// What Base64 holds may itself have padding behind it.
fn der_of_base64(der: Vec<u8>) -> Option<Vec<Vec<u8>>> {
    if Value::first(&der).is_ok_and(|value| value.raw().len() == der.len()) {
        return Some(vec![der]);
    }
    Some(certificates_from_nv(&der).ok()?.map(<[u8]>::to_vec).collect())
}

fn as_pem(bytes: &[u8]) -> Option<&str> {
    let looks = bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes());
    // Text from Windows may start with a byte order mark, which is UTF-8 too.
    if looks { std::str::from_utf8(bytes).ok() } else { None }
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

fn blocks(text: &str, labels: &[&str]) -> Result<Vec<Vec<u8>>, EndorsementError> {
    let mut ders: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let index = ders.len();
        let bad = EndorsementError::Pem { index };
        let Some((label, after)) = after.split_once(DASHES) else { return Err(bad) };
        let Some((body, after)) = after.split_once(END) else {
            // What is not asked for may be cut short.
            return if labels.contains(&label) { Err(bad) } else { Ok(ders) };
        };
        rest = after;
        if !labels.contains(&label) {
            continue;
        }
        if index >= ROOTS {
            return Err(EndorsementError::TooMany { what: "certificates in a file", limit: ROOTS });
        }
        // RFC 1421 has headings before the body; a line of Base64 has no colon.
        let body = body.rsplit_once(": ").map_or(body, |(_, body)| {
            body.split_once("\n\n").or_else(|| body.split_once("\r\n\r\n")).map_or(body, |(_, body)| body)
        });
        let mut der = decode(body).ok_or_else(|| bad.clone())?;
        let size = Value::first(&der).map_err(|_| bad)?.raw().len();
        if label == "TRUSTED CERTIFICATE" {
            der.truncate(size);
        }
        ders.push(der);
    }
    Ok(ders)
}

/// Base64 of either alphabet, in lines of any length, with or without padding.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    if digits.is_empty() {
        return None;
    }
    ENGINE.decode(digits).ok()
}

/// secboot's `EKCertData`: a sized certificate, which may be empty, then a count and sized certificates.
fn secboot(bytes: &[u8]) -> Result<Vec<&[u8]>, Truncated> {
    let mut cursor = Cursor::new(bytes);
    let mut found = vec![cursor.tpm2b()?];
    let count = cursor.u32_be()?;
    for _ in 0..count {
        found.push(cursor.tpm2b()?);
    }
    found.retain(|der| !der.is_empty());
    if cursor.is_empty() && found.iter().all(|der| der.first() == Some(&0x30)) {
        Ok(found)
    } else {
        Err(Truncated { offset: cursor.offset(), needed: 0, left: cursor.left() })
    }
}
