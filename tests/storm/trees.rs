//! Trees that appear, move and are replaced faster than anybody can look.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use support::{Backend, elf};

use crate::stage::{Dice, Stage, long_scenes, scenes, write};

scenes!(deep_trees, untarred_while_idle, untarred_while_throttled, renamed_in_masses, replaced_by_rename);
long_scenes!(
    long_deep_trees,
    long_untarred_while_idle,
    long_untarred_while_throttled,
    long_renamed_in_masses
);

fn deep_trees(backend: Backend) -> Result<()> {
    make_deep_trees(backend, 100)
}

fn long_deep_trees(backend: Backend) -> Result<()> {
    make_deep_trees(backend, 3_000)
}

/// `mkdir -p` ten levels down, and at once a file in the last.
fn make_deep_trees(backend: Backend, count: usize) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let mut dice = Dice::new(1);
    for number in 0..count {
        let parts = (0..10).map(|level| format!("{level}-{}", dice.below(3)));
        let leaf: PathBuf = parts.collect();
        let name = format!("deep/{}/leaf-{number}", number % 7);
        write(&stage.at(&name).join(leaf).join("file"), &elf(&format!("leaf {number}")))?;
    }
    stage.prove("a file at the end of ten new directories")
}

fn untarred_while_idle(backend: Backend) -> Result<()> {
    untar(backend, "an archive unpacked while idle", Throttle::None, 2_000, 150)
}

fn long_untarred_while_idle(backend: Backend) -> Result<()> {
    untar(backend, "an archive unpacked while idle", Throttle::None, 20_000, 1_500)
}

fn untarred_while_throttled(backend: Backend) -> Result<()> {
    untar(backend, "an archive unpacked while hashing is throttled", Throttle::Hashing, 2_000, 150)
}

fn long_untarred_while_throttled(backend: Backend) -> Result<()> {
    untar(backend, "an archive unpacked while hashing is throttled", Throttle::Hashing, 20_000, 1_500)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Throttle {
    None,
    Hashing,
}

/// Unpacks an archive of so many files in so many directories.
fn untar(backend: Backend, scene: &str, throttle: Throttle, files: usize, directories: usize) -> Result<()> {
    let pace = (throttle == Throttle::Hashing).then_some(PACE);
    let mut stage = Stage::with(backend, pace, |_| Ok(Vec::new()))?;
    if throttle == Throttle::Hashing {
        // Some seconds of hashing, which are under way when the archive comes.
        let mut large = File::create(stage.at("large"))?;
        large.write_all(&elf("large"))?;
        large.set_len(4 * PACE)?;
    }
    let mut dice = Dice::new(2);
    let mut places = vec![stage.at("unpacked")];
    for number in 0..directories {
        let place = dice.one_of(&places)?.join(format!("directory-{number}"));
        fs::create_dir_all(&place)?;
        // As tar does: what is in a directory comes right behind it.
        for file in 0..files / directories {
            dice.write_some_file(&place.join(format!("file-{file}")), &format!("{number} {file}"))?;
        }
        places.push(place);
    }
    stage.prove(scene)
}

const PACE: u64 = 64 << 20;

fn renamed_in_masses(backend: Backend) -> Result<()> {
    rename_masses(backend, 60, 300)
}

fn long_renamed_in_masses(backend: Backend) -> Result<()> {
    rename_masses(backend, 500, 20_000)
}

/// Directories and files are moved about, into each other, out of the tree and back.
fn rename_masses(backend: Backend, directories: usize, moves: usize) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let mut dice = Dice::new(3);
    let mut places: Vec<PathBuf> = (0..directories).map(|number| stage.at(&format!("d{number}"))).collect();
    for place in &places {
        (0..5).try_for_each(|n| {
            write(&place.join(format!("sub/f{n}")), &elf(&format!("{n} {}", place.display())))
        })?;
    }
    fs::create_dir_all(stage.outside(""))?;
    stage.prove("directories to be renamed")?;
    for number in 0..moves {
        let from = dice.below(places.len());
        let Some(old) = places.get(from).cloned() else { continue };
        let new = match dice.below(4) {
            0 => stage.outside(&format!("m{number}")),
            1 => stage.at(&format!("new-{number}/m")),
            2 => {
                // A file instead: into the next directory.
                let into = dice.one_of(&places)?.join("sub");
                let file = fs::read_dir(old.join("sub"))?.next().transpose()?;
                if let Some(file) = file {
                    fs::rename(file.path(), into.join(format!("moved-{number}")))?;
                }
                continue;
            }
            _ => stage.at(&format!("m{number}")),
        };
        if let Some(parent) = new.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(&old, &new)?;
        if dice.below(3) == 0 {
            write(&new.join("sub/late"), &elf(&format!("late {number}")))?;
        }
        if let Some(place) = places.get_mut(from) {
            *place = new;
        }
    }
    stage.prove("masses of renames")
}

/// As dpkg does, and as whole trees are exchanged.
fn replaced_by_rename(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    for number in 0..200 {
        write(&stage.at(&format!("usr/bin/tool-{number}")), &elf(&format!("old {number}")))?;
        write(&stage.at(&format!("opt/app/lib/part-{number}")), &elf(&format!("old part {number}")))?;
        write(&stage.at(&format!("opt/next/lib/part-{number}")), &elf(&format!("new part {number}")))?;
    }
    stage.prove("files to be replaced")?;
    for number in 0..200 {
        let new = stage.at(&format!("usr/bin/tool-{number}.dpkg-new"));
        // Of the same size as the one before.
        write(&new, &elf(&format!("new {number}")))?;
        fs::rename(&new, stage.at(&format!("usr/bin/tool-{number}")))?;
        if number == 100 {
            fs::rename(stage.at("opt/app"), stage.at("opt/before"))?;
            fs::rename(stage.at("opt/next"), stage.at("opt/app"))?;
        }
    }
    fs::remove_dir_all(stage.at("opt/before"))?;
    stage.prove("files and directories replaced by renames")
}
