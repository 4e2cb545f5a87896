//! The search for a path from a certificate to a root.
//!
//! In: certificates, lists of revoked ones, and a time. Out: the path, or the reason of the attempt that came furthest.
//! The depth and the number of signatures that are tried have limits, whatever certificates are handed in.

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use evidence::x509::Name;

use super::certificate::Certificate;
use super::limits::{DEPTH, SIGNATURES};
use super::name::NameKey;
use super::platform::PlatformCertificate;
use super::revocation::{RevocationList, RevocationLists};
use super::roots::EndorsementRoots;
use super::{EndorsementError, EndorsementFinding, TrustTier, Which};

/// The way from a certificate to a root.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// How far the root is trusted.
    pub(super) tier: TrustTier,
    /// The authorities, from the one that signed the certificate to the root.
    pub(super) authorities: Vec<Authority>,
    /// What is worth knowing of them.
    pub(super) findings: Vec<EndorsementFinding>,
}

/// A certificate above the one that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Where it came from.
    pub which: Which,
    /// Its subject.
    pub subject: String,
    /// SHA-256 over its certificate.
    pub certificate: Sha256Digest,
    /// Until when it holds.
    pub not_after: UnixTime,
}

/// What is asked of a certificate that somebody is to have signed.
#[derive(Clone, Copy, Debug)]
enum Child<'a> {
    Certificate(&'a Certificate<'a>),
    Platform(&'a PlatformCertificate<'a>),
}

/// One search.
pub(super) struct Search<'a> {
    roots: &'a EndorsementRoots,
    intermediates: &'a [Certificate<'a>],
    lists: &'a RevocationLists,
    at: UnixTime,
    signatures_left: usize,
    /// Which key signed which list, so that each is hashed once.
    checked_lists: Vec<(usize, Sha256Digest, bool)>,
}

