//! A certificate that is looked at, by somebody who may have no TPM, no roots and no key at hand.
//!
//! In: a certificate of any kind, and what it is to be compared with. Out: all that it says, the chain as far as it
//! holds, and findings. It is for people: hosts are enrolled by [`verify_chain`](super::verify_chain) alone.

use evidence::asn1::{Asn1Error, tag};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use evidence::tpm::Public;
use evidence::x509::KeyUsage;

use super::certificate::{
    AK_CERTIFICATE, Certificate, EK_CERTIFICATE, PLATFORM_CERTIFICATE, PLATFORM_KEY_CERTIFICATE,
};
use super::extensions::{CERTIFICATE_POLICIES, SUBJECT_ALT_NAME, SUBJECT_DIRECTORY_ATTRIBUTES};
use super::path::{Authority, Path, Search};
use super::platform::{PlatformCertificate, PlatformKind};
use super::revocation::RevocationLists;
use super::tcg::{self, PlatformName, SecurityAssertions, TpmSpecification};
use super::{
    DeviceName, EndorsementError, EndorsementFinding, EndorsementRoots, Standing, TrustTier, Vendor, Which,
    is_for, parse_intermediates,
};

/// What a certificate is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Who is trusted; `None` where that is not asked.
    pub roots: Option<&'a EndorsementRoots>,
    /// The certificates above it, in DER in any order.
    pub intermediates: &'a [&'a [u8]],
    /// Lists of revoked certificates.
    pub lists: &'a RevocationLists,
    /// The time of the check.
    pub at: UnixTime,
    /// The endorsement key that it is to be about.
    pub public: Option<&'a Public>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateKind {
    /// An endorsement key.
    Endorsement,
    /// An attestation key.
    Attestation,
    /// A platform, by an attribute certificate.
    Platform,
    /// What changed of a platform since another certificate.
    PlatformDelta,
    /// A platform, by a certificate of the TPM's key.
    PlatformKey,
    /// Other certificates.
    Authority,
    /// Something else.
    Other,
}

impl CertificateKind {
    /// Of a platform's, how it is about it: `attributes`, `delta` or `key`.
    pub const fn platform_form(self) -> Option<&'static str> {
        match self {
            Self::Platform => Some("attributes"),
            Self::PlatformDelta => Some("delta"),
            Self::PlatformKey => Some("key"),
            _ => None,
        }
    }

    /// The name that answers show.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Endorsement => "ek",
            Self::Attestation => "ak",
            Self::Platform | Self::PlatformDelta | Self::PlatformKey => "platform",
            Self::Authority => "ca",
            Self::Other => "other",
        }
    }
}

/// From when until when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// Its first second.
    pub not_before: UnixTime,
    /// Its last second.
    pub not_after: UnixTime,
}

/// A certificate's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// `rsa`, `p256` and the like, or an object identifier.
    pub algorithm: String,
    /// Its size.
    pub bits: Option<usize>,
    /// SHA-256 over the `SubjectPublicKeyInfo`.
    pub spki: Sha256Digest,
}

/// What a certificate says that its key may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// `keyUsage`, by the standard's names.
    pub key: Vec<&'static str>,
    /// `extKeyUsage`: object identifiers.
    pub purposes: Vec<String>,
    /// `certificatePolicies`: object identifiers.
    pub policies: Vec<String>,
}

/// The certificate that a platform certificate is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderName {
    /// Its issuer.
    pub issuer: String,
    /// Its serial number's octets.
    pub serial: Vec<u8>,
}

/// All that a certificate says, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Examination {
    /// What it is for.
    pub kind: CertificateKind,
    /// Its subject; often empty, and missing of a platform's.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The serial number's octets, as they came.
    pub serial: Vec<u8>,
    /// From when until when it holds.
    pub validity: Validity,
    /// SHA-256 over it.
    pub certificate: Sha256Digest,
    /// Its key; an attribute certificate has none.
    pub key: Option<KeySummary>,
    /// What its key may be used for.
    pub usage: Usage,
    /// The algorithm of its signature.
    pub signature_algorithm: String,
    /// The TPM that it names.
    pub device: Option<DeviceName>,
    /// The TPM's specification.
    pub specification: Option<TpmSpecification>,
    /// What the TPM's maker asserts.
    pub assertions: Option<SecurityAssertions>,
    /// The platform that it names.
    pub platform: Option<PlatformName>,
    /// The certificate that it is about.
    pub holder: Option<HolderName>,
    /// The authorities above it, up to a root.
    pub chain: Vec<Authority>,
    /// On whose word it is.
    pub standing: Standing,
    /// What is out of order, or worth knowing.
    pub findings: Vec<EndorsementFinding>,
}

