use std::path::Path;

use evidence::body::Means;
use rustix::event::{PollFd, PollFlags, Timespec};

use super::*;
use crate::measure::watch::tests::{Mounted, may_mount};

fn table(lines: &[&str]) -> Vec<u8> {
    lines.join("\n").into_bytes()
}

fn mounts(roots: &[&str], excluded: &[&str]) -> Mounts {
    let roots = roots.iter().map(|root| Arc::from(root.as_bytes())).collect();
    Mounts::new(roots, excluded.iter().map(|path| path.as_bytes().into()).collect())
}

fn shown(mounts: &Mounts) -> (Vec<String>, Vec<(String, Means)>) {
    let roots = mounts.roots().iter().map(|root| String::from_utf8_lossy(&root.path).into_owned()).collect();
    let rest = mounts.not_walked().iter().map(|one| (one.scope.clone(), one.means)).collect();
    (roots, rest)
}

/// What is walked of a table, and what is not.
fn check(roots: &[&str], excluded: &[&str], lines: &[&str], walked: &[&str], not: &[(&str, Means)]) {
    let mut mounts = mounts(roots, excluded);
    mounts.take(&table(lines)).unwrap();
    let not: Vec<_> = not.iter().map(|(scope, means)| ((*scope).to_owned(), *means)).collect();
    let walked: Vec<_> = walked.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(shown(&mounts), (walked, not));
}

const ROOT: &str = "1 0 8:1 / / rw - ext4 /dev/sda1 rw";

#[test]
fn local_file_systems_below_a_root_are_roots_and_others_are_named() {
    check(
        &["/"],
        &["/var/lib/left"],
        &[
            ROOT,
            "2 1 0:5 / /proc rw - proc proc rw",
            "3 1 0:6 / /tmp rw - tmpfs tmpfs rw",
            "4 1 8:2 / /boot rw - ext2 /dev/sda2 rw",
            "5 4 8:3 / /boot/efi rw - vfat /dev/sda3 rw",
            "6 1 0:9 / /home rw - nfs4 server:/home rw",
            "7 1 0:10 / /mnt/ssh rw - fuse.sshfs x rw",
            "8 1 0:11 / /what rw - newfs x rw",
            "9 1 9:11 / /disk rw - newdisk /dev/x rw",
            "10 1 0:12 / /var/lib/left/over rw - tmpfs x rw",
        ],
        &["/", "/boot", "/boot/efi", "/disk", "/tmp"],
        &[("/home", Means::Nothing), ("/mnt/ssh", Means::Nothing), ("/what", Means::Nothing)],
    );
}

#[test]
fn what_is_not_below_a_root_is_not_named() {
    let lines = [
        ROOT,
        "2 1 8:2 / /usr rw - ext4 a rw",
        "3 1 0:3 / /opt rw - tmpfs a rw",
        "4 2 0:4 / /usr/x rw - nfs a rw",
    ];
    check(&["/usr", "/bin", "/usr/lib"], &[], &lines, &["/bin", "/usr"], &[("/usr/x", Means::Nothing)]);
}

#[test]
fn a_bind_mount_of_what_is_walked_is_elsewhere() {
    let bind = "2 1 8:1 /srv/data /mnt rw - ext4 /dev/sda1 rw";
    check(&["/"], &[], &[ROOT, bind], &["/"], &[("/mnt", Means::Elsewhere)]);
    check(&["/srv", "/mnt"], &[], &[ROOT, bind], &["/mnt", "/srv"], &[]);
    check(
        &["/usr", "/opt"],
        &[],
        &[ROOT, "2 1 8:1 /srv /opt/x rw - ext4 a rw"],
        &["/opt", "/opt/x", "/usr"],
        &[],
    );
}

#[test]
fn a_bind_mount_that_shows_what_is_hidden_or_excluded_is_walked() {
    let bind = "2 1 8:1 /srv /mnt rw - ext4 /dev/sda1 rw";
    let over = "3 1 0:7 / /srv/x rw - tmpfs x rw";
    check(&["/"], &[], &[ROOT, bind, over], &["/", "/mnt", "/srv/x"], &[]);
    check(&["/"], &["/srv"], &[ROOT, bind], &["/", "/mnt"], &[]);
}

#[test]
fn a_file_system_that_is_mounted_twice_is_walked_once_at_its_widest() {
    let lines = [ROOT, "2 1 8:9 /sub /a rw - ext4 x rw", "3 1 8:9 / /b rw - ext4 x rw"];
    check(&["/"], &[], &lines, &["/", "/b"], &[("/a", Means::Elsewhere)]);
}

#[test]
fn mounts_that_are_hidden_are_not_walked() {
    let lines = [
        ROOT,
        "2 1 8:2 / /data rw - ext4 x rw",
        "3 2 8:3 / /data/deep rw - ext4 x rw",
        "4 2 8:4 / /data rw - xfs x rw",
    ];
    check(&["/"], &[], &lines, &["/", "/data"], &[]);
    let mut mounts = mounts(&["/"], &[]);
    mounts.take(&table(&lines)).unwrap();
    assert_eq!(mounts.roots()[1].mount, Some(4));
}

