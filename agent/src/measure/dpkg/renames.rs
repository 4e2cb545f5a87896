//! Diversions: files of packages that were put under another name than the package lists.
//!
//! In: `diversions`. Out: where a package's listed path went.

use std::collections::BTreeMap;
use std::path::Path;

use super::lines::lines;

#[derive(Debug)]
pub(super) struct Renames {
    diversions: BTreeMap<Vec<u8>, Diversion>,
}

#[derive(Debug)]
struct Diversion {
    to: Vec<u8>,
    /// The package whose own file stays.
    by: Vec<u8>,
}

impl Renames {
    //= dpkg, lib/dpkg/db-fsys-divert.c: three lines each: from, to, package, which is ":" for the administrator
    pub(super) fn read(file: &Path) -> Self {
        let mut diversions = BTreeMap::new();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        lines(file, |line| {
            parts.push(line.to_vec());
            if let [from, to, by] = parts.as_mut_slice() {
                let [from, to, by] = [from, to, by].map(std::mem::take);
                diversions.insert(from, Diversion { to, by });
                parts.clear();
            }
        });
        Self { diversions }
    }

    /// Where the file went that a package lists under this path.
    pub(super) fn resolve<'a>(&'a self, listed: &'a [u8], package: &[u8]) -> &'a [u8] {
        let diverted = self.diversions.get(listed).filter(|diversion| diversion.by != package);
        diverted.map_or(listed, |diversion| &diversion.to)
    }
}
