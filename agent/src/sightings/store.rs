//! The tables of the sightings.
//!
//! In and out: rows of `sightings.redb`. A component has a number, so that an artefact costs 28 bytes for each component
//! that has it; manifests are kept as they came. Each function is one transaction: a process may be killed between any two.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use evidence::digest::Sha256Digest;
use evidence::manifest::{Entry, Manifest};
use evidence::time::UnixTime;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::limits::{ABSENT_BYTES, ABSENT_COMPONENTS, ABSENT_MS, CACHE_BYTES};
use super::{Presence, Seen, Span};

// Names carry the version of the values: another version is another table, and starts empty.
const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta-1");
const NUMBERS: TableDefinition<'static, [u8; 32], u32> = TableDefinition::new("numbers-1");
/// Digest, first seen, last seen, whether it is there, bytes of the manifest.
const COMPONENTS: TableDefinition<'static, u32, Row> = TableDefinition::new("components-1");
const MANIFESTS: TableDefinition<'static, u32, &[u8]> = TableDefinition::new("manifests-1");
/// The first half of an artefact's digest and a component's number; when the artefact was first seen.
const ARTEFACTS: TableDefinition<'static, (u128, u32), u64> = TableDefinition::new("artefacts-1");

type Row = ([u8; 32], u64, u64, bool, u64);
type Each<'f> = dyn FnMut(&Seen, &Manifest, &Entry) -> ControlFlow<()> + 'f;

pub(super) fn open(path: &Path, now: UnixTime) -> Result<Database, redb::Error> {
    let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create(path)?;
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        if meta.get("began")?.is_none() {
            meta.insert("began", now.as_ms())?;
        }
        transaction.open_table(NUMBERS)?;
        transaction.open_table(COMPONENTS)?;
        transaction.open_table(MANIFESTS)?;
        transaction.open_table(ARTEFACTS)?;
    }
    transaction.commit()?;
    Ok(database)
}

/// Whether a file is no database that can be read; one that is open elsewhere, or forbidden, is another matter.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. } => true,
        redb::Error::Io(error) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        _ => false,
    }
}

pub(super) fn known_of(
    database: &Database,
    components: &BTreeSet<Sha256Digest>,
) -> Result<BTreeSet<Sha256Digest>, redb::Error> {
    let numbers = database.begin_read()?.open_table(NUMBERS)?;
    let mut known = BTreeSet::new();
    for component in components {
        if numbers.get(component.as_bytes())?.is_some() {
            known.insert(*component);
        }
    }
    Ok(known)
}

pub(super) fn add(
    database: &Database,
    manifests: &[(Sha256Digest, Vec<u8>)],
    now: UnixTime,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for (digest, bytes) in manifests {
        add_one(&transaction, *digest, bytes, now)?;
    }
    transaction.commit()?;
    Ok(())
}

