//! Trees in temporary directories, walked by the engine alone (events are queued before the call that causes
//! them returns, so that nothing has to be waited for) or by the whole thread.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use evidence::body::{Gap, GapCause, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Manifest};

use std::ops::ControlFlow;

use super::components::Components;
use super::engine::Engine;
use super::packages::Packages;
use super::{Events, MeasureConfig, Namespaces, Pace};
use crate::clock::SystemClock;

mod attribution;
mod changes;
mod honest;
mod live;
mod property;

pub(super) const ELF: &[u8] = b"\x7fELF";

/// A host's file system in a temporary directory.
pub(super) struct Host {
    pub(super) dir: tempfile::TempDir,
}

impl Host {
    pub(super) fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(host.path("root/usr/bin")).unwrap();
        host
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// A path below `/` of the host.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.path("root").join(path.trim_start_matches('/'))
    }

    pub(super) fn write(&self, path: &str, content: &[u8]) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn elf(&self, path: &str, content: &str) {
        self.write(path, &[ELF, content.as_bytes()].concat());
    }

    pub(super) fn mode(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(super) fn config(&self) -> MeasureConfig {
        MeasureConfig {
            roots: vec![self.path("root")],
            excludes: vec![self.at("excluded")],
            dpkg_admin_dir: self.path("dpkg"),
            path_prefix: self.path("root"),
            cache_path: self.path("cache"),
            settle: Duration::from_millis(20),
            settle_max: Duration::from_millis(500),
            reconcile_every: Duration::from_hours(1),
            // Other tests' events on the same file system would be told as well.
            events: Events::Directories,
            namespaces: Namespaces::Own,
            hash_threads: NonZeroUsize::new(2).unwrap(),
            first_pace: Pace::UNLIMITED,
            pace: Pace::UNLIMITED,
        }
    }

    /// A machine that has walked everything.
    pub(super) fn engine(&self) -> Engine {
        engine(&self.config(), usize::MAX)
    }

    /// What a machine that starts now without a cache finds.
    pub(super) fn walked_anew(&self) -> State {
        let scratch = tempfile::tempdir().unwrap();
        let config = MeasureConfig { cache_path: scratch.path().join("cache"), ..self.config() };
        state(&mut engine(&config, usize::MAX), &config)
    }

    pub(super) fn state(&self, engine: &mut Engine) -> State {
        state(engine, &self.config())
    }
}

pub(super) fn engine(config: &MeasureConfig, watches: usize) -> Engine {
    let stop = Arc::new(AtomicBool::new(false));
    let mut engine = Engine::new(config, Arc::new(SystemClock), stop, watches).unwrap();
    engine.walk_all();
    engine
}

/// Follows hints until there are none.
pub(super) fn follow(engine: &mut Engine) {
    for _ in 0..100 {
        engine.take_hints();
        if !engine.is_dirty() {
            return;
        }
        engine.walk_touched();
    }
    panic!("hints without end");
}

/// Components as people would write them down: by kind and name, paths with digests and flags.
pub(super) type State = BTreeMap<(&'static str, String), BTreeMap<String, (Sha256Digest, Vec<&'static str>)>>;

pub(super) fn state(engine: &mut Engine, config: &MeasureConfig) -> State {
    let mut database = Packages::new(&config.dpkg_admin_dir);
    database.attribute(&mut engine.tree, &engine.places);
    let mut state = State::new();
    for manifest in manifests(engine, &database) {
        let name = match manifest.kind() {
            ComponentKind::Package => {
                format!("{} {} {}", manifest.name(), manifest.version(), manifest.architecture())
            }
            _ => manifest.name().to_owned(),
        };
        let entries = manifest.entries().iter().map(|entry| {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            (path, (entry.digest, entry.flags.names()))
        });
        state.insert((manifest.kind().name(), name), entries.collect());
    }
    state
}

/// Every component's manifest.
pub(super) fn manifests(engine: &Engine, database: &Packages) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    let all = Components::default().update(&engine.sources(database), |compiled| {
        assert_eq!(compiled.manifest.digest(), compiled.digest);
        assert_eq!(Manifest::decode(&compiled.bytes).unwrap(), compiled.manifest);
        manifests.push(compiled.manifest);
        ControlFlow::Continue(())
    });
    assert_eq!(all.unwrap().len(), manifests.len());
    manifests
}

/// The paths of a state with their contents' digests.
pub(super) fn paths(state: &State) -> BTreeMap<String, Sha256Digest> {
    state.values().flatten().map(|(path, (digest, _))| (path.clone(), *digest)).collect()
}

pub(super) fn digest_of(path: &Path) -> Sha256Digest {
    Sha256Digest::of(&[&std::fs::read(path).unwrap()])
}

pub(super) fn open_gaps(gaps: &[Gap]) -> Vec<(GapCause, &str)> {
    gaps.iter().filter(|gap| gap.until == GapEnd::Open).map(|gap| (gap.cause, gap.scope.as_str())).collect()
}
