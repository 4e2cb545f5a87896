use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::testing::{self, MemoryLog, naive_root};
use crate::tree::{ConsistencyPlan, Frontier, InclusionPlan, NodeId, prove_consistency, prove_inclusion};

/// RFC 9162 §2.1.3.2: every leaf of every tree of up to 130 leaves.
#[test]
fn every_inclusion_proof_verifies() {
    let log = MemoryLog::of(130);
    for leaves in 1..=130 {
        let root = naive_root(&log.leaves[..leaves]);
        for leaf in 0..leaves {
            let (index, size) = (testing::index(leaf), testing::size(leaves));
            let proof = prove_inclusion(&log, index, size).unwrap();
            assert_eq!(verify_inclusion(&log.leaves[leaf], index, size, &proof, &root), Ok(()));
        }
    }
}

/// RFC 9162 §2.1.4.2: every pair of sizes of up to 130 leaves.
#[test]
fn every_consistency_proof_verifies() {
    let log = MemoryLog::of(130);
    let roots: Vec<Hash> = (0..=130).map(|leaves| naive_root(&log.leaves[..leaves])).collect();
    for new in 0..=130 {
        for old in 0..=new {
            let (old_size, new_size) = (testing::size(old), testing::size(new));
            let proof = prove_consistency(&log, old_size, new_size).unwrap();
            let verdict = verify_consistency(old_size, &roots[old], new_size, &roots[new], &proof);
            assert_eq!(verdict, Ok(()), "{old} to {new}");
        }
    }
}

