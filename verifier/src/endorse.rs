//! Whom the verifier lets vouch for endorsement keys.
//!
//! In: the policy, the roots, the intermediates and the lists of revoked certificates of the configuration, later an
//! endorsement key and its certificates. Out: the trust tier that the host is enrolled with, or why it is not. What the
//! configuration names and cannot be read, or leaves nobody whose word counts, is an error at start.

use std::path::{Path, PathBuf};

use appraisal::endorsement::{
    EndorsementError, EndorsementRoots, RevocationLists, TrustTier, certificates_in, limits,
    revocation_lists_in, verify_chain,
};
use evidence::finding::Severity;
use evidence::time::UnixTime;
use evidence::tpm::{Public, Template};
use wire::limits::EK_CERTIFICATES;

use crate::config::EndorsementPolicy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::PEM_BYTES;

/// The policy with its files read.
#[derive(Debug)]
pub(crate) enum Endorser {
    RequireChain(Box<Trust>),
    DangerFirstUse,
}

/// Whose word counts.
#[derive(Debug)]
pub(crate) struct Trust {
    roots: EndorsementRoots,
    /// Certificates between a TPM's and a root, in DER; many TPMs hold only their own.
    intermediates: Vec<Vec<u8>>,
    lists: RevocationLists,
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
    /// Reads the files that the policy names.
    pub(crate) fn open(policy: &EndorsementPolicy) -> Result<Self, Failure> {
        let EndorsementPolicy::RequireChain { roots, intermediates, revocation_lists } = policy else {
            return Ok(Self::DangerFirstUse);
        };
        let trust = Trust {
            roots: read_roots(roots)?,
            intermediates: intermediates.as_deref().map(read_intermediates).transpose()?.unwrap_or_default(),
            lists: revocation_lists.as_deref().map(read_lists).transpose()?.unwrap_or_default(),
        };
        Ok(Self::RequireChain(Box::new(trust)))
    }

    /// How well this endorsement key is vouched for.
    pub(crate) fn tier(&self, ek: &Public, chain: &[&[u8]], now: UnixTime) -> Result<TrustTier, NotEndorsed> {
        //= TCG EK Credential Profile 2.5 §B.3, §B.4: default templates
        if Template::of_endorsement_key(ek).is_none() {
            return Err(NotEndorsed::Template);
        }
        match self {
            Self::DangerFirstUse => Ok(TrustTier::FirstUse),
            Self::RequireChain(trust) => trust.tier(ek, chain, now),
        }
    }
}

impl Trust {
    fn tier(&self, ek: &Public, chain: &[&[u8]], now: UnixTime) -> Result<TrustTier, NotEndorsed> {
        let (leaf, rest) = chain.split_first().ok_or(NotEndorsed::NoCertificate)?;
        let intermediates: Vec<&[u8]> =
            rest.iter().copied().chain(self.intermediates.iter().map(Vec::as_slice)).collect();
        let found = verify_chain(leaf, &intermediates, &self.roots, &self.lists, now, ek)?;
        for finding in found.findings.iter().filter(|finding| finding.severity() != Severity::Info) {
            tracing::warn!(code = finding.code(), certificate = %found.certificate, "EK certificate: {finding}");
        }
        Ok(found.tier)
    }
}

fn read_roots(path: &Path) -> Result<EndorsementRoots, Failure> {
    let mut roots = EndorsementRoots::default();
    for (file, tier) in files_of(path, "EK roots")? {
        let bytes = files::read_trusted(&file, limits::BUNDLE_BYTES as u64)?;
        roots.add_file(tier, &bytes).map_err(|error| unusable("EK root", &file, &error))?;
    }
    if roots.is_empty() {
        let what = format_args!("there is no EK root certificate in {}: no host could enrol", path.display());
        return Err(Failure::new(Exit::Config, what).hint(HINT));
    }
    Ok(roots)
}

fn read_intermediates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let mut all = Vec::new();
    for (file, _) in files_of(path, "EK intermediates")? {
        let bytes = files::read_trusted(&file, PEM_BYTES)?;
        let found = certificates_in(&bytes).map_err(|error| unusable("EK intermediate", &file, &error))?.1;
        // What is no certificate would refuse every host.
        EndorsementRoots::from_der(found.iter().map(Vec::as_slice))
            .map_err(|error| unusable("EK intermediate", &file, &error))?;
        all.extend(found);
        if all.len() > limits::INTERMEDIATES - EK_CERTIFICATES {
            return Err(unusable("EK intermediate", &file, &"more certificates in all than are searched"));
        }
    }
    Ok(all)
}

fn read_lists(path: &Path) -> Result<RevocationLists, Failure> {
    let mut lists = RevocationLists::none();
    for (file, _) in files_of(path, "lists of revoked EK certificates")? {
        let bytes = files::read_trusted(&file, limits::REVOCATION_LIST_BYTES as u64)?;
        let found = revocation_lists_in(&bytes).map_err(|error| unusable("list", &file, &error))?;
        for der in &found {
            lists.add(der).map_err(|error| unusable("list", &file, &error))?;
        }
    }
    if lists.is_empty() {
        let what = format_args!("there is no list of revoked EK certificates in {}", path.display());
        return Err(Failure::new(Exit::Config, what));
    }
    Ok(lists)
}

/// The files that a path stands for, in the order of their names, each with the tier of its folder: one file, or the
/// files of a folder and of the folders in it. Roots in a folder `cloud` are those of cloud providers.
fn files_of(path: &Path, what: &str) -> Result<Vec<(PathBuf, TrustTier)>, Failure> {
    let failed = |error: std::io::Error| {
        let what = format_args!("cannot read the {what} in {}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::new(Exit::Config, format_args!("{what}: there is no such file or folder")).hint(HINT)
            }
            _ => Failure::io(what, &error),
        }
    };
    if std::fs::metadata(path).map_err(failed)?.is_file() {
        return Ok(vec![(path.to_owned(), TrustTier::Manufacturer)]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), TrustTier::Manufacturer, 0_u8)];
    while let Some((folder, tier, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_file() {
                found.push((path, tier));
            } else if depth < FOLDER_DEPTH && path.is_dir() {
                let tier = if name == "cloud" { TrustTier::Cloud } else { tier };
                folders.push((path, tier, depth + 1));
            }
        }
    }
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

fn unusable(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Config, format_args!("{what} {}: {error}", path.display()))
}

/// A folder for the clouds, and in each one for a vendor.
const FOLDER_DEPTH: u8 = 2;
const HINT: &str = "endorsement.roots names a bundle of roots, or a folder of the TPM makers' certificates";