impl<'a> Search<'a> {
    pub(super) const fn new(
        roots: &'a EndorsementRoots,
        intermediates: &'a [Certificate<'a>],
        lists: &'a RevocationLists,
        at: UnixTime,
    ) -> Self {
        Self { roots, intermediates, lists, at, signatures_left: SIGNATURES, checked_lists: Vec::new() }
    }

    /// The way from `leaf`.
    pub(super) fn path_of(&mut self, leaf: &Certificate<'_>) -> Result<Path, EndorsementError> {
        self.complete(Child::Certificate(leaf))
    }

    /// The way from a platform certificate.
    pub(super) fn path_of_platform(
        &mut self,
        leaf: &PlatformCertificate<'_>,
    ) -> Result<Path, EndorsementError> {
        self.complete(Child::Platform(leaf))
    }

    fn complete(&mut self, leaf: Child<'_>) -> Result<Path, EndorsementError> {
        let mut path = self.climb(leaf, 0)?;
        path.authorities.reverse();
        if self.lists.is_empty() {
            path.findings.push(EndorsementFinding::NoRevocationLists);
        }
        Ok(path)
    }

    /// The way with its root first. The recursion ends at `DEPTH`.
    fn climb(&mut self, child: Child<'_>, below: usize) -> Result<Path, EndorsementError> {
        if below >= DEPTH {
            return Err(EndorsementError::TooDeep { limit: DEPTH });
        }
        let mut failure = None;
        let roots = self.roots;
        for (tier, root) in roots.named(child.issuer_key()) {
            match root.and_then(|root| Ok((self.issued(&root, child, below)?, root))) {
                Ok((findings, root)) => {
                    return Ok(Path { tier, authorities: vec![authority(&root)], findings });
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        // Those whose key identifier is the one that the certificate names come first: a hint, not a condition.
        let hinted = |issuer: &&Certificate<'_>| {
            child.authority_key_id().is_some_and(|id| issuer.subject_key_id() == Some(id))
        };
        let candidates = || self.intermediates.iter().filter(|issuer| leads_on(issuer, child));
        let (first, then): (Vec<_>, Vec<_>) = candidates().partition(hinted);
        for issuer in first.into_iter().chain(then) {
            match self.through(issuer, child, below) {
                Ok(path) => return Ok(path),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| EndorsementError::NoIssuer { issuer: child.issuer().to_string() }))
    }

    fn through(
        &mut self,
        issuer: &'a Certificate<'a>,
        child: Child<'_>,
        below: usize,
    ) -> Result<Path, EndorsementError> {
        let mut findings = self.issued(issuer, child, below)?;
        let mut path = self.climb(Child::Certificate(issuer), below.saturating_add(1))?;
        path.authorities.push(authority(issuer));
        findings.append(&mut path.findings);
        Ok(Path { findings, ..path })
    }

    fn issued(
        &mut self,
        issuer: &Certificate<'_>,
        child: Child<'_>,
        below: usize,
    ) -> Result<Vec<EndorsementFinding>, EndorsementError> {
        issuer.check_as_authority(self.at, below)?;
        self.count_signature()?;
        child.signed_by(issuer)?;
        self.revoked(issuer, child)
    }

    fn count_signature(&mut self) -> Result<(), EndorsementError> {
        let left = self.signatures_left.checked_sub(1);
        self.signatures_left =
            left.ok_or(EndorsementError::TooMany { what: "signatures to try", limit: SIGNATURES })?;
        Ok(())
    }

    /// Whether the issuer has revoked the certificate. An entry counts in a list that is past its time, too.
    //= RFC 5280 §6.3.3: CRL Processing
    fn revoked(
        &mut self,
        issuer: &Certificate<'_>,
        child: Child<'_>,
    ) -> Result<Vec<EndorsementFinding>, EndorsementError> {
        let (which, lists) = (child.which(), self.lists);
        let (mut findings, mut fresh) = (Vec::new(), false);
        for (place, list) in lists.of_issuer(child.issuer_key()) {
            if !list.covers(child.is_authority()) {
                continue;
            }
            match self.consult(place, &list, issuer, child)? {
                None => fresh = true,
                Some(finding) if findings.contains(&finding) => {}
                Some(finding) => findings.push(finding),
            }
        }
        if fresh {
            // A newer list makes up for one that is past its time.
            findings.retain(|finding| !matches!(finding, EndorsementFinding::StaleList { .. }));
        } else if findings.is_empty() && !lists.is_empty() {
            findings.push(EndorsementFinding::RevocationUnknown(which));
        }
        Ok(findings)
    }

    /// What is out of order with a list that does not revoke the certificate.
    fn consult(
        &mut self,
        place: usize,
        list: &RevocationList<'_>,
        issuer: &Certificate<'_>,
        child: Child<'_>,
    ) -> Result<Option<EndorsementFinding>, EndorsementError> {
        let which = child.which();
        if !issuer.may_revoke() {
            return Ok(Some(EndorsementFinding::ListIssuer(which)));
        }
        if !self.is_signed(place, list, which, issuer)? {
            return Ok(Some(EndorsementFinding::ListOfOtherKey(which)));
        }
        let this_update = list.this_update();
        if this_update > self.at {
            return Ok(Some(EndorsementFinding::ListNotYetValid { which, this_update }));
        }
        if let Some(entry) = list.find(child.serial()) {
            return Err(EndorsementError::Revoked { which, at: entry.at, reason: entry.reason });
        }
        let stale = list.next_update().filter(|next_update| *next_update < self.at);
        Ok(stale.map(|next_update| EndorsementFinding::StaleList { which, next_update }))
    }

    fn is_signed(
        &mut self,
        place: usize,
        list: &RevocationList<'_>,
        which: Which,
        issuer: &Certificate<'_>,
    ) -> Result<bool, EndorsementError> {
        let key = issuer.parsed().spki_sha256();
        let known = self.checked_lists.iter().find(|(at, by, _)| (*at, *by) == (place, key));
        if let Some((_, _, signed)) = known {
            return Ok(*signed);
        }
        self.count_signature()?;
        let signed = list.signed_by(which, issuer).is_ok();
        self.checked_lists.push((place, key, signed));
        Ok(signed)
    }
}

impl<'a> Child<'a> {
    fn which(self) -> Which {
        match self {
            Self::Certificate(certificate) => certificate.which(),
            Self::Platform(_) => Which::Platform,
        }
    }

    fn issuer(self) -> Name<'a> {
        match self {
            Self::Certificate(certificate) => certificate.issuer(),
            Self::Platform(certificate) => certificate.issuer,
        }
    }

    fn issuer_key(self) -> NameKey {
        match self {
            Self::Certificate(certificate) => certificate.issuer_key(),
            Self::Platform(certificate) => NameKey::of(&certificate.issuer),
        }
    }

    fn serial(self) -> &'a [u8] {
        match self {
            Self::Certificate(certificate) => certificate.parsed().serial(),
            Self::Platform(certificate) => certificate.serial,
        }
    }

    fn authority_key_id(self) -> Option<&'a [u8]> {
        match self {
            Self::Certificate(certificate) => certificate.authority_key_id(),
            Self::Platform(certificate) => certificate.authority_key_id,
        }
    }

    fn is_authority(self) -> bool {
        matches!(self, Self::Certificate(certificate) if certificate.is_authority())
    }

    fn signed_by(self, issuer: &Certificate<'_>) -> Result<(), EndorsementError> {
        match self {
            Self::Certificate(certificate) => certificate.signed_by(issuer),
            Self::Platform(certificate) => {
                certificate.signed.verify(Which::Platform, &certificate.inner_algorithm, issuer)
            }
        }
    }
}

/// A certificate that names itself as its issuer is a root; among the intermediates it leads nowhere.
fn leads_on(issuer: &Certificate<'_>, child: Child<'_>) -> bool {
    issuer.subject_key() == child.issuer_key() && issuer.subject_key() != issuer.issuer_key()
}

fn authority(certificate: &Certificate<'_>) -> Authority {
    Authority {
        which: certificate.which(),
        subject: certificate.subject().to_string(),
        certificate: certificate.digest(),
        not_after: certificate.not_after(),
    }
}
