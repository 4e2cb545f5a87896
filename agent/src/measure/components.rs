//! Components from the tree: one for each package's artefacts, one for each directory's that nobody owns.
//!
//! In: the tree with owners. Out: canonical manifests, one at a time. The grouping is the package database's;
//! every digest in them is of the file.

use std::sync::Arc;

use evidence::digest::Sha256Digest;
use evidence::limits::{LONG_TEXT_BYTES, MANIFEST_ENTRIES};
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest, component_digest};

use super::limits::COMPONENT_BYTES;
use super::packages::{Package, Packages};
use super::place::{Places, join};
use super::tree::{Artefact, Owner, Tree};

/// Calls back with each component's digest and canonical bytes, in no order that matters.
pub(crate) fn compile(
    tree: &Tree,
    database: &Packages,
    places: &Places,
    mut each: impl FnMut(Sha256Digest, Vec<u8>),
) {
    let mut owned: Vec<(u32, &Arc<[u8]>, &Artefact)> = Vec::new();
    for (path, directory) in tree.iter() {
        let mut unowned = Vec::new();
        for file in &directory.files {
            match file.owner {
                Owner::Package(number) => owned.push((number, path, file)),
                Owner::Nobody | Owner::Unknown => unowned.push((path, file)),
            }
        }
        let name = String::from_utf8_lossy(places.shown(path));
        let name = name.get(..name.floor_char_boundary(LONG_TEXT_BYTES)).unwrap_or_default().to_owned();
        let head = Package { name, ..Package::default() };
        emit(
            ComponentKind::Directory,
            &head,
            unowned.into_iter(),
            |path, file| entry(places, database, path, file),
            &mut each,
        );
    }
    owned.sort_by_key(|(number, ..)| *number);
    for group in owned.chunk_by(|(a, ..), (b, ..)| a == b) {
        let Some(package) = group.first().and_then(|(number, ..)| database.package(*number)) else {
            continue;
        };
        let files = group.iter().map(|(_, path, file)| (*path, *file));
        emit(
            ComponentKind::Package,
            package,
            files,
            |path, file| entry(places, database, path, file),
            &mut each,
        );
    }
}

/// One component, or several of the same name where one manifest cannot hold it.
fn emit<'a>(
    kind: ComponentKind,
    head: &Package,
    files: impl Iterator<Item = (&'a Arc<[u8]>, &'a Artefact)>,
    entry: impl Fn(&[u8], &Artefact) -> Entry,
    each: &mut impl FnMut(Sha256Digest, Vec<u8>),
) {
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (path, file) in files {
        let entry = entry(path, file);
        bytes += entry.path.len() + ENTRY_BYTES;
        entries.push(entry);
        if entries.len() >= MANIFEST_ENTRIES || bytes >= COMPONENT_BYTES {
            write(kind, head, std::mem::take(&mut entries), each);
            bytes = 0;
        }
    }
    write(kind, head, entries, each);
}

fn write(
    kind: ComponentKind,
    head: &Package,
    entries: Vec<Entry>,
    each: &mut impl FnMut(Sha256Digest, Vec<u8>),
) {
    if entries.is_empty() {
        return;
    }
    let Package { name, version, architecture, edges, .. } = head.clone();
    let manifest = Manifest::new(kind, name, version, architecture, entries);
    match manifest.and_then(|manifest| manifest.described(edges, Vec::new())) {
        Ok(manifest) => {
            let bytes = manifest.encode();
            each(component_digest(&bytes), bytes);
        }
        // Every part was kept within its limit, so this is a fault of ours; the rest of the host still counts.
        Err(error) => tracing::error!(%error, name = head.name, "component without a manifest"),
    }
}

fn entry(places: &Places, database: &Packages, path: &[u8], file: &Artefact) -> Entry {
    let Artefact { name, digest, size, mode, flags, .. } = file;
    let by_package = match file.owner {
        Owner::Package(_) => database.flags(path, name, digest, None),
        Owner::Nobody | Owner::Unknown => EntryFlags::default(),
    };
    let path = join(places.shown(path), name);
    Entry {
        path,
        digest: *digest,
        size: *size,
        mode: *mode,
        flags: flags.with(by_package),
        edges: Vec::new(),
        facts: Vec::new(),
    }
}

/// An entry without its path: digest, size, mode, flags and their heads.
const ENTRY_BYTES: usize = 64;
