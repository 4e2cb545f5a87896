//! X.509 certificates as evidence.
//!
//! In: the DER (or BER) of one certificate, as it lies in a signature list, a PE file, a kernel module or a log. Out: its
//! fields, borrowed, and its fingerprints. It reads whatever firmware takes: odd serial numbers, times that are none,
//! extensions of any content. It does not establish that the certificate is well-formed, valid or signed by anybody:
//! `appraisal::signed_data` and `appraisal::endorsement` look at that.
//= RFC 5280 §4.1

mod algorithm;
mod extensions;
mod name;

use crate::asn1::{Asn1Error, Value, tag, time, unsigned};
use crate::digest::{Digest, HashAlg, Sha256Digest};
use crate::time::UnixTime;

pub use algorithm::{AlgorithmId, KeyKind, PublicKeyInfo, SignatureScheme};
pub use extensions::{Extension, KeyUsage};
pub use name::Name;

/// A certificate, borrowed from the bytes that it was read from.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    der: &'a [u8],
    tbs: &'a [u8],
    version: u64,
    serial: &'a [u8],
    issuer: Name<'a>,
    validity: Value<'a>,
    subject: Name<'a>,
    public_key: PublicKeyInfo<'a>,
    extensions: Option<Value<'a>>,
    inner_algorithm: AlgorithmId<'a>,
    outer_algorithm: AlgorithmId<'a>,
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one certificate; nothing may follow it.
    pub fn parse(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let (certificate, rest) = Self::parse_prefix(der)?;
        if rest.is_empty() {
            Ok(certificate)
        } else {
            Err(Asn1Error::Trailing { offset: certificate.der.len(), left: rest.len() })
        }
    }

    /// Reads the certificate that bytes start with, and gives what follows it: signature lists and NV areas pad.
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Asn1Error> {
        let value = Value::first(bytes)?;
        let certificate = Self::of(&value)?;
        Ok((certificate, bytes.get(value.raw().len()..).unwrap_or_default()))
    }

    /// Reads a `Certificate` value.
    pub fn of(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut outer = value.expect(tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let outer_algorithm = AlgorithmId::parse(&outer.value()?)?;
        let signature = outer.expect(tag::BIT_STRING)?.bits()?;
        outer.end()?;
        let mut fields = tbs.reader();
        let version = match fields.optional(tag::context_constructed(0))? {
            Some(version) => version.only()?.small()?,
            None => 0,
        };
        let serial = fields.expect(tag::INTEGER)?.content();
        let inner_algorithm = AlgorithmId::parse(&fields.value()?)?;
        let issuer = Name::parse(&fields.value()?)?;
        let validity = fields.expect(tag::SEQUENCE)?;
        let subject = Name::parse(&fields.value()?)?;
        let public_key = PublicKeyInfo::parse(&fields.value()?)?;
        // issuerUniqueID and subjectUniqueID: nobody uses them.
        for number in [1, 2] {
            fields.optional(tag::context(number))?;
            fields.optional(tag::context_constructed(number))?;
        }
        let extensions = fields.optional(tag::context_constructed(3))?;
        Ok(Self {
            der: value.raw(),
            tbs: tbs.raw(),
            version,
            serial,
            issuer,
            validity,
            subject,
            public_key,
            extensions,
            inner_algorithm,
            outer_algorithm,
            signature,
        })
    }

    /// The whole certificate, as it came.
    pub const fn der(&self) -> &'a [u8] {
        self.der
    }

    /// What is signed, as it came.
    pub const fn tbs(&self) -> &'a [u8] {
        self.tbs
    }

    /// SHA-256 over the whole certificate: its fingerprint.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&[self.der])
    }

    /// The hash over what is signed: what dbx revokes a certificate by (`EFI_CERT_X509_SHA256` and the like).
    pub fn tbs_hash(&self, alg: HashAlg) -> Digest {
        alg.hash(&[self.tbs])
    }

    /// 1, 2 or 3.
    pub const fn version(&self) -> u64 {
        self.version.saturating_add(1)
    }

    /// The serial number's octets, as they came: it can be negative, and longer than it may be.
    pub const fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// The serial number in hexadecimal, without zeros in front.
    pub fn serial_hex(&self) -> String {
        use std::fmt::Write as _;
        let digits = unsigned(self.serial);
        let mut text = String::with_capacity(2 * digits.len());
        for byte in digits {
            // Writing to a String does not fail.
            let _infallible = write!(text, "{byte:02x}");
        }
        if text.is_empty() { "00".to_owned() } else { text }
    }

    /// Who signed it, by its own word.
    pub const fn issuer(&self) -> Name<'a> {
        self.issuer
    }

    /// Whose it is.
    pub const fn subject(&self) -> Name<'a> {
        self.subject
    }

    /// Whether subject and issuer have one name.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Its first second; `None` where the field is no time.
    pub fn not_before(&self) -> Option<UnixTime> {
        self.times().0
    }

    /// Its last second; `None` where the field is no time.
    pub fn not_after(&self) -> Option<UnixTime> {
        self.times().1
    }

    fn times(&self) -> (Option<UnixTime>, Option<UnixTime>) {
        let mut reader = self.validity.reader();
        let mut next = || reader.value().ok().and_then(|value| time(&value));
        (next(), next())
    }

    /// Whether `at` lies in its validity; `None` where that has no times.
    pub fn is_valid_at(&self, at: UnixTime) -> Option<bool> {
        let (first, last) = self.times();
        Some(first? <= at && at <= last?)
    }

    /// The public key.
    pub const fn public_key(&self) -> PublicKeyInfo<'a> {
        self.public_key
    }

    /// SHA-256 over the `SubjectPublicKeyInfo`.
    pub fn spki_sha256(&self) -> Sha256Digest {
        self.public_key.sha256()
    }

    /// The list of extensions, for whoever must not pass over one that cannot be read.
    pub fn extension_list(&self) -> Result<Option<Value<'a>>, Asn1Error> {
        self.extensions.map(|explicit| explicit.only()).transpose()
    }

    /// The algorithm that the issuer signed with.
    pub const fn signature_algorithm(&self) -> AlgorithmId<'a> {
        self.outer_algorithm
    }

    /// Whether the algorithm stands under the signature as it stands beside it.
    //= RFC 5280 §4.1.1.2: this field MUST contain the same algorithm identifier as the signature field
    pub fn is_signature_algorithm_signed(&self) -> bool {
        let parameters = |id: &AlgorithmId<'a>| id.parameters().map(|value| value.raw());
        self.inner_algorithm.oid() == self.outer_algorithm.oid()
            && parameters(&self.inner_algorithm) == parameters(&self.outer_algorithm)
    }

    /// The issuer's signature.
    pub const fn signature(&self) -> &'a [u8] {
        self.signature
    }
}

#[cfg(test)]
mod tests;
