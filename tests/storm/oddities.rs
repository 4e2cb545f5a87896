//! What lies in trees beside files: things that hang whoever opens them, names that break terminals, files of any size.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use anyhow::Result;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use support::{Backend, Mounted, elf, mounts};

use crate::stage::{Stage, long_scenes, scenes, skipped, write};

scenes!(nothing_hangs, names_of_any_bytes, links_in_circles, large_and_sparse);
long_scenes!(very_large_and_sparse);

fn nothing_hangs(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    mknodat(CWD, stage.at("fifo"), FileType::Fifo, Mode::from_raw_mode(0o777), 0)?;
    let _socket = UnixListener::bind(stage.at("socket"))?;
    symlink("/dev/zero", stage.at("zero"))?;
    if let Some(missing) = mounts::missing(&[]) {
        skipped(&format!("{missing}, for a device node and a mount of /proc"));
    } else {
        mknodat(
            CWD,
            stage.at("device"),
            FileType::CharacterDevice,
            Mode::from_raw_mode(0o777),
            rustix::fs::makedev(1, 5),
        )?;
        let at = stage.at("proc");
        stage.mounts.push(Mounted::new(["-t", "proc", "storm"], &at)?);
        stage.without.push(at);
    }
    write(&stage.at("usr/bin/beside"), &elf("beside them"))?;
    stage.prove("a FIFO, a device, a socket and /proc in the tree")?;
    // A regular file becomes a FIFO under its name.
    let changing = stage.at("usr/bin/changing");
    for number in 0..20 {
        write(&changing, &elf(&format!("a file {number}")))?;
        fs::remove_file(&changing)?;
        mknodat(CWD, &changing, FileType::Fifo, Mode::from_raw_mode(0o777), 0)?;
        fs::remove_file(&changing)?;
    }
    stage.measured.rescan();
    stage.prove("a name that is a file and a FIFO in turn")
}

fn names_of_any_bytes(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let long = vec![b'x'; 255];
    let names: [&[u8]; 7] =
        [b"new\nline", b"\x1b[31mred\x1b]0;title\x07", b"\xff\xfe\x80", b"\xc3", b"  ", b"-rf *", &long];
    for outer in names {
        for inner in names {
            let dir = stage.root.join(OsStr::from_bytes(outer));
            write(&dir.join(OsStr::from_bytes(inner)), &elf(&inner.escape_ascii().to_string()))?;
        }
    }
    stage.prove("names of any bytes")?;
    for name in names {
        fs::rename(
            stage.root.join(OsStr::from_bytes(name)),
            stage.root.join(OsStr::from_bytes(&[b"m\n", name.get(..250).unwrap_or(name)].concat())),
        )?;
    }
    stage.prove("names of any bytes, renamed")
}

fn links_in_circles(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    fs::create_dir_all(stage.at("a/b"))?;
    symlink("..", stage.at("a/b/up"))?;
    symlink("self", stage.at("self"))?;
    symlink(&stage.root, stage.at("a/root"))?;
    symlink("/usr", stage.at("a/usr"))?;
    symlink("../usr/bin/first", stage.at("a/first"))?;
    write(&stage.at("a/b/tool"), &elf("in a circle"))?;
    stage.prove("symbolic links in circles and out of the tree")
}

fn large_and_sparse(backend: Backend) -> Result<()> {
    sparse(backend, 1 << 30)
}

fn very_large_and_sparse(backend: Backend) -> Result<()> {
    sparse(backend, 20 << 30)
}

fn sparse(backend: Backend, size: u64) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let mut file = File::create(stage.at("sparse"))?;
    file.write_all(&elf("and then nothing"))?;
    file.set_len(size)?;
    drop(file);
    write(&stage.at("usr/bin/behind"), &elf("behind a large file"))?;
    stage.prove(&format!("a sparse file of {} GiB", size >> 30))
}
