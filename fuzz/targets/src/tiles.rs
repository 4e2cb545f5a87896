//! A log's files: paths have one spelling, bundles give back their bytes, and an audit's state never leads a true log astray.

use ledger::audit::{Auditor, Mark};
use ledger::hash::Hash;
use ledger::tile::{
    Bundle, MemoryTiles, Resource, TileId, TileNodes, Width, fetch_tile, indexed_path, parse_indexed_path,
};
use ledger::tree::LogSize;

/// The target's body: the first byte says how wide a file the rest is.
pub fn tiles(bytes: &[u8]) {
    if let Ok(path) = std::str::from_utf8(bytes) {
        if let Ok(resource) = path.parse::<Resource>() {
            assert_eq!(resource.to_string(), path);
            assert!(resource.end() > 0);
        }
        if let Ok(index) = parse_indexed_path(path) {
            assert_eq!(indexed_path(index), path);
        }
    }
    let Some((width, rest)) = bytes.split_first() else { return };
    if let Ok(width) = Width::new(u16::from(*width) + 1) {
        if let Ok(bundle) = Bundle::parse(rest, width) {
            let count = bundle.entries().count();
            assert_eq!(count, usize::from(width.get()));
            let total: usize = bundle.entries().map(|entry| entry.len() + 2).sum();
            assert_eq!(total, rest.len());
        }
        if let Ok(tile) = TileId::new(0, 0, width) {
            let file = MemoryTiles([(Resource::Tile(tile), rest.to_vec())].into());
            if let Ok(hashes) = fetch_tile(&file, tile) {
                assert_eq!(TileNodes::new(tile, hashes).root().is_some(), width.is_full());
            }
        }
    }
    let end = Mark { size: LogSize::MAX, root: Hash::empty_root() };
    if let Ok(auditor) = Auditor::resume(end, Vec::new(), bytes) {
        assert_eq!(auditor.to_bytes(), bytes);
    }
}
