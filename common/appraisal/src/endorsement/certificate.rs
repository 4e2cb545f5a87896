//! One certificate: its fields, its key, and what it may be used for.
//!
//! In: DER. Out: a certificate whose extensions were read once, and checks of its own content. The bytes that were
//! signed are kept as they came. Whether its issuer's signature holds is checked elsewhere.

use der::asn1::ObjectIdentifier;
use der::{Decode as _, Reader as _};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::name::Name;

use super::{DeviceName, EndorsementError, Which};
use crate::crypto::PublicKey;

/// Endorsement certificates have some 1,000 to 2,000 bytes; NV areas hold no more than a few thousand.
const MAX_BYTES: usize = 8_192;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Some makers mark an endorsement key as one for OAEP alone.
const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// The extensions that are read here, or that cannot make a good path bad: key identifiers, certificate policies
/// (any policy is accepted) and alternative names.
const UNDERSTOOD: [ObjectIdentifier; 8] = [
    ObjectIdentifier::new_unwrap("2.5.29.14"), // subjectKeyIdentifier
    ObjectIdentifier::new_unwrap("2.5.29.15"), // keyUsage
    ObjectIdentifier::new_unwrap("2.5.29.17"), // subjectAltName
    ObjectIdentifier::new_unwrap("2.5.29.18"), // issuerAltName
    ObjectIdentifier::new_unwrap("2.5.29.19"), // basicConstraints
    ObjectIdentifier::new_unwrap("2.5.29.32"), // certificatePolicies
    ObjectIdentifier::new_unwrap("2.5.29.35"), // authorityKeyIdentifier
    ObjectIdentifier::new_unwrap("2.5.29.37"), // extKeyUsage
];

const TPM_MANUFACTURER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.1");
const TPM_MODEL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.2");
const TPM_VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.2.3");

/// A certificate that was read.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    which: Which,
    digest: Sha256Digest,
    tbs: Vec<u8>,
    parsed: x509_cert::Certificate,
    constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    device: Option<DeviceName>,
}

impl Certificate {
    pub(super) fn parse(which: Which, der: &[u8]) -> Result<Self, EndorsementError> {
        let (limit, found) = (MAX_BYTES, der.len());
        if found > limit {
            return Err(EndorsementError::TooLarge { which, limit, found });
        }
        let malformed = |error| EndorsementError::Malformed { which, error };
        let parsed = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let certificate = Self {
            which,
            digest: Sha256Digest::of(&[der]),
            tbs: signed_part(der).map_err(malformed)?.to_vec(),
            constraints: extension(&parsed).map_err(malformed)?,
            key_usage: extension(&parsed).map_err(malformed)?,
            extended_key_usage: extension(&parsed).map_err(malformed)?,
            device: extension::<SubjectAltName>(&parsed).map_err(malformed)?.and_then(|names| device(&names)),
            parsed,
        };
        certificate.no_extension_twice()?;
        Ok(certificate)
    }

    /// The same certificate in another place.
    pub(super) fn renamed(self, which: Which) -> Self {
        Self { which, ..self }
    }

    fn no_extension_twice(&self) -> Result<(), EndorsementError> {
        let extensions = self.extensions();
        for (at, extension) in extensions.iter().enumerate() {
            if extensions.iter().take(at).any(|before| before.extn_id == extension.extn_id) {
                return Err(EndorsementError::DuplicateExtension {
                    which: self.which,
                    oid: extension.extn_id,
                });
            }
        }
        Ok(())
    }

    fn extensions(&self) -> &[x509_cert::ext::Extension] {
        self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default()
    }

    pub(super) const fn which(&self) -> Which {
        self.which
    }

    pub(super) const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The bytes that the issuer signed.
    pub(super) fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    pub(super) const fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    pub(super) const fn subject(&self) -> &Name {
        &self.parsed.tbs_certificate.subject
    }

    pub(super) const fn issuer(&self) -> &Name {
        &self.parsed.tbs_certificate.issuer
    }

    /// Without the zero that DER puts before a high first bit.
    pub(super) fn serial(&self) -> &[u8] {
        let bytes = self.parsed.tbs_certificate.serial_number.as_bytes();
        match bytes {
            [0, rest @ ..] if !rest.is_empty() => rest,
            _ => bytes,
        }
    }

    pub(super) const fn device(&self) -> Option<&DeviceName> {
        self.device.as_ref()
    }

    pub(super) fn not_before(&self) -> UnixTime {
        UnixTime::from_secs(self.parsed.tbs_certificate.validity.not_before.to_unix_duration().as_secs())
    }

