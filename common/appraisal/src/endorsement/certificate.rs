//! One certificate: its fields, its key, and what it may be used for.
//!
//! In: DER. Out: a certificate whose extensions were read once and strictly, and checks of its own content. The bytes
//! that were signed are kept as they came. Whether its issuer's signature holds is checked elsewhere.

use evidence::asn1::{Asn1Error, Oid, Value, oid, tag};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use evidence::x509::{self, KeyKind, Name};

use super::extensions::{
    AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, CERTIFICATE_POLICIES, CRL_DISTRIBUTION_POINTS, Constraints,
    EXTENDED_KEY_USAGE, Extensions, ISSUER_ALT_NAME, KEY_USAGE, SUBJECT_ALT_NAME,
    SUBJECT_DIRECTORY_ATTRIBUTES, SUBJECT_KEY_ID, authority_key_id, named_bits,
};
use super::limits::CERTIFICATE_BYTES;
use super::name::NameKey;
use super::signature::Signed;
use super::{EndorsementError, Which};
use crate::crypto::PublicKey;

/// `tcg-kp-EKCertificate`.
pub(super) const EK_CERTIFICATE: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 8, 1]);
/// `tcg-kp-PlatformAttributeCertificate`.
pub(super) const PLATFORM_CERTIFICATE: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 8, 2]);
/// `tcg-kp-AIKCertificate`.
pub(super) const AK_CERTIFICATE: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 8, 3]);
/// `tcg-kp-PlatformKeyCertificate`.
pub(super) const PLATFORM_KEY_CERTIFICATE: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 8, 4]);
const ANY_EXTENDED_KEY_USAGE: Oid<'static> = Oid::new(&[0x55, 0x1d, 37, 0]);

/// The extensions that are read here, or that cannot make a good path bad: key identifiers, certificate policies
/// (any policy is accepted), alternative names, attributes, and where lists of revoked certificates lie.
pub(super) const UNDERSTOOD: [Oid<'static>; 10] = [
    SUBJECT_DIRECTORY_ATTRIBUTES,
    SUBJECT_KEY_ID,
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    ISSUER_ALT_NAME,
    BASIC_CONSTRAINTS,
    CRL_DISTRIBUTION_POINTS,
    CERTIFICATE_POLICIES,
    AUTHORITY_KEY_ID,
    EXTENDED_KEY_USAGE,
];

const DIGITAL_SIGNATURE: u16 = 0x8000;
const KEY_ENCIPHERMENT: u16 = 0x2000;
const KEY_AGREEMENT: u16 = 0x0800;
const KEY_CERT_SIGN: u16 = 0x0400;
const CRL_SIGN: u16 = 0x0200;

/// A certificate that was read; it borrows the DER.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'a> {
    which: Which,
    parsed: x509::Certificate<'a>,
    signed: Signed<'a>,
    inner_algorithm: Value<'a>,
    names: Names,
    not_before: UnixTime,
    not_after: UnixTime,
    extensions: Extensions<'a>,
    constraints: Option<Constraints>,
    key_usage: Option<u16>,
    purposes: Option<Value<'a>>,
    subject_key_id: Option<&'a [u8]>,
    authority_key_id: Option<&'a [u8]>,
}

/// What the certificate's names are compared by.
#[derive(Clone, Copy, Debug)]
struct Names {
    subject: NameKey,
    issuer: NameKey,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(which: Which, der: &'a [u8]) -> Result<Self, EndorsementError> {
        let (limit, found) = (CERTIFICATE_BYTES, der.len());
        if found > limit {
            return Err(EndorsementError::TooLarge { which, limit, found });
        }
        let malformed = |error| EndorsementError::Malformed { which, error };
        let parsed = x509::Certificate::parse(der).map_err(malformed)?;
        let list = parsed.extension_list().map_err(malformed)?;
        let extensions = Extensions::new(list).map_err(malformed)?;
        extensions.check(which)?;
        Self::read(which, &parsed, extensions).map_err(malformed)
    }

