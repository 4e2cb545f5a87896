//! Paths, widths, and logs written, read and thinned out.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::hash::Hash;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::tree::{Frontier, HashReader as _, prove_consistency, prove_inclusion};

fn size(leaves: u64) -> LogSize {
    LogSize::new(leaves).unwrap()
}

fn entry(index: u64) -> Vec<u8> {
    // Lengths differ, and one in seven is empty.
    format!("entry {index}").into_bytes().repeat(usize::try_from(index % 7).unwrap())
}

fn tile(level: u8, index: u64, width: u16) -> Resource {
    Resource::Tile(TileId::new(level, index, Width::new(width).unwrap()).unwrap())
}

fn bundle(index: u64, width: u16) -> Resource {
    Resource::Bundle(BundleId::new(index, Width::new(width).unwrap()).unwrap())
}

/// A log grown in batches of these sizes, with every file that was ever written.
fn grown(batches: &[u64]) -> (TileWriter, MemoryTiles) {
    let (mut writer, mut files) = (TileWriter::new(), MemoryTiles::default());
    for batch in batches {
        let first = writer.size().get();
        let entries: Vec<_> = (first..first + batch).map(entry).collect();
        let growth = writer.append(&entries).unwrap();
        for (resource, bytes) in growth.files {
            let before = files.0.insert(resource, bytes.clone());
            assert!(before.is_none_or(|before| before == bytes), "{resource} was written with other bytes");
        }
    }
    (writer, files)
}

