//! Files that are written in ways that leave few traces, or while they are hashed.

use std::fs::{self, File, FileTimes, Metadata};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use evidence::body::GapCause;
use support::{Backend, Mounted, elf, mounts};

use crate::stage::{Dice, Stage, scenes, skipped, write};

scenes!(
    mapped_written_and_unmapped,
    mapped_and_written_again_without_an_end,
    edited_with_the_times_put_back,
    edited_twice_in_a_second_on_coarse_times,
    changed_whenever_it_is_hashed,
);

/// Another process with a file mapped and no descriptor of it: this one may not map, since that is unsafe.
struct Mapping {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Mapping {
    fn of(path: &Path) -> Result<Self> {
        let mut command = Command::new("python3");
        command.args(["-u", "-c", SCRIPT]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take().context("its input")?;
        let answers = BufReader::new(child.stdout.take().context("its output")?);
        let mut mapping = Self { child, orders, answers };
        mapping.answered()?;
        Ok(mapping)
    }

    fn order(&mut self, order: &str) -> Result<()> {
        writeln!(self.orders, "{order}")?;
        self.answered()
    }

    fn answered(&mut self) -> Result<()> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(line == "done\n", "the mapping process: {line:?}");
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Maps, closes; then overwrites in place what it is told, and unmaps at the end.
const SCRIPT: &str = r#"
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
view = mmap.mmap(fd, 0, mmap.MAP_SHARED)
os.close(fd)
print("done")
for line in sys.stdin:
    word = line.strip()
    if word == "unmap":
        view.close()
    else:
        view[16:16 + len(word)] = word.encode()
    print("done")
"#;

fn mapped_written_and_unmapped(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::absent(&["python3"]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::new(backend)?;
    let path = stage.at("usr/bin/mapped");
    write(&path, &elf("written before it was mapped"))?;
    stage.prove("a file to be mapped")?;
    let mut mapping = Mapping::of(&path)?;
    mapping.order("through-the-mapping")?;
    mapping.order("unmap")?;
    stage.prove("written through a mapping that has ended")
}

/// The page is dirty already, so that the second write changes no time stamp and no event tells of it.
fn mapped_and_written_again_without_an_end(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::absent(&["python3"]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::new(backend)?;
    let path = stage.at("usr/bin/mapped");
    write(&path, &elf("written before it was mapped"))?;
    stage.prove("a file to be mapped")?;
    let mut mapping = Mapping::of(&path)?;
    mapping.order("first-through-it")?;
    stage.measured.rescan();
    let truth = stage.truth()?;
    stage.measured.wait_until(&truth).context("the first write through a mapping changes the time stamps")?;
    // Until the time of that write is long enough ago for its digest to be believed, and it is.
    (0..3).try_for_each(|_| stage.measured.sentinel())?;
    stage.measured.rescan();
    stage.measured.sentinel()?;
    let before = fs::metadata(&path)?;
    mapping.order("again-through-it")?;
    let after = fs::metadata(&path)?;
    let times = |data: &Metadata| (data.ctime(), data.ctime_nsec(), data.mtime(), data.mtime_nsec());
    if times(&before) != times(&after) {
        eprintln!("the page was written back between two writes: the second one changed the times too");
    }
    let truth = stage.truth()?;
    let mut walks = 0;
    while *stage.measured.files() != truth {
        ensure!(walks < 2 * REHASHED_AFTER, "not found by {walks} walks of everything");
        walks += 1;
        stage.measured.rescan();
        stage.measured.settled(&truth)?;
    }
    eprintln!(
        "written again through a mapping that stays open, {backend:?}: found by walk {walks} of everything"
    );
    Ok(())
}

/// A file is hashed again with so many walks of everything, whatever is known of it.
const REHASHED_AFTER: usize = 24;

fn edited_with_the_times_put_back(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let path = stage.at("usr/bin/edited");
    for number in 0..20 {
        write(&path, &elf(&format!("before {number:02}")))?;
        stage.prove("a file to be edited")?;
        let modified = fs::metadata(&path)?.modified()?;
        let file = File::options().write(true).open(&path)?;
        file.write_all_at(b"after!", 16)?;
        file.set_times(FileTimes::new().set_modified(modified))?;
        drop(file);
        stage.prove("edited in place, same size, times put back")?;
    }
    Ok(())
}

/// ext4 with small inodes keeps whole seconds.
fn edited_twice_in_a_second_on_coarse_times(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::missing(&["mkfs.ext4", "losetup"]) {
        skipped(&missing);
        return Ok(());
    }
    let stage = Stage::with(backend, None, |root| {
        let image = root.with_file_name("image");
        File::create(&image)?.set_len(16 << 20)?;
        mounts::called(Command::new("mkfs.ext4").args(["-q", "-I", "128", "-F"]).arg(&image))?;
        Ok(vec![Mounted::new(["-o".as_ref(), "loop".as_ref(), image.as_os_str()], root)?])
    });
    let mut stage = match stage {
        Ok(stage) => stage,
        Err(error) if error.to_string().contains("loop") => {
            skipped(&format!("a loop device: {error}"));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let path = stage.at("usr/bin/edited");
    for number in 0..15 {
        write(&path, &elf(&format!("first {number:02}")))?;
        stage.prove("first edit of a second")?;
        write(&path, &elf(&format!("again {number:02}")))?;
        stage.prove("second edit of a second")?;
    }
    // Nothing tells of these but the walk: the mapping of names is the same, and so are size and second.
    Ok(())
}

/// A writer never rests until the measurer has said that it cannot follow.
fn changed_whenever_it_is_hashed(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let path = stage.at("usr/bin/restless");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| torment(&path, &stop));
        let raced = stage.measured.wait_for("a file that changes under every hash", |measured| {
            measured.open(GapCause::Raced) > 0
                && measured.raced().iter().any(|raced| raced.ends_with(b"restless"))
        });
        stop.store(true, Ordering::Relaxed);
        let changes = writer.join().map_err(|_| anyhow::anyhow!("the writer ended early"))??;
        eprintln!("changed whenever it is hashed, {backend:?}: {changes} changes");
        raced
    })?;
    let truth = stage.truth()?;
    stage.measured.wait_until(&truth)?;
    stage.measured.wait_for("the race is over", |measured| {
        measured.open(GapCause::Raced) == 0
            && measured.closed(GapCause::Raced) > 0
            && measured.raced().is_empty()
    })?;
    stage.prove("a file that was changed, cut, deleted and replaced while it was hashed")
}

fn torment(path: &Path, stop: &AtomicBool) -> Result<u32> {
    let mut dice = Dice::new(4);
    let mut changes = 0;
    while !stop.load(Ordering::Relaxed) {
        let whole = || -> Result<()> {
            let mut file = File::create(path)?;
            file.write_all(&elf("restless"))?;
            Ok(file.set_len(LARGE)?)
        };
        match dice.below(40) {
            0 => {
                fs::remove_file(path)?;
                whole()?;
            }
            1 => {
                let new = path.with_extension("new");
                fs::write(&new, elf("replaced"))?;
                File::options().write(true).open(&new)?.set_len(LARGE)?;
                fs::rename(&new, path)?;
            }
            2 if path.exists() => File::options().write(true).open(path)?.set_len(LARGE / 2)?,
            3 => whole()?,
            _ if path.exists() => {
                let offset = dice.below(usize::try_from(LARGE)?);
                let file = File::options().write(true).open(path)?;
                file.write_all_at(format!("{changes}").as_bytes(), u64::try_from(offset)?.max(64))?;
            }
            _ => whole()?,
        }
        changes += 1;
    }
    Ok(changes)
}

/// Some tens of milliseconds of hashing.
const LARGE: u64 = 64 << 20;
