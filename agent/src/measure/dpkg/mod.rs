//! dpkg's database: which package has which file, and the MD5 that it came with.
//!
//! In: `status`, `diversions`, `info/*.list` and `info/*.md5sums` below the administrative directory, streamed past the
//! tree. Out: claims. Packages that are unpacked count, configured or not; those of which only configuration files are
//! left do not, and theirs belong to nobody. Of a package whose unpacking broke off, files count and digests do not:
//! they may be the old or the new version's. Alternatives are links, which are no artefacts; `statoverride` changes
//! modes, which dpkg lists none of. Neither is read.

mod lines;
mod renames;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

pub(crate) use self::lines::{lines, split_at};
use self::renames::Renames;
use self::status::{Stanza, State};
use super::packages::{Claims, Package, digits, path_of, text};

/// The database's place.
#[derive(Debug)]
pub(crate) struct Database {
    admin: PathBuf,
}

/// Packages that are not wholly there, by name and architecture.
type States = BTreeMap<(String, String), State>;

impl Database {
    pub(crate) fn new(admin: &Path) -> Self {
        Self { admin: admin.to_owned() }
    }

    /// What changes when the database does.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        ["status", "info", "diversions"].map(|name| self.admin.join(name)).into()
    }

    /// What is locked while dpkg or a frontend of it is at work.
    pub(crate) fn locks(&self) -> Vec<PathBuf> {
        ["lock-frontend", "lock"].map(|name| self.admin.join(name)).into()
    }

    /// Where files come and go when the database changes.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        vec![self.admin.clone()]
    }

    /// Puts all packages to the tree.
    pub(crate) fn read(&self, claims: &mut Claims<'_>) {
        //= dpkg, lib/dpkg/db-infodb.h: format 1 has names with architectures, 0 has none
        let format = std::fs::read(self.admin.join("info/format")).unwrap_or_default();
        if !matches!(format.trim_ascii(), b"" | b"0" | b"1") {
            claims.unread(format!("{}: of an unknown format", self.admin.join("info").display()));
            return;
        }
        let first = claims.next();
        let states = self.states();
        let renames = Renames::read(&self.admin.join("diversions"));
        for stem in self.stems() {
            self.take(&stem, &renames, &states, claims);
        }
        self.take_status(first, &renames, claims);
    }

    /// Names in `info` that end in `.list`, sorted: of two packages that claim a file, the same one has it on
    /// every host.
    fn stems(&self) -> BTreeSet<Vec<u8>> {
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

    fn info(&self, stem: &[u8], ending: &str) -> PathBuf {
        self.admin.join("info").join(path_of(&[stem, ending.as_bytes()].concat()))
    }

    fn states(&self) -> States {
        let mut states = States::new();
        status::stanzas(&self.admin.join("status"), |stanza| {
            if stanza.state != State::Installed {
                states.insert((stanza.name, stanza.architecture), stanza.state);
            }
        });
        states
    }

    fn take(&self, stem: &[u8], renames: &Renames, states: &States, claims: &mut Claims<'_>) {
        let (name, architecture) = split_at(stem, b':').unwrap_or((stem, b""));
        let package = Package { name: text(name), architecture: text(architecture), ..Package::default() };
        let state = state(states, &package);
        if state == State::Absent {
            return;
        }
        let mut claimant = claims.begin(package);
        lines(&self.info(stem, ".list"), |line| {
            claims.claim(&mut claimant, renames.resolve(line, name));
        });
        let number = claims.next();
        if claims.end(claimant).is_some() && state == State::Installed {
            self.take_md5sums(stem, name, number, renames, claims);
        }
    }

    //= deb-md5sums(5): 32 digits, two spaces, a path without its first slash
    fn take_md5sums(
        &self,
        stem: &[u8],
        name: &[u8],
        number: u32,
        renames: &Renames,
        claims: &mut Claims<'_>,
    ) {
        let mut path = Vec::new();
        lines(&self.info(stem, ".md5sums"), |line| {
            let Some((hex, [b' ' | b'*', relative @ ..])) = split_at(line, b' ') else { return };
            let Some(md5) = digits(hex) else { return };
            path.clear();
            path.push(b'/');
            path.extend_from_slice(relative);
            if let Some(key) = claims.owned(number, renames.resolve(&path, name)) {
                claims.listed().put_md5(key, md5);
            }
        });
    }

    /// Versions, architectures and configuration files of the packages that own anything.
    fn take_status(&self, first: u32, renames: &Renames, claims: &mut Claims<'_>) {
        let start = usize::try_from(first).unwrap_or(usize::MAX);
        let mut wanted: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, package) in claims.packages().iter().enumerate().skip(start) {
            wanted.entry(package.name.clone()).or_default().push(number);
        }
        status::stanzas(&self.admin.join("status"), |stanza| {
            if stanza.state == State::Absent {
                return;
            }
            for number in wanted.get(&stanza.name).into_iter().flatten() {
                take_stanza(&stanza, *number, renames, claims);
            }
        });
    }
}

fn state(states: &States, package: &Package) -> State {
    let of_name = (package.name.clone(), String::new());
    let mut found = states.range(of_name..).take_while(|((name, _), _)| *name == package.name);
    // A list without an architecture is of a package that is there once at most.
    let fits = |architecture: &str| package.architecture.is_empty() || architecture == package.architecture;
    found.find(|((_, architecture), _)| fits(architecture)).map_or(State::Installed, |(_, state)| *state)
}

fn take_stanza(stanza: &Stanza, number: usize, renames: &Renames, claims: &mut Claims<'_>) {
    let Some(package) = claims.packages().get_mut(number) else { return };
    let fits = package.architecture.is_empty() || package.architecture == stanza.architecture;
    if !package.version.is_empty() || !fits {
        return;
    }
    package.architecture.clone_from(&stanza.architecture);
    package.version.clone_from(&stanza.version);
    package.built_from = Some(stanza.built_from());
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    for (path, md5) in &stanza.conffiles {
        if let Some(key) = claims.owned(number, renames.resolve(path, stanza.name.as_bytes())) {
            claims.listed().put_configuration(key);
            if let Some(md5) = md5.filter(|_| stanza.state == State::Installed) {
                claims.listed().put_md5(key, md5);
            }
        }
    }
}
