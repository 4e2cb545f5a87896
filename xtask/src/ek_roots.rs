//! A bundle of EK roots from a folder of certificates.
//!
//! In: a folder with one folder for each vendor, and a folder `cloud` for those whose word is worth the tier cloud. Out:
//! a bundle, the same for the same certificates, and a report of what was taken. What is no authority's certificate is
//! refused with its reason. Whether a certificate is truly a vendor's is for whoever fills the folder to know.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use appraisal::endorsement::{
    Bundle, BundleEntry, RootSummary, SelfSignature, TrustTier, certificates_in, summarise_root,
};

/// What the chore needs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder with a folder of certificates (PEM, DER) for each vendor, and `cloud` for those of cloud providers
    dir: PathBuf,
    /// What this edition is to be called: letters, digits, `.`, `_` and `-`, such as 2026.11
    #[arg(long)]
    version: String,
    /// Where the bundle is to be written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Writes the bundle even though files were refused
    #[arg(long)]
    allow_refused: bool,
}

/// What came of a folder.
#[derive(Debug, Default)]
struct Gathered {
    entries: Vec<BundleEntry>,
    /// A line each.
    taken: Vec<String>,
    refused: Vec<String>,
    repeated: usize,
}

/// Makes the bundle; gives the report.
pub(crate) fn run(args: &Args) -> Result<String> {
    let gathered = gather(&args.dir)?;
    let mut report = String::new();
    for line in &gathered.taken {
        writeln!(report, "{line}")?;
    }
    let refused = gathered.refused.join("\n  ");
    if !gathered.refused.is_empty() && !args.allow_refused {
        bail!("nothing is written, for these were refused (--allow-refused leaves them out):\n  {refused}");
    }
    if gathered.entries.is_empty() {
        bail!("{}: there is no certificate in it", args.dir.display());
    }
    let text = Bundle::write(&args.version, &gathered.entries)?;
    std::fs::write(&args.out, &text).with_context(|| args.out.display().to_string())?;
    let bundle = Bundle::parse(&text)?;
    if !refused.is_empty() {
        writeln!(report, "refused:\n  {refused}")?;
    }
    let (taken, repeated) = (bundle.roots.len(), gathered.repeated);
    writeln!(report, "{}: {taken} certificates, {repeated} repeated", args.out.display())?;
    writeln!(report, "version {}, sha256 {}", bundle.version, bundle.digest)?;
    Ok(report)
}

fn gather(dir: &Path) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    for path in files(dir)? {
        let inner = path.strip_prefix(dir).unwrap_or(&path);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let found = match certificates_in(&bytes) {
            Ok((_, found)) => found,
            Err(error) => {
                gathered.refused.push(format!("{}: {error}", inner.display()));
                continue;
            }
        };
        let (tier, vendor) = place(inner);
        for der in found {
            take(&mut gathered, inner, tier, &vendor, der);
        }
    }
    gathered.taken.sort();
    Ok(gathered)
}

fn take(gathered: &mut Gathered, path: &Path, tier: TrustTier, vendor: &str, der: Vec<u8>) {
    let summary = match summarise_root(&der) {
        Ok(summary) => summary,
        Err(error) => {
            gathered.refused.push(format!("{}: {error}", path.display()));
            return;
        }
    };
    if gathered.entries.iter().any(|entry| entry.der == der) {
        gathered.repeated += 1;
        return;
    }
    gathered.taken.push(line(tier, vendor, &summary));
    gathered.entries.push(BundleEntry { tier, vendor: vendor.to_owned(), der });
}

fn line(tier: TrustTier, vendor: &str, summary: &RootSummary) -> String {
    let signature = match summary.signature {
        SelfSignature::Holds => "",
        SelfSignature::OfAnother => "  (an intermediate: signed by another)",
        SelfSignature::NotChecked => "  (its own signature is of an algorithm that is not checked)",
    };
    let digest: String = summary.certificate.to_string().chars().take(16).collect();
    format!("{:<12} {vendor:<8} {digest}  {}{signature}", tier.name(), summary.subject)
}

/// The tier and the vendor that a file's folders say: the innermost is the vendor's.
fn place(path: &Path) -> (TrustTier, String) {
    let folders: Vec<String> = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let cloud = folders.iter().any(|folder| folder == "cloud");
    let vendor = folders.into_iter().rfind(|folder| folder != "cloud").unwrap_or_else(|| "other".to_owned());
    (if cloud { TrustTier::Cloud } else { TrustTier::Manufacturer }, vendor)
}

/// The files below a folder, in the order of their paths; hidden ones are passed over.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                // A link could lead anywhere, and twice to the same place.
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
