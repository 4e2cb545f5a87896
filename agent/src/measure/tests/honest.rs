//! What could not be seen is said, worked off and closed; and what is passed over has not changed.

use std::fs::{self, File, FileTimes};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use evidence::body::Means;
use evidence::time::UnixTime;

use super::changes::{age, count_reads};
use super::*;
use crate::clock::Clock;
use crate::measure::limits::{CLOCK_STEP, STALL};
use crate::measure::packages::Packages;

/// The system's clocks, moved.
#[derive(Default)]
struct Moved {
    wall_back_ms: AtomicU64,
    ticking_ahead_ms: AtomicU64,
}

impl Clock for Moved {
    fn now(&self) -> UnixTime {
        let ahead = self.ticking_ahead_ms.load(Ordering::Relaxed);
        let back = self.wall_back_ms.load(Ordering::Relaxed);
        UnixTime::from_ms(SystemClock.now().as_ms() + ahead - back)
    }

    fn ticking(&self) -> Duration {
        SystemClock.ticking() + Duration::from_millis(self.ticking_ahead_ms.load(Ordering::Relaxed))
    }

    fn fell_back(&self) -> Duration {
        Duration::from_millis(self.wall_back_ms.load(Ordering::Relaxed))
    }
}

fn with_clock(host: &Host, clock: Arc<dyn Clock>) -> Engine {
    let stop = Arc::new(AtomicBool::new(false));
    let mut engine = Engine::new(&host.config(), clock, stop, usize::MAX).unwrap();
    engine.walk_all();
    engine
}

/// A gap of this cause is open until what is dirty has been walked.
fn check_gap(engine: &mut Engine, cause: GapCause) {
    let gaps = engine.gaps.report();
    assert!(matches!(open_gaps(&gaps).as_slice(), [(found, "/")] if *found == cause), "{gaps:?}");
    assert!(engine.is_dirty());
    follow(engine);
    let gaps = engine.gaps.report();
    assert!(
        matches!(gaps.as_slice(), [Gap { cause: found, until: GapEnd::Closed(_), .. }] if *found == cause),
        "{gaps:?}"
    );
}

#[test]
fn a_thread_that_did_not_come_round_is_a_gap() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let clock = Arc::new(Moved::default());
    let mut engine = with_clock(&host, clock.clone());
    engine.take_hints();
    let before = clock.now();
    clock.ticking_ahead_ms.store(u64::try_from(STALL.as_millis()).unwrap() + 5_000, Ordering::Relaxed);
    engine.take_hints();
    let began = engine.gaps.report()[0].from;
    assert!(began <= UnixTime::from_ms(before.as_ms() + 1_000), "it began before it was noticed");
    engine.lose_sight(GapCause::Stalled);
    check_gap(&mut engine, GapCause::Stalled);
}

#[test]
fn a_stall_in_which_the_clock_is_set_back_began_before_what_was_sealed_in_it() {
    let host = Host::new();
    let clock = Arc::new(Moved::default());
    let mut engine = with_clock(&host, clock.clone());
    engine.take_hints();
    let began = clock.now();
    let stalled = 2 * u64::try_from(STALL.as_millis()).unwrap();
    // By less than the stall took, and by more.
    for back in [stalled / 4, 10 * stalled] {
        clock.wall_back_ms.store(back, Ordering::Relaxed);
        let sealed = UnixTime::from_ms(began.as_ms() + 1_000 - back);
        clock.ticking_ahead_ms.fetch_add(stalled, Ordering::Relaxed);
        engine.take_hints();
        let gaps = engine.gaps.report();
        let stall = gaps.iter().find(|gap| gap.cause == GapCause::Stalled).unwrap();
        assert!(stall.from < sealed, "{back}: {gaps:?}, sealed at {sealed}");
    }
}

#[test]
fn sleep_that_was_meant_is_no_gap() {
    let host = Host::new();
    let clock = Arc::new(Moved::default());
    let mut engine = with_clock(&host, clock.clone());
    engine.take_hints();
    engine.rounds.sleep_until(clock.ticking() + 2 * STALL);
    clock.ticking_ahead_ms.store(u64::try_from(2 * STALL.as_millis()).unwrap(), Ordering::Relaxed);
    engine.take_hints();
    assert_eq!(engine.gaps.report(), []);
}

#[test]
fn a_clock_that_was_set_back_is_a_gap_and_what_may_have_its_stamps_again_is_hashed_anew() {
    let host = Host::new();
    host.elf("usr/bin/new", "1");
    host.elf("usr/bin/old", "2");
    fs::create_dir_all(host.at("usr/share")).unwrap();
    age(&host);
    let clock = Arc::new(Moved::default());
    let mut engine = with_clock(&host, clock.clone());
    engine.take_hints();
    // Both were made within the day by which the clock goes back.
    clock.wall_back_ms.store(86_400_000, Ordering::Relaxed);
    engine.take_hints();
    let opened = count_reads(&host, || check_gap(&mut engine, GapCause::ClockSet));
    assert_eq!(opened, 2);
    let after = count_reads(&host, || {
        engine.lose_sight(GapCause::ClockSet);
        follow(&mut engine);
    });
    assert_eq!(after, 2, "until the clock is past their stamps they are not trusted");
}