/// C2SP tlog-tiles v0.1.0, Merkle Tree: the example of the specification, and the ends of the range.
#[test]
fn paths_have_one_spelling() {
    for (resource, path) in [
        (tile(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (tile(0, 0, 1), "tile/0/000.p/1"),
        (tile(7, 0, 127), "tile/7/000.p/127"),
        (tile(1, 999, 255), "tile/1/999.p/255"),
        (tile(1, 1_000, 256), "tile/1/x001/000"),
        (bundle(273, 112), "tile/entries/273.p/112"),
        (bundle(1_234_067, 256), "tile/entries/x001/x234/067"),
    ] {
        assert_eq!(resource.to_string(), path);
        assert_eq!(path.parse(), Ok(resource));
    }
}

#[test]
fn other_spellings_are_refused() {
    for wrong in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile//000",
        "tile/00/000",
        "tile/+0/000",
        "tile/8/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/0/x001//002",
        "tile/0/..",
        "tile/0/x001/../000",
        "tile/0/00a",
        "tile/0/\u{661}00",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "tile/0/000.p",
        "tile/0/000.p/1.p/1",
        "tile/0/000.P/1",
        "tile/0/000.p/-1",
        "tile/0/000.p/65537",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/entries/000%2e%2e",
        "checkpoint",
    ] {
        assert!(wrong.parse::<Resource>().is_err(), "{wrong:?}");
    }
    let long = format!("tile/0/{}000", "x000/".repeat(100));
    assert_eq!(long.parse::<Resource>(), Err(PathError::TooLong { found: long.len() }));
}

/// C2SP tlog-tiles v0.1.0, Partial Tiles: 70,000 entries, the specification's own example.
#[test]
fn a_log_has_these_files_and_no_others() {
    let files: BTreeSet<_> = resources(size(70_000)).collect();
    assert!(
        files.contains(&tile(0, 273, 112))
            && files.contains(&tile(1, 1, 17))
            && files.contains(&tile(2, 0, 1))
    );
    assert!(files.contains(&bundle(273, 112)) && files.contains(&bundle(272, 256)));
    assert_eq!(files.len(), 274 + 274 + 2 + 1);
    assert_eq!(resources(size(0)).count(), 0);
    // A full tile of level 0 makes a partial one of level 1, and no partial of width 0.
    let files: Vec<_> = resources(size(256)).collect();
    assert_eq!(files, [bundle(0, 256), tile(0, 0, 256), tile(1, 0, 1)]);
    assert!(resources(size(65_536)).any(|file| file == tile(2, 0, 1)));
}

#[test]
fn the_writer_writes_these_files() {
    for batches in [&[1_u64, 254, 1, 1][..], &[256], &[257], &[300, 700, 1], &[65_535, 1, 1]] {
        let (writer, files) = grown(batches);
        for resource in resources(writer.size()) {
            assert!(files.0.contains_key(&resource), "{batches:?}: {resource} is not there");
        }
        let mut frontier = Frontier::new();
        for index in 0..writer.size().get() {
            frontier.push(Hash::leaf(&entry(index))).unwrap();
        }
        assert_eq!(writer.root(), frontier.root());
        assert_eq!(writer.frontier(), frontier);
    }
}

#[test]
fn a_writer_goes_on_from_files() {
    let (mut writer, files) = grown(&[300, 20, 66_000]);
    let mut loaded = TileWriter::load(&files, writer.size(), &writer.root()).unwrap();
    assert_eq!(loaded, writer);
    let more: Vec<_> = (0..600).map(entry).collect();
    assert_eq!(loaded.append(&more), writer.append(&more));
    let wrong = TileWriter::load(&files, size(320), &writer.root());
    assert_eq!(wrong.unwrap_err(), LoadError::Root { size: size(320) });
}

/// Whatever was written after the last full bundle is made again from its entries.
#[test]
fn lost_files_are_made_again() {
    let (writer, files) = grown(&[300, 700, 65_000, 123]);
    let full = writer.size().get() / 256 * 256;
    let mut kept = files.clone();
    kept.0.retain(|resource, _| match resource {
        Resource::Tile(tile) if tile.level() == 0 => tile.index() < full / 256,
        Resource::Bundle(bundle) => bundle.index() < full / 256,
        Resource::Tile(_) => true,
    });
    let entries: Vec<_> = (full..writer.size().get()).map(entry).collect();
    let (again, growth) = TileWriter::resume(&kept, size(full), &entries, &writer.root()).unwrap();
    assert_eq!(again, writer);
    for (resource, bytes) in growth.files {
        assert_eq!(files.0.get(&resource), Some(&bytes), "{resource}");
    }
    let resume =
        |at, entries: &[Vec<u8>]| TileWriter::resume(&kept, size(at), entries, &writer.root()).unwrap_err();
    assert_eq!(resume(full, &entries[1..]), LoadError::Root { size: size(writer.size().get() - 1) });
    assert_eq!(resume(full + 1, &entries), LoadError::WithinBundle { size: size(full + 1) });
}

#[test]
fn nothing_is_appended_where_one_entry_is_too_long() {
    let mut writer = grown(&[10]).0;
    let before = writer.clone();
    let error = writer.append(&[vec![1], vec![0; 65_536]]).unwrap_err();
    assert_eq!(error, WriteError::Entry { place: 1, cause: BundleError::EntryTooLong { found: 65_536 } });
    assert_eq!(writer, before);
    assert_eq!(writer.append(&[vec![0; 65_535]]).unwrap().new, size(11));
}

#[test]
fn bundles_are_as_long_as_they_say() {
    let (_, files) = grown(&[300]);
    let id = Width::new(44).unwrap();
    let bytes = files.0.get(&bundle(1, 44)).unwrap();
    assert_eq!(Bundle::parse(bytes, id).unwrap().entries().count(), 44);
    let less = Bundle::parse(bytes, Width::new(43).unwrap());
    assert!(matches!(less, Err(BundleError::TrailingBytes { width: 43, .. })), "{less:?}");
    let more = Bundle::parse(bytes, Width::new(45).unwrap());
    assert_eq!(more, Err(BundleError::Truncated { offset: bytes.len(), found: 44, width: 45 }));
    for end in 0..bytes.len() {
        assert!(Bundle::parse(&bytes[..end], id).is_err());
    }
}

/// Every proof of every size from the files of that size alone.
#[test]
fn proofs_come_from_files() {
    let (_, files) = grown(&[1; 300]);
    let mut frontier = Frontier::new();
    let mut roots = vec![frontier.root()];
    for index in 0..300 {
        frontier.push(Hash::leaf(&entry(index))).unwrap();
        roots.push(frontier.root());
    }
    for new in 1..=300 {
        let root = roots[usize::try_from(new).unwrap()];
        let reader = TileReader::new(&files, size(new), &root).unwrap();
        for index in (0..new).step_by(if new % 37 == 0 { 1 } else { 41 }) {
            let index = LeafIndex::new(index).unwrap();
            let proof = prove_inclusion(&reader, index, size(new)).unwrap();
            verify_inclusion(&Hash::leaf(&entry(index.get())), index, size(new), &proof, &root).unwrap();
            assert_eq!(reader.entry(index).unwrap(), entry(index.get()));
        }
        for old in (1..new).step_by(if new % 59 == 0 { 1 } else { 61 }) {
            let proof = prove_consistency(&reader, size(old), size(new)).unwrap();
            let old_root = roots[usize::try_from(old).unwrap()];
            verify_consistency(size(old), &old_root, size(new), &root, &proof).unwrap();
        }
    }
}

/// Whatever was outgrown is removed; the published size keeps all its proofs, and the log goes on.
#[test]
fn partials_are_removed_only_below_the_published_size() {
    let (mut writer, mut files) = grown(&[100, 150, 6, 1, 300, 65_000, 3, 200]);
    let published = size(65_557);
    let published_root = grown(&[65_557]).0.root();
    files.0.retain(|resource, _| resource.is_needed_by(published));
    let reader = TileReader::new(&files, published, &published_root).unwrap();
    for index in (0..published.get()).step_by(997) {
        let proof = prove_inclusion(&reader, LeafIndex::new(index).unwrap(), published).unwrap();
        let leaf = Hash::leaf(&entry(index));
        verify_inclusion(&leaf, LeafIndex::new(index).unwrap(), published, &proof, &published_root).unwrap();
    }
    // What is newer than the published size is there as well, and what an older reader of the last tile asks for.
    assert!(files.0.contains_key(&tile(0, 256, 21)) && files.0.contains_key(&tile(0, 256, 24)));
    let mut loaded = TileWriter::load(&files, writer.size(), &writer.root()).unwrap();
    assert_eq!(loaded.append(&[[1]]), writer.append(&[[1]]));
    assert!(!files.0.contains_key(&bundle(0, 100)) && !files.0.contains_key(&tile(0, 0, 250)));
}

/// C2SP tlog-tiles v0.1.0, Partial Tiles: a reader of an older checkpoint takes the beginning of the full tile.
#[test]
fn a_full_file_stands_in_for_a_partial_one() {
    let (_, mut files) = grown(&[300, 66_000]);
    files.0.retain(|resource, _| resource.is_needed_by(size(66_300)));
    let old = grown(&[300]).0;
    assert!(!files.0.contains_key(&tile(0, 1, 44)) && !files.0.contains_key(&tile(1, 0, 1)));
    let reader = TileReader::new(&files, old.size(), &old.root()).unwrap();
    assert_eq!(reader.entry(LeafIndex::new(299).unwrap()).unwrap(), entry(299));
}

#[test]
fn a_lying_source_is_found_out() {
    let (writer, files) = grown(&[70_000]);
    let deep = LeafIndex::new(5).unwrap();
    let prove = |files: &MemoryTiles| {
        let reader =
            TileReader::new(files, writer.size(), &writer.root()).map_err(|error| error.to_string())?;
        prove_inclusion(&reader, deep, writer.size()).map_err(|error| error.to_string())?;
        reader.entry(deep).map_err(|error| error.to_string())
    };
    assert_eq!(prove(&files), Ok(entry(5)));
    for touched in
        [bundle(0, 256), tile(0, 0, 256), tile(1, 0, 256), tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)]
    {
        let mut flipped = files.clone();
        flipped.0.get_mut(&touched).unwrap()[9] ^= 1;
        assert!(prove(&flipped).is_err(), "{touched}");
        let mut short = files.clone();
        short.0.get_mut(&touched).unwrap().pop();
        assert!(prove(&short).unwrap_err().contains(&touched.to_string()), "{touched}");
        let mut missing = files.clone();
        missing.0.remove(&touched);
        let error = prove(&missing).unwrap_err();
        assert!(error.ends_with(&format!("{touched} is missing")), "{error}");
    }
}

