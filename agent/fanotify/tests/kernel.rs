//! The crate against the kernel that it runs on: file systems of several kinds, each mounted for the test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, and say what is missing"
)]

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fanotify::{
    Buffer, Features, FileHandle, Fsid, Group, InitError, MarkError, Mask, OpenAs, Options, decode,
};

const ALL: Mask = Mask::CLOSE_WRITE
    .union(Mask::CREATE)
    .union(Mask::DELETE)
    .union(Mask::MOVED_FROM)
    .union(Mask::MOVED_TO)
    .union(Mask::ATTRIB)
    .union(Mask::OPEN_EXEC)
    .union(Mask::ONDIR);

struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Mounts, or says what is missing.
fn mount(arguments: &[&str], point: &Path) -> Option<Mounted> {
    let output = Command::new("mount").args(arguments).arg(point).output();
    match output {
        Ok(output) if output.status.success() => Some(Mounted(point.to_owned())),
        Ok(output) => missing(&String::from_utf8_lossy(&output.stderr)),
        Err(error) => missing(&format!("mount: {error}")),
    }
}

fn missing<T>(what: &str) -> Option<T> {
    eprintln!("not shown here: {what}");
    None
}

fn group() -> Option<Group> {
    match Group::new(Options::default()) {
        Ok(group) => Some(group),
        Err(error @ (InitError::NotPermitted | InitError::Absent | InitError::TooOld)) => {
            missing(&error.to_string())
        }
        Err(error) => panic!("{error}"),
    }
}

/// An event as it can be compared: mask, name, whether it has the handles of that directory and that file.
type Seen = (Mask, Option<Vec<u8>>);

fn read(group: &Group, directory: &FileHandle) -> Vec<Seen> {
    let mut buffer = Buffer::default();
    let mut seen = Vec::new();
    loop {
        let before = seen.len();
        for event in group.read(&mut buffer).unwrap() {
            let event = event.unwrap();
            if event.directory.as_ref() == Some(directory) {
                seen.push((event.mask, event.name.map(<[u8]>::to_vec)));
            }
        }
        if seen.len() == before {
            return seen;
        }
    }
}

/// Events of one file system by handle and name; what they stand for can be opened.
fn check(point: &Path) {
    let Some(group) = group() else { return };
    fs::create_dir(point.join("dir")).unwrap();
    let root = File::open(point).unwrap();
    group.mark_filesystem(&root, ALL).unwrap();
    let directory = File::open(point.join("dir")).unwrap();
    let (handle, mount_id) = FileHandle::of(&directory, b"").unwrap();
    assert_eq!(FileHandle::of(&root, b"dir").unwrap(), (handle.clone(), mount_id));

    fs::write(point.join("dir/a"), "x").unwrap();
    fs::rename(point.join("dir/a"), point.join("dir/b")).unwrap();
    fs::create_dir(point.join("dir/sub")).unwrap();
    let seen = read(&group, &handle);
    let has = |mask: Mask, name: &[u8]| {
        seen.iter().any(|(bits, found)| bits.intersects(mask) && found.as_deref() == Some(name))
    };
    assert!(
        has(Mask::CREATE, b"a") && has(Mask::CLOSE_WRITE, b"a") && has(Mask::MOVED_FROM, b"a"),
        "{seen:?}"
    );
    assert!(has(Mask::MOVED_TO, b"b"), "{seen:?}");
    assert!(seen.iter().any(|(mask, name)| mask.intersects(Mask::ONDIR) && name.as_deref() == Some(b"sub")));

    let opened = handle.open(&root, OpenAs::Directory).unwrap();
    assert_eq!(File::from(opened).metadata().unwrap().ino(), directory.metadata().unwrap().ino());
    let (file, _) = FileHandle::of(&directory, b"b").unwrap();
    assert!(file.open(&root, OpenAs::Directory).is_err(), "a file is no directory");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut File::from(file.open(&root, OpenAs::Read).unwrap()), &mut text)
        .unwrap();
    assert_eq!(text, "x");
    fs::remove_file(point.join("dir/b")).unwrap();
    assert!(file.open(&root, OpenAs::Path).is_err(), "one that is gone stands for nothing");

    group.unmark_filesystem(&root, ALL).unwrap();
    read(&group, &handle);
    fs::write(point.join("dir/later"), "x").unwrap();
    assert_eq!(read(&group, &handle), []);
}

