//! The certificates that an operator trusts to vouch for TPMs.
//!
//! In: certificates, each with the tier that its word is worth. Out: a set that a search asks by name. A root's own
//! signature is not looked at: it is trusted because it is here.

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;

use super::bundle::{Bundle, BundleError};
use super::certificate::Certificate;
use super::limits::ROOTS;
use super::name::NameKey;
use super::pem::{certificates_from_pem, certificates_in};
use super::{EndorsementError, TrustTier, Which};
use crate::crypto::SignatureError;

/// Why a file holds no roots.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsFileError {
    /// It is a bundle, and not a good one.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It holds something that is no root.
    #[error(transparent)]
    Certificate(#[from] EndorsementError),
}

/// The certificates that an operator trusts to vouch for TPMs, each with the tier that its word is worth.
#[derive(Clone, Debug, Default)]
pub struct EndorsementRoots(Vec<Root>);

#[derive(Clone, Debug)]
struct Root {
    tier: TrustTier,
    subject: NameKey,
    der: Vec<u8>,
}

impl EndorsementRoots {
    /// Makers' roots, in DER.
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
        let mut roots = Self::default();
        for der in list {
            roots.add(tier, der.to_vec())?;
        }
        Ok(roots)
    }

    /// What a file holds: a bundle, which says itself whose word is worth what, or certificates in any form, which are
    /// taken for roots of this tier. Gives how many were added; a file without any is an error.
    pub fn add_file(&mut self, tier: TrustTier, bytes: &[u8]) -> Result<usize, RootsFileError> {
        let before = self.0.len();
        if Bundle::is_one(bytes) {
            let text = std::str::from_utf8(bytes).map_err(|_| BundleError::Format)?;
            let bundle = Bundle::parse(text)?;
            *self = std::mem::take(self).and(bundle.roots)?;
        } else {
            for der in certificates_in(bytes)?.1 {
                self.add(tier, der)?;
            }
        }
        Ok(self.0.len().saturating_sub(before))
    }

    /// One more root, in DER.
    pub(super) fn add(&mut self, tier: TrustTier, der: Vec<u8>) -> Result<(), EndorsementError> {
        if self.0.len() >= ROOTS {
            return Err(EndorsementError::TooMany { what: "roots", limit: ROOTS });
        }
        let subject = Certificate::parse(Which::Root(self.0.len()), &der)?.subject_key();
        self.0.push(Root { tier, subject, der });
        Ok(())
    }

    /// These roots and, numbered on, those of `more`.
    pub fn and(mut self, mut more: Self) -> Result<Self, EndorsementError> {
        if self.0.len().saturating_add(more.0.len()) > ROOTS {
            return Err(EndorsementError::TooMany { what: "roots", limit: ROOTS });
        }
        self.0.append(&mut more.0);
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

    /// The roots of this name. What was read once is read again: nothing but its bytes is kept of a root.
    pub(super) fn named(
        &self,
        subject: NameKey,
    ) -> impl Iterator<Item = (TrustTier, Result<Certificate<'_>, EndorsementError>)> {
        let roots = self.0.iter().enumerate().filter(move |(_, root)| root.subject == subject);
        roots.map(|(at, root)| (root.tier, Certificate::parse(Which::Root(at), &root.der)))
    }
}

/// What there is to say of a root before it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootSummary {
    /// Its subject.
    pub subject: String,
    /// SHA-256 over it.
    pub certificate: Sha256Digest,
    /// Until when it holds.
    pub not_after: UnixTime,
    /// Whose signature it bears.
    pub signature: SelfSignature,
}

/// Whose signature a root bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfSignature {
    /// Its own, and that holds.
    Holds,
    /// Somebody else's, who is not at hand: an intermediate can be trusted like a root.
    OfAnother,
    /// Its own, by an algorithm that is not accepted for certificates; nothing rests on it.
    NotChecked,
}

/// Looks at a certificate that is to be trusted as a root: whether it is an authority's, with a key that can be used, and
/// undamaged as far as its own signature tells.
pub fn summarise_root(der: &[u8]) -> Result<RootSummary, EndorsementError> {
    let certificate = Certificate::parse(Which::Root(0), der)?;
    certificate.check_as_root()?;
    let signature = if certificate.subject_key() == certificate.issuer_key() {
        match certificate.signed_by(&certificate) {
            Ok(()) => SelfSignature::Holds,
            Err(
                EndorsementError::Algorithm { .. }
                | EndorsementError::Signature { error: SignatureError::Hash(_), .. },
            ) => SelfSignature::NotChecked,
            Err(error) => return Err(error),
        }
    } else {
        SelfSignature::OfAnother
    };
    Ok(RootSummary {
        subject: certificate.subject().to_string(),
        certificate: certificate.digest(),
        not_after: certificate.not_after(),
        signature,
    })
}
