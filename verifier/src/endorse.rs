//! Whom the verifier lets vouch for endorsement keys.
//!
//! In: the policy and the roots of the configuration, later an endorsement key and its certificates. Out: the trust
//! tier that the host is enrolled with, or why it is not.

use std::path::Path;

use appraisal::endorsement::{
    EndorsementError, EndorsementRoots, TrustTier, certificates_from_pem, verify_chain,
};
use evidence::time::UnixTime;
use evidence::tpm::{Public, Template};

use crate::config::EndorsementPolicy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::{PEM_BYTES, ROOT_CERTIFICATES};

/// The policy with its roots read.
#[derive(Debug)]
pub(crate) enum Endorser {
    RequireChain(EndorsementRoots),
    DangerFirstUse,
}

/// Why an endorsement key is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotEndorsed {
    /// The TPM gave none.
    #[error("the host has no EK certificate, and the verifier's policy asks for one")]
    NoCertificate,
    /// A certificate vouches for the public value alone. Were the rest of the public area free, one TPM could pass for
    /// many hosts, each with an identity of its own.
    #[error("the endorsement key is not made from one of TCG's templates")]
    Template,
    /// It does not lead to a root, or is another key's.
    #[error("the EK certificate: {0}")]
    Chain(#[from] EndorsementError),
}

impl Endorser {
    /// Reads the roots that the policy names. Without any, nobody can enrol, and the log says so.
    pub(crate) fn open(policy: &EndorsementPolicy) -> Result<Self, Failure> {
        match policy {
            EndorsementPolicy::DangerFirstUse => Ok(Self::DangerFirstUse),
            EndorsementPolicy::RequireChain { roots } => read_roots(roots).map(Self::RequireChain),
        }
    }

    /// How well this endorsement key is vouched for.
    pub(crate) fn tier(&self, ek: &Public, chain: &[&[u8]], now: UnixTime) -> Result<TrustTier, NotEndorsed> {
        //= TCG EK Credential Profile 2.5 §B.3, §B.4: default templates
        if Template::of_endorsement_key(ek).is_none() {
            return Err(NotEndorsed::Template);
        }
        match self {
            Self::DangerFirstUse => Ok(TrustTier::FirstUse),
            Self::RequireChain(roots) => {
                let (leaf, rest) = chain.split_first().ok_or(NotEndorsed::NoCertificate)?;
                Ok(verify_chain(leaf, rest, roots, now, ek)?.tier)
            }
        }
    }
}

fn read_roots(dir: &Path) -> Result<EndorsementRoots, Failure> {
    let mut paths = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        listed => listed
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
            .map_err(|error| {
                Failure::io(format_args!("cannot read the EK roots in {}", dir.display()), &error)
            })?,
    };
    paths.sort();
    let mut certificates = Vec::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        let bytes = files::read_trusted(path, PEM_BYTES)?;
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Config, format_args!("EK root {}: {error}", path.display()))
        };
        let of_file = if bytes.starts_with(DER_SEQUENCE) {
            vec![bytes]
        } else {
            let text = String::from_utf8(bytes).map_err(|error| unusable(&error))?;
            certificates_from_pem(&text).map_err(|error| unusable(&error))?
        };
        EndorsementRoots::from_der(of_file.iter().map(Vec::as_slice)).map_err(|error| unusable(&error))?;
        certificates.extend(of_file);
        if certificates.len() > ROOT_CERTIFICATES {
            return Err(unusable(&format_args!("more than {ROOT_CERTIFICATES} certificates in all")));
        }
    }
    if certificates.is_empty() {
        tracing::warn!(dir = %dir.display(), "there is no EK root certificate: no host can enrol");
    }
    EndorsementRoots::from_der(certificates.iter().map(Vec::as_slice))
        .map_err(|error| Failure::new(Exit::Config, format_args!("EK roots: {error}")))
}

/// How a certificate in DER begins.
const DER_SEQUENCE: &[u8] = &[0x30, 0x82];
