//! The measurer itself is hindered: held up, its clock set. What it missed meanwhile is told as a gap and found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use evidence::body::GapCause;
use support::{Backend, elf};

use crate::stage::{Stage, scenes, write};

scenes!(held_up_in_a_flood, clock_set_back_a_day);

/// More events than the kernel keeps for a reader that does not come.
fn held_up_in_a_flood(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    let kept: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?.trim().parse()?;
    fs::create_dir_all(stage.at("usr/lib"))?;
    stage.prove("before the flood")?;
    let clock = stage.measured.clock();
    let hold = clock.hold();
    write(&stage.at("usr/bin/wakes"), &elf("somebody looks at the clock"))?;
    clock.until_held();
    let (one, other) = (stage.at("usr/lib"), stage.at("usr/bin/first"));
    for number in 0..=kept {
        // By turns, so that no event is joined with the one before.
        let (path, mode) =
            if number % 2 == 0 { (&one, 0o755) } else { (&other, 0o700 | u32::try_from(number % 4)?) };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    for number in 0..100 {
        write(&stage.at(&format!("usr/late/{number}/tool")), &elf(&format!("behind the flood {number}")))?;
    }
    drop(hold);
    let truth = stage.truth()?;
    // A lost queue is a reason to walk by itself.
    stage.measured.wait_until(&truth).context("after the flood")?;
    if !stage.measured.is_whole() {
        stage.measured.wait_for("the gap is told and closed", |measured| {
            measured.closed(GapCause::Overflow) > 0 && measured.open(GapCause::Overflow) == 0
        })?;
    }
    let gaps = stage.measured.closed(GapCause::Overflow);
    eprintln!("{kept} events and more for a reader that is held up, {backend:?}: {gaps} gaps, 0 lost");
    Ok(())
}

fn clock_set_back_a_day(backend: Backend) -> Result<()> {
    let mut stage = Stage::new(backend)?;
    for number in 0..50 {
        write(&stage.at(&format!("usr/bin/tool-{number}")), &elf(&format!("today {number:02}")))?;
    }
    stage.prove("before the clock is set")?;
    stage.measured.clock().step_back(Duration::from_hours(24));
    for number in 0..50 {
        write(&stage.at(&format!("usr/bin/tool-{number}")), &elf(&format!("again {number:02}")))?;
    }
    stage.prove("changed behind a clock that was set back")?;
    stage.measured.wait_for("the gap is told and closed", |measured| {
        measured.closed(GapCause::ClockSet) > 0 && measured.open(GapCause::ClockSet) == 0
    })?;
    for number in 0..50 {
        write(&stage.at(&format!("usr/bin/tool-{number}")), &elf(&format!("third {number:02}")))?;
    }
    stage.prove("changed a day before it was changed")?;
    ensure!(stage.measured.raced().is_empty(), "{:?}", stage.measured.raced());
    Ok(())
}
