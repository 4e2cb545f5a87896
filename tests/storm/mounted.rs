//! File systems that come while everybody looks elsewhere: on top of the tree, in other namespaces, made of others.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use evidence::digest::Sha256Digest;
use support::{Backend, Measuring, Mounted, elf, mounts};

use crate::stage::{Stage, scenes, skipped, write};

scenes!(
    tmpfs_mounted_on_the_tree,
    tmpfs_of_another_namespace,
    overlay_with_nfs_export,
    overlay_without_nfs_export,
    overlay_of_layers_outside,
);

fn tmpfs_mounted_on_the_tree(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::missing(&[]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::new(backend)?;
    write(&stage.at("mnt/hidden"), &elf("under the mount"))?;
    stage.prove("before the mount")?;
    let at = stage.at("mnt");
    let mounted = Mounted::new(["-t", "tmpfs", "storm"], &at)?;
    for number in 0..20 {
        write(&at.join(format!("{number}/tool")), &elf(&format!("on a tmpfs {number}")))?;
    }
    told(&mut stage, &at)?;
    stage.prove("a tmpfs mounted and filled at once")?;
    for number in 0..20 {
        write(&at.join(format!("{number}/later/tool")), &elf(&format!("later {number}")))?;
    }
    stage.prove("written on a tmpfs that is mounted")?;
    drop(mounted);
    stage.without.clear();
    // What was under the mount is there again.
    stage.prove("a tmpfs unmounted")
}

/// The mount has a word in the coverage.
fn told(stage: &mut Stage, mount: &Path) -> Result<()> {
    let means = stage.means_of(mount)?;
    eprintln!("{}: {}", mount.display(), means.name());
    Ok(())
}

/// A process in a namespace of mounts of its own; it ends when its input does.
struct Elsewhere(Child, Option<BufReader<ChildStdout>>);

impl Elsewhere {
    fn enter(script: &str) -> Result<Self> {
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            &format!("{script}\necho ready\nread end"),
        ]);
        let mut child = Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?, None);
        let mut line = String::new();
        let output = BufReader::new(child.0.stdout.take().context("its output")?);
        child.1.insert(output).read_line(&mut line)?;
        ensure!(line == "ready\n", "the other namespace: {line:?}");
        Ok(child)
    }

    /// Answers a question of the script.
    fn go_on(&mut self) -> Result<()> {
        Ok(self.0.stdin.as_mut().context("its input")?.write_all(b"\n")?)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Nobody here can see what is there; somebody must say so.
fn tmpfs_of_another_namespace(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::missing(&["unshare"]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::of_all_namespaces(backend)?;
    let at = stage.at("private");
    write(&at.join("under"), &elf("under the mount elsewhere"))?;
    let (tool, later) = (elf("on a tmpfs elsewhere"), elf("written there while it was watched"));
    for (name, content) in [("source", &tool), ("later", &later)] {
        write(&stage.outside(name), content)?;
    }
    let (tmpfs, from, then) = (at.display(), stage.outside("source"), stage.outside("later"));
    let mut elsewhere = Elsewhere::enter(&format!(
        "mount -t tmpfs -o size=1m lydian-storm-elsewhere {tmpfs}\ncp {} {tmpfs}/tool\n\
         echo ready\nread on\ncp {} {tmpfs}/later",
        from.display(),
        then.display()
    ))?;
    let seen = |measured: &Measuring, name: &str, content: &[u8]| {
        let (end, digest) = (format!("{}/{name}", at.display()), Sha256Digest::of(&[content]));
        let mut files = measured.elsewhere().iter();
        files.any(|(path, found)| path.ends_with(end.as_bytes()) && found == digest.as_bytes())
    };
    // Of another test's namespace nothing is asked: there may be many.
    stage.measured.wait_for("a tmpfs elsewhere is found", |measured| seen(measured, "tool", &tool))?;
    let named = |entry: &&evidence::body::Coverage| {
        entry.scope.contains("/private") && entry.reason.contains("mount namespace")
    };
    let entry = stage.measured.coverage().iter().find(named).cloned();
    ensure!(entry.is_some(), "no word on it in {:?}", stage.measured.coverage());
    eprintln!("a tmpfs in another namespace, {backend:?}: coverage {entry:?}");
    stage.prove("what it hides elsewhere is seen here")?;
    elsewhere.go_on()?;
    stage.measured.wait_for("a file there", |measured| seen(measured, "later", &later))?;
    drop(elsewhere);
    stage.measured.wait_for("it is gone", |measured| !seen(measured, "tool", &tool))?;
    stage.prove("a namespace that is gone")
}

fn overlay_with_nfs_export(backend: Backend) -> Result<()> {
    overlay(backend, "index=on,nfs_export=on", "root/layers")
}

fn overlay_without_nfs_export(backend: Backend) -> Result<()> {
    overlay(backend, "nfs_export=off", "root/layers")
}

fn overlay_of_layers_outside(backend: Backend) -> Result<()> {
    overlay(backend, "nfs_export=off", "outside/layers")
}

/// A container's root: changed through the overlay, never through its layers.
fn overlay(backend: Backend, options: &str, layers: &str) -> Result<()> {
    if let Some(missing) = mounts::missing(&[]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::new(backend)?;
    let top = stage.root.parent().context("a root has a parent")?;
    let [lower, upper, work] = ["lower", "upper", "work"].map(|layer| top.join(layers).join(layer));
    [&lower, &upper, &work].into_iter().try_for_each(fs::create_dir_all)?;
    for number in 0..10 {
        write(&lower.join(format!("bin/tool-{number}")), &elf(&format!("of the image {number}")))?;
    }
    let at = stage.at("merged");
    let options = format!(
        "lowerdir={},upperdir={},workdir={},{options}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let words = ["-t", "overlay", "storm", "-o", &options];
    let mounted = match Mounted::new(words, &at) {
        Ok(mounted) => mounted,
        Err(error) => {
            skipped(&format!("an overlay with {options}: {error}"));
            return Ok(());
        }
    };
    told(&mut stage, &at)?;
    stage.prove("an overlay mounted")?;
    File::options().append(true).open(at.join("bin/tool-0"))?.write_all(b" and copied up")?;
    fs::remove_file(at.join("bin/tool-1"))?;
    write(&at.join("new/bin/tool"), &elf("made in the container"))?;
    fs::rename(at.join("bin/tool-2"), at.join("new/bin/tool-2"))?;
    let scene = format!(
        "an overlay written to, {}, layers in {layers}",
        options.rsplit(',').next().unwrap_or_default()
    );
    stage.prove(&scene)?;
    drop(mounted);
    stage.without.clear();
    stage.prove("an overlay unmounted")
}
