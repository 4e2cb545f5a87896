//! Each way in which a tree changes, followed by hints and compared with a walk from nothing.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::sync::atomic::Ordering;

use rustix::fs::{CWD, Mode, XattrFlags, mkfifoat};

use super::*;

/// Makes a tree, walks it, changes it, follows the hints; the state must be that of a walk from nothing, and
/// hold exactly these paths.
fn check(before: impl FnOnce(&Host), change: impl FnOnce(&Host), expected: &[&str]) {
    let host = Host::new();
    before(&host);
    let mut engine = host.engine();
    assert_eq!(host.state(&mut engine), host.walked_anew(), "the first walk");
    change(&host);
    follow(&mut engine);
    let state = host.state(&mut engine);
    assert_eq!(state, host.walked_anew());
    let found = paths(&state);
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    for (path, digest) in found {
        assert_eq!(digest, digest_of(&host.at(&path)), "{path}");
    }
}

#[test]
fn files_come_change_and_go() {
    let one = |host: &Host| host.elf("usr/bin/a", "1");
    check(one, |host| host.elf("usr/bin/b", "2"), &["/usr/bin/a", "/usr/bin/b"]);
    check(one, |host| host.elf("usr/bin/a", "other"), &["/usr/bin/a"]);
    check(one, |host| fs::remove_file(host.at("usr/bin/a")).unwrap(), &[]);
    check(one, |host| host.write("usr/bin/a", b"no code"), &[]);
    check(one, |host| fs::rename(host.at("usr/bin/a"), host.at("usr/a")).unwrap(), &["/usr/a"]);
    check(one, |host| fs::rename(host.at("usr/bin/a"), host.path("away")).unwrap(), &[]);
}

#[test]
fn a_replacement_by_rename_is_the_new_content() {
    let two = |host: &Host| {
        host.elf("usr/bin/a", "1");
        host.elf("usr/bin/a.dpkg-new", "2");
    };
    let swap = |host: &Host| fs::rename(host.at("usr/bin/a.dpkg-new"), host.at("usr/bin/a")).unwrap();
    check(two, swap, &["/usr/bin/a"]);
}

#[test]
fn an_edit_in_place_with_the_old_size_and_mtime_is_found() {
    let edit = |host: &Host| {
        let path = host.at("usr/bin/a");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let mut file = File::options().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(4)).unwrap();
        file.write_all(b"2").unwrap();
        file.set_times(FileTimes::new().set_modified(modified)).unwrap();
    };
    check(|host| host.elf("usr/bin/a", "1"), edit, &["/usr/bin/a"]);
}

#[test]
fn hard_links_are_files_of_their_own_names() {
    let link = |host: &Host| fs::hard_link(host.at("usr/bin/a"), host.at("usr/bin/b")).unwrap();
    check(|host| host.elf("usr/bin/a", "1"), link, &["/usr/bin/a", "/usr/bin/b"]);
    // A module's name is part of what it is; the cache knows the inode only.
    let module = |host: &Host| {
        fs::create_dir_all(host.at("usr/lib")).unwrap();
        fs::hard_link(host.at("usr/bin/a"), host.at("usr/lib/a.ko.xz")).unwrap();
    };
    check(|host| host.write("usr/bin/a", b"\xfd7zXZ\0data"), module, &["/usr/lib/a.ko.xz"]);
}

#[test]
fn links_fifos_and_sockets_are_no_files() {
    let others = |host: &Host| {
        symlink("a", host.at("usr/bin/link")).unwrap();
        symlink("/", host.at("usr/bin/root")).unwrap();
        symlink("loop", host.at("usr/bin/loop")).unwrap();
        mkfifoat(CWD, host.at("usr/bin/fifo"), Mode::RWXU).unwrap();
        std::os::unix::net::UnixListener::bind(host.at("usr/bin/socket")).unwrap();
    };
    check(|host| host.elf("usr/bin/a", "1"), others, &["/usr/bin/a"]);
    let becomes = |host: &Host| {
        fs::remove_file(host.at("usr/bin/a")).unwrap();
        mkfifoat(CWD, host.at("usr/bin/a"), Mode::RWXU).unwrap();
    };
    check(|host| host.elf("usr/bin/a", "1"), becomes, &[]);
}

