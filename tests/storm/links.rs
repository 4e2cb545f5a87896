//! Files that are written under names that are not in the tree.

use std::fs::{self, File};
use std::io::Write as _;

use anyhow::Result;
use support::{Backend, Mounted, elf, mounts};

use crate::stage::{Stage, scenes, skipped, write};

scenes!(written_through_a_hard_link, hard_link_made_before_the_start, written_through_a_bind_mount);

fn written_through_a_hard_link(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    for number in 0..20 {
        write(&stage.at(&format!("usr/bin/tool-{number}")), &elf("inside"))?;
    }
    stage.prove("files with one name")?;
    fs::create_dir_all(stage.outside(""))?;
    for number in 0..20 {
        let outside = stage.outside(&format!("tool-{number}"));
        fs::hard_link(stage.at(&format!("usr/bin/tool-{number}")), &outside)?;
        File::options().append(true).open(&outside)?.write_all(b" and written outside")?;
    }
    stage.prove("written through hard links outside")
}

fn hard_link_made_before_the_start(backend: Backend) -> Result<()> {
    let mut stage = Stage::with(backend, None, |root| {
        let outside = root.with_file_name("outside");
        write(&outside.join("tool"), &elf("first outside"))?;
        fs::hard_link(outside.join("tool"), root.join("tool"))?;
        Ok(Vec::new())
    })?;
    stage.prove("a file whose other name is outside")?;
    File::options().append(true).open(stage.outside("tool"))?.write_all(b" and written outside")?;
    stage.prove("written through an old hard link outside")
}

fn written_through_a_bind_mount(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::missing(&[]) {
        skipped(&missing);
        return Ok(());
    }
    let mut stage = Stage::new(backend)?;
    let (inside, outside) = (stage.at("usr"), stage.outside("bind"));
    let words = ["--bind".as_ref(), inside.as_os_str()];
    stage.mounts.push(Mounted::new(words, &outside)?);
    for number in 0..50 {
        write(&outside.join(format!("new-{number}/tool")), &elf(&format!("through the bind {number}")))?;
    }
    File::options()
        .append(true)
        .open(outside.join("bin/first"))?
        .write_all(b" and written through the bind")?;
    fs::rename(outside.join("new-0"), outside.join("renamed"))?;
    stage.prove("written through a bind mount")
}
