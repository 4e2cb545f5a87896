//! A tree in a temporary directory, somebody who measures it, and what the scenes do to it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use agent::measure::Namespaces;
use anyhow::{Context as _, Result, ensure};
use evidence::body::Means;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use support::measured::Spec;
use support::truth::{Files, truth};
use support::{Backend, Measuring, Mounted, elf, mounts};
use tempfile::TempDir;

/// A scene once for each means.
macro_rules! scenes {
    ($($name:ident),* $(,)?) => {
        mod whole {
            $(#[test] fn $name() -> anyhow::Result<()> { super::$name(support::Backend::Whole) })*
        }
        mod directories {
            $(#[test] fn $name() -> anyhow::Result<()> { super::$name(support::Backend::Directories) })*
        }
    };
}
pub(crate) use scenes;

/// The long form of a scene once for each means.
macro_rules! long_scenes {
    ($($name:ident),* $(,)?) => {
        mod long {
            mod whole {
                $(#[test] #[ignore = "the long form, run by `make soak`"]
                fn $name() -> anyhow::Result<()> { super::super::$name(support::Backend::Whole) })*
            }
            mod directories {
                $(#[test] #[ignore = "the long form, run by `make soak`"]
                fn $name() -> anyhow::Result<()> { super::super::$name(support::Backend::Directories) })*
            }
        }
    };
}
pub(crate) use long_scenes;

/// Who measures what.
pub(crate) struct Stage {
    pub(crate) measured: Measuring,
    pub(crate) root: PathBuf,
    backend: Backend,
    /// Trees that nobody can take for files of a host, such as a mounted `/proc`.
    pub(crate) without: Vec<PathBuf>,
    /// After the measurer, which may have something open there.
    pub(crate) mounts: Vec<Mounted>,
    dir: TempDir,
}

impl Stage {
    /// Measures an empty tree.
    pub(crate) fn new(backend: Backend) -> Result<Self> {
        Self::with(backend, None, |_| Ok(Vec::new()))
    }

    /// Measures an empty tree, and the mounts of every process.
    pub(crate) fn of_all_namespaces(backend: Backend) -> Result<Self> {
        Self::start(backend, None, Namespaces::All, |_| Ok(Vec::new()))
    }

    /// Measures a tree that was prepared, at so many bytes a second.
    pub(crate) fn with(
        backend: Backend,
        bytes_per_second: Option<u64>,
        prepare: impl FnOnce(&Path) -> Result<Vec<Mounted>>,
    ) -> Result<Self> {
        Self::start(backend, bytes_per_second, Namespaces::Own, prepare)
    }

    fn start(
        backend: Backend,
        bytes_per_second: Option<u64>,
        namespaces: Namespaces,
        prepare: impl FnOnce(&Path) -> Result<Vec<Mounted>>,
    ) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("lydian-storm").tempdir()?;
        let root = dir.path().canonicalize()?.join("root");
        fs::create_dir(&root)?;
        let mounts = prepare(&root)?;
        write(&root.join("usr/bin/first"), &elf("first"))?;
        let spec = Spec {
            backend,
            roots: vec![root.clone()],
            excludes: Vec::new(),
            prefix: root.clone(),
            dpkg_admin_dir: dir.path().join("dpkg"),
            cache: dir.path().join("cache"),
            namespaces,
            bytes_per_second,
        };
        let measured = Measuring::start(spec)?;
        let stage = Self { measured, root, backend, without: Vec::new(), mounts, dir };
        ensure!(
            backend == Backend::Directories || !mounts::may(SYS_ADMIN) || stage.measured.is_whole(),
            "the whole file system should be watched: {:?}",
            stage.measured.coverage()
        );
        ensure!(
            backend == Backend::Whole || !stage.measured.is_whole(),
            "directories should be watched: {:?}",
            stage.measured.coverage()
        );
        Ok(stage)
    }

    /// A path in the watched tree.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A path on the same file system that is not watched.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.dir.path().join("outside").join(path)
    }

    /// What there is, but for what the measurer says that it does not look at.
    pub(crate) fn truth(&self) -> Result<Files> {
        truth(&self.root, &[self.without.as_slice(), &self.unseen()].concat())
    }

    /// Trees of which the measurer says that they are not seen, or seen under other names.
    fn unseen(&self) -> Vec<PathBuf> {
        let unseen = |means| matches!(means, Means::Nothing | Means::Elsewhere);
        let entries = self.measured.coverage().iter().filter(|entry| unseen(entry.means));
        entries.map(|entry| self.of_scope(&entry.scope)).collect()
    }

    /// Scopes are paths of the host or of its root.
    fn of_scope(&self, scope: &str) -> PathBuf {
        let path = Path::new(scope);
        if path.starts_with(&self.root) { path.to_owned() } else { self.at(scope.trim_start_matches('/')) }
    }

    /// By what means a mount is said to be watched; as soon as anything is said of it.
    pub(crate) fn means_of(&mut self, mount: &Path) -> Result<Means> {
        let root = self.root.clone();
        let shown =
            |scope: &str| Path::new(scope) == mount || root.join(scope.trim_start_matches('/')) == mount;
        let find = |measured: &Measuring| {
            measured.coverage().iter().find(|entry| shown(&entry.scope)).map(|entry| entry.means)
        };
        self.measured.wait_for("a word on a mount", |measured| find(measured).is_some())?;
        find(&self.measured).context("it was there")
    }

    /// The state becomes the truth: by itself where whole file systems are watched, else after a walk of everything at
    /// the latest. Prints what that walk had to find.
    pub(crate) fn prove(&mut self, scene: &str) -> Result<()> {
        let truth = self.truth()?;
        let lost = if self.measured.is_whole() {
            self.measured.wait_until(&truth).with_context(|| format!("{scene}: lost"))?;
            0
        } else {
            let difference = self.measured.settled(&truth)?;
            if difference.count() > 0 {
                self.measured.rescan();
                let after = || format!("{scene}: after a walk of everything; before: {difference}");
                self.measured.wait_until(&truth).with_context(after)?;
            }
            difference.count()
        };
        eprintln!(
            "{scene}, {:?}: of {} files {lost} lost before a walk of everything",
            self.backend,
            truth.len()
        );
        Ok(())
    }
}

const SYS_ADMIN: rustix::thread::CapabilitySet = rustix::thread::CapabilitySet::SYS_ADMIN;

/// Says why a scene is not played.
pub(crate) fn skipped(what_is_missing: &str) {
    eprintln!("skipped: it takes {what_is_missing}");
}

/// Writes a file and the directories that it lies in.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}

/// Numbers that are the same in each run.
pub(crate) struct Dice(ChaCha20Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// Below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound.max(1)
    }

    /// One of these.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Result<&'a T> {
        all.get(self.below(all.len())).context("nothing to choose from")
    }

    /// A file as trees have them: programs, scripts, and many that are neither.
    pub(crate) fn write_some_file(&mut self, path: &Path, text: &str) -> Result<()> {
        match self.below(4) {
            0 => write(path, text.as_bytes()),
            1 => {
                write(path, format!("#!/bin/sh\n{text}\n").as_bytes())?;
                Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
            }
            _ => write(path, &elf(text)),
        }
    }
}
