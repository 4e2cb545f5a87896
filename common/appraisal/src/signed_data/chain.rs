//! Who signed whom, within the certificates at hand.
//!
//! In: a certificate, and others that came with it. Out: the chain above it whose every signature holds, and why it ends.
//! Names and key identifiers choose the issuer, the signature decides. Validity, constraints and revocation are left to
//! whoever trusts the end: firmware ignores them too.

use std::fmt;

use evidence::digest::HashAlg;
use evidence::x509::{Certificate, SignatureScheme};

use super::{SignerError, verify_with};

/// Certificates of one chain: real ones have 2 to 4.
const MAX_CHAIN: usize = 10;
/// Certificates of one name whose signature check is tried for one step: a renewed authority has two or three.
const MAX_CANDIDATES: usize = 4;

/// A certificate, and those above it.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    certificates: Vec<Certificate<'a>>,
    end: ChainEnd,
}

/// Why a chain ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// Its last certificate is signed by its own key.
    Root,
    /// Its last certificate names itself as its issuer, and that could not be checked: the algorithm is not supported.
    UncheckedRoot,
    /// The issuer of its last certificate is not at hand.
    MissingIssuer,
    /// It is longer than any real one.
    TooLong,
}

impl ChainEnd {
    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::UncheckedRoot => "unchecked-root",
            Self::MissingIssuer => "missing-issuer",
            Self::TooLong => "too-long",
        }
    }
}

impl<'a> Chain<'a> {
    /// From the certificate that it was asked for, to its end.
    pub fn certificates(&self) -> &[Certificate<'a>] {
        &self.certificates
    }

    /// Why it ends.
    pub const fn end(&self) -> ChainEnd {
        self.end
    }
}

/// The chain above `certificate` within `pool`.
pub fn chain<'a>(certificate: &Certificate<'a>, pool: &[Certificate<'a>]) -> Chain<'a> {
    let mut certificates = vec![*certificate];
    let mut last = *certificate;
    let end = loop {
        if last.is_self_issued() {
            match verify_issued(&last, &last) {
                Ok(_) => break ChainEnd::Root,
                Err(SignerError::SignatureAlgorithm(_)) => break ChainEnd::UncheckedRoot,
                Err(_) => {}
            }
        }
        let above = pool
            .iter()
            .filter(|issuer| may_have_issued(issuer, &last))
            .filter(|issuer| certificates.iter().all(|known| known.der() != issuer.der()))
            .take(MAX_CANDIDATES)
            .find(|issuer| verify_issued(&last, issuer).is_ok());
        match above {
            None => break ChainEnd::MissingIssuer,
            Some(_) if certificates.len() >= MAX_CHAIN => break ChainEnd::TooLong,
            Some(issuer) => {
                certificates.push(*issuer);
                last = *issuer;
            }
        }
    };
    Chain { certificates, end }
}

fn may_have_issued(issuer: &Certificate<'_>, child: &Certificate<'_>) -> bool {
    let ids_agree = match (child.authority_key_id(), issuer.subject_key_id()) {
        (Some(wanted), Some(found)) => wanted == found,
        _ => true,
    };
    ids_agree && issuer.subject() == child.issuer()
}

/// Checks that `child` is signed by the key of `issuer`; gives the scheme of the signature.
pub fn verify_issued(
    child: &Certificate<'_>,
    issuer: &Certificate<'_>,
) -> Result<SignatureScheme, SignerError> {
    let algorithm = child.signature_algorithm();
    let unsupported = || SignerError::SignatureAlgorithm(algorithm.to_string());
    if !child.is_signature_algorithm_signed() {
        return Err(unsupported());
    }
    let scheme = algorithm.signature_scheme().ok_or_else(unsupported)?;
    verify_with(issuer, scheme, child.signature(), &child.tbs_hash(scheme.hash()))?;
    Ok(scheme)
}

/// Something that was good enough when a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakness {
    /// The content is signed by its SHA-1.
    Sha1Signature,
    /// A certificate beneath the root is signed by its SHA-1.
    Sha1Certificate,
    /// A certificate beneath the root is signed by its MD5, or by something else that is not supported.
    UnsupportedCertificate,
    /// An RSA key of fewer than 2048 bits.
    ShortKey,
}

impl Weakness {
    /// The code for answers; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sha1Signature => "sha1-signature",
            Self::Sha1Certificate => "sha1-certificate",
            Self::UnsupportedCertificate => "unsupported-certificate",
            Self::ShortKey => "short-key",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1Signature => "the signature is over a SHA-1 digest",
            Self::Sha1Certificate => "a certificate of the chain is signed over its SHA-1",
            Self::UnsupportedCertificate => {
                "a certificate of the chain is signed by an unsupported algorithm"
            }
            Self::ShortKey => "a key of the chain has fewer than 2048 bits",
        })
    }
}

/// What is weak about a signature over `hash` and the chain of its signer, each once.
pub fn weaknesses(hash: Option<HashAlg>, chain: &Chain<'_>) -> Vec<Weakness> {
    let mut found = Vec::new();
    let mut add = |weakness| {
        if !found.contains(&weakness) {
            found.push(weakness);
        }
    };
    if hash == Some(HashAlg::Sha1) {
        add(Weakness::Sha1Signature);
    }
    for certificate in &chain.certificates {
        let key = certificate.public_key();
        if matches!(key.kind(), evidence::x509::KeyKind::Rsa { .. })
            && key.bits().is_some_and(|bits| bits < 2048)
        {
            add(Weakness::ShortKey);
        }
        // Nothing rests on a root's signature over itself.
        if certificate.is_self_issued() {
            continue;
        }
        match certificate.signature_algorithm().signature_scheme() {
            None => add(Weakness::UnsupportedCertificate),
            Some(scheme) if scheme.hash() == HashAlg::Sha1 => add(Weakness::Sha1Certificate),
            Some(_) => {}
        }
    }
    found
}
