//! Whether a TPM is one that somebody answers for.
//!
//! In: an endorsement key's certificate, the certificates above it, the roots that the operator trusts, a time, and the
//! key's public area. Out: who answers for the TPM, or the reason why nobody does. Endorsement certificates carry critical
//! extensions that validators made for web servers refuse, so the path is validated here. Revocation is not looked at.
//= RFC 5280 §6.1: Basic Path Validation; TCG EK Credential Profile 2.5 §3: X.509 Endorsement Certificate

mod certificate;
mod error;
mod path;
mod signature;
mod tier;

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use evidence::tpm::Public;

use crate::crypto::PublicKey;

use certificate::Certificate;
pub use error::{EndorsementError, Which};
pub use tier::{EndorsementPolicy, TrustTier};

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

/// The certificates that an operator trusts to vouch for TPMs, each with the tier that its word is worth.
#[derive(Clone, Debug, Default)]
pub struct EndorsementRoots(Vec<Root>);

#[derive(Clone, Debug)]
struct Root {
    tier: TrustTier,
    certificate: Certificate,
}

impl EndorsementRoots {
    /// Makers' roots, in DER. Their own signatures are not looked at: they are trusted because they are here.
    pub fn from_der<'a>(list: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, EndorsementError> {
        Self::of_tier(TrustTier::Manufacturer, list)
    }

    /// Makers' roots, as a bundle in PEM; text between the certificates is passed over.
    pub fn from_pem(bundle: &str) -> Result<Self, EndorsementError> {
        let ders = certificates_from_pem(bundle)?;
        Self::from_der(ders.iter().map(Vec::as_slice))
    }

    /// Roots of cloud providers, which vouch for virtual TPMs, in DER.
    pub fn clouds_from_der<'a>(list: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, EndorsementError> {
        Self::of_tier(TrustTier::Cloud, list)
    }

    /// Roots of cloud providers, as a bundle in PEM.
    pub fn clouds_from_pem(bundle: &str) -> Result<Self, EndorsementError> {
        let ders = certificates_from_pem(bundle)?;
        Self::clouds_from_der(ders.iter().map(Vec::as_slice))
    }

    fn of_tier<'a>(
        tier: TrustTier,
        list: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, EndorsementError> {
        let mut roots = Vec::new();
        for (index, der) in list.into_iter().enumerate() {
            if index >= MAX_ROOTS {
                return Err(EndorsementError::TooMany { what: "roots", limit: MAX_ROOTS });
            }
            roots.push(Root { tier, certificate: Certificate::parse(Which::Root(index), der)? });
        }
        Ok(Self(roots))
    }

    /// These roots and, numbered on, those of `more`.
    pub fn and(mut self, more: Self) -> Result<Self, EndorsementError> {
        if self.0.len().saturating_add(more.0.len()) > MAX_ROOTS {
            return Err(EndorsementError::TooMany { what: "roots", limit: MAX_ROOTS });
        }
        for Root { tier, certificate } in more.0 {
            let certificate = certificate.renamed(Which::Root(self.0.len()));
            self.0.push(Root { tier, certificate });
        }
        Ok(self)
    }

    /// How many roots there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, so that no chain can hold.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The DER of each certificate in a PEM bundle.
pub fn certificates_from_pem(bundle: &str) -> Result<Vec<Vec<u8>>, EndorsementError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut ders = Vec::new();
    let mut rest = bundle;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let index = ders.len();
        if index >= MAX_ROOTS {
            return Err(EndorsementError::TooMany { what: "certificates in a bundle", limit: MAX_ROOTS });
        }
        let (body, after) = after.split_once(END).ok_or(EndorsementError::Pem { index })?;
        let body = format!("{BEGIN}\n{}\n{END}\n", body.trim());
        let decoded = der::pem::decode_vec(body.as_bytes());
        let (_, der) = decoded.map_err(|_| EndorsementError::Pem { index })?;
        ders.push(der);
        rest = after;
    }
    Ok(ders)
}

/// Checks that `ek_cert_der` is a certificate for the key of `ek_public` and leads to one of `roots` at the time `at`.
///
/// `intermediates` are certificates in DER in any order; those that are not needed do no harm.
pub fn verify_chain(
    ek_cert_der: &[u8],
    intermediates: &[&[u8]],
    roots: &EndorsementRoots,
    at: UnixTime,
    ek_public: &Public,
) -> Result<Endorsement, EndorsementError> {
    let leaf = Certificate::parse(Which::EndorsementKey, ek_cert_der)?;
    if intermediates.len() > MAX_INTERMEDIATES {
        return Err(EndorsementError::TooMany { what: "intermediates", limit: MAX_INTERMEDIATES });
    }
    let intermediates = intermediates
        .iter()
        .enumerate()
        .map(|(index, der)| Certificate::parse(Which::Intermediate(index), der))
        .collect::<Result<Vec<_>, _>>()?;
    is_for(&leaf, ek_public)?;
    leaf.check_as_endorsement(at)?;
    let root = path::Search::new(&roots.0, &intermediates, at).root_of(&leaf)?;
    Ok(endorsement(&leaf, root))
}

fn is_for(leaf: &Certificate, ek_public: &Public) -> Result<(), EndorsementError> {
    let which = Which::EndorsementKey;
    let key = PublicKey::of_tpm(ek_public.key()).map_err(EndorsementError::EndorsementKey)?;
    let certified = leaf.public_key()?;
    if key == certified { Ok(()) } else { Err(EndorsementError::OtherKey { which }) }
}

fn endorsement(leaf: &Certificate, root: &Root) -> Endorsement {
    Endorsement {
        tier: root.tier,
        subject: leaf.subject().to_string(),
        issuer: leaf.issuer().to_string(),
        serial: leaf.serial().to_vec(),
        not_before: leaf.not_before(),
        not_after: leaf.not_after(),
        device: leaf.device().cloned(),
        certificate: leaf.digest(),
        root: root.certificate.subject().to_string(),
        root_certificate: root.certificate.digest(),
    }
}

/// The vendors' roots number some 50, with the clouds' not many more.
const MAX_ROOTS: usize = 1_024;
/// Real chains have one to three; a TPM's NV area and a host's submission hold few more.
const MAX_INTERMEDIATES: usize = 32;

#[cfg(test)]
mod tests;
