//! A dpkg database with what an agent reads of it.
//!
//! In: packages. Out: `status` and `info/*.list` in dpkg's form. Nothing is installed by dpkg, and dependencies, checksums and
//! maintainer's scripts are not there.
//= deb-control(5), dpkg(1): /var/lib/dpkg/status, /var/lib/dpkg/info

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

/// A package and its files.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its architecture.
    pub architecture: &'a str,
    /// Absolute paths and contents.
    pub files: &'a [(&'a str, &'a [u8])],
}

/// An empty database.
pub(super) fn create_database(admin_dir: &Path) -> Result<()> {
    std::fs::create_dir_all(admin_dir.join("info"))?;
    std::fs::write(admin_dir.join("status"), "")?;
    Ok(())
}

/// Enters a package, or another version of it.
pub(super) fn enter(admin_dir: &Path, package: &Package<'_>) -> Result<()> {
    let mut list = BTreeSet::from(["/.".to_owned()]);
    for (path, _) in package.files {
        // dpkg lists the directories too.
        let directories = path.char_indices().skip(1).filter(|(_, c)| *c == '/');
        list.extend(directories.filter_map(|(at, _)| path.get(..at)).map(str::to_owned));
        list.insert((*path).to_owned());
    }
    let mut text = String::new();
    for path in list {
        writeln!(text, "{path}")?;
    }
    std::fs::write(admin_dir.join("info").join(format!("{}.list", package.name)), text)?;
    let before = std::fs::read_to_string(admin_dir.join("status"))?;
    let own = format!("Package: {}\n", package.name);
    let mut status: String =
        before.split_inclusive("\n\n").filter(|stanza| !stanza.starts_with(&own)).collect();
    write!(
        status,
        "{own}Status: install ok installed\nArchitecture: {}\nVersion: {}\n\n",
        package.architecture, package.version
    )?;
    let new = admin_dir.join("status-new");
    std::fs::write(&new, status)?;
    std::fs::rename(new, admin_dir.join("status"))?;
    Ok(())
}
