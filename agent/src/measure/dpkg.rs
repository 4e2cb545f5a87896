//! Which package installed a file, by dpkg's own files: a hint that groups files, never the source of a digest.
//!
//! In: `status`, `info/*.list` and `diversions` below the administrative directory. Out: an owner for each
//! artefact, and the packages that own any. The lists are streamed past the tree, so that memory grows with
//! the packages that own executables and not with all files. Names of merged directories (`/lib` for
//! `/usr/lib`) are resolved by the symbolic links at the root. A lie in these files moves a digest into another
//! component; it cannot hide or change it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use evidence::limits::SHORT_TEXT_BYTES;

use super::limits::DPKG_LINE_BYTES;
use super::place::{Places, join};
use super::stamp::Stamp;
use super::tree::{Owner, Tree};

/// A package that owns an artefact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) architecture: String,
    pub(crate) version: String,
}

/// The database as it was last read.
#[derive(Debug)]
pub(crate) struct Database {
    admin: PathBuf,
    read: Option<[Option<Stamp>; 3]>,
    packages: Vec<Package>,
}

impl Database {
    pub(crate) fn new(admin: &Path) -> Self {
        Self { admin: admin.to_owned(), read: None, packages: Vec::new() }
    }

    /// The package with a number that `attribute` gave.
    pub(crate) fn package(&self, number: u32) -> Option<&Package> {
        self.packages.get(usize::try_from(number).ok()?)
    }

    /// Looks owners up anew where the database or the files have changed.
    pub(crate) fn attribute(&mut self, tree: &mut Tree, places: &Places) {
        let now = ["status", "info", "diversions"].map(|name| self.stamp(name));
        if self.read == Some(now) && tree.files_mut().all(|file| file.owner != Owner::Unknown) {
            return;
        }
        // Taken before reading: what is written meanwhile leads to another reading.
        self.read = Some(now);
        self.packages.clear();
        tree.files_mut().for_each(|file| file.owner = Owner::Nobody);
        let renames = Renames { aliases: aliases(places), diversions: self.diversions() };
        for list in self.lists() {
            self.take_list(&list, &renames, tree, places);
        }
        self.take_versions();
    }

    fn stamp(&self, name: &str) -> Option<Stamp> {
        Stamp::of_path(&self.admin.join(name)).ok()
    }

    /// Names in `info` that end in `.list`, sorted: of two packages that claim a file, the same one has it on
    /// every host.
    fn lists(&self) -> BTreeSet<Vec<u8>> {
        let entries = std::fs::read_dir(self.admin.join("info"));
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name().into_vec());
        names
            .filter_map(|mut name| {
                let stem = name.strip_suffix(b".list")?.len();
                name.truncate(stem);
                Some(name)
            })
            .collect()
    }

    fn take_list(&mut self, stem: &[u8], renames: &Renames, tree: &mut Tree, places: &Places) {
        let (name, architecture) = match stem.split_once_at(b':') {
            Some((name, architecture)) => (name, text(architecture)),
            None => (stem, String::new()),
        };
        let number = u32::try_from(self.packages.len()).unwrap_or(u32::MAX);
        let mut owns = false;
        let file = Path::new("info").join(std::ffi::OsStr::from_bytes(&[stem, b".list"].concat()));
        self.lines(&file, |line| {
            let path = renames.resolve(line, name);
            let Some((directory, base)) = path.rsplit_once_at(b'/') else { return };
            let directory = if directory.is_empty() { b"/" } else { directory };
            let found = tree.file_mut(&places.on_disk(directory), base);
            if let Some(file) = found.filter(|file| file.owner == Owner::Nobody) {
                file.owner = Owner::Package(number);
                owns = true;
            }
        });
        if owns {
            self.packages.push(Package { name: text(name), architecture, version: String::new() });
        }
    }

    /// Versions and architectures of the packages that own anything.
    fn take_versions(&mut self) {
        let mut wanted: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, package) in self.packages.iter().enumerate() {
            wanted.entry(package.name.clone()).or_default().push(number);
        }
        let mut packages = std::mem::take(&mut self.packages);
        let mut stanza = Package::default();
        let mut finish = |stanza: &mut Package| {
            let stanza = std::mem::take(stanza);
            for number in wanted.get(&stanza.name).into_iter().flatten() {
                let Some(package) = packages.get_mut(*number) else { continue };
                if package.version.is_empty()
                    && (package.architecture.is_empty() || package.architecture == stanza.architecture)
                {
                    package.clone_from(&stanza);
                }
            }
        };
        self.lines(Path::new("status"), |line| match line.split_once_at(b' ') {
            _ if line.is_empty() => finish(&mut stanza),
            Some((b"Package:", value)) => stanza.name = text(value),
            Some((b"Version:", value)) => stanza.version = text(value),
            Some((b"Architecture:", value)) => stanza.architecture = text(value),
            _ => {}
        });
        finish(&mut stanza);
        self.packages = packages;
    }

    /// Diverted paths: where they went, and the package whose own file stays.
    //= dpkg, lib/dpkg/db-fsys-divert.c: three lines each: from, to, package, which is ":" for the administrator
    fn diversions(&self) -> BTreeMap<Vec<u8>, Diversion> {
        let mut all = BTreeMap::new();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        self.lines(Path::new("diversions"), |line| {
            parts.push(line.to_vec());
            if let [from, to, by] = parts.as_mut_slice() {
                let [from, to, by] = [from, to, by].map(std::mem::take);
                all.insert(from, Diversion { to, by });
                parts.clear();
            }
        });
        all
    }

    /// Calls back with each line of a file of the database; what cannot be read has none.
    fn lines(&self, file: &Path, mut each: impl FnMut(&[u8])) {
        let Ok(file) = File::open(self.admin.join(file)) else { return };
        let mut reader = BufReader::with_capacity(64 << 10, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.by_ref().take(DPKG_LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => each(line.strip_suffix(b"\n").unwrap_or(&line)),
            }
        }
    }

    /// Whether a dpkg or a frontend of it is at work: it holds a lock on one of two files.
    pub(crate) fn busy(&self) -> bool {
        let held: Vec<_> = ["lock-frontend", "lock"].iter().filter_map(|name| self.stamp(name)).collect();
        let locks = if held.is_empty() {
            String::new()
        } else {
            std::fs::read_to_string("/proc/locks").unwrap_or_default()
        };
        locks.lines().filter_map(locked_file).any(|(device, inode)| {
            // Some file systems (btrfs, overlayfs) show files another device than their locks.
            held.iter().any(|file| file.inode == inode && (file.device == device || file.device >> 32 == 0))
        })
    }
}