#[test]
fn permissions_decide_what_counts() {
    let script = |host: &Host| {
        host.write("usr/bin/s", b"#!/bin/sh\n");
        host.mode("usr/bin/s", 0o644);
        host.write("usr/bin/t", b"text");
    };
    check(script, |host| host.mode("usr/bin/s", 0o755), &["/usr/bin/s"]);
    check(script, |host| host.mode("usr/bin/t", 0o4755), &["/usr/bin/t"]);
    check(script, |host| host.mode("usr/bin/t", 0o2755), &["/usr/bin/t"]);
}

#[test]
fn file_capabilities_count() {
    let host = Host::new();
    host.write("usr/bin/t", b"text");
    host.mode("usr/bin/t", 0o755);
    let mut engine = host.engine();
    assert!(host.state(&mut engine).is_empty());
    // VFS_CAP_REVISION_2 with cap_net_raw permitted and effective
    let mut value = [0_u8; 20];
    value[..8].copy_from_slice(&[1, 0, 0, 2, 0, 0x20, 0, 0]);
    let set = rustix::fs::setxattr(host.at("usr/bin/t"), c"security.capability", &value, XattrFlags::empty());
    if let Err(errno) = set {
        println!("skipped: file capabilities cannot be set here ({errno}): it takes CAP_SETFCAP");
        return;
    }
    follow(&mut engine);
    let state = host.state(&mut engine);
    assert_eq!(state.values().flatten().next().unwrap().1.1, ["capabilities"]);
    assert_eq!(state, host.walked_anew());
}

#[test]
fn everything_in_boot_counts() {
    let boot = |host: &Host| host.write("boot/grub/grub.cfg", b"set default=0");
    check(|_| {}, boot, &["/boot/grub/grub.cfg"]);
}

#[test]
fn directories_made_and_filled_at_once_are_found() {
    let deep = |host: &Host| host.elf("usr/1/2/3/4/5/6/7/8/9/10/evil", "x");
    check(|_| {}, deep, &["/usr/1/2/3/4/5/6/7/8/9/10/evil"]);
}

#[test]
fn directories_move_with_all_that_is_in_them() {
    let tree = |host: &Host| {
        host.elf("usr/a/sub/x", "1");
        host.elf("usr/b/sub/x", "2");
        fs::create_dir_all(host.at("usr/empty")).unwrap();
    };
    let from_to = |from: &'static str, to: &'static str| {
        move |host: &Host| fs::rename(host.at(from), host.at(to)).unwrap()
    };
    check(tree, from_to("usr/a", "usr/c"), &["/usr/b/sub/x", "/usr/c/sub/x"]);
    check(tree, from_to("usr/a", "usr/empty"), &["/usr/b/sub/x", "/usr/empty/sub/x"]);
    check(tree, |host| fs::rename(host.at("usr/a"), host.path("away")).unwrap(), &["/usr/b/sub/x"]);
    let exchange = |host: &Host| {
        let (a, b) = (host.at("usr/a"), host.at("usr/b"));
        rustix::fs::renameat_with(CWD, a, CWD, b, rustix::fs::RenameFlags::EXCHANGE).unwrap();
    };
    check(tree, exchange, &["/usr/a/sub/x", "/usr/b/sub/x"]);
    let changed_after = |host: &Host| {
        fs::rename(host.at("usr/a"), host.at("usr/c")).unwrap();
        host.elf("usr/c/sub/x", "changed");
        host.elf("usr/c/sub/y", "new");
    };
    check(tree, changed_after, &["/usr/b/sub/x", "/usr/c/sub/x", "/usr/c/sub/y"]);
    let removed = |host: &Host| fs::remove_dir_all(host.at("usr/a")).unwrap();
    check(tree, removed, &["/usr/b/sub/x"]);
}

#[test]
fn a_moved_directory_is_still_watched() {
    let host = Host::new();
    host.elf("usr/a/sub/x", "1");
    let mut engine = host.engine();
    for (from, to) in [("usr/a", "usr/b"), ("usr/b", "usr/a")] {
        fs::rename(host.at(from), host.at(to)).unwrap();
        follow(&mut engine);
        host.elf(&format!("{to}/sub/x"), to);
        follow(&mut engine);
        assert_eq!(host.state(&mut engine), host.walked_anew());
    }
    assert_eq!(engine.watch.len(), engine.tree.iter().count(), "one watch for each directory");
}

