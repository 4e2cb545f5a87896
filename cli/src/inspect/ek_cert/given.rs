//! What certificates are compared with: roots, intermediates, lists of revoked ones, a key and a time.
//!
//! In: options. Out: files that were read; one that cannot be is an error, not one thing less to compare with.

use std::path::{Path, PathBuf};

use appraisal::endorsement::{
    EndorsementRoots, RevocationLists, TrustTier, certificates_in, limits, revocation_lists_in,
};
use evidence::limits::PUBLIC_BYTES;
use evidence::time::UnixTime;
use evidence::tpm::Public;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::args::EkCertArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::CERTIFICATE_FILE_BYTES;

/// What was given, read.
pub(super) struct Given {
    pub(super) roots: Option<EndorsementRoots>,
    pub(super) intermediates: Vec<Vec<u8>>,
    pub(super) lists: RevocationLists,
    pub(super) at: UnixTime,
    pub(super) public: Option<Public>,
}

impl Given {
    pub(super) fn read(args: &EkCertArgs, now: OffsetDateTime) -> Result<Self, CliError> {
        let at = args.at.as_deref().map(parse_time).transpose()?.unwrap_or(now);
        Ok(Self {
            roots: args.roots.as_deref().map(read_roots).transpose()?,
            intermediates: read_intermediates(&args.intermediates)?,
            lists: read_lists(&args.crls)?,
            at: UnixTime::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0)),
            public: args.public.as_deref().map(read_public).transpose()?,
        })
    }
}

/// A date, a date with a time, or seconds since 1970 behind `@`.
fn parse_time(text: &str) -> Result<OffsetDateTime, CliError> {
    let bad = || {
        CliError::value("--at", format!("{text} is no time"))
            .hint("2026-05-01, 2026-05-01T12:00:00Z, @1777636800")
    };
    if let Some(seconds) = text.strip_prefix('@') {
        let seconds: i64 = seconds.parse().map_err(|_| bad())?;
        return OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| bad());
    }
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    match date {
        Ok(date) => Ok(date.midnight().assume_utc()),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).map_err(|_| bad()),
    }
}

fn read_roots(path: &Path) -> Result<EndorsementRoots, CliError> {
    let mut roots = EndorsementRoots::default();
    for (file, tier) in files_of(path)? {
        let bytes = files::read(&file, limits::BUNDLE_BYTES)?;
        roots.add_file(tier, &bytes).map_err(|error| CliError::input(&file, error))?;
    }
    if roots.is_empty() { Err(CliError::input(path, "there is no certificate in it")) } else { Ok(roots) }
}

fn read_intermediates(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, CliError> {
    let mut all = Vec::new();
    for path in paths {
        for (file, _) in files_of(path)? {
            let bytes = files::read(&file, CERTIFICATE_FILE_BYTES)?;
            all.extend(certificates_in(&bytes).map_err(|error| CliError::input(&file, error))?.1);
        }
    }
    Ok(all)
}

fn read_lists(paths: &[PathBuf]) -> Result<RevocationLists, CliError> {
    let mut lists = RevocationLists::none();
    for path in paths {
        for (file, _) in files_of(path)? {
            let bytes = files::read(&file, limits::REVOCATION_LIST_BYTES)?;
            for der in revocation_lists_in(&bytes).map_err(|error| CliError::input(&file, error))? {
                lists.add(&der).map_err(|error| CliError::input(&file, error))?;
            }
        }
    }
    Ok(lists)
}

fn read_public(path: &Path) -> Result<Public, CliError> {
    let bytes = files::read(path, PUBLIC_BYTES + 2)?;
    // Either form; the first error tells of the one that tpm2-tools write.
    Public::parse_tpm2b(&bytes)
        .or_else(|error| Public::parse(&bytes).map_err(|_| error))
        .map_err(|error| CliError::input(path, error))
}

/// One file, or the files of a folder and of the folders in it, in the order of their names; roots in a folder `cloud`
/// are those of cloud providers.
fn files_of(path: &Path) -> Result<Vec<(PathBuf, TrustTier)>, CliError> {
    let mut found = Vec::new();
    let mut waiting = vec![(path.to_owned(), TrustTier::Manufacturer, 0_u8)];
    while let Some((path, tier, depth)) = waiting.pop() {
        let failed = |error: std::io::Error| CliError::file(&path, &error);
        if !std::fs::metadata(&path).map_err(failed)?.is_dir() {
            found.push((path, tier));
        } else if depth <= FOLDER_DEPTH {
            let tier =
                if path.file_name().is_some_and(|name| name == "cloud") { TrustTier::Cloud } else { tier };
            for entry in std::fs::read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                    waiting.push((entry.path(), tier, depth + 1));
                }
            }
        }
    }
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

/// A folder for the clouds, and in each one for a vendor.
const FOLDER_DEPTH: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_three_ways() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_time(text).ok().map(OffsetDateTime::unix_timestamp), expected, "{text}");
        };
        check("1970-01-02", Some(86_400));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("@12", Some(12));
        for bad in ["", "@", "@x", "1970", "1970-13-01", "yesterday", "@99999999999999999"] {
            check(bad, None);
        }
    }
}
