//! Test support: RFC 6962 §2.1 word for word as the oracle, storage in memory, and seeded damage.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::note::{KeyName, SignerKey};
use crate::tree::{Frontier, HashReader, LeafIndex, LogSize, NodeId};

/// The eight leaves of Certificate Transparency's own tests.
pub(crate) const CT_LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// RFC 6962 §2.1: MTH, by recursion over leaf hashes.
pub(crate) fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            Hash::node(&naive_root(left), &naive_root(right))
        }
    }
}

/// RFC 6962 §2.1.1: PATH(m, D[n]).
pub(crate) fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if index < k { (naive_path(index, left), right) } else { (naive_path(index - k, right), left) };
    path.push(naive_root(sibling));
    path
}

/// RFC 6962 §2.1.2: SUBPROOF(m, D[n], b).
pub(crate) fn naive_subproof(old: usize, leaves: &[Hash], is_old_root: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_old_root { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if old <= k {
        (naive_subproof(old, left, is_old_root), right)
    } else {
        (naive_subproof(old - k, right, false), left)
    };
    proof.push(naive_root(sibling));
    proof
}

fn naive_split(leaves: usize) -> usize {
    let mut k = 1;
    while k * 2 < leaves {
        k *= 2;
    }
    k
}

/// A log that keeps everything.
#[derive(Default)]
pub(crate) struct MemoryLog {
    pub(crate) leaves: Vec<Hash>,
    pub(crate) frontier: Frontier,
    pub(crate) nodes: BTreeMap<NodeId, Hash>,
}

impl MemoryLog {
    /// A log of so many different leaves.
    pub(crate) fn of(leaves: usize) -> Self {
        let mut log = Self::default();
        for index in 0..leaves {
            log.push(Hash::leaf(&index.to_be_bytes()));
        }
        log
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        self.leaves.push(leaf);
        for (id, hash) in self.frontier.push(leaf).unwrap() {
            assert!(id.is_complete_in(self.frontier.size()));
            assert_eq!(self.nodes.insert(id, hash), None, "{id} was completed twice");
        }
    }
}

/// A node that was asked for before it was complete.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Absent(pub(crate) NodeId);

impl HashReader for MemoryLog {
    type Error = Absent;

    fn read(&self, ids: &[NodeId]) -> Result<Vec<Hash>, Absent> {
        ids.iter().map(|id| self.nodes.get(id).copied().ok_or(Absent(*id))).collect()
    }
}

pub(crate) fn size(leaves: usize) -> LogSize {
    LogSize::new(leaves as u64).unwrap()
}

pub(crate) fn index(leaf: usize) -> LeafIndex {
    LeafIndex::new(leaf as u64).unwrap()
}

pub(crate) fn signer(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
}

/// `SplitMix64`: the same damage in every run.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    /// The bytes with one to three pieces of damage; never the same bytes.
    pub(crate) fn damage(&mut self, original: &[u8]) -> Vec<u8> {
        loop {
            let mut bytes = original.to_vec();
            for _ in 0..=self.below(3) {
                self.damage_once(&mut bytes);
            }
            if bytes != original {
                return bytes;
            }
        }
    }

    fn damage_once(&mut self, bytes: &mut Vec<u8>) {
        let (at, to) = (self.below(bytes.len()), self.below(bytes.len()));
        let (low, high) = (at.min(to), at.max(to));
        match self.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 => bytes.insert(at, b"\n +0/=A9\0\r\xe2"[self.below(11)]),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 if !bytes.is_empty() => bytes.swap(at, to),
            5 => drop(bytes.drain(low..high.min(low + 40))),
            _ => {
                let piece = bytes[low..high.min(low + 100)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}
