//! Two versions of real packages, in directories that apt reads as repositories.
//!
//! In: packages as a mirror has them. Out: the same under a lower version whose programs have other bytes, so that an upgrade
//! changes each; dependencies among them follow. Programs run as before: what lies behind an ELF file's end is not loaded.
//= deb-control(5), deb-md5sums(5), sources.list(5)

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use evidence::digest::Sha256Digest;

use super::{AFTER, BEFORE, DOZEN, said};

/// Moves packages into the newer repository and makes the older one of them.
pub(super) fn make(root: &Path, fetched: &Path) -> Result<()> {
    let (before, after) = (root.join(inside(BEFORE)), root.join(inside(AFTER)));
    fs::create_dir_all(&before)?;
    fs::create_dir_all(&after)?;
    let mut packages = Vec::new();
    for entry in fs::read_dir(fetched)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            let name = field(&path, "Package")?;
            let deb = after.join(format!("{name}.deb"));
            fs::rename(&path, &deb)?;
            packages.push(deb);
        }
    }
    ensure!(packages.len() >= DOZEN.len(), "the mirror gave {} packages", packages.len());
    let versions: BTreeSet<String> =
        packages.iter().map(|deb| field(deb, "Version")).collect::<Result<_>>()?;
    for deb in &packages {
        let name = deb.file_name().context("a package has a name")?;
        age(deb, &before.join(name), &versions).with_context(|| format!("age {}", deb.display()))?;
    }
    index(&before)?;
    index(&after)
}

/// Makes a repository the only one that apt knows.
pub(super) fn offer(root: &Path, repository: &str) -> Result<()> {
    let source = format!("deb [trusted=yes] file:{repository} ./\n");
    Ok(fs::write(root.join("etc/apt/sources.list"), source)?)
}

/// Packs a package anew under a lower version and with other programs.
fn age(deb: &Path, older: &Path, versions: &BTreeSet<String>) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let tree = dir.path().join("tree");
    said(&Command::new("dpkg-deb").arg("-R").arg(deb).arg(&tree).output()?, "dpkg-deb -R")?;
    let control = tree.join("DEBIAN/control");
    fs::write(&control, aged(&fs::read_to_string(&control)?, versions))?;
    let sums = tree.join("DEBIAN/md5sums");
    let listed = fs::read_to_string(&sums).unwrap_or_default();
    let files: Vec<&str> =
        listed.lines().filter_map(|line| line.split_once("  ")).map(|(_, file)| file).collect();
    for file in &files {
        append_to_program(&tree.join(file))?;
    }
    if !files.is_empty() {
        let summed = Command::new("md5sum").arg("--").args(&files).current_dir(&tree).output()?;
        fs::write(&sums, said(&summed, "md5sum")?)?;
    }
    let packed =
        Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&tree).arg(older).output()?;
    said(&packed, "dpkg-deb -b").map(drop)
}

/// The control file with a lower version, also where another of these packages is asked for in its version.
fn aged(control: &str, versions: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for line in control.lines() {
        let line = match line.strip_prefix("Version: ") {
            Some(version) => format!("Version: {version}{LOWER}"),
            None => versions.iter().fold(line.to_owned(), |line, version| {
                line.replace(&format!(" {version})"), &format!(" {version}{LOWER})"))
            }),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn append_to_program(path: &Path) -> Result<()> {
    if path.is_symlink() || !fs::read(path)?.starts_with(b"\x7fELF") {
        return Ok(());
    }
    let mut file = fs::File::options().append(true).open(path)?;
    Ok(file.write_all(LOWER.as_bytes())?)
}

/// Writes a repository's list of packages.
fn index(repository: &Path) -> Result<()> {
    let mut debs: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(repository)? {
        debs.push(entry?.path());
    }
    debs.sort();
    let mut list = String::new();
    for deb in debs.iter().filter(|deb| deb.extension().is_some_and(|extension| extension == "deb")) {
        let control = said(&Command::new("dpkg-deb").arg("-f").arg(deb).output()?, "dpkg-deb -f")?;
        let (bytes, name) = (fs::read(deb)?, deb.file_name().context("a package has a name")?);
        list.push_str(control.trim_end());
        write!(list, "\nFilename: ./{}\nSize: {}\n", name.to_string_lossy(), bytes.len())?;
        write!(list, "SHA256: {}\n\n", Sha256Digest::of(&[&bytes]))?;
    }
    Ok(fs::write(repository.join("Packages"), list)?)
}

fn field(deb: &Path, name: &str) -> Result<String> {
    let shown = said(&Command::new("dpkg-deb").arg("-f").arg(deb).arg(name).output()?, "dpkg-deb -f")?;
    Ok(shown.trim().to_owned())
}

fn inside(path: &str) -> &str {
    path.trim_start_matches('/')
}

/// Lower than the same version without it, by dpkg's order.
//= deb-version(7): a tilde sorts before the end
const LOWER: &str = "~before";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let versions = BTreeSet::from(["1.6-2".to_owned()]);
        assert_eq!(aged(line, &versions), format!("{expected}\n"));
    }

    #[test]
    fn versions_of_the_set_follow() {
        check("Version: 1.6-2", "Version: 1.6-2~before");
        check("Depends: a (= 1.6-2), b (>= 1.6)", "Depends: a (= 1.6-2~before), b (>= 1.6)");
        check("Pre-Depends: a (>= 1.6-2)", "Pre-Depends: a (>= 1.6-2~before)");
        check("Description: a", "Description: a");
    }
}