#[test]
fn large_sparse_and_oddly_named_files_are_whole() {
    let odd = |host: &Host| {
        let bin = host.at("usr/bin");
        fs::write(bin.join("x".repeat(255)), ELF).unwrap();
        fs::write(bin.join("new\nline\x1b[31m"), ELF).unwrap();
        let mut sparse = File::create(bin.join("sparse")).unwrap();
        sparse.write_all(ELF).unwrap();
        sparse.set_len(9 << 20).unwrap();
    };
    let long = format!("/usr/bin/{}", "x".repeat(255));
    check(|_| {}, odd, &["/usr/bin/new\nline\x1b[31m", "/usr/bin/sparse", &long]);
}

#[test]
fn names_that_are_not_utf8_keep_their_bytes() {
    let host = Host::new();
    let mut engine = host.engine();
    let name = OsStr::from_bytes(b"\xff\x01\xc3");
    fs::create_dir(host.at("usr").join(name)).unwrap();
    fs::write(host.at("usr").join(name).join(name), ELF).unwrap();
    follow(&mut engine);
    let mut found = Vec::new();
    for manifest in manifests(&engine, &Packages::new(&host.path("dpkg"))) {
        found.extend(manifest.entries().iter().map(|entry| entry.path.clone()));
    }
    assert_eq!(found, [b"/usr/\xff\x01\xc3/\xff\x01\xc3"]);
}

#[test]
fn excluded_trees_are_neither_walked_nor_watched() {
    let host = Host::new();
    host.elf("excluded/deep/x", "1");
    let mut engine = host.engine();
    assert!(host.state(&mut engine).is_empty());
    host.elf("excluded/deep/y", "2");
    assert!(!engine.take_hints());
}