/// Looks at one certificate in DER. An error is that it cannot be read; all else is a finding.
pub fn examine(der: &[u8], with: &Surroundings<'_>) -> Result<Examination, EndorsementError> {
    let intermediates = parse_intermediates(with.intermediates)?;
    if PlatformCertificate::is_one(der) {
        let certificate = PlatformCertificate::parse(Which::Platform, der)?;
        let mut found = of_platform(der, &certificate);
        check_platform(&mut found, &certificate, &intermediates, with);
        return Ok(found);
    }
    let certificate = Certificate::parse(Which::EndorsementKey, der)?;
    let mut found = of_certificate(&certificate)?;
    check(&mut found, &certificate, &intermediates, with);
    Ok(found)
}

fn kind(certificate: &Certificate<'_>) -> CertificateKind {
    if certificate.has_purpose(PLATFORM_KEY_CERTIFICATE) || certificate.has_purpose(PLATFORM_CERTIFICATE) {
        CertificateKind::PlatformKey
    } else if certificate.is_authority() {
        CertificateKind::Authority
    } else if certificate.has_purpose(AK_CERTIFICATE) || certificate.is_for_signing() {
        CertificateKind::Attestation
    } else if certificate.has_purpose(EK_CERTIFICATE) || certificate.is_for_encryption() {
        CertificateKind::Endorsement
    } else {
        CertificateKind::Other
    }
}

fn of_certificate(certificate: &Certificate<'_>) -> Result<Examination, EndorsementError> {
    let malformed = |error| EndorsementError::Malformed { which: certificate.which(), error };
    let names = certificate.extensions().find(SUBJECT_ALT_NAME).map_err(malformed)?;
    let attributes = certificate.extensions().find(SUBJECT_DIRECTORY_ATTRIBUTES).map_err(malformed)?;
    let (specification, assertions) = attributes.as_ref().map(tcg::attributes).unwrap_or_default();
    let parsed = certificate.parsed();
    let key = parsed.public_key();
    Ok(Examination {
        kind: kind(certificate),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: parsed.serial().to_vec(),
        validity: Validity { not_before: certificate.not_before(), not_after: certificate.not_after() },
        certificate: certificate.digest(),
        key: Some(KeySummary { algorithm: key.name(), bits: key.bits(), spki: key.sha256() }),
        usage: usage(certificate).map_err(malformed)?,
        signature_algorithm: parsed.signature_algorithm().to_string(),
        device: names.as_ref().and_then(tcg::device),
        specification,
        assertions,
        platform: names.as_ref().and_then(tcg::platform),
        holder: None,
        chain: Vec::new(),
        standing: Standing::Unknown,
        findings: Vec::new(),
    })
}

fn usage(certificate: &Certificate<'_>) -> Result<Usage, Asn1Error> {
    let parsed = certificate.parsed();
    let mut policies = Vec::new();
    if let Some(list) = certificate.extensions().find(CERTIFICATE_POLICIES)? {
        for policy in list.expect(tag::SEQUENCE)?.reader() {
            policies.push(policy?.expect(tag::SEQUENCE)?.reader().value()?.oid()?.to_string());
        }
    }
    Ok(Usage {
        key: parsed.key_usage().into_iter().flat_map(KeyUsage::names).collect(),
        purposes: parsed.extended_key_usages().map(|oid| oid.to_string()).collect(),
        policies,
    })
}

