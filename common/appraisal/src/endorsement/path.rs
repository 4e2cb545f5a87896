//! The search for a path from an endorsement certificate to a root.
//!
//! In: certificates, and a time. Out: the root at the path's end, or the reason of the attempt that came furthest. The
//! depth and the number of signatures that are tried have limits, whatever certificates are handed in.

use der::asn1::ObjectIdentifier;
use evidence::time::UnixTime;
use x509_cert::name::Name;

use super::certificate::Certificate;
use super::{EndorsementError, Root, signature};

/// Authorities above a key: real chains have at most four.
const MAX_DEPTH: usize = 6;
/// Signatures to try: cross-signed chains need a handful.
const MAX_SIGNATURES: usize = 48;

/// One search.
pub(super) struct Search<'a> {
    roots: &'a [Root],
    intermediates: &'a [Certificate],
    at: UnixTime,
    signatures_left: usize,
}

impl<'a> Search<'a> {
    pub(super) const fn new(roots: &'a [Root], intermediates: &'a [Certificate], at: UnixTime) -> Self {
        Self { roots, intermediates, at, signatures_left: MAX_SIGNATURES }
    }

    /// The root that `leaf` leads to.
    pub(super) fn root_of(&mut self, leaf: &Certificate) -> Result<&'a Root, EndorsementError> {
        self.climb(leaf, 0)
    }

    /// The recursion ends at `MAX_DEPTH`.
    fn climb(&mut self, child: &Certificate, below: usize) -> Result<&'a Root, EndorsementError> {
        if below >= MAX_DEPTH {
            return Err(EndorsementError::TooDeep { limit: MAX_DEPTH });
        }
        let mut failure = None;
        for root in self.roots.iter().filter(|root| same_name(root.certificate.subject(), child.issuer())) {
            match self.issued(&root.certificate, child, below) {
                Ok(()) => return Ok(root),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        for issuer in self.intermediates.iter().filter(|issuer| leads_on(issuer, child)) {
            let found =
                self.issued(issuer, child, below).and_then(|()| self.climb(issuer, below.saturating_add(1)));
            match found {
                Ok(root) => return Ok(root),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| EndorsementError::NoIssuer { issuer: child.issuer().to_string() }))
    }

    fn issued(
        &mut self,
        issuer: &Certificate,
        child: &Certificate,
        below: usize,
    ) -> Result<(), EndorsementError> {
        issuer.check_as_authority(self.at, below)?;
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or(EndorsementError::TooMany { what: "signatures to try", limit: MAX_SIGNATURES })?;
        signature::verify(child, issuer)
    }
}

/// A certificate that names itself as its issuer is a root; among the intermediates it leads nowhere.
fn leads_on(issuer: &Certificate, child: &Certificate) -> bool {
    same_name(issuer.subject(), child.issuer()) && !same_name(issuer.subject(), issuer.issuer())
}

/// Whether two names are the same but for letter case, spaces and the kind of string; some makers' certificates differ
/// so. A name only picks the candidates: the signature decides.
//= RFC 5280 §7.1: Internationalized Names in Distinguished Names
fn same_name(one: &Name, other: &Name) -> bool {
    folded(one) == folded(other)
}

fn folded(name: &Name) -> Vec<Vec<(ObjectIdentifier, Vec<u8>)>> {
    let relative = |relative: &x509_cert::name::RelativeDistinguishedName| {
        let mut parts: Vec<_> =
            relative.0.iter().map(|part| (part.oid, folded_text(part.value.value()))).collect();
        parts.sort();
        parts
    };
    name.0.iter().map(relative).collect()
}

fn folded_text(text: &[u8]) -> Vec<u8> {
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ').to_ascii_lowercase()
}