#[test]
fn tmpfs() {
    let folder = tempfile::tempdir().unwrap();
    if let Some(_mounted) = mount(&["-t", "tmpfs", "test"], folder.path()) {
        check(folder.path());
    }
}

#[test]
fn ext4_on_a_loop_device() {
    disk("mkfs.ext4", &["-q", "-F"], 16 << 20);
}

#[test]
fn xfs_on_a_loop_device() {
    disk("mkfs.xfs", &["-q"], 320 << 20);
}

#[test]
fn btrfs_on_a_loop_device() {
    disk("mkfs.btrfs", &["-q"], 128 << 20);
}

fn disk(make: &str, arguments: &[&str], size: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (image, point) = (folder.path().join("image"), folder.path().join("point"));
    File::create(&image).unwrap().set_len(size).unwrap();
    fs::create_dir(&point).unwrap();
    match Command::new(make).args(arguments).arg(&image).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{make}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => return missing(&format!("{make}: {error}")).unwrap_or_default(),
    }
    if let Some(_mounted) = mount(&["-o", "loop", image.to_str().unwrap()], &point) {
        check(&point);
    }
}

/// An overlay on a tmpfs.
fn overlay(options: &str, then: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let Some(_base) = mount(&["-t", "tmpfs", "test"], folder.path()) else { return };
    let at = |name: &str| folder.path().join(name);
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(at(name)).unwrap();
    }
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}{options}",
        at("lower").display(),
        at("upper").display(),
        at("work").display()
    );
    if let Some(_mounted) = mount(&["-t", "overlay", "overlay", "-o", &layers], &at("merged")) {
        then(&at("merged"));
    }
}

#[test]
fn an_overlay_without_handles_takes_no_mark() {
    overlay("", |merged| {
        let Some(group) = group() else { return };
        let result = group.mark_filesystem(File::open(merged).unwrap(), ALL);
        assert!(matches!(result, Err(MarkError::NoHandles)), "{result:?}");
    });
}

#[test]
fn an_overlay_with_handles_takes_one() {
    overlay(",index=on,nfs_export=on", check);
}

#[test]
fn a_file_system_of_the_kernel_takes_none() {
    let Some(group) = group() else { return };
    let result = group.mark_filesystem(File::open("/proc").unwrap(), ALL);
    assert!(matches!(result, Err(MarkError::NoHandles | MarkError::NoIdentity)), "{result:?}");
}

#[test]
fn a_childs_handle_and_the_file_systems_number() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_mounted) = mount(&["-t", "tmpfs", "test"], folder.path()) else { return };
    let Some(group) = group() else { return };
    if group.features() != Features::Targets {
        return missing("handles of children in all events (Linux 5.17)").unwrap_or_default();
    }
    let root = File::open(folder.path()).unwrap();
    group.mark_filesystem(&root, ALL).unwrap();
    fs::write(folder.path().join("one"), "x").unwrap();
    fs::hard_link(folder.path().join("one"), folder.path().join("two")).unwrap();
    let (file, _) = FileHandle::of(&root, b"two").unwrap();
    let mut buffer = Buffer::default();
    let events: Vec<_> = group.read(&mut buffer).unwrap().map(Result::unwrap).collect();
    let link = events.iter().find(|event| event.name == Some(b"two")).expect("the link");
    assert!(link.mask.intersects(Mask::CREATE));
    assert_eq!(link.child.as_ref(), Some(&file));
    assert!(events.iter().all(|event| event.fsid == Some(Fsid::of(&root).unwrap())));
    assert!(events.iter().all(|event| event.pid == i32::try_from(std::process::id()).unwrap()));
}

#[test]
fn an_empty_queue_gives_nothing_and_does_not_wait() {
    let Some(group) = group() else { return };
    assert_eq!(group.read(&mut Buffer::default()).unwrap().count(), 0);
    assert_eq!(decode(&[]).count(), 0);
    let _ = group.as_fd();
}

#[test]
fn a_name_with_a_nul_is_no_name() {
    let root = File::open("/").unwrap();
    assert!(matches!(FileHandle::of(&root, b"a\0b"), Err(fanotify::HandleError::Name)));
}