/// Every way to spoil a list of hashes: each flipped, dropped, repeated, swapped; one more at either end.
fn spoiled(hashes: &[Hash]) -> Vec<(String, Vec<Hash>)> {
    let stranger = Hash::leaf(b"stranger");
    let mut all = vec![
        ("prepended".to_owned(), [&[stranger], hashes].concat()),
        ("appended".to_owned(), [hashes, &[stranger]].concat()),
    ];
    for at in 0..hashes.len() {
        for bit in [0, 7, 128, 255] {
            let mut bytes = *hashes[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut flipped = hashes.to_vec();
            flipped[at] = Hash::from_bytes(bytes);
            all.push((format!("bit {bit} of hash {at} flipped"), flipped));
        }
        let mut dropped = hashes.to_vec();
        dropped.remove(at);
        all.push((format!("hash {at} dropped"), dropped));
        all.push((format!("hash {at} repeated"), [&hashes[..=at], &hashes[at..]].concat()));
        if at > 0 {
            let mut swapped = hashes.to_vec();
            swapped.swap(at - 1, at);
            all.push((format!("hashes {} and {at} swapped", at - 1), swapped));
        }
    }
    all
}

#[test]
fn a_spoiled_inclusion_proof_is_refused() {
    let log = MemoryLog::of(33);
    for leaves in 1..=33 {
        let (size, root) = (testing::size(leaves), naive_root(&log.leaves[..leaves]));
        for leaf in 0..leaves {
            let index = testing::index(leaf);
            let hash = log.leaves[leaf];
            let proof = prove_inclusion(&log, index, size).unwrap();
            for (how, hashes) in spoiled(proof.hashes()) {
                let expected = match hashes.len().cmp(&proof.hashes().len()) {
                    std::cmp::Ordering::Less => ProofError::TooShort { found: hashes.len() },
                    std::cmp::Ordering::Equal => ProofError::RootMismatch,
                    std::cmp::Ordering::Greater => ProofError::TooLong { found: hashes.len() },
                };
                let bad = InclusionProof::new(hashes).unwrap();
                let verdict = verify_inclusion(&hash, index, size, &bad, &root);
                assert_eq!(verdict, Err(expected), "leaf {leaf} of {leaves}: {how}");
            }
        }
    }
}

#[test]
fn an_inclusion_proof_is_for_one_leaf_index_and_root() {
    let log = MemoryLog::of(33);
    for leaves in 1..=33 {
        let (size, root) = (testing::size(leaves), naive_root(&log.leaves[..leaves]));
        for leaf in 0..leaves {
            let proof = prove_inclusion(&log, testing::index(leaf), size).unwrap();
            for other in (0..=leaves).filter(|other| *other != leaf) {
                let index = testing::index(other);
                let verdict = verify_inclusion(&log.leaves[leaf], index, size, &proof, &root);
                assert!(verdict.is_err(), "leaf {leaf} of {leaves} passed for {other}");
            }
            let (index, stranger) = (testing::index(leaf), Hash::leaf(b"stranger"));
            let verdict = verify_inclusion(&stranger, index, size, &proof, &root);
            assert_eq!(verdict, Err(ProofError::RootMismatch));
            let verdict = verify_inclusion(&log.leaves[leaf], index, size, &proof, &stranger);
            assert_eq!(verdict, Err(ProofError::RootMismatch));
        }
    }
    let (index, size) = (testing::index(0), LogSize::ZERO);
    let verdict =
        verify_inclusion(&log.leaves[0], index, size, &InclusionProof::default(), &Hash::empty_root());
    assert_eq!(verdict, Err(ProofError::IndexBeyondTree { index, size }));
}

#[test]
fn a_spoiled_consistency_proof_is_refused() {
    let log = MemoryLog::of(33);
    let roots: Vec<Hash> = (0..=33).map(|leaves| naive_root(&log.leaves[..leaves])).collect();
    for new in 0..=33 {
        for old in 0..=new {
            let (old_size, new_size) = (testing::size(old), testing::size(new));
            let proof = prove_consistency(&log, old_size, new_size).unwrap();
            for (how, hashes) in spoiled(proof.hashes()) {
                let count = hashes.len();
                let bad = ConsistencyProof::new(hashes).unwrap();
                let error =
                    verify_consistency(old_size, &roots[old], new_size, &roots[new], &bad).unwrap_err();
                let fits = match error {
                    ProofError::TooShort { found } => found == count && count < proof.hashes().len(),
                    ProofError::TooLong { found } => found == count && count > proof.hashes().len(),
                    ProofError::RootMismatch | ProofError::OldRootMismatch => count == proof.hashes().len(),
                    _ => false,
                };
                assert!(fits, "{old} to {new}: {how}: {error}");
            }
        }
    }
}

#[test]
fn a_consistency_proof_is_for_its_two_roots() {
    let log = MemoryLog::of(33);
    let roots: Vec<Hash> = (0..=33).map(|leaves| naive_root(&log.leaves[..leaves])).collect();
    let stranger = Hash::leaf(b"stranger");
    for new in 1..=33 {
        for old in 1..new {
            let (old_size, new_size) = (testing::size(old), testing::size(new));
            let proof = prove_consistency(&log, old_size, new_size).unwrap();
            let verdict = verify_consistency(old_size, &roots[old], new_size, &stranger, &proof);
            assert_eq!(verdict, Err(ProofError::RootMismatch), "{old} to {new}");
            // A complete old tree's root is itself part of what the new root is computed from.
            let expected =
                if old.is_power_of_two() { ProofError::RootMismatch } else { ProofError::OldRootMismatch };
            let verdict = verify_consistency(old_size, &stranger, new_size, &roots[new], &proof);
            assert_eq!(verdict, Err(expected), "{old} to {new}");
        }
    }
}

#[test]
fn the_edges_of_consistency() {
    let log = MemoryLog::of(7);
    let (zero, three, seven) = (LogSize::ZERO, testing::size(3), testing::size(7));
    let (root, stranger, empty) = (log.frontier.root(), Hash::leaf(b"stranger"), Hash::empty_root());
    let nothing = ConsistencyProof::default();
    let something = ConsistencyProof::new(vec![stranger]).unwrap();
    let check = |old, old_root: &Hash, new, new_root: &Hash, proof: &ConsistencyProof, expected| {
        assert_eq!(verify_consistency(old, old_root, new, new_root, proof), expected);
    };
    check(zero, &empty, zero, &empty, &nothing, Ok(()));
    check(zero, &empty, seven, &root, &nothing, Ok(()));
    check(seven, &root, seven, &root, &nothing, Ok(()));
    check(zero, &stranger, seven, &root, &nothing, Err(ProofError::EmptyRootMismatch));
    check(zero, &empty, zero, &stranger, &nothing, Err(ProofError::Forked { size: zero }));
    check(seven, &root, seven, &stranger, &nothing, Err(ProofError::Forked { size: seven }));
    check(zero, &empty, seven, &root, &something, Err(ProofError::TooLong { found: 1 }));
    check(seven, &root, seven, &root, &something, Err(ProofError::TooLong { found: 1 }));
    check(seven, &root, three, &root, &nothing, Err(ProofError::Shrinks { old: seven, new: three }));
    check(three, &root, seven, &root, &nothing, Err(ProofError::TooShort { found: 0 }));
    check(testing::size(4), &root, seven, &root, &nothing, Err(ProofError::TooShort { found: 0 }));
}

#[test]
fn a_fork_has_no_consistency_proof() {
    let honest = MemoryLog::of(20);
    let mut forked = MemoryLog::of(11);
    forked.push(Hash::leaf(b"rewritten"));
    for leaf in &honest.leaves[12..] {
        forked.push(*leaf);
    }
    for old in 12..20 {
        let (old_size, new_size) = (testing::size(old), testing::size(20));
        let old_root = naive_root(&honest.leaves[..old]);
        for log in [&honest, &forked] {
            let proof = prove_consistency(log, old_size, new_size).unwrap();
            let verdict = verify_consistency(old_size, &old_root, new_size, &forked.frontier.root(), &proof);
            assert!(verdict.is_err(), "{old}");
        }
    }
}

#[test]
fn a_proof_has_at_most_64_hashes() {
    let hashes = |count| vec![Hash::empty_root(); count];
    assert!(InclusionProof::new(hashes(64)).is_ok());
    assert!(ConsistencyProof::new(hashes(64)).is_ok());
    assert_eq!(InclusionProof::new(hashes(65)), Err(ProofError::TooManyHashes { found: 65 }));
    assert_eq!(ConsistencyProof::new(hashes(65)), Err(ProofError::TooManyHashes { found: 65 }));
}

/// The hash at a level of a log whose leaves are all alike: so logs of any size can be had.
fn uniform(node: &NodeId) -> Hash {
    static LEVELS: LazyLock<Vec<Hash>> = LazyLock::new(|| {
        let next = |below: &Hash| Some(Hash::node(below, below));
        std::iter::successors(Some(Hash::leaf(b"alike")), next).take(63).collect()
    });
    LEVELS[usize::from(node.level())]
}

fn uniform_root(size: LogSize) -> Hash {
    let hashes = Frontier::nodes(size).iter().map(uniform).collect();
    Frontier::from_hashes(size, hashes).unwrap().root()
}

fn check_uniform(old: LogSize, index: LeafIndex, new: LogSize) {
    let plan = InclusionPlan::new(index, new).unwrap();
    let proof = plan.build(&plan.nodes().iter().map(uniform).collect::<Vec<_>>()).unwrap();
    let proof = InclusionProof::new(proof.into_hashes()).unwrap();
    let root = uniform_root(new);
    assert_eq!(verify_inclusion(&Hash::leaf(b"alike"), index, new, &proof, &root), Ok(()), "{index} {new}");
    assert!(verify_inclusion(&Hash::leaf(b"other"), index, new, &proof, &root).is_err());

    let plan = ConsistencyPlan::new(old, new).unwrap();
    let proof = plan.build(&plan.nodes().iter().map(uniform).collect::<Vec<_>>()).unwrap();
    let proof = ConsistencyProof::new(proof.into_hashes()).unwrap();
    assert_eq!(verify_consistency(old, &uniform_root(old), new, &root, &proof), Ok(()), "{old} {new}");
}

#[test]
fn proofs_hold_up_to_the_largest_log() {
    let edges = (2..63).step_by(3).flat_map(|level| {
        let power = 1_u64 << level;
        [power - 1, power, power + 1]
    });
    let edges: Vec<u64> =
        [0, 1, 2].into_iter().chain(edges).chain([LogSize::MAX.get() - 1, LogSize::MAX.get()]).collect();
    for &new in edges.iter().filter(|new| **new > 0) {
        for &old in edges.iter().filter(|old| **old < new) {
            check_uniform(
                LogSize::new(old).unwrap(),
                LeafIndex::new(old).unwrap(),
                LogSize::new(new).unwrap(),
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_hold_for_any_sizes(one in 1..LogSize::MAX.get(), two in 1..LogSize::MAX.get()) {
        prop_assume!(one != two);
        let (old, new) = (one.min(two), one.max(two));
        check_uniform(LogSize::new(old).unwrap(), LeafIndex::new(old).unwrap(), LogSize::new(new).unwrap());
    }

    #[test]
    fn proofs_hold_for_any_prefix(leaves in 1_usize..400, part in 0_usize..400) {
        let log = MemoryLog::of(leaves);
        let old = part % leaves;
        let (old_size, new_size) = (testing::size(old), testing::size(leaves));
        let (old_root, new_root) = (naive_root(&log.leaves[..old]), naive_root(&log.leaves));
        let proof = prove_consistency(&log, old_size, new_size).unwrap();
        prop_assert_eq!(verify_consistency(old_size, &old_root, new_size, &new_root, &proof), Ok(()));
        let proof = prove_inclusion(&log, testing::index(old), new_size).unwrap();
        let verdict = verify_inclusion(&log.leaves[old], testing::index(old), new_size, &proof, &new_root);
        prop_assert_eq!(verdict, Ok(()));
    }
}