    fn read(
        which: Which,
        parsed: &x509::Certificate<'a>,
        extensions: Extensions<'a>,
    ) -> Result<Self, Asn1Error> {
        let value = Value::first(parsed.der())?;
        let signed = Signed::of(&value)?;
        let purposes = extensions.find(EXTENDED_KEY_USAGE)?;
        if let Some(purposes) = &purposes {
            purposes.expect(tag::SEQUENCE)?.reader().try_for_each(|purpose| purpose?.oid().map(drop))?;
        }
        let no_time =
            Asn1Error::Content { offset: signed.content.offset(), what: "certificate with a validity" };
        let key_id = extensions.find(SUBJECT_KEY_ID)?;
        Ok(Self {
            which,
            signed,
            inner_algorithm: inner_algorithm(&signed.content)?,
            names: Names { subject: NameKey::of(&parsed.subject()), issuer: NameKey::of(&parsed.issuer()) },
            not_before: parsed.not_before().ok_or(no_time)?,
            not_after: parsed.not_after().ok_or(no_time)?,
            constraints: extensions
                .find(BASIC_CONSTRAINTS)?
                .map(|value| Constraints::read(&value))
                .transpose()?,
            key_usage: extensions.find(KEY_USAGE)?.map(|value| named_bits(&value)).transpose()?,
            purposes,
            subject_key_id: key_id.map(|id| id.expect(tag::OCTET_STRING)).transpose()?.map(|id| id.content()),
            authority_key_id: match extensions.find(AUTHORITY_KEY_ID)? {
                Some(value) => authority_key_id(&value)?,
                None => None,
            },
            extensions,
            parsed: *parsed,
        })
    }

    pub(super) const fn which(&self) -> Which {
        self.which
    }