#[derive(Debug)]
struct Diversion {
    to: Vec<u8>,
    by: Vec<u8>,
}

struct Renames {
    aliases: Vec<(Vec<u8>, Vec<u8>)>,
    diversions: BTreeMap<Vec<u8>, Diversion>,
}

impl Renames {
    /// Where the file that a package lists under this path is on the disk.
    fn resolve(&self, listed: &[u8], package: &[u8]) -> Vec<u8> {
        let diverted = self.diversions.get(listed).filter(|diversion| diversion.by != package);
        let path = diverted.map_or(listed, |diversion| &diversion.to);
        let alias = self.aliases.iter().find_map(|(alias, real)| {
            path.strip_prefix(alias.as_slice()).filter(|rest| rest.starts_with(b"/")).map(|rest| (real, rest))
        });
        alias.map_or_else(|| path.to_vec(), |(real, rest)| [real, rest].concat())
    }
}

/// Symbolic links at the root, such as `/lib` to `/usr/lib`.
fn aliases(places: &Places) -> Vec<(Vec<u8>, Vec<u8>)> {
    let root = Path::new(std::ffi::OsStr::from_bytes(places.prefix()));
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            let target = join(b"/", target.as_os_str().as_bytes().trim_prefix_slashes());
            Some((
                join(b"/", entry.file_name().as_bytes()),
                super::place::bytes(Path::new(std::ffi::OsStr::from_bytes(&target))).into(),
            ))
        })
        .collect()
}

/// Device and inode of the file of a line of `/proc/locks` that tells of a POSIX write lock.
//= proc_locks(5): the fields are number, type, mode, access, PID, major:minor:inode, start, end
pub(crate) fn locked_file(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_whitespace().skip(1);
    let (class, _, access, _) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if class != "POSIX" || access != "WRITE" {
        return None;
    }
    let mut file = fields.next()?.split(':');
    let major = u64::from_str_radix(file.next()?, 16).ok()?;
    let minor = u64::from_str_radix(file.next()?, 16).ok()?;
    Some((major << 32 | minor, file.next()?.parse().ok()?))
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.get(..text.floor_char_boundary(SHORT_TEXT_BYTES)).unwrap_or_default().to_owned()
}

/// What the standard library has for text, for bytes.
trait BytesExt {
    fn split_once_at(&self, byte: u8) -> Option<(&[u8], &[u8])>;
    fn rsplit_once_at(&self, byte: u8) -> Option<(&[u8], &[u8])>;
    fn trim_prefix_slashes(&self) -> &[u8];
}

impl BytesExt for [u8] {
    fn split_once_at(&self, byte: u8) -> Option<(&[u8], &[u8])> {
        let at = self.iter().position(|b| *b == byte)?;
        Some((self.get(..at)?, self.get(at + 1..)?))
    }

    fn rsplit_once_at(&self, byte: u8) -> Option<(&[u8], &[u8])> {
        let at = self.iter().rposition(|b| *b == byte)?;
        Some((self.get(..at)?, self.get(at + 1..)?))
    }

    fn trim_prefix_slashes(&self) -> &[u8] {
        self.get(self.iter().take_while(|b| **b == b'/').count()..).unwrap_or_default()
    }
}
