//! PKCS#7 and CMS `SignedData`, as it signs EFI programs, variables, kernel modules and IMA records.
//!
//! In: a `ContentInfo` or the bare `SignedData` that EFI variables carry. Out: the signed content, the certificates and
//! the signers, borrowed and read when they are asked for. It does not establish that a signature holds:
//! `appraisal::signed_data` does.
//= RFC 5652 §5.1; RFC 2315 §9.1, whose content need not be an octet string

mod signer;
mod timestamp;

use std::borrow::Cow;

use crate::asn1::{Asn1Error, Oid, Reader, Value, oid, tag};
use crate::x509::{AlgorithmId, Certificate};

pub use signer::{Attribute, SignerId, SignerInfo};
pub use timestamp::TimestampInfo;

/// A `SignedData`, borrowed from the bytes that it was read from.
#[derive(Clone, Copy, Debug)]
pub struct SignedData<'a> {
    raw: &'a [u8],
    version: u64,
    digest_algorithms: Value<'a>,
    content_type: Oid<'a>,
    content: Option<Value<'a>>,
    certificates: Option<Value<'a>>,
    signers: Value<'a>,
}

impl<'a> SignedData<'a> {
    /// Reads a `SignedData`, in its `ContentInfo` or bare; nothing may follow it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Asn1Error> {
        let (signed, rest) = Self::parse_prefix(bytes)?;
        if rest.is_empty() {
            Ok(signed)
        } else {
            Err(Asn1Error::Trailing { offset: signed.raw.len(), left: rest.len() })
        }
    }

    /// Reads the `SignedData` that bytes start with, and gives what follows it: certificate tables pad.
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Asn1Error> {
        let value = Value::first(bytes)?;
        let signed = Self::of(&value)?;
        Ok((signed, bytes.get(value.raw().len()..).unwrap_or_default()))
    }

    /// Reads a `ContentInfo` or `SignedData` value.
    pub fn of(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        if reader.peek() != Some(tag::OID) {
            return Self::bare(value.raw(), reader);
        }
        let kind = reader.value()?;
        if kind.oid()? != oid::SIGNED_DATA {
            return Err(Asn1Error::Content { offset: kind.offset(), what: "SignedData" });
        }
        let inner = reader.expect(tag::context_constructed(0))?.only()?;
        Self::bare(value.raw(), inner.expect(tag::SEQUENCE)?.reader())
    }

    fn bare(raw: &'a [u8], mut reader: Reader<'a>) -> Result<Self, Asn1Error> {
        let version = reader.expect(tag::INTEGER)?.small()?;
        let digest_algorithms = reader.expect(tag::SET)?;
        let mut encapsulated = reader.expect(tag::SEQUENCE)?.reader();
        let content_type = encapsulated.expect(tag::OID)?.oid()?;
        let content = match encapsulated.optional(tag::context_constructed(0))? {
            Some(explicit) if !explicit.content().is_empty() => Some(explicit.only()?),
            _ => None,
        };
        let certificates = reader.optional(tag::context_constructed(0))?;
        let _revocation_lists = reader.optional(tag::context_constructed(1))?;
        let signers = reader.expect(tag::SET)?;
        Ok(Self { raw, version, digest_algorithms, content_type, content, certificates, signers })
    }

    /// The whole of it, as it came.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its version: 1 for PKCS#7 and most CMS.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The hashes that it names for its signers.
    pub fn digest_algorithms(&self) -> impl Iterator<Item = Result<AlgorithmId<'a>, Asn1Error>> + use<'a> {
        self.digest_algorithms.reader().map(|value| AlgorithmId::parse(&value?))
    }

    /// The kind of content.
    pub const fn content_type(&self) -> Oid<'a> {
        self.content_type
    }

    /// The content with its header; `None` where it is detached.
    pub const fn content(&self) -> Option<Value<'a>> {
        self.content
    }

    /// The octets that signers hash: those of the content without its tag and length.
    //= RFC 5652 §5.4: only the octets comprising the value of the eContent OCTET STRING; RFC 2315 §9.3: only the
    //= contents octets of the DER encoding
    pub fn content_octets(&self) -> Option<Cow<'a, [u8]>> {
        let content = self.content?;
        if content.tag() != tag::OCTET_STRING_PIECES {
            return Some(Cow::Borrowed(content.content()));
        }
        let mut octets = Vec::new();
        for piece in content.reader() {
            octets.extend_from_slice(piece.ok()?.expect(tag::OCTET_STRING).ok()?.content());
        }
        Some(Cow::Owned(octets))
    }

    /// The certificates that came with it, in their order.
    pub fn certificates(&self) -> impl Iterator<Item = Result<Certificate<'a>, Asn1Error>> + use<'a> {
        let reader = self.certificates.map_or(Reader::new(&[]), |set| set.reader());
        // Other choices than X.509 have context tags; nobody uses them.
        reader
            .filter(|value| value.as_ref().is_ok_and(|value| value.tag() == tag::SEQUENCE) || value.is_err())
            .map(|value| Certificate::of(&value?))
    }

    /// The signers, in their order.
    pub fn signers(&self) -> impl Iterator<Item = Result<SignerInfo<'a>, Asn1Error>> + use<'a> {
        self.signers.reader().map(|value| SignerInfo::of(&value?))
    }
}

#[cfg(test)]
mod tests;
