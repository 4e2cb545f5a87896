//! Platform certificates: what a platform's maker says of a machine, about its TPM's certificate.
//!
//! In: the DER of an attribute certificate. Out: the platform's name, and the certificate that it speaks of. It is about
//! no key, so that it never stands for an endorsement certificate; its signature is looked at like any other.
//= TCG Platform Certificate Profile 1.1 §3.1: Platform Attribute Certificate; RFC 5755 §4.1

use evidence::asn1::{Asn1Error, Oid, Value, tag, time};
use evidence::time::UnixTime;
use evidence::x509::Name;

use super::certificate::UNDERSTOOD;
use super::extensions::{AUTHORITY_KEY_ID, Extensions, SUBJECT_ALT_NAME, authority_key_id};
use super::limits::CERTIFICATE_BYTES;
use super::signature::Signed;
use super::tcg::{self, PlatformName};
use super::{EndorsementError, Which};

/// `tcg-at-tcgCredentialType`.
const CREDENTIAL_TYPE: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 25]);
/// `tcg-kp-DeltaPlatformAttributeCertificate`.
const DELTA: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 8, 5]);

/// A platform's attribute certificate; it borrows the DER.
#[derive(Clone, Debug)]
pub(super) struct PlatformCertificate<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) inner_algorithm: Value<'a>,
    pub(super) issuer: Name<'a>,
    pub(super) serial: &'a [u8],
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
    pub(super) holder: Option<Holder<'a>>,
    pub(super) platform: Option<PlatformName>,
    pub(super) kind: PlatformKind,
    pub(super) authority_key_id: Option<&'a [u8]>,
    pub(super) extensions: Extensions<'a>,
}

/// The certificate that a platform certificate is about: its endorsement key's, or the platform certificate that a
/// delta changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    /// Its issuer.
    pub(super) issuer: Name<'a>,
    /// Its serial number's octets, as they came.
    pub(super) serial: &'a [u8],
}

/// Which of the profile's attribute certificates it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlatformKind {
    /// One that stands for itself.
    Base,
    /// One that says what changed since another.
    Delta,
}

impl<'a> PlatformCertificate<'a> {
    /// Whether `der` is built as an attribute certificate is: a version, then a holder, not an algorithm.
    pub(super) fn is_one(der: &[u8]) -> bool {
        let look = || -> Result<bool, Asn1Error> {
            let mut fields = Value::first(der)?.reader().expect(tag::SEQUENCE)?.reader();
            fields.expect(tag::INTEGER)?;
            let holder = fields.expect(tag::SEQUENCE)?;
            Ok(holder.reader().peek().is_some_and(|tag| matches!(tag, 0xa0..=0xa2)))
        };
        look().unwrap_or(false)
    }

    pub(super) fn parse(which: Which, der: &'a [u8]) -> Result<Self, EndorsementError> {
        let (limit, found) = (CERTIFICATE_BYTES, der.len());
        if found > limit {
            return Err(EndorsementError::TooLarge { which, limit, found });
        }
        let malformed = |error| EndorsementError::Malformed { which, error };
        let certificate = Self::read(der).map_err(malformed)?;
        certificate.extensions.check(which)?;
        Ok(certificate)
    }

    /// Whether it holds at `at`, and has nothing that would have to be understood.
    pub(super) fn check(&self, at: UnixTime) -> Result<(), EndorsementError> {
        let (which, not_before, not_after) = (Which::Platform, self.not_before, self.not_after);
        if at.as_secs() < not_before.as_secs() {
            return Err(EndorsementError::NotYetValid { which, not_before, at });
        }
        if at.as_secs() > not_after.as_secs() {
            return Err(EndorsementError::Expired { which, not_after, at });
        }
        match self.extensions.not_understood(&UNDERSTOOD) {
            Some(oid) => Err(EndorsementError::CriticalExtension { which, oid: oid.to_string() }),
            None => Ok(()),
        }
    }

    fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let value = Value::first(der)?;
        if let Some(left) = der.len().checked_sub(value.raw().len()).filter(|left| *left > 0) {
            return Err(Asn1Error::Trailing { offset: value.raw().len(), left });
        }
        let signed = Signed::of(&value)?;
        let mut fields = signed.content.reader();
        fields.expect(tag::INTEGER)?;
        let holder = holder(&fields.expect(tag::SEQUENCE)?)?;
        let issuer = issuer(&fields.value()?)?;
        let inner_algorithm = fields.expect(tag::SEQUENCE)?;
        let serial = fields.expect(tag::INTEGER)?.content();
        let validity = fields.expect(tag::SEQUENCE)?;
        let attributes = fields.expect(tag::SEQUENCE)?;
        fields.optional(tag::BIT_STRING)?; // issuerUniqueID
        let list = if fields.is_empty() { None } else { Some(fields.expect(tag::SEQUENCE)?) };
        fields.end()?;
        let extensions = Extensions::new(list)?;
        let mut times = validity.reader();
        let mut next = || {
            let value = times.value()?;
            time(&value).ok_or(Asn1Error::Content { offset: value.offset(), what: "time" })
        };
        Ok(Self {
            signed,
            inner_algorithm,
            issuer,
            serial,
            not_before: next()?,
            not_after: next()?,
            holder,
            platform: extensions.find(SUBJECT_ALT_NAME)?.and_then(|names| tcg::platform(&names)),
            kind: kind(&attributes),
            authority_key_id: match extensions.find(AUTHORITY_KEY_ID)? {
                Some(value) => authority_key_id(&value)?,
                None => None,
            },
            extensions,
        })
    }
}

/// `Holder`, where it names a certificate by its issuer and serial number.
fn holder<'a>(holder: &Value<'a>) -> Result<Option<Holder<'a>>, Asn1Error> {
    let Some(base) = holder.reader().optional(tag::context_constructed(0))? else { return Ok(None) };
    let mut reader = base.reader();
    let names = reader.expect(tag::SEQUENCE)?;
    let serial = reader.expect(tag::INTEGER)?.content();
    Ok(directory_name(&names)?.map(|issuer| Holder { issuer, serial }))
}

/// `AttCertIssuer`: the names themselves, or in a form that can say more.
fn issuer<'a>(value: &Value<'a>) -> Result<Name<'a>, Asn1Error> {
    let names = if value.tag() == tag::context_constructed(0) {
        value.reader().expect(tag::SEQUENCE)?
    } else {
        value.expect(tag::SEQUENCE)?
    };
    directory_name(&names)?
        .ok_or(Asn1Error::Content { offset: value.offset(), what: "issuer with a distinguished name" })
}

/// The first distinguished name of `GeneralNames`.
fn directory_name<'a>(names: &Value<'a>) -> Result<Option<Name<'a>>, Asn1Error> {
    for name in names.reader() {
        let name = name?;
        if name.tag() == tag::context_constructed(4) {
            return Name::parse(&name.only()?).map(Some);
        }
    }
    Ok(None)
}

fn kind(attributes: &Value<'_>) -> PlatformKind {
    let delta = attributes.reader().map_while(Result::ok).any(|attribute| {
        let mut reader = attribute.reader();
        let kind = reader.value().and_then(|kind| kind.oid());
        kind == Ok(CREDENTIAL_TYPE)
            && reader.value().is_ok_and(|values| {
                let credential = values.reader().value().and_then(|value| value.reader().value()?.oid());
                credential == Ok(DELTA)
            })
    });
    if delta { PlatformKind::Delta } else { PlatformKind::Base }
}
