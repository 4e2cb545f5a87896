//! Lists of revoked certificates.
//!
//! In: lists in DER. Out: lists that are known to be readable to their end and to mean what they seem to, and of each
//! whether a serial number stands in it. Deltas, lists of other issuers' certificates and lists with unknown critical
//! extensions are refused by name, when they are read. Whose signature is under a list is checked during the search for
//! a path, with the issuer at hand.
//= RFC 5280 §5: CRL and CRL Extensions Profile

use evidence::asn1::{Asn1Error, Reader, Value, tag, time};
use evidence::time::UnixTime;
use evidence::x509::Name;

use super::Which;
use super::certificate::Certificate;
use super::error::{EndorsementError, RevocationListError};
use super::extensions::{
    AUTHORITY_KEY_ID, CERTIFICATE_ISSUER, CRL_NUMBER, DELTA_CRL, Extensions, INVALIDITY_DATE,
    ISSUER_ALT_NAME, ISSUING_DISTRIBUTION_POINT, REASON_CODE, truth,
};
use super::limits::{REVOCATION_LIST_BYTES, REVOCATION_LISTS};
use super::name::NameKey;
use super::signature::Signed;

/// Why a certificate was revoked.
//= RFC 5280 §5.3.1: Reason Code
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationReason(u64);

impl RevocationReason {
    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "unknown",
        }
    }
}

/// The lists that an operator keeps.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists(Vec<Held>);

#[derive(Clone, Debug)]
struct Held {
    der: Vec<u8>,
    issuer: NameKey,
}

impl RevocationLists {
    /// No list: nothing is known to be revoked, and a finding says so.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Takes one more list, in DER.
    pub fn add(&mut self, der: &[u8]) -> Result<(), RevocationListError> {
        if self.0.len() >= REVOCATION_LISTS {
            return Err(RevocationListError::TooMany { limit: REVOCATION_LISTS });
        }
        let list = RevocationList::parse(der)?;
        self.0.push(Held { der: der.to_vec(), issuer: NameKey::of(&list.issuer) });
        Ok(())
    }

    /// How many lists there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, so that nothing is known to be revoked.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lists that give this name as their issuer, each with its place.
    pub(super) fn of_issuer(&self, issuer: NameKey) -> impl Iterator<Item = (usize, RevocationList<'_>)> {
        let held = self.0.iter().enumerate().filter(move |(_, held)| held.issuer == issuer);
        held.filter_map(|(at, held)| Some((at, RevocationList::read(&held.der).ok()?)))
    }
}

/// One list; it borrows the DER.
#[derive(Clone, Debug)]
pub struct RevocationList<'a> {
    signed: Signed<'a>,
    inner_algorithm: Value<'a>,
    issuer: Name<'a>,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    entries: Reader<'a>,
    extensions: Extensions<'a>,
    scope: Scope,
}

/// Whose certificates a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Users,
    Authorities,
    Attributes,
}

/// A certificate that was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revoked {
    pub(super) at: UnixTime,
    pub(super) reason: RevocationReason,
}

impl<'a> RevocationList<'a> {
    /// Reads a list to its end, and refuses one that would have to be read otherwise than by its entries alone.
    pub fn parse(der: &'a [u8]) -> Result<Self, RevocationListError> {
        let (limit, found) = (REVOCATION_LIST_BYTES, der.len());
        if found > limit {
            return Err(RevocationListError::TooLarge { limit, found });
        }
        let list = Self::read(der)?;
        list.check_extensions()?;
        for entry in list.entries() {
            entry?.check()?;
        }
        Ok(list)
    }

    /// Whether these bytes are built as a list is: behind an algorithm and a name stands a time.
    pub fn is_one(der: &[u8]) -> bool {
        let look = || -> Result<bool, Asn1Error> {
            let mut fields = Value::first(der)?.reader().expect(tag::SEQUENCE)?.reader();
            fields.optional(tag::INTEGER)?;
            fields.expect(tag::SEQUENCE)?;
            fields.expect(tag::SEQUENCE)?;
            Ok(matches!(fields.peek(), Some(tag::UTC_TIME | tag::GENERALIZED_TIME)))
        };
        look().unwrap_or(false)
    }

    fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let value = Value::first(der)?;
        if let Some(left) = der.len().checked_sub(value.raw().len()).filter(|left| *left > 0) {
            return Err(Asn1Error::Trailing { offset: value.raw().len(), left });
        }
        let signed = Signed::of(&value)?;
        let mut fields = signed.content.reader();
        fields.optional(tag::INTEGER)?; // version
        let inner_algorithm = fields.expect(tag::SEQUENCE)?;
        let issuer = Name::parse(&fields.value()?)?;
        let this_update = read_time(&fields.value()?)?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(read_time(&fields.value()?)?),
            _ => None,
        };
        let entries = fields.optional(tag::SEQUENCE)?.map_or(Reader::new(&[]), |entries| entries.reader());
        let list =
            fields.optional(tag::context_constructed(0))?.map(|explicit| explicit.only()).transpose()?;
        fields.end()?;
        let extensions = Extensions::new(list)?;
        let scope = match extensions.find(ISSUING_DISTRIBUTION_POINT)? {
            Some(point) => scope(&point)?.0,
            None => Scope::All,
        };
        Ok(Self { signed, inner_algorithm, issuer, this_update, next_update, entries, extensions, scope })
    }

    fn check_extensions(&self) -> Result<(), RevocationListError> {
        const UNDERSTOOD: [evidence::asn1::Oid<'static>; 4] =
            [AUTHORITY_KEY_ID, ISSUER_ALT_NAME, CRL_NUMBER, ISSUING_DISTRIBUTION_POINT];
        if self.extensions.find(DELTA_CRL)?.is_some() {
            return Err(RevocationListError::Delta);
        }
        if let Some(point) = self.extensions.find(ISSUING_DISTRIBUTION_POINT)? {
            match scope(&point)?.1 {
                Coverage::Whole => {}
                Coverage::Indirect => return Err(RevocationListError::Indirect),
                Coverage::SomeReasons => return Err(RevocationListError::SomeReasons),
            }
        }
        match self.extensions.not_understood(&UNDERSTOOD) {
            Some(oid) => Err(RevocationListError::CriticalExtension { oid: oid.to_string() }),
            None => Ok(()),
        }
    }

    /// Who issued it, by its own word.
    pub const fn issuer(&self) -> Name<'a> {
        self.issuer
    }

    /// When it was made.
    pub const fn this_update(&self) -> UnixTime {
        self.this_update
    }

    /// When the next one is due.
    pub const fn next_update(&self) -> Option<UnixTime> {
        self.next_update
    }

    /// How many certificates it revokes.
    pub fn revoked(&self) -> usize {
        self.entries.clone().count()
    }

    /// Whether it is about certificates of authorities, or of others.
    pub(super) fn covers(&self, authority: bool) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Users => !authority,
            Scope::Authorities => authority,
            Scope::Attributes => false,
        }
    }

    /// Checks that the key of `issuer` signed this list; `which` is the certificate that it is asked about.
    pub(super) fn signed_by(&self, which: Which, issuer: &Certificate<'_>) -> Result<(), EndorsementError> {
        self.signed.verify(which, &self.inner_algorithm, issuer)
    }

    /// The entry of this serial number.
    pub(super) fn find(&self, serial: &[u8]) -> Option<Revoked> {
        let wanted = number(serial);
        let mut entries = self.entries().map_while(Result::ok);
        entries.find(|entry| number(entry.serial) == wanted).map(|entry| entry.revoked())
    }

    fn entries(&self) -> impl Iterator<Item = Result<Entry<'a>, Asn1Error>> + use<'a> {
        self.entries.clone().map(|value| Entry::read(&value?))
    }
}

/// A number's octets without those that only repeat its sign.
fn number(octets: &[u8]) -> &[u8] {
    let mut digits = octets;
    while let [sign @ (0x00 | 0xff), rest @ ..] = digits {
        match rest.first() {
            Some(next) if next & 0x80 == sign & 0x80 => digits = rest,
            _ => break,
        }
    }
    digits
}

/// One entry of a list.
#[derive(Clone, Debug)]
struct Entry<'a> {
    serial: &'a [u8],
    at: UnixTime,
    extensions: Extensions<'a>,
}

impl<'a> Entry<'a> {
    fn read(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let serial = reader.expect(tag::INTEGER)?.content();
        let at = read_time(&reader.value()?)?;
        let extensions = Extensions::new(reader.optional(tag::SEQUENCE)?)?;
        reader.end()?;
        Ok(Self { serial, at, extensions })
    }

    fn check(&self) -> Result<(), RevocationListError> {
        self.extensions.iter().try_for_each(|extension| extension.map(drop))?;
        if self.extensions.find(CERTIFICATE_ISSUER)?.is_some() {
            return Err(RevocationListError::Indirect);
        }
        match self.extensions.not_understood(&[REASON_CODE, INVALIDITY_DATE]) {
            Some(oid) => Err(RevocationListError::CriticalExtension { oid: oid.to_string() }),
            None => Ok(()),
        }
    }

    fn revoked(&self) -> Revoked {
        let code = self.extensions.find(REASON_CODE).ok().flatten();
        let code =
            code.map_or(0, |code| code.content().iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)));
        Revoked { at: self.at, reason: RevocationReason(code) }
    }
}

/// How much of the certificates in its scope a list speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coverage {
    Whole,
    Indirect,
    SomeReasons,
}

/// `IssuingDistributionPoint`.
//= RFC 5280 §5.2.5: Issuing Distribution Point
fn scope(point: &Value<'_>) -> Result<(Scope, Coverage), Asn1Error> {
    let mut found = (Scope::All, Coverage::Whole);
    for part in point.expect(tag::SEQUENCE)?.reader() {
        let part = part?;
        match part.tag() {
            0x81 if truth(&part) => found.0 = Scope::Users,
            0x82 if truth(&part) => found.0 = Scope::Authorities,
            0x85 if truth(&part) => found.0 = Scope::Attributes,
            0x83 => found.1 = Coverage::SomeReasons,
            0x84 if truth(&part) => found.1 = Coverage::Indirect,
            _ => {}
        }
    }
    Ok(found)
}

fn read_time(value: &Value<'_>) -> Result<UnixTime, Asn1Error> {
    time(value).ok_or(Asn1Error::Content { offset: value.offset(), what: "time" })
}