#[test]
fn paths_beyond_the_limit_are_a_gap() {
    let host = Host::new();
    let name = "d".repeat(250);
    let mut dir = rustix::fs::open(host.at("usr"), rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    for _ in 0..17 {
        rustix::fs::mkdirat(&dir, &name, Mode::RWXU).unwrap();
        dir = rustix::fs::openat(&dir, &name, rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    }
    let mut engine = host.engine();
    let gaps = engine.gaps.report();
    assert!(matches!(open_gaps(&gaps).as_slice(), [(GapCause::Unreadable, _)]), "{gaps:?}");
    assert!(gaps.iter().all(|gap| gap.scope.len() <= evidence::limits::LONG_TEXT_BYTES));
}

#[test]
fn a_root_that_goes_is_missing_until_it_is_back() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let mut engine = host.engine();
    fs::rename(host.path("root"), host.path("elsewhere")).unwrap();
    follow(&mut engine);
    assert_eq!(open_gaps(&engine.gaps.report()), [(GapCause::Missing, "/")]);
    assert!(host.state(&mut engine).is_empty());
    fs::rename(host.path("elsewhere"), host.path("root")).unwrap();
    engine.touch_unwatched();
    follow(&mut engine);
    assert!(matches!(engine.gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
    assert_eq!(paths(&host.state(&mut engine)).len(), 1);
}

#[test]
fn directories_beyond_the_watch_limit_are_a_gap_and_walked() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let mut engine = engine(&host.config(), 2);
    assert!(
        matches!(open_gaps(&engine.gaps.report()).as_slice(), [(GapCause::Missing, scope)] if scope.contains("max_user_watches"))
    );
    host.elf("usr/bin/b", "2");
    assert!(!engine.take_hints(), "not watched");
    engine.touch_unwatched();
    follow(&mut engine);
    assert_eq!(host.state(&mut engine), host.walked_anew());
    fs::remove_dir_all(host.at("usr/bin")).unwrap();
    engine.touch_unwatched();
    follow(&mut engine);
    assert!(matches!(engine.gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
}

#[test]
fn lost_events_are_a_gap_that_a_walk_of_everything_closes() {
    let queue = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let queue: usize = queue.trim().parse().unwrap();
    let host = Host::new();
    let mut engine = host.engine();
    // Two names, so that no event equals the one before it.
    for n in 0..=queue / 2 {
        host.mode(if n % 2 == 0 { "usr" } else { "usr/bin" }, 0o755);
    }
    host.elf("usr/bin/late", "1");
    follow(&mut engine);
    let gaps = engine.gaps.report();
    assert!(
        matches!(gaps.as_slice(), [Gap { cause: GapCause::Overflow, until: GapEnd::Closed(_), .. }]),
        "{gaps:?}"
    );
    assert_eq!(host.state(&mut engine), host.walked_anew());
}

#[test]
fn a_walk_after_a_restart_hashes_nothing_that_is_known() {
    let host = Host::new();
    for n in 0..300 {
        host.elf(&format!("usr/bin/{n}"), &n.to_string());
        host.write(&format!("usr/share/{n}"), b"text");
    }
    age(&host);
    let mut first = host.engine();
    let mut cache = crate::measure::cache::Cache::new(&host.path("cache"));
    let stamp = crate::measure::stamp::Stamp::of_path(&host.at("usr/bin/7")).unwrap();
    assert!(cache.find(&stamp).is_some());
    assert_eq!(cache.len(), 600, "what is no executable is known too");
    drop(cache);
    let opened = count_reads(&host, || {
        let mut second = host.engine();
        assert_eq!(host.state(&mut second), host.state(&mut first));
    });
    assert_eq!(opened, 0);
}

/// Waits until nothing that is on the disk now is racy.
pub(super) fn age(host: &Host) {
    let probe = host.path("probe");
    fs::write(&probe, b"").unwrap();
    let stamp = crate::measure::stamp::Stamp::of(File::open(&probe).unwrap()).unwrap();
    while stamp.racy(crate::clock::Clock::now(&SystemClock), crate::measure::stamp::Steps::Fine) {
        std::thread::yield_now();
    }
}

/// How many opens an inotify watch of /usr/bin and /usr/share of the host sees while this runs.
pub(super) fn count_reads(host: &Host, run: impl FnOnce()) -> usize {
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    let queue = inotify::init(CreateFlags::NONBLOCK).unwrap();
    for tree in ["usr/bin", "usr/share"] {
        inotify::add_watch(&queue, host.at(tree), WatchFlags::OPEN).unwrap();
    }
    run();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(&queue, &mut buffer);
    let mut count = 0;
    while let Ok(event) = reader.next() {
        count += usize::from(!event.events().contains(ReadFlags::ISDIR));
    }
    count
}

#[test]
fn each_later_walk_of_everything_hashes_another_part_anew() {
    let host = Host::new();
    for n in 0..100 {
        host.elf(&format!("usr/bin/{n}"), &n.to_string());
    }
    fs::create_dir_all(host.at("usr/share")).unwrap();
    age(&host);
    let mut engine = host.engine();
    let mut walk = || {
        engine.walk_all();
        while engine.is_rehashing() {
            assert_eq!(engine.rehash_some(), crate::measure::rehash::Found::Nothing);
        }
    };
    let parts: Vec<usize> =
        (0..crate::measure::limits::REHASH_PARTS).map(|_| count_reads(&host, &mut walk)).collect();
    assert_eq!(parts.iter().sum::<usize>(), 100, "{parts:?}");
    assert!(parts.iter().all(|part| *part < 100));
}

#[test]
fn a_file_that_changes_under_every_hash_is_raced_and_tried_again() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let clock = Arc::new(Meddler { path: host.at("usr/bin/a"), on: AtomicBool::new(true) });
    let stop = Arc::new(AtomicBool::new(false));
    let mut engine = Engine::new(&host.config(), clock.clone(), stop, usize::MAX).unwrap();
    engine.walk_all();
    let flags =
        |state: State| state.values().flatten().map(|(_, (_, flags))| flags.clone()).collect::<Vec<_>>();
    assert_eq!(flags(host.state(&mut engine)), [["elf", "raced"]]);
    assert_eq!(open_gaps(&engine.gaps.report()), [(GapCause::Raced, "/usr/bin/a")]);
    clock.on.store(false, Ordering::Relaxed);
    assert!(engine.is_raced());
    engine.touch_raced();
    follow(&mut engine);
    assert_eq!(flags(host.state(&mut engine)), [["elf"]]);
    assert_eq!(host.state(&mut engine), host.walked_anew());
    assert!(matches!(engine.gaps.report().as_slice(), [Gap { until: GapEnd::Closed(_), .. }]));
}

/// A clock that appends to a file when it is read: between the first stamp and the end of the hash, as it happens.
struct Meddler {
    path: PathBuf,
    on: AtomicBool,
}

impl crate::clock::Clock for Meddler {
    fn now(&self) -> evidence::time::UnixTime {
        SystemClock.now()
    }

    fn ticking(&self) -> Duration {
        if self.on.load(Ordering::Relaxed) {
            File::options().append(true).open(&self.path).unwrap().write_all(b"more").unwrap();
        }
        SystemClock.ticking()
    }

    fn fell_back(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_change_under_one_name_reaches_the_others() {
    let linked = |host: &Host| {
        host.elf("usr/bin/a", "1");
        fs::create_dir_all(host.at("usr/lib")).unwrap();
        fs::hard_link(host.at("usr/bin/a"), host.at("usr/lib/a")).unwrap();
        fs::hard_link(host.at("usr/bin/a"), host.at("usr/lib/b")).unwrap();
    };
    let all = ["/usr/bin/a", "/usr/lib/a", "/usr/lib/b"];
    check(linked, |host| host.mode("usr/bin/a", 0o4755), &all);
    check(linked, |host| host.elf("usr/lib/b", "changed"), &all);
    let first_name = |host: &Host| {
        host.write("usr/bin/a", b"#!/bin/sh");
        fs::create_dir_all(host.at("usr/lib")).unwrap();
    };
    let second_name = |host: &Host| {
        fs::hard_link(host.at("usr/bin/a"), host.at("usr/lib/b")).unwrap();
        host.mode("usr/lib/b", 0o755);
    };
    check(first_name, second_name, &["/usr/bin/a", "/usr/lib/b"]);
    let gone = |host: &Host| fs::remove_file(host.at("usr/bin/a")).unwrap();
    check(linked, gone, &["/usr/lib/a", "/usr/lib/b"]);
}

#[test]
fn a_directory_made_anew_with_the_same_inode_is_watched() {
    let host = Host::new();
    fs::create_dir_all(host.at("usr/d/e")).unwrap();
    let mut engine = host.engine();
    for _ in 0..5 {
        fs::remove_dir_all(host.at("usr/d")).unwrap();
        fs::create_dir_all(host.at("usr/d/e")).unwrap();
        follow(&mut engine);
        host.elf("usr/d/e/x", "1");
        follow(&mut engine);
        assert_eq!(host.state(&mut engine), host.walked_anew());
        assert_eq!(engine.watch.len(), engine.tree.iter().count());
    }
}

/// Root reads everything, so the test runs itself again as somebody else.
#[test]
fn what_cannot_be_read_is_a_gap_until_it_can() {
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        return unreadable_is_a_gap();
    }
    let name = "measure::tests::changes::what_cannot_be_read_is_a_gap_until_it_can";
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again
        .args(["--exact", name, "--nocapture"])
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(65_534)
        .gid(65_534);
    match again.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
        }
        Err(error) => println!("skipped: this test's program cannot be run as nobody: {error}"),
    }
}

fn unreadable_is_a_gap() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    host.elf("usr/bin/b", "2");
    host.elf("usr/lib/c", "3");
    host.mode("usr/bin/a", 0o000);
    host.mode("usr/lib", 0o000);
    let mut engine = host.engine();
    let both = [(GapCause::Unreadable, "/usr/bin/a"), (GapCause::Unreadable, "/usr/lib")];
    assert_eq!(open_gaps(&engine.gaps.report()), both);
    assert_eq!(paths(&host.state(&mut engine)).into_keys().collect::<Vec<_>>(), ["/usr/bin/b"]);
    host.mode("usr/bin/a", 0o755);
    host.mode("usr/lib", 0o755);
    follow(&mut engine);
    let gaps = engine.gaps.report();
    assert_eq!((gaps.len(), open_gaps(&gaps)), (2, vec![]));
    assert_eq!(paths(&host.state(&mut engine)).len(), 3);
    host.mode("usr/lib", 0o000);
    follow(&mut engine);
    assert_eq!(open_gaps(&engine.gaps.report()), [(GapCause::Unreadable, "/usr/lib")]);
    assert_eq!(host.state(&mut engine), host.walked_anew());
    host.mode("usr/lib", 0o755);
    follow(&mut engine);
    assert_eq!(open_gaps(&engine.gaps.report()), []);
    assert_eq!(host.state(&mut engine), host.walked_anew());
}