#[test]
fn nodes_are_found_in_their_tiles() {
    let (writer, files) = grown(&[700]);
    let reader = TileReader::new(&files, writer.size(), &writer.root()).unwrap();
    let mut frontier = Frontier::new();
    for index in 0..700 {
        for (node, hash) in frontier.push(Hash::leaf(&entry(index))).unwrap() {
            assert_eq!(reader.read(&[node]).unwrap(), [hash], "{node}");
        }
    }
    let beyond = NodeId::new(0, 700).unwrap();
    assert_eq!(reader.read(&[beyond]).unwrap_err(), TileReadError::Beyond { size: size(700) });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_do_not_matter(batches in proptest::collection::vec(1_u64..400, 1..12)) {
        let total = batches.iter().sum();
        let (one, many) = (grown(&[total]), grown(&batches));
        prop_assert_eq!(&one.0, &many.0);
        for resource in resources(size(total)) {
            prop_assert_eq!(one.1.0.get(&resource), many.1.0.get(&resource));
        }
    }

    #[test]
    fn paths_round_trip(level in 0_u8..=7, index: u64, width in 1_u16..=256, entries: bool) {
        let width = Width::new(width).unwrap();
        let resource = if entries {
            BundleId::new(index, width).ok().map(Resource::Bundle)
        } else {
            TileId::new(level, index >> (8 * u32::from(level)).min(63), width).ok().map(Resource::Tile)
        };
        if let Some(resource) = resource {
            prop_assert_eq!(resource.to_string().parse(), Ok(resource));
        }
    }

    #[test]
    fn no_text_panics(path in ".{0,80}") {
        if let Ok(resource) = path.parse::<Resource>() {
            prop_assert_eq!(resource.to_string(), path);
        }
    }
}
