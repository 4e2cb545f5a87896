//! File systems that come while everybody looks elsewhere: on top of the tree, in other namespaces, made of others.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use evidence::body::Means;
use support::measured::HAS_WHOLE;
use support::{Backend, Mounted, elf, mounts};

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

/// The mount has a word in the coverage. A measurer that stays on the file system of its root has none.
fn told(stage: &mut Stage, mount: &Path) -> Result<()> {
    if HAS_WHOLE {
        let means = stage.means_of(mount)?;
        eprintln!("{}: {}", mount.display(), means.name());
    } else {
        stage.without.push(mount.to_owned());
    }
    Ok(())
}

/// A process in a namespace of mounts of its own; it ends when its input does.
struct Elsewhere(Child);

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
        let mut child = Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let mut line = String::new();
        BufReader::new(child.0.stdout.take().context("its output")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "the other namespace: {line:?}");
        Ok(child)
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
    let mut stage = Stage::new(backend)?;
    let at = stage.at("private");
    write(&at.join("under"), &elf("under the mount elsewhere"))?;
    let source = stage.outside("source");
    write(&source, &elf("on a tmpfs elsewhere"))?;
    let (tmpfs, from) = (at.display(), source.display());
    let elsewhere = Elsewhere::enter(&format!(
        "mount -t tmpfs -o size=1m lydian-storm-elsewhere {tmpfs}\ncp {from} {tmpfs}/tool"
    ))?;
    write(&stage.at("usr/bin/meanwhile"), &elf("here meanwhile"))?;
    stage.measured.rescan();
    stage.prove("a tmpfs in another namespace")?;
    if HAS_WHOLE {
        let named = |entry: &evidence::body::Coverage| {
            entry.scope.contains("private") && entry.means != Means::Elsewhere
        };
        stage.measured.wait_for("a word on a file system elsewhere", |measured| {
            measured.coverage().iter().any(named)
        })?;
        let entry = stage.measured.coverage().iter().find(|entry| named(entry)).cloned();
        eprintln!("a tmpfs in another namespace, {backend:?}: coverage {entry:?}");
    }
    drop(elsewhere);
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