fn of_platform(der: &[u8], certificate: &PlatformCertificate<'_>) -> Examination {
    let holder = certificate
        .holder
        .map(|holder| HolderName { issuer: holder.issuer.to_string(), serial: holder.serial.to_vec() });
    Examination {
        kind: match certificate.kind {
            PlatformKind::Base => CertificateKind::Platform,
            PlatformKind::Delta => CertificateKind::PlatformDelta,
        },
        subject: String::new(),
        issuer: certificate.issuer.to_string(),
        serial: certificate.serial.to_vec(),
        validity: Validity { not_before: certificate.not_before, not_after: certificate.not_after },
        certificate: Sha256Digest::of(&[der]),
        key: None,
        usage: Usage::default(),
        signature_algorithm: certificate.signed.algorithm(),
        device: None,
        specification: None,
        assertions: None,
        platform: certificate.platform.clone(),
        holder,
        chain: Vec::new(),
        standing: Standing::Unknown,
        findings: Vec::new(),
    }
}

fn check(
    found: &mut Examination,
    certificate: &Certificate<'_>,
    intermediates: &[Certificate<'_>],
    with: &Surroundings<'_>,
) {
    check_serial(found);
    check_names(found, certificate);
    let own = match found.kind {
        CertificateKind::Endorsement => certificate.check_as_endorsement(with.at),
        _ => certificate.check_validity(with.at),
    };
    let key = certificate.public_key().map(drop);
    let about = with.public.map_or(Ok(()), |public| is_for(certificate, public));
    let holds = [own, key, about].map(|outcome| note(found, outcome)).iter().all(|held| *held);
    let search = |roots| Search::new(roots, intermediates, with.lists, with.at);
    take_path(found, with.roots.map(|roots| search(roots).path_of(certificate)), holds);
}

fn check_platform(
    found: &mut Examination,
    certificate: &PlatformCertificate<'_>,
    intermediates: &[Certificate<'_>],
    with: &Surroundings<'_>,
) {
    check_serial(found);
    let holds = note(found, certificate.check(with.at));
    let search = |roots| Search::new(roots, intermediates, with.lists, with.at);
    take_path(found, with.roots.map(|roots| search(roots).path_of_platform(certificate)), holds);
}

/// What follows from the way to a root, if there are roots: the chain, and the tier.
fn take_path(found: &mut Examination, path: Option<Result<Path, EndorsementError>>, holds: bool) {
    let Some(path) = path else {
        found.findings.push(EndorsementFinding::NoRoots);
        return;
    };
    let tier = match path {
        Ok(mut path) => {
            found.chain = path.authorities;
            found.findings.append(&mut path.findings);
            path.tier
        }
        Err(error) => {
            note(found, Err(error));
            TrustTier::None
        }
    };
    // Only an endorsement certificate makes a TPM one that somebody answers for.
    let endorses = found.kind == CertificateKind::Endorsement && holds;
    found.standing = Standing::Known(if endorses { tier } else { TrustTier::None });
}

/// Whether it holds; if not, a finding, unless there is the same already.
fn note(found: &mut Examination, outcome: Result<(), EndorsementError>) -> bool {
    let Err(error) = outcome else { return true };
    let finding = EndorsementFinding::Error(error);
    if !found.findings.contains(&finding) {
        found.findings.push(finding);
    }
    false
}

//= RFC 5280 §4.1.2.2: a positive integer of at most 20 octets
fn check_serial(found: &mut Examination) {
    let serial = found.serial.as_slice();
    if serial.first().is_none_or(|first| first & 0x80 != 0) || serial.iter().all(|octet| *octet == 0) {
        found.findings.push(EndorsementFinding::SerialSign);
    }
    // A zero before a high first bit is not counted: authorities did not.
    let digits = serial.strip_prefix(&[0]).unwrap_or(serial);
    if digits.len() > 20 {
        found.findings.push(EndorsementFinding::SerialLength(digits.len()));
    }
}

fn check_names(found: &mut Examination, certificate: &Certificate<'_>) {
    let manufacturer = found.device.as_ref().and_then(|device| device.manufacturer.as_deref());
    if let Some(text) = manufacturer
        && Vendor::of(text).is_none()
    {
        let unknown = EndorsementFinding::UnknownVendor(text.to_owned());
        found.findings.push(unknown);
    }
    if found.kind == CertificateKind::Endorsement {
        if found.device.is_none() {
            found.findings.push(EndorsementFinding::NoDeviceName);
        }
        if !certificate.has_purpose(EK_CERTIFICATE) {
            found.findings.push(EndorsementFinding::NoPurpose);
        }
    }
}
