use std::fs;

use evidence::export::{Committed, Item};
use wire::export::ItemReader;

use super::ExportError;
use super::files::ItemFile;

fn action(leaf: u64) -> Item {
    Item::Action(Committed { leaf, salt: [1; 32], record: vec![2; 50] })
}

fn append(path: &std::path::Path, leaves: std::ops::Range<u64>) -> Option<u64> {
    let mut file = ItemFile::open(path).unwrap();
    let last = file.take_last().map(|item| item.leaf());
    leaves.for_each(|leaf| file.write(&action(leaf)).unwrap());
    file.finish().unwrap();
    last
}

fn leaves(path: &std::path::Path) -> Vec<u64> {
    let bytes = fs::read(path).unwrap();
    let mut reader = ItemReader::new(bytes.as_slice()).unwrap();
    std::iter::from_fn(|| reader.next_item().unwrap()).map(|item| item.leaf()).collect()
}

#[test]
fn a_file_is_gone_on_with_wherever_it_was_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("actions");
    assert_eq!(append(&path, 0..3), None);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let last = append(&path, 7..9);
        let kept = last.map_or(0, |last| last + 1);
        assert_eq!(leaves(&path), (0..kept).chain(7..9).collect::<Vec<_>>(), "{len}");
    }
}

#[test]
fn a_damaged_or_foreign_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("actions");
    append(&path, 0..3);
    let mut damaged = fs::read(&path).unwrap();
    damaged[30] ^= 1;
    for bytes in [damaged, b"somebody's own file, of many words".to_vec()] {
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(ItemFile::open(&path), Err(ExportError::Earlier { .. })));
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