fn add_one(
    transaction: &WriteTransaction,
    digest: Sha256Digest,
    bytes: &[u8],
    now: UnixTime,
) -> Result<(), redb::Error> {
    let mut numbers = transaction.open_table(NUMBERS)?;
    // One that came before is there still or comes again: `settle` tells.
    if numbers.get(digest.as_bytes())?.is_some() {
        return Ok(());
    }
    let Ok(manifest) = Manifest::decode(bytes) else { return Ok(()) };
    let mut meta = transaction.open_table(META)?;
    let next = meta.get("next")?.map_or(0, |next| next.value());
    // A number is 32 bits: at one component each second they last for a hundred years.
    let Ok(number) = u32::try_from(next) else { return Ok(()) };
    meta.insert("next", next.saturating_add(1))?;
    numbers.insert(digest.as_bytes(), number)?;
    transaction.open_table(MANIFESTS)?.insert(number, bytes)?;
    let row = (*digest.as_bytes(), now.as_ms(), now.as_ms(), false, bytes.len() as u64);
    transaction.open_table(COMPONENTS)?.insert(number, row)?;
    let mut keys: Vec<u128> = manifest.entries().iter().map(|entry| key(&entry.digest)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut artefacts = transaction.open_table(ARTEFACTS)?;
    for key in keys {
        let first = first_of(&artefacts, key)?.unwrap_or(now.as_ms());
        artefacts.insert((key, number), first)?;
    }
    Ok(())
}

/// When an artefact was first seen in any component, so that an upgrade of its package makes it no younger.
fn first_of(artefacts: &Table<'_, (u128, u32), u64>, key: u128) -> Result<Option<u64>, redb::Error> {
    let mut first: Option<u64> = None;
    for row in artefacts.range((key, 0)..=(key, u32::MAX))? {
        let found = row?.1.value();
        first = Some(first.map_or(found, |first| first.min(found)));
    }
    Ok(first)
}

/// Marks what came and went, and forgets what went long ago. Only what changes is written.
pub(super) fn settle(
    database: &Database,
    present: &BTreeSet<Sha256Digest>,
    now: UnixTime,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        let before = meta.get("settled")?.map_or(now.as_ms(), |at| at.value());
        meta.insert("settled", now.as_ms())?;
        let mut components = transaction.open_table(COMPONENTS)?;
        let (mut moved, mut gone) = (Vec::new(), Vec::new());
        for row in components.iter()? {
            let (number, row) = row?;
            let (number, (digest, first, last, was, bytes)) = (number.value(), row.value());
            let is = present.contains(&Sha256Digest::new(digest));
            // It was there at the snapshot before this one.
            let last = if was && !is { before.max(first) } else { last };
            if was != is {
                moved.push((number, (digest, first, last, is, bytes)));
            }
            if !is {
                gone.push((last, number, bytes));
            }
        }
        for (number, row) in moved {
            components.insert(number, row)?;
        }
        drop(components);
        for number in too_many(gone, now) {
            forget(&transaction, number)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Which of the components that went are too old, or too many; the oldest go first.
fn too_many(mut gone: Vec<(u64, u32, u64)>, now: UnixTime) -> Vec<u32> {
    gone.sort_unstable_by(|a, b| b.cmp(a));
    let mut kept_bytes: u64 = 0;
    let mut over = Vec::new();
    for (position, (last, number, bytes)) in gone.into_iter().enumerate() {
        kept_bytes = kept_bytes.saturating_add(bytes);
        let old = now.as_ms().saturating_sub(last) > ABSENT_MS;
        if old || position >= ABSENT_COMPONENTS || kept_bytes > ABSENT_BYTES {
            over.push(number);
        }
    }
    over
}

fn forget(transaction: &WriteTransaction, number: u32) -> Result<(), redb::Error> {
    if let Some(row) = transaction.open_table(COMPONENTS)?.remove(number)? {
        transaction.open_table(NUMBERS)?.remove(row.value().0)?;
    }
    let mut manifests = transaction.open_table(MANIFESTS)?;
    let manifest = manifests.remove(number)?.and_then(|bytes| Manifest::decode(bytes.value()).ok());
    let mut artefacts = transaction.open_table(ARTEFACTS)?;
    for entry in manifest.iter().flat_map(Manifest::entries) {
        artefacts.remove((key(&entry.digest), number))?;
    }
    Ok(())
}

pub(super) fn digests(
    database: &Database,
    (low, high): (Sha256Digest, Sha256Digest),
    each: &mut Each<'_>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let artefacts = transaction.open_table(ARTEFACTS)?;
    let components = transaction.open_table(COMPONENTS)?;
    let manifests = transaction.open_table(MANIFESTS)?;
    let settled = span(database)?.settled;
    for row in artefacts.range((key(&low), 0)..=(key(&high), u32::MAX))? {
        let (at, first) = row?;
        let ((artefact, number), first) = (at.value(), first.value());
        let Some(row) = components.get(number)? else { continue };
        let Some(bytes) = manifests.get(number)? else { continue };
        let Ok(manifest) = Manifest::decode(bytes.value()) else { continue };
        let seen = seen(row.value(), first, settled);
        let ours =
            |entry: &&Entry| key(&entry.digest) == artefact && low <= entry.digest && entry.digest <= high;
        for entry in manifest.entries().iter().filter(ours) {
            if each(&seen, &manifest, entry).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(super) fn path(database: &Database, path: &[u8], each: &mut Each<'_>) -> Result<(), redb::Error> {
    let transaction = database.begin_read()?;
    let manifests = transaction.open_table(MANIFESTS)?;
    let artefacts = transaction.open_table(ARTEFACTS)?;
    let settled = span(database)?.settled;
    for row in transaction.open_table(COMPONENTS)?.iter()? {
        let (number, row) = row?;
        if !row.value().3 {
            continue;
        }
        let Some(bytes) = manifests.get(number.value())? else { continue };
        let Ok(manifest) = Manifest::decode(bytes.value()) else { continue };
        let found = manifest.entries().binary_search_by(|entry| entry.path.as_slice().cmp(path));
        let Some(entry) = found.ok().and_then(|at| manifest.entries().get(at)) else { continue };
        let first = artefacts.get((key(&entry.digest), number.value()))?;
        let first = first.map_or(row.value().1, |first| first.value());
        if each(&seen(row.value(), first, settled), &manifest, entry).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

pub(super) fn span(database: &Database) -> Result<Span, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    let began = UnixTime::from_ms(meta.get("began")?.map_or(0, |began| began.value()));
    let settled = meta.get("settled")?.map(|settled| UnixTime::from_ms(settled.value()));
    Ok(Span { began, settled })
}

fn seen((digest, _, last, present, _): Row, first: u64, settled: Option<UnixTime>) -> Seen {
    let (presence, last) = if present {
        (Presence::Here, settled.unwrap_or(UnixTime::from_ms(last)))
    } else {
        (Presence::Gone, UnixTime::from_ms(last))
    };
    Seen { component: Sha256Digest::new(digest), first: UnixTime::from_ms(first), last, presence }
}

/// The first half of a digest, as a number that sorts like it.
fn key(digest: &Sha256Digest) -> u128 {
    digest.as_bytes().first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}