#[test]
fn a_clock_that_is_corrected_is_no_gap() {
    let host = Host::new();
    let clock = Arc::new(Moved::default());
    let mut engine = with_clock(&host, clock.clone());
    engine.take_hints();
    clock.wall_back_ms.store(u64::try_from(CLOCK_STEP.as_millis()).unwrap() / 2, Ordering::Relaxed);
    engine.take_hints();
    assert_eq!(engine.gaps.report(), []);
}

#[test]
fn a_cache_that_cannot_be_written_is_a_gap_until_it_can() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    age(&host);
    let config = MeasureConfig { cache_path: host.path("absent/cache"), ..host.config() };
    let mut engine = engine(&config, usize::MAX);
    assert_eq!(open_gaps(&engine.gaps.report()), [(GapCause::DiskFull, "digest cache")]);
    assert_eq!(paths(&state(&mut engine, &config)).len(), 1, "what was measured is there all the same");
    fs::create_dir(host.path("absent")).unwrap();
    host.elf("usr/bin/b", "2");
    follow(&mut engine);
    assert!(matches!(engine.gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
}

#[test]
fn a_package_manager_that_was_not_waited_for_is_a_gap_until_a_walk_after_it() {
    let host = Host::new();
    let mut engine = host.engine();
    engine.package_manager(true);
    engine.walk_touched();
    assert!(engine.waits_for_packages());
    assert_eq!(open_gaps(&engine.gaps.report()), [(GapCause::PackageManager, "packages")]);
    engine.walk_touched();
    assert!(engine.waits_for_packages(), "walks close it only once the lock is free");
    host.elf("usr/bin/last", "1");
    engine.take_hints();
    engine.package_manager(false);
    engine.walk_touched();
    assert!(!engine.waits_for_packages());
    assert!(matches!(engine.gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
    assert_eq!(host.state(&mut engine), host.walked_anew());
}

/// A walk of everything without a part that is hashed anew opens nothing where nothing has changed, and asks no cache.
#[test]
fn what_is_as_it_was_is_passed_over() {
    let host = Host::new();
    for n in 0..50 {
        host.elf(&format!("usr/bin/{n}"), &n.to_string());
        host.write(&format!("usr/share/{n}"), b"text");
    }
    age(&host);
    let mut engine = host.engine();
    fs::remove_file(host.path("cache")).unwrap();
    let again = |engine: &mut Engine| {
        engine.lose_sight(GapCause::Overflow);
        engine.walk_touched();
    };
    assert_eq!(count_reads(&host, || again(&mut engine)), 0);
    assert!(!host.path("cache").exists());
    host.mode("usr/bin/7", 0o700);
    age(&host);
    assert!(count_reads(&host, || again(&mut engine)) > 0);
    assert_eq!(host.state(&mut engine), host.walked_anew());
}

#[test]
fn executions_are_told_by_their_place_in_a_manifest() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    host.elf("usr/bin/b", "2");
    host.elf("usr/lib/c", "3");
    let mut engine = host.engine();
    let database = Packages::new(&host.path("dpkg"));
    let mut counters = engine.counters;
    for (directory, name) in [("usr/bin", "b"), ("usr/bin", "b"), ("usr/lib", "c"), ("usr/lib", "gone")] {
        engine.executed.add(
            super::super::place::bytes(&host.at(directory)).as_ref(),
            name.as_bytes(),
            1,
            &mut counters,
        );
    }
    let watching = engine.watching(&database);
    let found: Vec<_> = watching
        .executed
        .iter()
        .map(|file| {
            let entry = file.artefact.map(|place| {
                let all = manifests(&engine, &database);
                let manifest = all.into_iter().find(|manifest| manifest.digest() == place.component).unwrap();
                let entry = manifest.entries()[usize::try_from(place.entry).unwrap()].clone();
                assert_eq!(entry.digest, place.digest);
                entry.path
            });
            (file.path.clone(), entry, file.count)
        })
        .collect();
    let path = |path: &str| path.as_bytes().to_vec();
    let expected = [
        (path("/usr/bin/b"), Some(path("/usr/bin/b")), 2),
        (path("/usr/lib/c"), Some(path("/usr/lib/c")), 1),
        (path("/usr/lib/gone"), None, 1),
    ];
    assert_eq!(found, expected);
    engine.executed.sealed(&watching.executed);
    assert_eq!(engine.watching(&database).executed, []);
    assert!(watching.counters.iter().any(|counter| counter.name == "walks.full" && counter.value == 1));
    // The tree that is watched, and that the others are not looked at.
    let means: Vec<_> = watching.coverage.iter().map(|coverage| coverage.means).collect();
    assert!(means.len() == 2 && means.contains(&Means::LeftOut), "{means:?}");
}

/// A clock that does something once, while a file is being hashed.
struct Once {
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Clock for Once {
    fn now(&self) -> UnixTime {
        SystemClock.now()
    }

    fn ticking(&self) -> Duration {
        // The first time is the engine's own round, before any file.
        if let Ok(mut act) = self.act.try_lock()
            && std::thread::current().name() == Some("hash")
            && let Some(act) = act.take()
        {
            act();
        }
        SystemClock.ticking()
    }

    fn fell_back(&self) -> Duration {
        Duration::ZERO
    }
}

/// What is found of a large file that is changed while it is hashed is what is there after.
fn check_meanwhile(act: impl FnOnce(&Path) + Send + 'static, expected: usize) {
    let host = Host::new();
    host.elf("usr/bin/large", &"x".repeat(20 << 20));
    let path = host.at("usr/bin/large");
    let clock = Arc::new(Once { act: Mutex::new(Some(Box::new(move || act(&path)))) });
    let mut engine = with_clock(&host, clock.clone());
    assert!(clock.act.lock().unwrap().is_none(), "it happened meanwhile");
    let state = host.state(&mut engine);
    assert_eq!(paths(&state).len(), expected);
    for (path, digest) in paths(&state) {
        assert_eq!(digest, digest_of(&host.at(&path)), "{path}");
    }
    assert_eq!(engine.gaps.report(), []);
}

#[test]
fn a_file_that_is_changed_while_it_is_hashed_is_hashed_again() {
    check_meanwhile(|path| File::options().append(true).open(path).unwrap().write_all(b"more").unwrap(), 1);
    check_meanwhile(|path| File::options().write(true).open(path).unwrap().set_len(9).unwrap(), 1);
    check_meanwhile(|path| fs::remove_file(path).unwrap(), 0);
    let replaced = |path: &Path| {
        fs::write(path.with_extension("new"), [ELF, b"new"].concat()).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    check_meanwhile(replaced, 1);
    let fifo = |path: &Path| {
        fs::remove_file(path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
    };
    check_meanwhile(fifo, 0);
}

#[test]
fn a_huge_sparse_file_that_does_not_count_is_one_read() {
    let host = Host::new();
    File::create(host.at("usr/bin/huge")).unwrap().set_len(20 << 30).unwrap();
    let begun = std::time::Instant::now();
    let mut engine = host.engine();
    assert!(host.state(&mut engine).is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(engine.counters.bytes_hashed, 0);
}

#[test]
fn devices_are_no_files() {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    if let Err(error) =
        mknodat(CWD, host.at("usr/bin/zero"), FileType::CharacterDevice, Mode::RWXU, makedev(1, 5))
    {
        eprintln!("not tested: devices can be made by root alone: {error}");
        return;
    }
    assert_eq!(paths(&host.state(&mut host.engine())).len(), 1);
}

/// ext4 with small inodes keeps whole seconds: an edit leaves every stamp as it was, and is found all the same.
#[test]
fn a_file_system_with_whole_seconds_is_never_trusted() {
    let host = Host::new();
    let Some(mounted) = SmallInodes::mount(&host) else { return };
    host.elf("usr/small/a", "1");
    let stamp = crate::measure::stamp::Stamp::of_path(&host.at("usr/small/a")).unwrap();
    assert_eq!(stamp.changed.1, 0, "it keeps whole seconds");
    let config = MeasureConfig { roots: vec![host.path("root"), host.at("usr/small")], ..host.config() };
    let mut engine = engine(&config, usize::MAX);
    let modified = fs::metadata(host.at("usr/small/a")).unwrap().modified().unwrap();
    for n in 0..9 {
        let mut file = File::options().write(true).open(host.at("usr/small/a")).unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        file.write_all(n.to_string().as_bytes()).unwrap();
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        // By a walk alone: no hint helps.
        engine.walk_all();
        let found = paths(&state(&mut engine, &config));
        assert_eq!(found["/usr/small/a"], digest_of(&host.at("usr/small/a")), "edit {n}");
    }
    drop(mounted);
}

struct SmallInodes(PathBuf);

impl SmallInodes {
    fn mount(host: &Host) -> Option<Self> {
        let (image, place) = (host.path("image"), host.at("usr/small"));
        fs::create_dir_all(&place).unwrap();
        File::create(&image).unwrap().set_len(8 << 20).unwrap();
        let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
            let output = std::process::Command::new(program).args(arguments).output();
            let done = output.as_ref().is_ok_and(|output| output.status.success());
            if !done {
                eprintln!("not tested: a loop-mounted ext4 needs root and {program}: {output:?}");
            }
            done.then_some(())
        };
        run("mkfs.ext4", &["-q".as_ref(), "-I".as_ref(), "128".as_ref(), image.as_ref()])?;
        run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), place.as_ref()])?;
        Some(Self(place))
    }
}

impl Drop for SmallInodes {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
