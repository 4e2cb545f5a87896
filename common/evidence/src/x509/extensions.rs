//! The extensions that say whose key a certificate holds and what it may be used for.
//!
//! In: a certificate. Out: its extensions one by one, and the content of five of them. An extension whose content is not
//! what its kind asks for reads as absent here; `extensions` still shows it.
//= RFC 5280 §4.2.1

use crate::asn1::{Oid, Reader, Value, oid, tag};

use super::Certificate;

/// One extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its kind.
    pub oid: Oid<'a>,
    /// Whether whoever does not understand it must refuse the certificate.
    pub critical: bool,
    /// The content of its octet string.
    pub value: &'a [u8],
}

/// The bits of `keyUsage`, the first of the standard in the highest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// The usages by name.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter_map(move |(bit, name)| {
            (self.0 & 0x8000_u16.checked_shr(u32::try_from(bit).ok()?)? != 0).then_some(name)
        })
    }

    /// Whether the key may sign certificates.
    pub const fn may_sign_certificates(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// Whether the key may sign anything but certificates and revocation lists.
    pub const fn may_sign(self) -> bool {
        self.0 & 0xc000 != 0
    }
}

impl<'a> Certificate<'a> {
    /// All extensions that can be read.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let list = self.extensions.and_then(|explicit| explicit.only().ok());
        let reader = list.map_or(Reader::new(&[]), |list| list.reader());
        reader.map_while(Result::ok).filter_map(|value| extension(&value))
    }

    fn extension(&self, wanted: Oid<'_>) -> Option<Value<'a>> {
        let found = self.extensions().find(|extension| extension.oid == wanted)?;
        Value::first(found.value).ok()
    }

    /// `subjectKeyIdentifier`.
    pub fn subject_key_id(&self) -> Option<&'a [u8]> {
        let value = self.extension(oid::SUBJECT_KEY_ID)?;
        value.expect(tag::OCTET_STRING).ok().map(|value| value.content())
    }

    /// `keyIdentifier` of `authorityKeyIdentifier`.
    pub fn authority_key_id(&self) -> Option<&'a [u8]> {
        let value = self.extension(oid::AUTHORITY_KEY_ID)?.expect(tag::SEQUENCE).ok()?;
        value.reader().optional(tag::context(0)).ok()?.map(|value| value.content())
    }

    /// Whether `basicConstraints` calls it an authority; `None` without that extension.
    pub fn is_ca(&self) -> Option<bool> {
        let value = self.extension(oid::BASIC_CONSTRAINTS)?.expect(tag::SEQUENCE).ok()?;
        let ca = value.reader().optional(tag::BOOLEAN).ok()?;
        Some(ca.is_some_and(|ca| ca.content().iter().any(|byte| *byte != 0)))
    }

    /// `keyUsage`.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        let bits = self.extension(oid::KEY_USAGE)?.bits().ok()?;
        let octet = |at: usize| bits.get(at).copied().unwrap_or(0);
        Some(KeyUsage(u16::from_be_bytes([octet(0), octet(1)])))
    }

    /// The purposes of `extKeyUsage`.
    pub fn extended_key_usages(&self) -> impl Iterator<Item = Oid<'a>> + use<'a> {
        let list = self.extension(oid::EXTENDED_KEY_USAGE);
        let reader = list.map_or(Reader::new(&[]), |list| list.reader());
        reader.map_while(Result::ok).filter_map(|value| value.oid().ok())
    }
}

fn extension<'a>(value: &Value<'a>) -> Option<Extension<'a>> {
    let mut reader = value.expect(tag::SEQUENCE).ok()?.reader();
    let oid = reader.value().ok()?.oid().ok()?;
    let critical = reader.optional(tag::BOOLEAN).ok()?;
    let critical = critical.is_some_and(|critical| critical.content().iter().any(|byte| *byte != 0));
    let value = reader.expect(tag::OCTET_STRING).ok()?.content();
    Some(Extension { oid, critical, value })
}
