//! Which package installed a file, by the databases of dpkg, of rpm and of Python: a hint that groups files.
//!
//! In: those databases, as files, and the tree. Out: an owner for each artefact, the packages that own any, and what
//! they list of those files: packaged digests, and whether the administrator may change them. The first database that
//! knows a file has it. Memory grows with the artefacts that packages own, not with all files of packages. A lie in a
//! database moves a digest into another component, or takes away or adds a flag; it cannot hide or change a digest.

mod claims;
mod directories;
mod listed;
mod lock;
mod on_disk;

use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use evidence::manifest::EntryFlags;
use evidence::principal::Edge;

use super::dpkg;
use super::place::Places;
use super::python;
use super::rpm;
use super::stamp::Stamp;
use super::tree::{Owner, Tree};

pub(crate) use self::claims::Claims;
pub(crate) use self::listed::{Compared, Listed, Md5, digits};
pub(crate) use self::on_disk::OnDisk;

/// A package that owns an artefact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) architecture: String,
    pub(crate) version: String,
    pub(crate) source: Source,
    /// Name and version of the source package that it was built from.
    pub(crate) built_from: Option<(String, String)>,
    /// Keys that its signature names.
    pub(crate) edges: Vec<Edge>,
}

/// The database that knows a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    #[default]
    Dpkg,
    Rpm,
    Python,
}

/// A database, or a part of one, that is there and was not read: its files belong to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The file, and why.
    pub(crate) scope: String,
}

/// All databases as they were last read.
#[derive(Debug)]
pub(crate) struct Packages {
    dpkg: dpkg::Database,
    read: Option<Vec<Option<Stamp>>>,
    owners: Vec<Package>,
    listed: Listed,
    unread: Vec<Unread>,
}

impl Packages {
    /// With dpkg's administrative directory; the other databases are found below the prefix.
    pub(crate) fn new(dpkg_admin: &Path) -> Self {
        Self {
            dpkg: dpkg::Database::new(dpkg_admin),
            read: None,
            owners: Vec::new(),
            listed: Listed::default(),
            unread: Vec::new(),
        }
    }

    /// Looks owners up anew where a database or the files have changed.
    pub(crate) fn attribute(&mut self, tree: &mut Tree, places: &Places) {
        if self.find_owners(tree, places) {
            self.flag(tree);
        }
    }

    /// Says of each file what can be said without its MD5; what was found with one stands until there is another.
    fn flag(&self, tree: &mut Tree) {
        tree.for_each_file_mut(|directory, name, file| {
            let flags = match file.owner {
                Owner::Package(_) => self.flags(directory, name, &file.digest, None),
                Owner::Nobody | Owner::Unknown => EntryFlags::default(),
            };
            let stands = self.compare(directory, name, &file.digest, None) == Compared::NotComputed;
            let differs = file.flags.only(EntryFlags::NOT_AS_PACKAGED);
            file.set_package_flags(if stands { flags.with(differs) } else { flags });
        });
    }

    /// Whether they were looked up.
    fn find_owners(&mut self, tree: &mut Tree, places: &Places) -> bool {
        let sites = python::sites(tree);
        let now = self.stamps(places, &sites);
        if self.read.as_ref() == Some(&now) && tree.files_mut().all(|file| file.owner != Owner::Unknown) {
            return false;
        }
        // Taken before reading: what is written meanwhile leads to another reading.
        self.read = Some(now);
        self.owners.clear();
        self.listed.clear();
        self.unread.clear();
        tree.files_mut().for_each(|file| file.owner = Owner::Nobody);
        let mut claims = Claims::new(tree, places, &mut self.owners, &mut self.listed, &mut self.unread);
        self.dpkg.read(&mut claims);
        claims.next_database();
        rpm::read(&mut claims);
        claims.next_database();
        python::read(&sites, &mut claims);
        self.listed.finish();
        true
    }

    fn stamps(&self, places: &Places, sites: &[Vec<u8>]) -> Vec<Option<Stamp>> {
        let files = self.dpkg.files().into_iter().chain(rpm::files(places));
        let sites = sites.iter().map(|site| path_of(site));
        files.chain(sites).map(|path| Stamp::of_path(&path).ok()).collect()
    }

    /// The package with a number that `attribute` gave.
    pub(crate) fn package(&self, number: u32) -> Option<&Package> {
        self.owners.get(usize::try_from(number).ok()?)
    }

    /// The MD5 that a file's package lists, where it lists no better digest: what is worth computing one for.
    #[cfg(test)]
    pub(crate) fn wants_md5(&self, directory: &[u8], name: &[u8]) -> Option<Md5> {
        self.listed.md5(self.listed.key(directory, name))
    }

    /// A file's content against what its package lists.
    pub(crate) fn compare(
        &self,
        directory: &[u8],
        name: &[u8],
        sha256: &Sha256Digest,
        md5: Option<&Md5>,
    ) -> Compared {
        self.listed.compare(self.listed.key(directory, name), sha256, md5)
    }

    /// Flags of a file by its package.
    pub(crate) fn flags(
        &self,
        directory: &[u8],
        name: &[u8],
        sha256: &Sha256Digest,
        md5: Option<&Md5>,
    ) -> EntryFlags {
        let key = self.listed.key(directory, name);
        let mut flags = EntryFlags::default();
        if self.listed.is_configuration(key) {
            flags = flags.with(EntryFlags::CONFIGURATION);
        }
        if self.listed.compare(key, sha256, md5) == Compared::Differs {
            flags = flags.with(EntryFlags::NOT_AS_PACKAGED);
        }
        flags
    }

    /// What was there at the last reading and could not be read.
    pub(crate) fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Whether a package manager is at work: it holds a lock on one of some files.
    pub(crate) fn busy(&self, places: &Places) -> bool {
        lock::is_held(self.dpkg.locks().into_iter().chain(rpm::locks(places)))
    }

    /// Directories whose changes are those of a database; some may not be there.
    pub(crate) fn watched(&self, places: &Places) -> Vec<PathBuf> {
        self.dpkg.directories().into_iter().chain(rpm::directories(places)).collect()
    }
}

/// Bytes of a path as the standard library takes them.
pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// Bytes as text, cut to what a manifest holds.
pub(crate) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let end = text.floor_char_boundary(evidence::limits::SHORT_TEXT_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
pub(crate) mod tests;
