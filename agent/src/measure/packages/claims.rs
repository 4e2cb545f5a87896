//! What a database says, one package after the other, put to the tree.
//!
//! In: paths as packages list them. Out: owners in the tree, and packages and listings for those that own anything. Of
//! two packages of one database that claim a file, the first by name has it, on every host the same; a database that
//! was read earlier goes first.

use std::cmp::Ordering;

use super::directories::Directories;
use super::{Listed, Package, Unread};
use crate::measure::place::Places;
use crate::measure::tree::{Owner, Tree};

/// The place where databases put what they find.
pub(crate) struct Claims<'a> {
    tree: &'a mut Tree,
    places: &'a Places,
    packages: &'a mut Vec<Package>,
    listed: &'a mut Listed,
    unread: &'a mut Vec<Unread>,
    directories: Directories,
    /// The number of the first package of this database.
    first: u32,
}

/// A package under way.
#[derive(Debug)]
pub(crate) struct Claimant {
    package: Package,
    number: u32,
    owns: bool,
}

impl<'a> Claims<'a> {
    pub(super) fn new(
        tree: &'a mut Tree,
        places: &'a Places,
        packages: &'a mut Vec<Package>,
        listed: &'a mut Listed,
        unread: &'a mut Vec<Unread>,
    ) -> Self {
        let directories = Directories::new(places.prefix());
        Self { tree, places, packages, listed, unread, directories, first: 0 }
    }

    pub(super) fn next_database(&mut self) {
        self.first = self.next();
    }

    /// The number of the next package.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.packages.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn places(&self) -> &'a Places {
        self.places
    }

    pub(crate) fn packages(&mut self) -> &mut [Package] {
        self.packages
    }

    pub(crate) fn listed(&mut self) -> &mut Listed {
        self.listed
    }

    /// Notes that a database was not read, or not as a whole.
    pub(crate) fn unread(&mut self, scope: String) {
        tracing::warn!(scope, "package database not read");
        self.unread.push(Unread { scope });
    }

    pub(crate) fn begin(&self, package: Package) -> Claimant {
        Claimant { package, number: self.next(), owns: false }
    }

    /// Keeps the package if it owns anything.
    pub(crate) fn end(&mut self, claimant: Claimant) -> Option<&mut Package> {
        claimant.owns.then(|| self.packages.push(claimant.package))?;
        self.packages.last_mut()
    }

    /// Takes a file for the package, by an absolute path without the prefix. The key for `Listed`, if it has it now.
    pub(crate) fn claim(&mut self, claimant: &mut Claimant, path: &[u8]) -> Option<u64> {
        let (directory, name) = self.find(path)?;
        let file = self.tree.file_mut(&directory, name)?;
        let takes = match file.owner {
            Owner::Nobody | Owner::Unknown => true,
            Owner::Package(number) if number >= self.first && number != claimant.number => {
                let other = self.packages.get(usize::try_from(number).ok()?)?;
                claimant.package.cmp(other) == Ordering::Less
            }
            Owner::Package(number) => number == claimant.number,
        };
        if !takes {
            return None;
        }
        file.owner = Owner::Package(claimant.number);
        claimant.owns = true;
        Some(self.listed.key(&directory, name))
    }

    /// The key of a file that the package with this number has.
    pub(crate) fn owned(&mut self, number: u32, path: &[u8]) -> Option<u64> {
        let (directory, name) = self.find(path)?;
        let file = self.tree.file_mut(&directory, name)?;
        (file.owner == Owner::Package(number)).then(|| self.listed.key(&directory, name))
    }

    /// The directory on the disk, links in its path followed, and the name.
    fn find<'b>(&mut self, path: &'b [u8]) -> Option<(Vec<u8>, &'b [u8])> {
        let at = path.iter().rposition(|byte| *byte == b'/')?;
        let (directory, name) = (path.get(..at)?, path.get(at + 1..)?);
        let directory = if directory.is_empty() { b"/" } else { directory };
        let on_disk = self.places.on_disk(directory);
        if self.tree.get(&on_disk).is_some() {
            return Some((on_disk, name));
        }
        Some((self.directories.real(directory).to_vec(), name))
    }
}
