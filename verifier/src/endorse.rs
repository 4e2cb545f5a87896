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

#[cfg(test)]
mod tests {
    use appraisal::endorsement::{Bundle, BundleEntry};

    use super::*;

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../common/appraisal/tests/data/ek");
    /// 2026-12-01.
    const NOW: UnixTime = UnixTime::from_secs(1_796_083_200);

    fn data(name: &str) -> PathBuf {
        Path::new(DATA).join(name)
    }

    fn policy(roots: &Path) -> EndorsementPolicy {
        EndorsementPolicy::RequireChain {
            roots: roots.to_owned(),
            intermediates: None,
            revocation_lists: None,
        }
    }

    fn tier(policy: &EndorsementPolicy, certificate: &str) -> Result<TrustTier, String> {
        let ek = Public::parse_tpm2b(&std::fs::read(data("ek_rsa.pub")).unwrap()).unwrap();
        let der = std::fs::read(data(certificate)).unwrap();
        let endorser = Endorser::open(policy).map_err(|failure| failure.to_string())?;
        endorser.tier(&ek, &[&der], NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_honoured_is_an_error_at_start() {
        let check = |policy: EndorsementPolicy, expected: &str| {
            let failure = Endorser::open(&policy).unwrap_err();
            assert!(failure.to_string().contains(expected), "{failure}");
            assert_eq!(failure.exit(), Exit::Config);
        };
        let empty = tempfile::tempdir().unwrap();
        check(policy(Path::new("/nonexistent")), "there is no such file or folder");
        check(policy(empty.path()), "no host could enrol");
        check(policy(&data("ek_rsa.pub")), "no certificate in 316 bytes");
        let EndorsementPolicy::RequireChain { roots, .. } = policy(&data("maker-root.pem")) else { panic!() };
        let with = |intermediates: Option<&str>, lists: Option<&Path>| EndorsementPolicy::RequireChain {
            roots: roots.clone(),
            intermediates: intermediates.map(data),
            revocation_lists: lists.map(Path::to_owned),
        };
        check(with(Some("none.pem"), None), "there is no such file or folder");
        check(with(Some("ek_rsa.pub"), None), "no certificate");
        check(with(None, Some(empty.path())), "no list of revoked");
        check(with(None, Some(&data("maker-root.pem"))), "no list of revoked");
        check(with(None, Some(&data("maker-ek.crt"))), "malformed");
        assert!(Endorser::open(&with(Some("issuercert.pem"), Some(&data("maker.crl")))).is_ok());
    }

    #[test]
    fn roots_are_files_folders_and_bundles() {
        assert_eq!(tier(&policy(&data("maker-root.pem")), "maker-ek.crt"), Ok(TrustTier::Manufacturer));
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("cloud/LYD")).unwrap();
        std::fs::copy(data("maker-root.pem"), folder.path().join("cloud/LYD/root.pem")).unwrap();
        assert_eq!(tier(&policy(folder.path()), "maker-ek.crt"), Ok(TrustTier::Cloud));

        let pem = std::fs::read(data("maker-root.pem")).unwrap();
        let der = certificates_in(&pem).unwrap().1.remove(0);
        let entry = BundleEntry { tier: TrustTier::Manufacturer, vendor: "LYD".into(), der };
        let text = Bundle::write("1", &[entry]).unwrap();
        let bundle = folder.path().join("ek-roots.bundle");
        std::fs::write(&bundle, &text).unwrap();
        assert_eq!(tier(&policy(&bundle), "maker-ek.crt"), Ok(TrustTier::Manufacturer));
        std::fs::write(&bundle, text.replace("vendor LYD", "vendor IFX")).unwrap();
        assert!(tier(&policy(&bundle), "maker-ek.crt").unwrap_err().contains("damaged"));
    }

    #[test]
    fn intermediates_and_lists_of_the_operator_count() {
        let with =
            |roots: &str, intermediates: Option<&str>, lists: Option<&str>| EndorsementPolicy::RequireChain {
                roots: data(roots),
                intermediates: intermediates.map(data),
                revocation_lists: lists.map(data),
            };
        let local = "swtpm-localca-rootca-cert.pem";
        assert!(
            tier(&with(local, None, None), "ek-rsa2048.crt")
                .unwrap_err()
                .contains("no certificate of the issuer")
        );
        let found = tier(&with(local, Some("issuercert.pem"), None), "ek-rsa2048.crt");
        assert_eq!(found, Ok(TrustTier::Manufacturer));
        let revoked = "maker-ek-revoked.crt";
        assert_eq!(tier(&with("maker-root.pem", None, None), revoked), Ok(TrustTier::Manufacturer));
        let lists = with("maker-root.pem", None, Some("maker.crl"));
        assert!(tier(&lists, revoked).unwrap_err().contains("keyCompromise"));
        assert_eq!(tier(&lists, "maker-ek.crt"), Ok(TrustTier::Manufacturer));
    }
}
