//! Components from the tree: one for each package's artefacts, one for each directory's that nobody owns.
//!
//! In: the tree with owners. Out: digests of all components, and canonical manifests of those that may have changed, one
//! at a time: of each component only a fingerprint of what went into it is kept. The grouping is the package
//! database's; every digest in a manifest is of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use evidence::body::Claim;
use evidence::digest::Sha256Digest;
use evidence::limits::{LONG_TEXT_BYTES, MANIFEST_ENTRIES};
use evidence::manifest::{ComponentKind, Entry, Manifest, SOURCE_FACT, component_digest};

use super::cache::Cache;
use super::executed::Located;
use super::limits::{COMPONENT_BYTES, GATHERED_FILES};
use super::list::fingerprint;
use super::packages::{Package, Packages};
use super::place::{Places, join};
use super::stamp::Stamp;
use super::tree::{Artefact, Directory, Fingerprint, Owner, Tree};

/// What components are made from.
pub(crate) struct Sources<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) database: &'a Packages,
    pub(crate) places: &'a Places,
    pub(crate) cache_path: &'a Path,
}

/// The components as they were last compiled.
#[derive(Debug, Default)]
pub(crate) struct Components {
    /// What went into each, with its digest; rising. One that needed several manifests is there several times.
    last: Vec<(Fingerprint, Sha256Digest)>,
}

/// A component with its manifest.
pub(crate) struct Compiled {
    pub(crate) digest: Sha256Digest,
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
}

/// The receiver of manifests has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Components {
    /// Calls back with each component that may have changed; returns the digests of all, rising.
    pub(crate) fn update(
        &mut self,
        sources: &Sources<'_>,
        mut each: impl FnMut(Compiled) -> ControlFlow<Gone>,
    ) -> Result<Vec<Sha256Digest>, Gone> {
        let mut compiler = Compiler { sources, cache: Cache::new(sources.cache_path) };
        let mut now: Vec<(Fingerprint, Sha256Digest)> = Vec::with_capacity(self.last.len());
        let mut packages: BTreeMap<u32, (Fingerprint, usize)> = BTreeMap::new();
        for (path, directory) in sources.tree.iter() {
            sources.fold_owned(path, directory, &mut packages);
            let Some(print) = sources.unowned(path, directory) else { continue };
            if !self.carry(print, &mut now) {
                let each = &mut |compiled: Compiled| {
                    now.push((print, compiled.digest));
                    each(compiled)
                };
                flow(compiler.directory(path, directory, each))?;
            }
        }
        packages.retain(|_, (print, _)| !self.carry(*print, &mut now));
        while let Some(some) = gather(&mut packages) {
            let each = &mut |number: u32, compiled: Compiled| {
                let print = some.get(&number).copied().unwrap_or_default();
                now.push((print, compiled.digest));
                each(compiled)
            };
            flow(compiler.packages(&some.keys().copied().collect(), each))?;
        }
        now.sort_unstable();
        let mut digests: Vec<Sha256Digest> = now.iter().map(|(_, digest)| *digest).collect();
        self.last = now;
        digests.sort_unstable();
        digests.dedup();
        Ok(digests)
    }

    /// Takes a component over that is made of the same as before.
    fn carry(&self, print: Fingerprint, now: &mut Vec<(Fingerprint, Sha256Digest)>) -> bool {
        let start = self.last.partition_point(|(other, _)| *other < print);
        let same = self.last.get(start..).unwrap_or_default().iter().take_while(|(other, _)| *other == print);
        let before = now.len();
        now.extend(same);
        now.len() > before
    }
}

/// Where these files, by their paths on the disk, stand among the components.
pub(crate) fn locate(sources: &Sources<'_>, files: &BTreeSet<Arc<[u8]>>) -> BTreeMap<Vec<u8>, Located> {
    let mut compiler = Compiler { sources, cache: Cache::new(sources.cache_path) };
    let (mut directories, mut packages) = (BTreeSet::new(), BTreeSet::new());
    for (directory, name) in files.iter().filter_map(|path| split(path)) {
        match sources.tree.file(directory, name).map(|file| file.owner) {
            Some(Owner::Package(number)) => drop(packages.insert(number)),
            Some(Owner::Nobody | Owner::Unknown) => drop(directories.insert(directory)),
            None => {}
        }
    }
    let wanted: BTreeSet<Vec<u8>> =
        files.iter().filter_map(|path| split(path)).map(|(dir, name)| sources.shown(dir, name)).collect();
    let mut located = BTreeMap::new();
    let mut find = |compiled: Compiled| {
        for (at, entry) in compiled.manifest.entries().iter().enumerate() {
            if let Ok(at) = u32::try_from(at)
                && wanted.contains(&entry.path)
            {
                let place = Located { component: compiled.digest, entry: at, digest: entry.digest };
                located.insert(entry.path.clone(), place);
            }
        }
        ControlFlow::Continue(())
    };
    for path in directories {
        if let Some(directory) = sources.tree.get(path) {
            let _ = compiler.directory(path, directory, &mut find);
        }
    }
    let _ = compiler.packages(&packages, &mut |_, compiled| find(compiled));
    located
}

fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let directory = path.get(..slash)?;
    Some((if directory.is_empty() { b"/" } else { directory }, path.get(slash + 1..)?))
}

/// Some of the packages, so that their files are not too many at once.
fn gather(packages: &mut BTreeMap<u32, (Fingerprint, usize)>) -> Option<BTreeMap<u32, Fingerprint>> {
    let (mut some, mut files) = (BTreeMap::new(), 0);
    while files < GATHERED_FILES
        && let Some((number, (print, count))) = packages.pop_first()
    {
        files += count;
        some.insert(number, print);
    }
    (!some.is_empty()).then_some(some)
}

fn flow(flow: ControlFlow<Gone>) -> Result<(), Gone> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(gone) => Err(gone),
    }
}

impl Sources<'_> {
    /// A path as manifests have it.
    pub(crate) fn shown(&self, directory: &[u8], name: &[u8]) -> Vec<u8> {
        join(self.places.shown(directory), name)
    }

    /// Of all that goes into a directory's component; `None` where it has none.
    fn unowned(&self, path: &[u8], directory: &Directory) -> Option<Fingerprint> {
        let mut bytes = Vec::new();
        for (name, file) in directory.files.iter().filter(|(_, file)| !is_owned(file)) {
            write(&mut bytes, name, file);
        }
        if bytes.is_empty() {
            return None;
        }
        bytes.extend_from_slice(self.places.shown(path));
        Some(fingerprint(&bytes))
    }

    /// Adds a directory's files to the fingerprints of their packages.
    fn fold_owned(
        &self,
        path: &[u8],
        directory: &Directory,
        packages: &mut BTreeMap<u32, (Fingerprint, usize)>,
    ) {
        let mut bytes = Vec::new();
        for (name, file) in directory.files.iter() {
            let Owner::Package(number) = file.owner else { continue };
            let (print, count) = packages.entry(number).or_insert_with(|| (self.head(number), 0));
            bytes.clear();
            bytes.extend_from_slice(print);
            bytes.extend_from_slice(self.places.shown(path));
            write(&mut bytes, name, file);
            (*print, *count) = (fingerprint(&bytes), *count + 1);
        }
    }

    fn head(&self, number: u32) -> Fingerprint {
        let Some(package) = self.database.package(number) else { return Fingerprint::default() };
        let Package { name, architecture, version, built_from, .. } = package;
        let (source, of) = built_from.as_ref().map_or(("", ""), |(name, version)| (name, version));
        let parts = [name, architecture, version, source, of];
        fingerprint(parts.map(|part| format!("{}:{part}", part.len())).concat().as_bytes())
    }
}

fn is_owned(file: &Artefact) -> bool {
    matches!(file.owner, Owner::Package(_))
}

/// A name ends where its record begins: with a byte that no name has.
fn write(bytes: &mut Vec<u8>, name: &[u8], file: &Artefact) {
    bytes.push(b'/');
    bytes.extend_from_slice(name);
    bytes.push(0);
    bytes.extend_from_slice(file.digest.as_bytes());
    bytes.extend_from_slice(&file.size.to_be_bytes());
    for number in [file.mode(), file.flags.bits(), file.details] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
}

/// Makes manifests.
struct Compiler<'a> {
    sources: &'a Sources<'a>,
    cache: Cache,
}

type Found<'a> = (&'a [u8], &'a [u8], &'a Artefact);

