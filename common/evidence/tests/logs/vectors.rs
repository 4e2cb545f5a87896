//! Recorded boots and where to find them.

use std::path::{Path, PathBuf};

use evidence::digest::HashAlg;
use evidence::pcr::{PcrIndex, PcrMask, PcrSelection, PcrValues};

/// The boots of our own.
pub(crate) const BOOTS: [&str; 4] = ["direct", "direct-imasig-viol", "shim-sb", "uki"];

/// A file of one of our own boots.
pub(crate) fn own(boot: &str, file: &str) -> Vec<u8> {
    let path = own_path(boot, file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where a file of one of our own boots is.
pub(crate) fn own_path(boot: &str, file: &str) -> PathBuf {
    workspace().join("tests/vectors").join(boot).join(file)
}

pub(crate) fn pcr(index: u32) -> PcrIndex {
    PcrIndex::new(index).unwrap()
}

/// What the TPM of one of our own boots held: PCR 0 to 23 of the SHA-256 bank.
pub(crate) fn tpm_values(boot: &str) -> PcrValues {
    let all = PcrSelection::of_bank(HashAlg::Sha256, PcrIndex::ALL.into_iter().collect());
    PcrValues::from_concatenated(&all, &own(boot, "pcrs_all.bin")).unwrap()
}

/// The quoted values of one of our own boots, as `tpm2_quote` stores them: a selection and lists of eight
/// digests, each as they lie in memory on a little-endian machine.
pub(crate) fn quoted_values(boot: &str, file: &str) -> PcrValues {
    let bytes = own(boot, file);
    let u16_at = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(u32_at(0), 1, "one bank");
    let bank = HashAlg::from_tpm_id(u16_at(4)).unwrap();
    let bits = u32::from_le_bytes([bytes[7], bytes[8], bytes[9], 0]);
    let selection = PcrSelection::of_bank(bank, PcrMask::new(bits).unwrap());
    let (mut concatenated, mut at) = (Vec::new(), 4 + 16 * 8 + 4);
    for _ in 0..u32_at(4 + 16 * 8) {
        for digest in 0..u32_at(at) as usize {
            let start = at + 4 + digest * 66;
            concatenated.extend_from_slice(&bytes[start + 2..start + 2 + usize::from(u16_at(start))]);
        }
        at += 4 + 8 * 66;
    }
    PcrValues::from_concatenated(&selection, &concatenated).unwrap()
}

/// Files of other people's logs whose name ends with `suffix`; `None`, said aloud, where they are missing.
pub(crate) fn real(suffix: &str) -> Option<Vec<PathBuf>> {
    let root = real_root();
    if !root.is_dir() {
        eprintln!("SKIPPED: {} is missing; set LYDIAN_VECTORS to check {suffix}", root.display());
        return None;
    }
    let mut found = Vec::new();
    collect(&root, suffix, &mut found);
    found.sort();
    Some(found)
}

pub(crate) fn real_root() -> PathBuf {
    std::env::var_os("LYDIAN_VECTORS").map_or_else(|| workspace().join("../shared/vectors"), PathBuf::from)
}

fn collect(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, suffix, found);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A small generator of pseudo-random numbers (splitmix64), so that a failure can be run again from its seed.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}
