//! Random logs, by us and by others who know nothing of us: the same roots, proofs, tiles and notes.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is how a test fails"
)]

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use lydian_ledger::hash::Hash;
use lydian_ledger::note::{KeyName, SignedNote, SignerKey};
use lydian_ledger::proof::{ConsistencyProof, InclusionProof, verify_consistency, verify_inclusion};
use lydian_ledger::tile::{MemoryTiles, Resource, TileReader, TileWriter};
use lydian_ledger::tree::{LeafIndex, LogSize, prove_consistency, prove_inclusion};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::Verifier as _;
use tlog_tiles::{
    Hash as TheirHash, HashReader, Tile, check_record, check_tree, prove_record, prove_tree, record_hash,
    stored_hash_index, stored_hashes, tree_hash,
};

/// Their storage of nodes.
#[derive(Default)]
struct Stored(BTreeMap<u64, TheirHash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<TheirHash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[index]).collect())
    }
}

/// One log, three times.
struct Logs {
    writer: TileWriter,
    files: MemoryTiles,
    stored: Stored,
    tree: MemoryBackedTree<Sha256, Vec<u8>>,
    entries: Vec<Vec<u8>>,
}

fn logs(batches: &[Vec<Vec<u8>>]) -> Logs {
    let (mut writer, mut files) = (TileWriter::new(), MemoryTiles::default());
    let (mut stored, mut tree, mut entries) = (Stored::default(), MemoryBackedTree::new(), Vec::new());
    for batch in batches {
        files.0.extend(writer.append(batch).unwrap().files);
        for entry in batch {
            let number = entries.len() as u64;
            let hashes = stored_hashes(number, entry, &stored).unwrap();
            stored.0.extend((stored_hash_index(0, number)..).zip(hashes));
            tree.push(entry.clone());
            entries.push(entry.clone());
        }
    }
    Logs { writer, files, stored, tree, entries }
}

fn size(leaves: u64) -> LogSize {
    LogSize::new(leaves).unwrap()
}

fn ours(hashes: &[TheirHash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

fn theirs(hashes: &[Hash]) -> Vec<TheirHash> {
    hashes.iter().map(|hash| TheirHash(*hash.as_bytes())).collect()
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn batches() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let entry = proptest::collection::vec(any::<u8>(), 0..40);
    proptest::collection::vec(proptest::collection::vec(entry, 1..120), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn roots_are_the_same(batches in batches()) {
        let logs = logs(&batches);
        let root = logs.writer.root();
        prop_assert_eq!(root.as_bytes(), &tree_hash(logs.writer.size().get(), &logs.stored).unwrap().0);
        prop_assert_eq!(root.as_bytes().to_vec(), logs.tree.root().as_bytes()[..].to_vec());
    }

    #[test]
    fn inclusion_proofs_are_the_same(batches in batches(), at in any::<prop::sample::Index>()) {
        let logs = logs(&batches);
        let (count, root) = (logs.writer.size().get(), logs.writer.root());
        let index = at.index(logs.entries.len());
        let reader = TileReader::new(&logs.files, size(count), &root).unwrap();
        let leaf_index = LeafIndex::new(index as u64).unwrap();
        let proof = prove_inclusion(&reader, leaf_index, size(count)).unwrap();
        let record = prove_record(count, index as u64, &logs.stored).unwrap();
        prop_assert_eq!(proof.hashes().to_vec(), ours(&record));
        prop_assert_eq!(bytes(proof.hashes()), logs.tree.prove_inclusion(index).as_bytes().to_vec());
        // Each verifies the other's.
        let entry = &logs.entries[index];
        let theirs_of_root = TheirHash(*root.as_bytes());
        check_record(&theirs(proof.hashes()), count, theirs_of_root, index as u64, record_hash(entry)).unwrap();
        let received = InclusionProof::new(ours(&record)).unwrap();
        verify_inclusion(&Hash::leaf(entry), leaf_index, size(count), &received, &root).unwrap();
        let received = ct_merkle::InclusionProof::<Sha256>::from_bytes(bytes(proof.hashes()));
        logs.tree.root().verify_inclusion(entry, index as u64, &received).unwrap();
    }

    #[test]
    fn consistency_proofs_are_the_same(batches in batches(), at in any::<prop::sample::Index>()) {
        let logs = logs(&batches);
        let (count, root) = (logs.writer.size().get(), logs.writer.root());
        let old = 1 + at.index(logs.entries.len()) as u64;
        let reader = TileReader::new(&logs.files, size(count), &root).unwrap();
        let proof = prove_consistency(&reader, size(old), size(count)).unwrap();
        let tree = prove_tree(count, old, &logs.stored).unwrap();
        prop_assert_eq!(proof.hashes().to_vec(), ours(&tree));
        let old_root = tree_hash(old, &logs.stored).unwrap();
        check_tree(&theirs(proof.hashes()), count, TheirHash(*root.as_bytes()), old, old_root).unwrap();
        let received = ConsistencyProof::new(ours(&tree)).unwrap();
        verify_consistency(size(old), &Hash::from_bytes(old_root.0), size(count), &root, &received).unwrap();
        if old < count {
            let added = usize::try_from(count - old).unwrap();
            prop_assert_eq!(bytes(proof.hashes()), logs.tree.prove_consistency(added).as_bytes().to_vec());
        }
    }

    /// Their tiles have the same hashes; only their names are of another time.
    #[test]
    fn tiles_are_the_same(batches in batches()) {
        let logs = logs(&batches);
        let count = logs.writer.size().get();
        for tile in Tile::new_tiles(8, 0, count) {
            let width = u16::try_from(tile.width()).unwrap();
            let id = lydian_ledger::tile::TileId::new(
                tile.level(),
                tile.level_index(),
                lydian_ledger::tile::Width::new(width).unwrap(),
            );
            let found = logs.files.0.get(&Resource::Tile(id.unwrap()));
            prop_assert_eq!(found, Some(&tile.read_data(&logs.stored).unwrap()), "{}", tile.path());
        }
    }

    #[test]
    fn notes_are_read_by_both(text in "[^\\p{Cc}]{0,60}\n", seed: [u8; 32]) {
        let key = SignerKey::from_seed(KeyName::new("example.com/log").unwrap(), &seed);
        let vkey = key.verifier_key().to_string();
        let verifier = signed_note::StandardVerifier::new(&vkey).unwrap();
        prop_assert_eq!(verifier.key_id(), u32::from_be_bytes(*key.verifier_key().id().as_bytes()));
        let note = SignedNote::sign(&text, &[&key]).unwrap();
        let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
        let theirs = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        prop_assert_eq!(theirs.verify(&known).unwrap().0.len(), 1);
        // And the other way round.
        let signer = signed_note::StandardSigner::new(&key.to_secret_text()).unwrap();
        let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&signer]).unwrap();
        let read = SignedNote::parse(&theirs.to_bytes()).unwrap();
        prop_assert_eq!(read.open(&[key.verifier_key().clone()]).unwrap().text(), text);
        prop_assert_eq!(read.as_bytes(), note.as_bytes());
    }
}