impl<'a> Compiler<'a> {
    fn directory(
        &mut self,
        path: &[u8],
        directory: &Directory,
        each: &mut impl FnMut(Compiled) -> ControlFlow<Gone>,
    ) -> ControlFlow<Gone> {
        let name = String::from_utf8_lossy(self.sources.places.shown(path));
        let name = name.get(..name.floor_char_boundary(LONG_TEXT_BYTES)).unwrap_or_default().to_owned();
        let head = Package { name, ..Package::default() };
        let unowned = directory.files.iter().filter(|(_, file)| !is_owned(file));
        let files = unowned.map(|(name, file)| (path, name, file));
        self.emit(ComponentKind::Directory, &head, files, each)
    }

    fn packages(
        &mut self,
        numbers: &BTreeSet<u32>,
        each: &mut impl FnMut(u32, Compiled) -> ControlFlow<Gone>,
    ) -> ControlFlow<Gone> {
        let sources = self.sources;
        let mut owned: Vec<(u32, Found<'a>)> = Vec::new();
        for (path, directory) in sources.tree.iter() {
            for (name, file) in directory.files.iter() {
                if let Owner::Package(number) = file.owner
                    && numbers.contains(&number)
                {
                    owned.push((number, (path, name, file)));
                }
            }
        }
        owned.sort_by_key(|(number, ..)| *number);
        for group in owned.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some((number, _)) = group.first() else { continue };
            let Some(package) = sources.database.package(*number) else { continue };
            let files = group.iter().map(|(_, found)| *found);
            self.emit(ComponentKind::Package, package, files, &mut |compiled| each(*number, compiled))?;
        }
        ControlFlow::Continue(())
    }

    /// One component, or several of the same name where one manifest cannot hold it.
    fn emit<'f>(
        &mut self,
        kind: ComponentKind,
        head: &Package,
        files: impl Iterator<Item = Found<'f>>,
        each: &mut impl FnMut(Compiled) -> ControlFlow<Gone>,
    ) -> ControlFlow<Gone> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        for found in files {
            let (entry, details) = self.entry(found);
            bytes += entry.path.len() + ENTRY_BYTES + details;
            entries.push(entry);
            if entries.len() >= MANIFEST_ENTRIES || bytes >= COMPONENT_BYTES {
                if let Some(compiled) = compile_one(kind, head, std::mem::take(&mut entries)) {
                    each(compiled)?;
                }
                bytes = 0;
            }
        }
        compile_one(kind, head, entries).map_or(ControlFlow::Continue(()), each)
    }

    /// An entry, and the bytes of what is in it beside the usual.
    fn entry(&mut self, (directory, name, file): Found<'_>) -> (Entry, usize) {
        let details = (file.details != 0).then(|| self.details(directory, name, file)).flatten();
        let (edges, facts) = details.as_deref().map(super::details::read).unwrap_or_default();
        let entry = Entry {
            path: self.sources.shown(directory, name),
            digest: file.digest,
            size: file.size,
            mode: file.mode(),
            flags: file.flags,
            edges,
            facts,
        };
        (entry, details.map_or(0, |details| details.len()))
    }

    /// By the file that has the name now: the cache gives nothing where that has another digest, and another walk
    /// is under way then.
    fn details(&mut self, directory: &[u8], name: &[u8], file: &Artefact) -> Option<Box<[u8]>> {
        let path = join(directory, name);
        let stamp = Stamp::of_path(Path::new(std::ffi::OsStr::from_bytes(&path))).ok()?;
        self.cache.details(stamp.identity(), &file.digest)
    }
}

fn compile_one(kind: ComponentKind, head: &Package, entries: Vec<Entry>) -> Option<Compiled> {
    if entries.is_empty() {
        return None;
    }
    let Package { name, version, architecture, edges, built_from, .. } = head.clone();
    let manifest = Manifest::new(kind, name, version, architecture, entries);
    let source = built_from
        .map(|(name, version)| Claim { key: SOURCE_FACT.to_owned(), value: format!("{name} {version}") });
    match manifest.and_then(|manifest| manifest.described(edges, source.into_iter().collect())) {
        Ok(manifest) => {
            let bytes = manifest.encode();
            Some(Compiled { digest: component_digest(&bytes), manifest, bytes })
        }
        // Every part was kept within its limit, so this is a fault of ours; the rest of the host still counts.
        Err(error) => {
            tracing::error!(%error, name = head.name, "component without a manifest");
            None
        }
    }
}

/// An entry without its path: digest, size, mode, flags and their heads.
const ENTRY_BYTES: usize = 64;
