//! Made trees: many small executables with a package database, and tarballs for storms.
//!
//! In: a number of files. Out: a directory on tmpfs where there is room, else in the temporary directory. Names and packages are
//! as long as those of a Debian; the files themselves are as small as files are.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use support::elf;
use tempfile::TempDir;

/// A place for a made tree.
pub(crate) fn place() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let room = rustix::fs::statvfs(memory).is_ok_and(|fs| {
        fs.f_bavail.saturating_mul(fs.f_frsize) > ROOM_BYTES && (fs.f_ffree == 0 || fs.f_ffree > ROOM_FILES)
    });
    let mut builder = tempfile::Builder::new();
    builder.prefix("lydian-bench");
    Ok(if room { builder.tempdir_in(memory)? } else { builder.tempdir()? })
}

/// A host of this many executables, 50 in a package, below `dir/root`.
pub(crate) fn host(dir: &Path, files: usize) -> Result<()> {
    let admin = dir.join("root/var/lib/dpkg");
    fs::create_dir_all(admin.join("info"))?;
    let mut status = String::new();
    for package in 0..files.div_ceil(IN_PACKAGE) {
        let home = format!("/usr/lib/x86_64-linux-gnu/package-{package}");
        fs::create_dir_all(dir.join("root").join(home.trim_start_matches('/')))?;
        let mut list = format!("/.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu\n{home}\n");
        for number in (package * IN_PACKAGE)..((package + 1) * IN_PACKAGE).min(files) {
            let path = format!("{home}/lib{number}.so.1");
            fs::write(dir.join("root").join(path.trim_start_matches('/')), elf(&number.to_string()))?;
            writeln!(list, "{path}")?;
        }
        fs::write(admin.join("info").join(format!("package-{package}.list")), list)?;
        write!(
            status,
            "Package: package-{package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{package}-1\n\n"
        )?;
    }
    Ok(fs::write(admin.join("status"), status)?)
}

/// A tarball `dir/storm.tar` of this many executables in this many directories, each a level deeper than its group.
pub(crate) fn storm(dir: &Path, files: usize, directories: usize) -> Result<()> {
    let source = dir.join("source");
    let each = files.div_ceil(directories);
    for directory in 0..directories {
        let home = source.join(format!("storm/{}/{directory}/lib", directory / 30));
        fs::create_dir_all(&home)?;
        for number in (directory * each)..((directory + 1) * each).min(files) {
            let mut content = elf(&number.to_string());
            content.resize(STORM_BYTES, 0);
            fs::write(home.join(format!("lib{number}.so")), content)?;
        }
    }
    let packed =
        Command::new("tar").arg("-cf").arg(dir.join("storm.tar")).arg("-C").arg(&source).arg(".").status()?;
    ensure!(packed.success(), "tar: {packed}");
    Ok(fs::remove_dir_all(source)?)
}

/// Unpacks it into a directory that is there.
pub(crate) fn untar(dir: &Path, into: &Path) -> Result<()> {
    let unpacked = Command::new("tar").arg("-xf").arg(dir.join("storm.tar")).arg("-C").arg(into).status()?;
    ensure!(unpacked.success(), "tar: {unpacked}");
    Ok(())
}

const IN_PACKAGE: usize = 50;
const STORM_BYTES: usize = 2_048;
/// For half a million files of one page each.
const ROOM_BYTES: u64 = 6 << 30;
const ROOM_FILES: u64 = 700_000;