    /// The last second that counts: the year 9999 stands for a certificate that does not end.
    //= RFC 5280 §4.1.2.5: no well-defined expiration date, 99991231235959Z
    pub(super) fn not_after(&self) -> UnixTime {
        UnixTime::from_secs(self.parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, EndorsementError> {
        let which = self.which;
        let info = &self.parsed.tbs_certificate.subject_public_key_info;
        let bits = whole_octets(&info.subject_public_key)
            .map_err(|error| EndorsementError::Malformed { which, error })?;
        let unusable = |error| EndorsementError::Key { which, error };
        match info.algorithm.oid {
            RSA_ENCRYPTION | RSAES_OAEP => {
                let key = rsa::pkcs1::RsaPublicKey::from_der(bits)
                    .map_err(|error| EndorsementError::Malformed { which, error })?;
                PublicKey::rsa(key.modulus.as_bytes(), key.public_exponent.as_bytes()).map_err(unusable)
            }
            EC_PUBLIC_KEY => match self.curve()? {
                P256 => PublicKey::p256(bits).map_err(unusable),
                P384 => PublicKey::p384(bits).map_err(unusable),
                P521 => PublicKey::p521(bits).map_err(unusable),
                oid => Err(EndorsementError::KeyKind { which, oid }),
            },
            oid => Err(EndorsementError::KeyKind { which, oid }),
        }
    }

    fn curve(&self) -> Result<ObjectIdentifier, EndorsementError> {
        let which = self.which;
        let algorithm = &self.parsed.tbs_certificate.subject_public_key_info.algorithm;
        let parameters =
            algorithm.parameters.as_ref().ok_or(EndorsementError::KeyKind { which, oid: algorithm.oid })?;
        parameters.decode_as().map_err(|error| EndorsementError::Malformed { which, error })
    }

    /// What an endorsement key's own certificate must be.
    //= TCG EK Credential Profile 2.5 §3.2: basicConstraints, keyUsage and extKeyUsage
    pub(super) fn check_as_endorsement(&self, at: UnixTime) -> Result<(), EndorsementError> {
        self.valid_at(at)?;
        self.critical_are_understood()?;
        if self.constraints.as_ref().is_some_and(|constraints| constraints.ca) {
            return Err(EndorsementError::LeafIsAuthority);
        }
        if let Some(usage) = &self.key_usage
            && !usage.key_encipherment()
            && !usage.key_agreement()
        {
            return Err(EndorsementError::NotForEncryption);
        }
        match &self.extended_key_usage {
            Some(usage) if !usage.0.contains(&EK_CERTIFICATE) => {
                Err(EndorsementError::NotForEndorsement { which: self.which })
            }
            _ => Ok(()),
        }
    }

    /// What the certificate of an authority must be that has `below` authorities between it and the key.
    //= RFC 5280 §6.1.4 (k) to (o)
    pub(super) fn check_as_authority(&self, at: UnixTime, below: usize) -> Result<(), EndorsementError> {
        let which = self.which;
        self.valid_at(at)?;
        self.critical_are_understood()?;
        let Some(BasicConstraints { ca: true, path_len_constraint }) = &self.constraints else {
            return Err(EndorsementError::NotAuthority { which });
        };
        if let Some(limit) = *path_len_constraint
            && below > usize::from(limit)
        {
            return Err(EndorsementError::PathLength { which, limit, found: below });
        }
        if self.key_usage.as_ref().is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(EndorsementError::NotForCertificates { which });
        }
        match &self.extended_key_usage {
            Some(usage)
                if !usage.0.iter().any(|oid| [EK_CERTIFICATE, ANY_EXTENDED_KEY_USAGE].contains(oid)) =>
            {
                Err(EndorsementError::NotForEndorsement { which })
            }
            _ => Ok(()),
        }
    }

    fn valid_at(&self, at: UnixTime) -> Result<(), EndorsementError> {
        let (which, not_before, not_after) = (self.which, self.not_before(), self.not_after());
        if at.as_secs() < not_before.as_secs() {
            return Err(EndorsementError::NotYetValid { which, not_before, at });
        }
        if at.as_secs() > not_after.as_secs() {
            return Err(EndorsementError::Expired { which, not_after, at });
        }
        Ok(())
    }

    fn critical_are_understood(&self) -> Result<(), EndorsementError> {
        let strange = self
            .extensions()
            .iter()
            .find(|extension| extension.critical && !UNDERSTOOD.contains(&extension.extn_id));
        match strange {
            Some(extension) => {
                Err(EndorsementError::CriticalExtension { which: self.which, oid: extension.extn_id })
            }
            None => Ok(()),
        }
    }
}

/// A bit string's octets; keys and signatures have no loose bits.
pub(super) fn whole_octets(bits: &der::asn1::BitString) -> Result<&[u8], der::Error> {
    bits.as_bytes().ok_or_else(|| der::Tag::BitString.value_error())
}

/// The signed part of a certificate, as it lies in the DER: a re-encoding might differ.
fn signed_part(der: &[u8]) -> Result<&[u8], der::Error> {
    let mut reader = der::SliceReader::new(der)?;
    der::Header::decode(&mut reader)?;
    reader.tlv_bytes()
}

fn extension<'a, T: der::Decode<'a> + der::oid::AssociatedOid>(
    certificate: &'a x509_cert::Certificate,
) -> Result<Option<T>, der::Error> {
    let extensions = certificate.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let found = extensions.iter().find(|extension| extension.extn_id == T::OID);
    found.map(|extension| T::from_der(extension.extn_value.as_bytes())).transpose()
}

/// The TCG's three attributes, be they in one relative name or in three.
fn device(names: &SubjectAltName) -> Option<DeviceName> {
    let mut device = DeviceName::default();
    for name in &names.0 {
        let GeneralName::DirectoryName(name) = name else { continue };
        for attribute in name.0.iter().flat_map(|relative| relative.0.iter()) {
            match attribute.oid {
                TPM_MANUFACTURER => device.manufacturer = text(attribute),
                TPM_MODEL => device.model = text(attribute),
                TPM_VERSION => device.version = text(attribute),
                _ => {}
            }
        }
    }
    (device != DeviceName::default()).then_some(device)
}

/// `UTF8String` or `PrintableString`; other types are not used for these attributes.
fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    std::str::from_utf8(attribute.value.value()).ok().map(str::to_owned)
}
