//! The Debian as a tarball below the target directory: made once, by `debootstrap` and the packages' own tools.
//!
//! In: a mirror, `LYDIAN_TEST_MIRROR` or Debian's own. Out: the tarball, or what is missing. Tests that want it at the same time
//! wait for each other. apt checks the mirror's signatures; of the packages that are made here nothing is signed.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{DOZEN, Debian, Missing, packages, said};
use crate::artefacts;

/// What the machine lacks, whether or not there is a tarball already.
pub(super) fn missing() -> Option<Missing> {
    if !rustix::process::geteuid().is_root() {
        return Some(Missing("root's rights, for chroot".to_owned()));
    }
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(_) => Some(Missing("the right to make a mount namespace (CAP_SYS_ADMIN)".to_owned())),
        Err(_) => Some(Missing("`unshare` of util-linux".to_owned())),
    }
}

/// The tarball's path.
pub(super) fn archive() -> Result<Result<PathBuf, Missing>> {
    let cache = artefacts::cache_dir()?;
    let archive = cache.join(format!("debian-{SUITE}-{FORM}.tar"));
    let lock = File::create(archive.with_extension("lock"))?;
    lock.lock().context("lock the Debian")?;
    if archive.is_file() {
        return Ok(Ok(archive));
    }
    for program in ["debootstrap", "dpkg-deb"] {
        if Command::new(program).arg("--version").output().is_err() {
            return Ok(Err(Missing(format!("`{program}`: apt-get install {program}"))));
        }
    }
    // Not below /tmp: that may be mounted without devices.
    let dir = tempfile::Builder::new().prefix("debian").permissions(readable()).tempdir_in(&cache)?;
    if let Err(missing) = bootstrap(dir.path())? {
        return Ok(Err(missing));
    }
    let debian = Debian { root: dir.path().to_owned() };
    fill(&debian).context("fill the Debian")?;
    let new = archive.with_extension("new");
    let packed = Command::new("tar").arg("-cf").arg(&new).arg("-C").arg(dir.path()).arg(".").output()?;
    said(&packed, "pack the Debian")?;
    std::fs::rename(new, &archive)?;
    Ok(Ok(archive))
}

fn bootstrap(root: &Path) -> Result<Result<(), Missing>> {
    let mirror = std::env::var("LYDIAN_TEST_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
    let made = Command::new("timeout")
        .args([BOOTSTRAP_SECS, "debootstrap", "--variant=minbase", SUITE])
        .arg(root)
        .arg(&mirror)
        .output()?;
    Ok(said(&made, &format!("debootstrap from {mirror}"))
        .map(drop)
        .map_err(|error| Missing(error.to_string())))
}

/// Fetches the dozen with what they depend on, makes their older versions, and lets apt know those alone.
fn fill(debian: &Debian) -> Result<()> {
    let root = debian.root();
    // No service starts in a tree that never boots.
    let policy = root.join("usr/sbin/policy-rc.d");
    std::fs::write(&policy, "#!/bin/sh\nexit 101\n")?;
    std::fs::set_permissions(&policy, readable())?;
    debian.run("apt-get clean && apt-get update -q")?;
    let fetch = "apt-get install -q -y --no-install-recommends --download-only";
    debian.run(&format!("{fetch} {}", DOZEN.join(" ")))?;
    packages::make(root, &root.join("var/cache/apt/archives"))?;
    debian.run("apt-get clean && rm -rf /var/lib/apt/lists/*")?;
    packages::offer(root, super::BEFORE)?;
    debian.run("apt-get update -q").map(drop)
}

fn readable() -> std::fs::Permissions {
    std::fs::Permissions::from_mode(0o755)
}

const SUITE: &str = "bookworm";
/// Rises when the tarball's content is made in another way.
const FORM: u32 = 1;
const MIRROR: &str = "http://deb.debian.org/debian";
/// A mirror that is slower is as good as none.
const BOOTSTRAP_SECS: &str = "600";