#[test]
fn an_overlay_is_walked_unless_all_its_layers_are() {
    // Layers are looked for without their symbolic links: these two are on every host.
    let over =
        "2 1 0:40 / /merged rw - overlay overlay rw,lowerdir=/usr/bin:/usr/lib,upperdir=/etc,workdir=/w";
    check(&["/"], &[], &[ROOT, over], &["/"], &[("/merged", Means::Elsewhere)]);
    check(&["/"], &["/usr/lib"], &[ROOT, over], &["/", "/merged"], &[]);
    check(&["/"], &[], &[ROOT, over, "3 1 0:41 / /etc/x rw - tmpfs x rw"], &["/", "/etc/x", "/merged"], &[]);
    check(&["/", "/merged"], &[], &[ROOT, over], &["/", "/merged"], &[]);
    check(&["/merged"], &[], &[ROOT, over], &["/merged"], &[]);
    check(
        &["/"],
        &[],
        &[ROOT, "2 1 0:40 / /m rw - overlay o rw,lowerdir=l/A:l/B,upperdir=/etc"],
        &["/", "/m"],
        &[],
    );
    check(&["/"], &[], &[ROOT, "2 1 0:40 / /m rw - overlay o rw"], &["/", "/m"], &[]);
}

#[test]
fn changes_are_told_once() {
    let mut mounts = mounts(&["/"], &[]);
    let first = mounts.take(&table(&[ROOT])).unwrap();
    assert_eq!((first.added.len(), first.gone.len()), (1, 0));
    let tmpfs = "2 1 0:6 / /tmp rw - tmpfs tmpfs rw";
    let second = mounts.take(&table(&[ROOT, tmpfs])).unwrap();
    assert_eq!(second.added.iter().map(|root| &*root.path).collect::<Vec<_>>(), [b"/tmp"]);
    assert_eq!(mounts.take(&table(&[ROOT, tmpfs])).unwrap(), Changes::default());
    // Another file system at the same path is another root.
    let third = mounts.take(&table(&[ROOT, "3 1 0:7 / /tmp rw - tmpfs tmpfs rw"])).unwrap();
    assert_eq!((third.added.len(), third.gone.len()), (1, 1));
    assert!(mounts.take(b"nonsense").is_err());
    assert_eq!(mounts.roots().len(), 2, "what was known stands");
}

#[test]
fn a_mount_that_appears_wakes_and_is_found_and_one_that_goes_too() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let point = folder.path().join("a b\n");
    std::fs::create_dir(&point).unwrap();
    let mut mounts = mounts(&[folder.path().to_str().unwrap()], &[]);
    mounts.refresh().unwrap();
    poll(&mounts, 0);
    let mounted = Mounted::tmpfs(&point);
    assert!(poll(&mounts, 10), "a mount is a signal");
    let path_of = |root: &Root| root.path.to_vec();
    let found = mounts.refresh().unwrap();
    let bytes = crate::measure::place::bytes(&point).to_vec();
    assert_eq!(found.added.iter().map(path_of).collect::<Vec<_>>(), std::slice::from_ref(&bytes));
    drop(mounted);
    assert!(poll(&mounts, 10), "an unmount is a signal");
    assert_eq!(mounts.refresh().unwrap().gone.iter().map(path_of).collect::<Vec<_>>(), [bytes]);
}

fn poll(mounts: &Mounts, seconds: i64) -> bool {
    let fd = mounts.fd().unwrap();
    let mut fds = [PollFd::new(&fd, PollFlags::PRI)];
    let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&timeout)).unwrap() > 0
}

#[test]
fn a_tmpfs_of_another_namespace_is_found_and_can_be_watched() {
    if !may_mount() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut mounts = mounts(&["/"], &[]);
    mounts.refresh().unwrap();
    let script = "mount -t tmpfs hidden \"$1\" && echo ready && read -r _ && echo x > \"$1/evil\" && echo done && read -r _";
    let mut child = std::process::Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-c", script, "sh"])
        .arg(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let found = mounts.elsewhere();
    let point = crate::measure::place::bytes(folder.path());
    let foreign = found.iter().find(|foreign| foreign.point == point).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(*foreign.kind, *b"tmpfs");
    let fd = crate::measure::list::open(&foreign.path).unwrap();
    let device = rustix::fs::fstat(&fd).unwrap().st_dev;
    assert_eq!(
        (rustix::fs::major(device), rustix::fs::minor(device)),
        (foreign.device.major, foreign.device.minor)
    );

    let mut watch = crate::measure::watch::Watch::new(100);
    assert_eq!(watch.add_root(&foreign.path, &fd).means, Means::FileSystemEvents);
    drop(fd);
    std::io::Write::write_all(&mut stdin, b"\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "done");
    let mut hints = Vec::new();
    watch.drain(|hint| hints.push(hint));
    let expected =
        crate::measure::watch::Hint::Touched(Arc::clone(&foreign.path), Some(b"evil".as_slice().into()));
    assert!(hints.contains(&expected), "{hints:?}");
    drop(stdin);
    child.wait().unwrap();
    assert!(Path::new(folder.path()).read_dir().unwrap().next().is_none(), "it was never ours");
}
