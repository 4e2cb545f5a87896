//! Whether a TPM is one that somebody answers for.
//!
//! In: an endorsement key's certificate, the certificates above it, the roots that the operator trusts, lists of revoked
//! certificates, a time, and the key's public area. Out: who answers for the TPM, or the reason why nobody does.
//! Endorsement certificates carry critical extensions that validators made for web servers refuse, so the path is
//! validated here. Nothing is fetched: what is not at hand is not known.
//= RFC 5280 §6.1: Basic Path Validation; TCG EK Credential Profile 2.5 §3: X.509 Endorsement Certificate

mod bundle;
mod certificate;
mod error;
mod examine;
mod extensions;
mod finding;
mod name;
mod path;
mod pem;
mod platform;
mod revocation;
mod roots;
mod signature;
mod tcg;
mod tier;
mod vendor;

pub mod limits;

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use evidence::tpm::Public;

use crate::crypto::PublicKey;

use certificate::Certificate;
use limits::INTERMEDIATES;
use path::{Path, Search};
use platform::PlatformCertificate;

pub use bundle::{Bundle, BundleEntry, BundleError};
pub use error::{EndorsementError, RevocationListError, Which};
pub use examine::{
    CertificateKind, Examination, HolderName, KeySummary, Surroundings, Usage, Validity, examine,
};
pub use finding::EndorsementFinding;
pub use path::Authority;
pub use pem::{Form, certificates_from_pem, certificates_in, decode as decode_base64, revocation_lists_in};
pub use revocation::{RevocationList, RevocationLists, RevocationReason};
pub use roots::{EndorsementRoots, RootSummary, RootsFileError, SelfSignature, summarise_root};
pub use tcg::{CommonCriteria, Fips, PlatformName, SecurityAssertions, TpmSpecification};
pub use tier::{EndorsementPolicy, Standing, TrustTier};
pub use vendor::Vendor;

/// What is known of a TPM whose endorsement certificate leads to a trusted root.
///
/// Only [`verify_chain`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endorsement {
    /// How far the TPM is trusted for it.
    pub tier: TrustTier,
    /// The certificate's subject; often empty.
    pub subject: String,
    /// Who issued the certificate.
    pub issuer: String,
    /// The certificate's serial number, most significant byte first.
    pub serial: Vec<u8>,
    /// From when it holds.
    pub not_before: UnixTime,
    /// Until when it holds; the year 9999 for ever.
    pub not_after: UnixTime,
    /// The device that the certificate names.
    pub device: Option<DeviceName>,
    /// SHA-256 over the certificate.
    pub certificate: Sha256Digest,
    /// The subject of the root that it leads to.
    pub root: String,
    /// SHA-256 over that root's certificate.
    pub root_certificate: Sha256Digest,
    /// What is worth knowing of the chain, though it holds.
    pub findings: Vec<EndorsementFinding>,
}

/// The TPM as its maker names it in the certificate.
//= TCG EK Credential Profile 2.5 §3.2.9: Subject Alternative Name
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceName {
    /// The TCG's number for the maker, as `id:` and eight hexadecimal digits.
    pub manufacturer: Option<String>,
    /// The maker's name for the model.
    pub model: Option<String>,
    /// The firmware's version, as `id:` and hexadecimal digits.
    pub version: Option<String>,
}

/// Checks that `ek_cert_der` is a certificate for the key of `ek_public`, leads to one of `roots` at the time `at`, and
/// that neither it nor an authority above it stands in one of `lists`.
///
/// `intermediates` are certificates in DER in any order; those that are not needed do no harm.
pub fn verify_chain(
    ek_cert_der: &[u8],
    intermediates: &[&[u8]],
    roots: &EndorsementRoots,
    lists: &RevocationLists,
    at: UnixTime,
    ek_public: &Public,
) -> Result<Endorsement, EndorsementError> {
    if PlatformCertificate::is_one(ek_cert_der) {
        return Err(EndorsementError::Platform);
    }
    let leaf = Certificate::parse(Which::EndorsementKey, ek_cert_der)?;
    let intermediates = parse_intermediates(intermediates)?;
    is_for(&leaf, ek_public)?;
    leaf.check_as_endorsement(at)?;
    let path = Search::new(roots, &intermediates, lists, at).path_of(&leaf)?;
    endorsement(&leaf, path)
}

fn parse_intermediates<'a>(ders: &[&'a [u8]]) -> Result<Vec<Certificate<'a>>, EndorsementError> {
    if ders.len() > INTERMEDIATES {
        return Err(EndorsementError::TooMany { what: "intermediates", limit: INTERMEDIATES });
    }
    let parsed = ders.iter().enumerate().map(|(at, der)| Certificate::parse(Which::Intermediate(at), der));
    parsed.collect()
}

fn is_for(leaf: &Certificate<'_>, ek_public: &Public) -> Result<(), EndorsementError> {
    let which = Which::EndorsementKey;
    let key = PublicKey::of_tpm(ek_public.key()).map_err(EndorsementError::EndorsementKey)?;
    let certified = leaf.public_key()?;
    if key == certified { Ok(()) } else { Err(EndorsementError::OtherKey { which }) }
}

fn endorsement(leaf: &Certificate<'_>, path: Path) -> Result<Endorsement, EndorsementError> {
    let which = leaf.which();
    let names = leaf.extensions().find(extensions::SUBJECT_ALT_NAME);
    let names = names.map_err(|error| EndorsementError::Malformed { which, error })?;
    let root = path.authorities.last();
    let root = root.ok_or_else(|| EndorsementError::NoIssuer { issuer: leaf.issuer().to_string() })?;
    Ok(Endorsement {
        tier: path.tier,
        subject: leaf.subject().to_string(),
        issuer: leaf.issuer().to_string(),
        serial: leaf.serial().to_vec(),
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        device: names.and_then(|names| tcg::device(&names)),
        certificate: leaf.digest(),
        root: root.subject.clone(),
        root_certificate: root.certificate,
        findings: path.findings,
    })
}

#[cfg(test)]
mod tests;
