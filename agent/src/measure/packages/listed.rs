//! What packages list of the artefacts that they own: digests, and which files their administrator may change.
//!
//! In: a key for each path, and what is listed. Out: comparisons. Paths are kept as keyed hashes, some 24 bytes a file:
//! two paths with one key would at worst be compared with each other's digest.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use evidence::digest::Sha256Digest;

/// An MD5, as dpkg lists them.
pub(crate) type Md5 = [u8; 16];

/// A file's content against its package's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// The package lists no digest for it.
    NotListed,
    /// It lists one that has not been computed from the file.
    NotComputed,
    Equal,
    Differs,
}

#[derive(Debug, Default)]
pub(crate) struct Listed {
    keys: RandomState,
    md5: Vec<(u64, Md5)>,
    sha256: Vec<(u64, Sha256Digest)>,
    configuration: BTreeSet<u64>,
}

impl Listed {
    pub(super) fn clear(&mut self) {
        self.md5.clear();
        self.sha256.clear();
        self.configuration.clear();
    }

    pub(super) fn key(&self, directory: &[u8], name: &[u8]) -> u64 {
        self.keys.hash_one((directory, name))
    }

    pub(crate) fn put_md5(&mut self, key: u64, md5: Md5) {
        self.md5.push((key, md5));
    }

    pub(crate) fn put_sha256(&mut self, key: u64, digest: Sha256Digest) {
        self.sha256.push((key, digest));
    }

    pub(crate) fn put_configuration(&mut self, key: u64) {
        self.configuration.insert(key);
    }

    /// Makes what was put findable. Of two digests of a file the later one counts: its package took the file over.
    pub(super) fn finish(&mut self) {
        finish(&mut self.md5);
        finish(&mut self.sha256);
    }

    #[cfg(test)]
    pub(super) fn md5(&self, key: u64) -> Option<Md5> {
        if find(&self.sha256, key).is_some() { None } else { find(&self.md5, key).copied() }
    }

    pub(super) fn is_configuration(&self, key: u64) -> bool {
        self.configuration.contains(&key)
    }

    pub(super) fn compare(&self, key: u64, sha256: &Sha256Digest, md5: Option<&Md5>) -> Compared {
        let told = |equal| if equal { Compared::Equal } else { Compared::Differs };
        match (find(&self.sha256, key), find(&self.md5, key), md5) {
            (Some(listed), ..) => told(listed == sha256),
            (None, Some(listed), Some(md5)) => told(listed == md5),
            (None, Some(_), None) => Compared::NotComputed,
            (None, None, _) => Compared::NotListed,
        }
    }
}

fn finish<T>(list: &mut Vec<(u64, T)>) {
    list.reverse();
    list.sort_by_key(|(key, _)| *key);
    list.dedup_by_key(|(key, _)| *key);
    list.shrink_to_fit();
}

fn find<T>(list: &[(u64, T)], key: u64) -> Option<&T> {
    let at = list.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    list.get(at).map(|(_, found)| found)
}

/// A digest in hexadecimal digits.
pub(crate) fn digits<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(hex, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_digest_and_the_later_one_count() {
        let mut listed = Listed::default();
        let (a, b) = (Sha256Digest::of(&[b"a"]), Sha256Digest::of(&[b"b"]));
        listed.put_md5(1, [1; 16]);
        listed.put_md5(1, [2; 16]);
        listed.put_md5(2, [3; 16]);
        listed.put_sha256(2, a);
        listed.finish();
        let check = |key, sha256, md5: Option<Md5>, expected| {
            assert_eq!(listed.compare(key, sha256, md5.as_ref()), expected, "{key} {md5:?}");
        };
        check(1, &a, None, Compared::NotComputed);
        check(1, &a, Some([1; 16]), Compared::Differs);
        check(1, &a, Some([2; 16]), Compared::Equal);
        check(2, &a, Some([9; 16]), Compared::Equal);
        check(2, &b, Some([3; 16]), Compared::Differs);
        check(3, &a, Some([1; 16]), Compared::NotListed);
        assert_eq!((listed.md5(1), listed.md5(2), listed.md5(3)), (Some([2; 16]), None, None));
    }
}
