use proptest::prelude::*;

use super::*;
use crate::hash::Hash;
use crate::testing::{self, Absent, CT_LEAVES, MemoryLog, naive_path, naive_root, naive_subproof};

const SIZES: usize = 130;

/// RFC 6962 §2.1: the roots that Certificate Transparency's own tests pin for 0 to 8 leaves.
#[test]
fn known_roots() {
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    for (leaves, expected) in roots.iter().enumerate() {
        let hashes: Vec<Hash> = CT_LEAVES[..leaves].iter().map(|entry| Hash::leaf(entry)).collect();
        assert_eq!(hex::encode(naive_root(&hashes).as_bytes()), *expected, "oracle, {leaves} leaves");
        assert_eq!(hex::encode(frontier.root().as_bytes()), *expected, "frontier, {leaves} leaves");
        if let Some(entry) = CT_LEAVES.get(leaves) {
            frontier.push(Hash::leaf(entry)).unwrap();
        }
    }
}

#[test]
fn every_stored_node_is_the_oracles() {
    let log = MemoryLog::of(SIZES);
    for (id, hash) in &log.nodes {
        let start = usize::try_from(id.index() << id.level()).unwrap();
        assert_eq!(*hash, naive_root(&log.leaves[start..start + (1 << id.level())]), "{id}");
    }
    // n leaves complete 2n - popcount(n) nodes.
    assert_eq!(log.nodes.len(), 2 * SIZES - SIZES.count_ones() as usize);
}

#[test]
fn roots_at_every_earlier_size() {
    let log = MemoryLog::of(SIZES);
    for leaves in 0..=SIZES {
        let frontier = load_frontier(&log, testing::size(leaves)).unwrap();
        assert_eq!(frontier.root(), naive_root(&log.leaves[..leaves]), "{leaves} leaves");
        assert_eq!(frontier.size(), testing::size(leaves));
    }
}

/// RFC 6962 §2.1.1: every leaf of every tree of up to 130 leaves.
#[test]
fn every_inclusion_proof_is_the_oracles() {
    let log = MemoryLog::of(SIZES);
    for size in 1..=SIZES {
        for index in 0..size {
            let proof = prove_inclusion(&log, testing::index(index), testing::size(size)).unwrap();
            assert_eq!(proof.hashes(), naive_path(index, &log.leaves[..size]), "{index} of {size}");
        }
    }
}

/// RFC 6962 §2.1.2: every pair of sizes of up to 130 leaves.
#[test]
fn every_consistency_proof_is_the_oracles() {
    let log = MemoryLog::of(SIZES);
    for new in 0..=SIZES {
        for old in 0..=new {
            let proof = prove_consistency(&log, testing::size(old), testing::size(new)).unwrap();
            let expected = if old == 0 { Vec::new() } else { naive_subproof(old, &log.leaves[..new], true) };
            assert_eq!(proof.hashes(), expected, "{old} to {new}");
        }
    }
}

#[test]
fn plans_name_complete_nodes_only() {
    for size in 1..=SIZES {
        for index in 0..size {
            let plan = InclusionPlan::new(testing::index(index), testing::size(size)).unwrap();
            assert!(plan.nodes().iter().all(|node| node.is_complete_in(testing::size(size))));
            let plan = ConsistencyPlan::new(testing::size(index), testing::size(size)).unwrap();
            assert!(plan.nodes().iter().all(|node| node.is_complete_in(testing::size(size))));
        }
    }
}

#[test]
fn what_cannot_be_proved() {
    let (four, five) = (testing::size(4), testing::size(5));
    let beyond = PlanError::IndexBeyondTree { index: testing::index(4), size: four };
    assert_eq!(InclusionPlan::new(testing::index(4), four), Err(beyond));
    assert_eq!(ConsistencyPlan::new(five, four), Err(PlanError::Shrinks { old: five, new: four }));
    let log = MemoryLog::of(4);
    let absent = ReadError::Storage(Absent(NodeId::leaf(testing::index(4))));
    assert_eq!(prove_inclusion(&log, testing::index(0), five), Err(absent));
}

