//! rpm's database: which package has which file, with which SHA-256, and who signed the package.
//!
//! In: `rpmdb.sqlite` with its write-ahead log (Fedora, RHEL 9 and newer), or `Packages.db` (SUSE). Out: claims. Berkeley
//! DB's `Packages` (RHEL 8 and older) is not read, which is said. A database that changes while it is read is read again.

use std::fs::File;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use evidence::rpm::{DigestAlgorithm, Header, blobs};
use evidence::sqlite::{Column, Columns, Database};

use super::limits::RPM_ATTEMPTS;
use super::packages::{Claims, OnDisk, Package, Source, digits, path_of, text};
use super::place::{Places, join};
use super::stamp::Stamp;

/// Directories that a database may be in, the usual one first; of two that are one by a link, the first is read.
const DIRECTORIES: [&[u8]; 3] = [b"/usr/lib/sysimage/rpm", b"/var/lib/rpm", b"/usr/share/rpm"];
const SQLITE: &str = "rpmdb.sqlite";
const SQLITE_LOG: &str = "rpmdb.sqlite-wal";
const NDB: &str = "Packages.db";
const BERKELEY: &str = "Packages";

pub(crate) fn directories(places: &Places) -> Vec<PathBuf> {
    DIRECTORIES.iter().map(|directory| path_of(&places.on_disk(directory))).collect()
}

/// What changes when the database does.
pub(crate) fn files(places: &Places) -> Vec<PathBuf> {
    let names = [SQLITE, SQLITE_LOG, NDB, BERKELEY];
    directories(places).iter().flat_map(|directory| names.map(|name| directory.join(name))).collect()
}

/// What is locked while rpm is at work.
pub(crate) fn locks(places: &Places) -> Vec<PathBuf> {
    directories(places).iter().map(|directory| directory.join(".rpm.lock")).collect()
}

/// Puts all packages to the tree.
pub(crate) fn read(claims: &mut Claims<'_>) {
    let there = |directory: &PathBuf| {
        [SQLITE, NDB, BERKELEY].into_iter().find_map(|name| {
            let path = directory.join(name);
            path.is_file().then_some((name, path))
        })
    };
    let Some((name, path)) = directories(claims.places()).iter().find_map(there) else { return };
    let read = match name {
        SQLITE => settled(&path, claims, sqlite),
        NDB => settled(&path, claims, ndb),
        _ => Err("Berkeley DB is not read".to_owned()),
    };
    if let Err(error) = read {
        claims.unread(format!("{}: {error}", path.display()));
    }
}

/// Reads until the file and its log are the same before and after. What an attempt claimed stays: it was in a database
/// that was under way, and the next attempt's claims are the same but for what changed.
fn settled(
    path: &Path,
    claims: &mut Claims<'_>,
    read: fn(&Path, &mut Claims<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let log = path.with_file_name(SQLITE_LOG);
    let stamps = || [path, &log].map(|file| Stamp::of_path(file).ok());
    for _ in 0..RPM_ATTEMPTS {
        let before = stamps();
        let outcome = read(path, claims);
        if stamps() == before {
            return outcome;
        }
    }
    Err("changes while it is read".to_owned())
}

fn sqlite(path: &Path, claims: &mut Claims<'_>) -> Result<(), String> {
    let (file, length) = open(path)?;
    let log = path.with_file_name(SQLITE_LOG);
    let log = if log.is_file() { Some(open(&log)?) } else { None };
    let log = log.as_ref().map(|(file, length)| OnDisk { file, length: *length });
    let file = OnDisk { file: &file, length };
    let database = Database::open(&file, log.as_ref().map(|log| log as &dyn evidence::source::Source))
        .map_err(|error| error.to_string())?;
    let root = database.table("Packages").map_err(|error| error.to_string())?;
    let root = root.ok_or("has no table of packages")?;
    let mut damaged = 0_u64;
    let rows = database.rows(root, &mut |_, record| match Columns::of(record).nth(1) {
        Some(Column::Blob(blob)) => damaged += u64::from(take(blob, claims).is_none()),
        _ => damaged += 1,
    });
    rows.map_err(|error| error.to_string())?;
    all(damaged)
}

fn ndb(path: &Path, claims: &mut Claims<'_>) -> Result<(), String> {
    let (file, length) = open(path)?;
    let file = OnDisk { file: &file, length };
    let mut damaged = 0_u64;
    for blob in blobs(&file).map_err(|error| error.to_string())? {
        let taken = blob.ok().and_then(|blob| take(&blob, claims));
        damaged += u64::from(taken.is_none());
    }
    all(damaged)
}

fn all(damaged: u64) -> Result<(), String> {
    if damaged == 0 { Ok(()) } else { Err(format!("{damaged} packages cannot be read")) }
}

fn open(path: &Path) -> Result<(File, u64), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    Ok((file, length))
}

fn take(blob: &[u8], claims: &mut Claims<'_>) -> Option<()> {
    let header = Header::parse(blob).ok()?;
    let mut claimant = claims.begin(Package {
        name: text(header.name()?),
        architecture: text(header.architecture().unwrap_or_default()),
        version: text(header.version().as_bytes()),
        source: Source::Rpm,
        built_from: header.source().map(|(name, version)| (text(name.as_bytes()), text(version.as_bytes()))),
        edges: Vec::new(),
    });
    let algorithm = header.digest_algorithm();
    for file in header.files().filter(evidence::rpm::File::is_installed) {
        let Some(key) = claims.claim(&mut claimant, &join(file.directory, file.name)) else { continue };
        if file.is_configuration() {
            claims.listed().put_configuration(key);
        }
        match algorithm {
            _ if file.is_ghost() => {}
            DigestAlgorithm::Sha256 => {
                if let Some(digest) = digits(file.digest) {
                    claims.listed().put_sha256(key, Sha256Digest::new(digest));
                }
            }
            DigestAlgorithm::Md5 => {
                if let Some(digest) = digits(file.digest) {
                    claims.listed().put_md5(key, digest);
                }
            }
            DigestAlgorithm::Other(_) => {}
        }
    }
    if let Some(package) = claims.end(claimant) {
        package.edges = header.signers();
    }
    Some(())
}

#[cfg(test)]
mod tests;
