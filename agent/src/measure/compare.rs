//! Files against the MD5 that their package lists.
//!
//! In: MD5s of files as walks hash them. Out: the flag of a file that is not as packaged. An MD5 vouches for nothing: it
//! tells of accidents and of administrators, and of intruders who do not care.

use std::sync::Arc;

use evidence::digest::Sha256Digest;

use super::engine::Engine;
use super::limits::COMPARISONS;
use super::packages::Packages;
use super::tree::{Artefact, Owner};

/// A file whose package may list an MD5.
#[derive(Debug)]
pub(crate) struct Comparison {
    directory: Arc<[u8]>,
    name: Box<[u8]>,
    digest: Sha256Digest,
    md5: [u8; 16],
}

impl Engine {
    /// Keeps the MD5 of a file until packages are asked.
    pub(crate) fn keep_md5(&mut self, directory: &Arc<[u8]>, name: &[u8], file: &Artefact, md5: [u8; 16]) {
        if self.to_compare.len() < COMPARISONS {
            let (directory, name) = (Arc::clone(directory), name.into());
            self.to_compare.push(Comparison { directory, name, digest: file.digest, md5 });
        }
    }

    /// Compares what was hashed with what packages list.
    pub(crate) fn compare(&mut self, database: &Packages) {
        for Comparison { directory, name, digest, md5 } in std::mem::take(&mut self.to_compare) {
            let Some(file) = self.tree.file_mut(&directory, &name) else { continue };
            if file.digest == digest && matches!(file.owner, Owner::Package(_)) {
                file.set_package_flags(database.flags(&directory, &name, &digest, Some(&md5)));
                self.counters.files_compared += 1;
            }
        }
    }
}
