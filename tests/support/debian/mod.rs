//! A Debian in a directory: the real apt and dpkg, and a dozen packages in two versions.
//!
//! In: root's rights and, for the first time, `debootstrap` and a mirror. Out: a tree that is unpacked within seconds from what the
//! first time left below the target directory, and commands that run in it. Each command has a mount namespace of its own, which
//! takes `/proc` with it however the command ends. What is installed here was not looked at by anybody.

mod archive;
mod packages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The packages that are asked for by name; what they depend on comes with them.
pub const DOZEN: [&str; 12] =
    ["bc", "ed", "file", "jq", "less", "lsof", "patch", "psmisc", "sqlite3", "strace", "time", "tree"];

/// Both versions as files, in the tree.
pub const BEFORE: &str = "/srv/before";
/// The versions of the mirror.
pub const AFTER: &str = "/srv/after";

/// A Debian that is there.
#[derive(Clone, Debug)]
pub struct Debian {
    root: PathBuf,
}

/// What has to be there and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub String);

/// A package that is installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Debian {
    /// Unpacks a Debian into a directory that is there; apt knows the older versions of the dozen.
    pub fn unpack(root: &Path) -> Result<Result<Self, Missing>> {
        if let Some(missing) = archive::missing() {
            return Ok(Err(missing));
        }
        let archive = match archive::archive()? {
            Ok(archive) => archive,
            Err(missing) => return Ok(Err(missing)),
        };
        let unpack = Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(root).output()?;
        said(&unpack, "unpack the Debian")?;
        Ok(Ok(Self { root: root.to_owned() }))
    }

    /// A command in the tree, by its words for a shell.
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER]).arg(&self.root).arg(script);
        command
    }

    /// Runs a command in the tree to its end.
    pub fn run(&self, script: &str) -> Result<String> {
        let output = self.command(script).output().context("util-linux has `unshare`")?;
        said(&output, script)
    }

    /// Installs the dozen, in their older versions.
    pub fn install(&self) -> Result<()> {
        self.run(&format!("apt-get install -q -y --no-install-recommends {}", DOZEN.join(" "))).map(drop)
    }

    /// Tells apt of the newer versions, and upgrades to them.
    pub fn upgrade(&self) -> Result<()> {
        packages::offer(&self.root, AFTER)?;
        self.run("apt-get update -q && apt-get upgrade -q -y").map(drop)
    }

    /// What dpkg says that is installed.
    pub fn installed(&self) -> Result<BTreeMap<String, String>> {
        let shown = self.run("dpkg-query -W -f='${Package} ${Version}\\n'")?;
        Ok(shown.lines().filter_map(|line| line.split_once(' ')).map(owned).collect())
    }

    /// What dpkg says whose these files are; a file that is nobody's is left out.
    pub fn owners(&self, paths: &BTreeSet<String>) -> Result<BTreeMap<String, Installed>> {
        let installed = self.installed()?;
        // dpkg knows many of them by the name from before /usr was merged.
        let older = paths.iter().filter_map(|path| path.strip_prefix("/usr"));
        let names: Vec<_> = paths.iter().map(String::as_str).chain(older).collect();
        let list = "tmp/owners";
        std::fs::write(self.root.join(list), names.join("\n") + "\n")?;
        // It ends with 1 where it does not know one of them.
        let shown = self.run(&format!("xargs -a /{list} dpkg -S 2>/dev/null || true"))?;
        let mut owners = BTreeMap::new();
        for (package, path) in shown.lines().filter_map(|line| line.split_once(": ")) {
            let name = package.split(':').next().unwrap_or(package);
            let Some(version) = installed.get(name) else { continue };
            let merged = format!("/usr{path}");
            let path = if paths.contains(path) { path } else { merged.as_str() };
            let owner = Installed { name: name.to_owned(), version: version.clone() };
            owners.insert(path.to_owned(), owner);
        }
        Ok(owners)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

fn owned((name, version): (&str, &str)) -> (String, String) {
    (name.to_owned(), version.to_owned())
}

/// What a command wrote, if it did what it should.
fn said(output: &std::process::Output, what: &str) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let all = text + &String::from_utf8_lossy(&output.stderr);
    let tail: Vec<_> = all.lines().rev().take(SHOWN_LINES).collect();
    bail!("{what}: {}: {}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

/// `$0` is the tree and `$1` what to run in it.
const ENTER: &str = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /usr/bin/env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
    DEBIAN_FRONTEND=noninteractive sh -c \"$1\"";
const SHOWN_LINES: usize = 12;
