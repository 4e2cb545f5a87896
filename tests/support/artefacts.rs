//! Where the build puts things: the target directory, the programs, the recordings.
//!
//! In: the path of the running test. Out: paths, or an error that says which command makes what is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The directory of the build profile that this test belongs to, such as `target/debug`.
pub fn profile_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("the path of the running test")?;
    // A test lies in `target/<profile>/deps`, a program in `target/<profile>`.
    let dir = exe.parent().context("a test has a directory")?;
    let profile = if dir.ends_with("deps") { dir.parent() } else { Some(dir) };
    profile.map(Path::to_path_buf).context("a build profile has a directory")
}

/// A directory below the target directory that outlives a test, for what is slow to make.
pub fn cache_dir() -> Result<PathBuf> {
    let profile = profile_dir()?;
    let target = profile.parent().context("a build profile lies in a target directory")?;
    let dir = target.join("test-cache");
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

/// The program of this workspace with this name, built in the same profile as the running test.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = profile_dir()?.join(name);
    if !path.is_file() {
        // Cargo builds the programs of a test's own package only.
        bail!("{} is missing; `cargo build --workspace --bins` builds it (`make test` does)", path.display());
    }
    Ok(path)
}

/// A folder of `tests/vectors`.
pub fn vectors(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    if !path.is_dir() {
        bail!("there is no recording {}", path.display());
    }
    Ok(path)
}
