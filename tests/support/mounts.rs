//! Mounts that end with the test that made them, and whether this machine lets a test mount at all.
//!
//! In: what `mount` is told. Out: a guard that unmounts, lazily where something is still open. Mounts are made in the
//! namespace of the test: other programs of the machine see them while the test runs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use rustix::thread::CapabilitySet;

/// Something that is mounted while this lives.
#[derive(Debug)]
pub struct Mounted {
    at: PathBuf,
}

impl Mounted {
    /// Calls `mount` with these words and the directory, which is made where it is not there.
    pub fn new<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>, at: &Path) -> Result<Self> {
        std::fs::create_dir_all(at)?;
        called(Command::new("mount").args(words).arg(at))?;
        Ok(Self { at: at.to_owned() })
    }

    /// Where.
    pub fn path(&self) -> &Path {
        &self.at
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Nobody is there to hear that it was unmounted before.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).output();
    }
}

/// Runs a program that must succeed.
pub fn called(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("start {}", command.get_program().display()))?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}: {words}", command.get_program().display(), output.status);
    Ok(output)
}

/// What is missing here for a test that mounts and uses these programs.
pub fn missing(programs: &[&str]) -> Option<String> {
    if !may(CapabilitySet::SYS_ADMIN) {
        return Some("CAP_SYS_ADMIN, which mounting takes".to_owned());
    }
    absent(["mount", "umount"].iter().chain(programs))
}

/// Which of these programs is not on this machine.
pub fn absent<'a>(programs: impl IntoIterator<Item = &'a &'a str>) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Root's programs are not on everybody's path.
    let mut places: Vec<_> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin".into(), "/sbin".into()]);
    let here = |name: &str| places.iter().any(|place| place.join(name).is_file());
    programs.into_iter().find(|name| !here(name)).map(|name| format!("the program `{name}`"))
}

/// Whether this thread has a capability.
pub fn may(capability: CapabilitySet) -> bool {
    rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(capability))
}