#[test]
fn plans_refuse_another_number_of_hashes() {
    let plan = InclusionPlan::new(testing::index(2), testing::size(7)).unwrap();
    let hashes = vec![Hash::empty_root(); plan.nodes().len() + 1];
    for count in [0, plan.nodes().len() - 1, plan.nodes().len() + 1] {
        let expected = PlanError::Hashes { expected: plan.nodes().len(), found: count };
        assert_eq!(plan.build(&hashes[..count]), Err(expected));
    }
    assert!(plan.build(&hashes[..plan.nodes().len()]).is_ok());
}

#[test]
fn numbers_stop_at_two_to_the_63() {
    let max = LogSize::MAX.get();
    assert_eq!(max, (1 << 63) - 1);
    assert_eq!(LogSize::new(max), Ok(LogSize::MAX));
    assert_eq!(LogSize::new(max + 1), Err(TreeError::SizeTooLarge { size: max + 1 }));
    assert_eq!(LeafIndex::new(max - 1).map(LeafIndex::get), Ok(max - 1));
    assert_eq!(LeafIndex::new(max), Err(TreeError::IndexTooLarge { index: max }));
    assert_eq!(LogSize::MAX.next(), Err(TreeError::SizeTooLarge { size: max + 1 }));
    assert!(NodeId::new(62, 0).unwrap().is_complete_in(LogSize::MAX));
    assert!(NodeId::new(0, max - 1).unwrap().is_complete_in(LogSize::MAX));
    for (level, index) in [(62, 1), (63, 0), (64, 0), (255, 0), (0, max), (0, u64::MAX), (61, 3)] {
        assert_eq!(NodeId::new(level, index), Err(TreeError::NodeTooLarge { level, index }));
    }
}

#[test]
fn a_full_log_refuses_the_next_leaf_and_stays_as_it_was() {
    let hashes = vec![Hash::leaf(b""); 63];
    let mut full = Frontier::from_hashes(LogSize::MAX, hashes).unwrap();
    let before = full.clone();
    assert_eq!(full.push(Hash::leaf(b"")), Err(TreeError::SizeTooLarge { size: 1 << 63 }));
    assert_eq!(full, before);
}

#[test]
fn frontier_bytes_of_the_wrong_length() {
    let bytes = MemoryLog::of(5).frontier.to_bytes();
    assert_eq!(bytes.len(), 8 + 2 * 32);
    for found in 0..8 {
        assert_eq!(Frontier::from_bytes(&bytes[..found]), Err(FrontierError::Truncated { found }));
    }
    let wrong = |found| Err(FrontierError::Length { size: testing::size(5), expected: 72, found });
    for found in 8..72 {
        assert_eq!(Frontier::from_bytes(&bytes[..found]), wrong(found));
    }
    assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0]].concat()), wrong(73));
    let claim = u64::MAX.to_be_bytes();
    let error = FrontierError::Size(TreeError::SizeTooLarge { size: u64::MAX });
    assert_eq!(Frontier::from_bytes(&claim), Err(error));
    let error = FrontierError::Hashes { size: testing::size(5), expected: 2, found: 1 };
    assert_eq!(Frontier::from_hashes(testing::size(5), vec![Hash::empty_root()]), Err(error));
}

proptest! {
    #[test]
    fn a_frontier_from_bytes_goes_on_as_before(before in 0_usize..300, after in 0_usize..40) {
        let mut log = MemoryLog::of(before);
        let mut read = Frontier::from_bytes(&log.frontier.to_bytes()).unwrap();
        prop_assert_eq!(&read, &log.frontier);
        for leaf in 0..after {
            let leaf = Hash::leaf(&[0xff, u8::try_from(leaf).unwrap()]);
            log.push(leaf);
            read.push(leaf).unwrap();
        }
        prop_assert_eq!(read.root(), naive_root(&log.leaves));
        prop_assert_eq!(read.to_bytes(), log.frontier.to_bytes());
    }

    #[test]
    fn numbers_of_nodes_are_checked_as_the_definition_says(level in 0_u8..70, index: u64) {
        let end = (u128::from(index) + 1).checked_shl(level.into()).filter(|_| level < 63);
        let fits = end.is_some_and(|end| end <= u128::from(LogSize::MAX.get()));
        prop_assert_eq!(NodeId::new(level, index).is_ok(), fits);
    }
}