    pub(super) const fn parsed(&self) -> &x509::Certificate<'a> {
        &self.parsed
    }

    pub(super) fn digest(&self) -> Sha256Digest {
        self.parsed.sha256()
    }

    pub(super) const fn subject(&self) -> Name<'a> {
        self.parsed.subject()
    }

    pub(super) const fn issuer(&self) -> Name<'a> {
        self.parsed.issuer()
    }

    pub(super) const fn subject_key(&self) -> NameKey {
        self.names.subject
    }

    pub(super) const fn issuer_key(&self) -> NameKey {
        self.names.issuer
    }

    pub(super) const fn subject_key_id(&self) -> Option<&'a [u8]> {
        self.subject_key_id
    }

    pub(super) const fn authority_key_id(&self) -> Option<&'a [u8]> {
        self.authority_key_id
    }

    pub(super) const fn extensions(&self) -> &Extensions<'a> {
        &self.extensions
    }

    /// Without the zeros that DER puts before a high first bit.
    pub(super) fn serial(&self) -> &'a [u8] {
        match self.parsed.serial() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            bytes => bytes,
        }
    }

    pub(super) const fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last second that counts: the year 9999 stands for a certificate that does not end.
    //= RFC 5280 §4.1.2.5: no well-defined expiration date, 99991231235959Z
    pub(super) const fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Whether it says that it is an authority's.
    pub(super) fn is_authority(&self) -> bool {
        self.constraints.is_some_and(|constraints| constraints.authority)
    }

    /// Whether one of its purposes is this one.
    pub(super) fn has_purpose(&self, purpose: Oid<'_>) -> bool {
        self.purposes().any(|found| found == purpose)
    }

    fn purposes(&self) -> impl Iterator<Item = Oid<'a>> + use<'a> {
        let values = self.purposes.map(|purposes| purposes.reader()).into_iter().flatten();
        values.filter_map(|purpose| purpose.ok()?.oid().ok())
    }

    /// Whether its key is for signatures alone.
    pub(super) fn is_for_signing(&self) -> bool {
        let encrypts = KEY_ENCIPHERMENT | KEY_AGREEMENT;
        self.key_usage.is_some_and(|usage| usage & DIGITAL_SIGNATURE != 0 && usage & encrypts == 0)
    }

    /// Whether its key may be used to encrypt.
    pub(super) fn is_for_encryption(&self) -> bool {
        self.key_usage.is_some_and(|usage| usage & (KEY_ENCIPHERMENT | KEY_AGREEMENT) != 0)
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, EndorsementError> {
        let which = self.which;
        let info = self.parsed.public_key();
        let unusable = |error| EndorsementError::Key { which, error };
        match info.kind() {
            KeyKind::Rsa { modulus, exponent } => PublicKey::rsa(modulus, exponent).map_err(unusable),
            KeyKind::Ec { curve: oid::P256, point } => PublicKey::p256(point).map_err(unusable),
            KeyKind::Ec { curve: oid::P384, point } => PublicKey::p384(point).map_err(unusable),
            KeyKind::Ec { curve: oid::P521, point } => PublicKey::p521(point).map_err(unusable),
            KeyKind::Ec { curve, .. } => Err(EndorsementError::KeyKind { which, oid: curve.to_string() }),
            KeyKind::Other => {
                Err(EndorsementError::KeyKind { which, oid: info.algorithm().oid().to_string() })
            }
        }
    }

    /// Checks that the key of `issuer` signed this certificate.
    pub(super) fn signed_by(&self, issuer: &Certificate<'_>) -> Result<(), EndorsementError> {
        self.signed.verify(self.which, &self.inner_algorithm, issuer)
    }

    /// What an endorsement key's own certificate must be.
    //= TCG EK Credential Profile 2.5 §3.2: basicConstraints, keyUsage and extKeyUsage
    pub(super) fn check_as_endorsement(&self, at: UnixTime) -> Result<(), EndorsementError> {
        self.check_validity(at)?;
        self.critical_are_understood()?;
        if self.is_authority() {
            return Err(EndorsementError::LeafIsAuthority);
        }
        if self.key_usage.is_some_and(|usage| usage & (KEY_ENCIPHERMENT | KEY_AGREEMENT) == 0) {
            return Err(EndorsementError::NotForEncryption);
        }
        if self.purposes.is_some() && !self.has_purpose(EK_CERTIFICATE) {
            return Err(EndorsementError::NotForEndorsement { which: self.which });
        }
        Ok(())
    }

    /// What a certificate must be that is trusted for being in a list: an authority's, at whatever time.
    pub(super) fn check_as_root(&self) -> Result<(), EndorsementError> {
        self.public_key()?;
        self.check_as_authority(self.not_after, 0)
    }

    /// What the certificate of an authority must be that has `below` authorities between it and the key.
    //= RFC 5280 §6.1.4 (k) to (o)
    pub(super) fn check_as_authority(&self, at: UnixTime, below: usize) -> Result<(), EndorsementError> {
        let which = self.which;
        self.check_validity(at)?;
        self.critical_are_understood()?;
        let Some(Constraints { authority: true, path_length }) = self.constraints else {
            return Err(EndorsementError::NotAuthority { which });
        };
        if let Some(limit) = path_length
            && u64::try_from(below).is_ok_and(|below| below > limit)
        {
            return Err(EndorsementError::PathLength { which, limit, found: below });
        }
        if self.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
            return Err(EndorsementError::NotForCertificates { which });
        }
        let endorses = |purpose| [EK_CERTIFICATE, ANY_EXTENDED_KEY_USAGE].contains(&purpose);
        if self.purposes.is_some() && !self.purposes().any(endorses) {
            return Err(EndorsementError::NotForEndorsement { which });
        }
        Ok(())
    }

    /// Whether its key may sign lists of revoked certificates.
    pub(super) fn may_revoke(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage & CRL_SIGN != 0)
    }

    pub(super) fn check_validity(&self, at: UnixTime) -> Result<(), EndorsementError> {
        let (which, not_before, not_after) = (self.which, self.not_before, self.not_after);
        if at.as_secs() < not_before.as_secs() {
            return Err(EndorsementError::NotYetValid { which, not_before, at });
        }
        if at.as_secs() > not_after.as_secs() {
            return Err(EndorsementError::Expired { which, not_after, at });
        }
        Ok(())
    }

    fn critical_are_understood(&self) -> Result<(), EndorsementError> {
        match self.extensions.not_understood(&UNDERSTOOD) {
            Some(oid) => Err(EndorsementError::CriticalExtension { which: self.which, oid: oid.to_string() }),
            None => Ok(()),
        }
    }
}

/// The algorithm that stands under the signature: behind an optional version and the serial number.
fn inner_algorithm<'a>(tbs: &Value<'a>) -> Result<Value<'a>, Asn1Error> {
    let mut fields = tbs.reader();
    fields.optional(tag::context_constructed(0))?;
    fields.expect(tag::INTEGER)?;
    fields.expect(tag::SEQUENCE)
}
