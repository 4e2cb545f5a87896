//! Extensions of certificates, attribute certificates and revocation lists, read strictly.
//!
//! In: the list of extensions. Out: each by its kind, or an error: where a certificate is believed for what it says, one
//! that says something unreadable is not believed at all. What an extension means for trust is decided by who asks.
//= RFC 5280 §4.2: Certificate Extensions

use evidence::asn1::{Asn1Error, Oid, Reader, Value, tag};

use super::{EndorsementError, Which};

pub(super) const SUBJECT_DIRECTORY_ATTRIBUTES: Oid<'static> = Oid::new(&[0x55, 0x1d, 9]);
pub(super) const SUBJECT_KEY_ID: Oid<'static> = Oid::new(&[0x55, 0x1d, 14]);
pub(super) const KEY_USAGE: Oid<'static> = Oid::new(&[0x55, 0x1d, 15]);
pub(super) const SUBJECT_ALT_NAME: Oid<'static> = Oid::new(&[0x55, 0x1d, 17]);
pub(super) const ISSUER_ALT_NAME: Oid<'static> = Oid::new(&[0x55, 0x1d, 18]);
pub(super) const BASIC_CONSTRAINTS: Oid<'static> = Oid::new(&[0x55, 0x1d, 19]);
pub(super) const CRL_NUMBER: Oid<'static> = Oid::new(&[0x55, 0x1d, 20]);
pub(super) const REASON_CODE: Oid<'static> = Oid::new(&[0x55, 0x1d, 21]);
pub(super) const INVALIDITY_DATE: Oid<'static> = Oid::new(&[0x55, 0x1d, 24]);
pub(super) const DELTA_CRL: Oid<'static> = Oid::new(&[0x55, 0x1d, 27]);
pub(super) const ISSUING_DISTRIBUTION_POINT: Oid<'static> = Oid::new(&[0x55, 0x1d, 28]);
pub(super) const CERTIFICATE_ISSUER: Oid<'static> = Oid::new(&[0x55, 0x1d, 29]);
pub(super) const CRL_DISTRIBUTION_POINTS: Oid<'static> = Oid::new(&[0x55, 0x1d, 31]);
pub(super) const CERTIFICATE_POLICIES: Oid<'static> = Oid::new(&[0x55, 0x1d, 32]);
pub(super) const AUTHORITY_KEY_ID: Oid<'static> = Oid::new(&[0x55, 0x1d, 35]);
pub(super) const EXTENDED_KEY_USAGE: Oid<'static> = Oid::new(&[0x55, 0x1d, 37]);

/// Real certificates have up to twelve.
const MAX_EXTENSIONS: usize = 64;

/// One extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) oid: Oid<'a>,
    pub(super) critical: bool,
    value: Value<'a>,
}

/// A list of extensions.
#[derive(Clone, Debug)]
pub(super) struct Extensions<'a>(Reader<'a>);

impl<'a> Extensions<'a> {
    /// The list, which may be missing.
    pub(super) fn new(list: Option<Value<'a>>) -> Result<Self, Asn1Error> {
        match list {
            Some(list) => Ok(Self(list.expect(tag::SEQUENCE)?.reader())),
            None => Ok(Self(Reader::new(&[]))),
        }
    }

    /// Each extension, up to the first that cannot be read.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Extension<'a>, Asn1Error>> + use<'a> {
        self.0.clone().map(|value| extension(&value?))
    }

    /// The content of the extension of this kind.
    pub(super) fn find(&self, wanted: Oid<'_>) -> Result<Option<Value<'a>>, Asn1Error> {
        for extension in self.iter() {
            let extension = extension?;
            if extension.oid == wanted {
                return extension.value.only().map(Some);
            }
        }
        Ok(None)
    }

    /// Refuses a list that cannot be read, is too long, or has two extensions of one kind.
    pub(super) fn check(&self, which: Which) -> Result<(), EndorsementError> {
        let mut seen: Vec<Oid<'a>> = Vec::new();
        for extension in self.iter() {
            let extension = extension.map_err(|error| EndorsementError::Malformed { which, error })?;
            if seen.contains(&extension.oid) {
                let oid = extension.oid.to_string();
                return Err(EndorsementError::DuplicateExtension { which, oid });
            }
            if seen.len() >= MAX_EXTENSIONS {
                return Err(EndorsementError::TooMany { what: "extensions", limit: MAX_EXTENSIONS });
            }
            seen.push(extension.oid);
        }
        Ok(())
    }

    /// The first extension that must be understood and is none of these.
    pub(super) fn not_understood(&self, understood: &[Oid<'_>]) -> Option<Oid<'a>> {
        let mut all = self.iter().map_while(Result::ok);
        all.find(|extension| {
            extension.critical && !understood.contains(&extension.oid) && !of_tcg(extension.oid)
        })
        .map(|extension| extension.oid)
    }
}

/// The TCG's own extensions say something about the platform and restrict nothing.
//= TCG OID Registry 1.00: tcg-ce, 2.23.133.6
fn of_tcg(oid: Oid<'_>) -> bool {
    oid.as_bytes().starts_with(&[0x67, 0x81, 0x05, 0x06])
}

fn extension<'a>(value: &Value<'a>) -> Result<Extension<'a>, Asn1Error> {
    let mut reader = value.expect(tag::SEQUENCE)?.reader();
    let oid = reader.expect(tag::OID)?.oid()?;
    let critical = reader.optional(tag::BOOLEAN)?.is_some_and(|critical| truth(&critical));
    let value = reader.expect(tag::OCTET_STRING)?;
    reader.end()?;
    Ok(Extension { oid, critical, value })
}

/// Any octet but zero is true.
pub(super) fn truth(value: &Value<'_>) -> bool {
    value.content().iter().any(|octet| *octet != 0)
}

/// `BasicConstraints`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Constraints {
    pub(super) authority: bool,
    pub(super) path_length: Option<u64>,
}

impl Constraints {
    pub(super) fn read(value: &Value<'_>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let authority = reader.optional(tag::BOOLEAN)?.is_some_and(|ca| truth(&ca));
        let path_length = reader.optional(tag::INTEGER)?.map(|limit| limit.small()).transpose()?;
        reader.end()?;
        Ok(Self { authority, path_length })
    }
}

/// The bits of a bit string of named bits, the first of the standard in the highest; those beyond 16 are left out.
pub(super) fn named_bits(value: &Value<'_>) -> Result<u16, Asn1Error> {
    let bits = value.bits()?;
    let octet = |at: usize| bits.get(at).copied().unwrap_or(0);
    Ok(u16::from_be_bytes([octet(0), octet(1)]))
}

/// `keyIdentifier` of an `AuthorityKeyIdentifier`.
pub(super) fn authority_key_id<'a>(value: &Value<'a>) -> Result<Option<&'a [u8]>, Asn1Error> {
    let id = value.expect(tag::SEQUENCE)?.reader().optional(tag::context(0))?;
    Ok(id.map(|id| id.content()))
}
