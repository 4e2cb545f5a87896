//! Logs that hold, and every way in which one does not.

use super::*;
use crate::tile::{MemoryTiles, TileWriter, resources};

fn size(leaves: u64) -> LogSize {
    LogSize::new(leaves).unwrap()
}

/// A log of this many leaves, its files, and its root after each of some batches.
fn log(batches: &[u64]) -> (Mark, MemoryTiles, Vec<Mark>) {
    let (mut writer, mut files, mut marks) = (TileWriter::new(), MemoryTiles::default(), Vec::new());
    for batch in batches {
        let first = writer.size().get();
        let entries: Vec<_> = (first..first + batch).map(u64::to_be_bytes).collect();
        files.0.extend(writer.append(&entries).unwrap().files);
        marks.push(Mark { size: writer.size(), root: writer.root() });
    }
    (*marks.last().unwrap(), files, marks)
}

fn run(mut auditor: Auditor, files: &MemoryTiles) -> Result<u64, String> {
    let mut seen = 0;
    loop {
        let step = auditor.step(files, &mut |index, bytes| {
            assert_eq!((index.get(), bytes.len()), (seen, 8));
            seen += 1;
        });
        match step.map_err(|error| error.to_string())? {
            Step::More => {}
            Step::Done => return Ok(seen),
        }
    }
}

fn audit(end: Mark, marks: Vec<Mark>, files: &MemoryTiles) -> Result<u64, String> {
    run(Auditor::new(end, marks).unwrap(), files)
}

#[test]
fn a_true_log_holds() {
    for batches in [&[1_u64][..], &[255, 1, 1], &[256, 256], &[65_536], &[300, 65_236, 1, 900], &[100; 40]] {
        let (end, files, marks) = log(batches);
        assert_eq!(audit(end, marks, &files), Ok(end.size.get()), "{batches:?}");
    }
    let empty = Mark { size: size(0), root: Hash::empty_root() };
    assert_eq!(audit(empty, vec![empty], &MemoryTiles::default()), Ok(0));
}

#[test]
fn only_what_the_newest_size_needs_has_to_be_there() {
    let (end, mut files, marks) = log(&[300, 65_236, 1, 900]);
    files.0.retain(|resource, _| resource.is_needed_by(end.size));
    assert_eq!(audit(end, marks, &files), Ok(end.size.get()));
}

/// Each file of the log with one bit flipped, cut short, and gone.
#[test]
fn every_file_counts() {
    let (end, files, _) = log(&[1_000]);
    for resource in resources(end.size) {
        let path = resource.to_string();
        let mut flipped = files.clone();
        *flipped.0.get_mut(&resource).unwrap().last_mut().unwrap() ^= 1;
        let error = audit(end, Vec::new(), &flipped).unwrap_err();
        // A flipped entry shows as a tile that is not made of it.
        let shown = match resource {
            Resource::Bundle(bundle) => Resource::Tile(bundle.tile()).to_string(),
            Resource::Tile(_) => path.clone(),
        };
        assert!(error.contains(&shown), "{path}: {error}");
        let mut short = files.clone();
        short.0.get_mut(&resource).unwrap().pop();
        assert!(audit(end, Vec::new(), &short).unwrap_err().contains(&path));
        let mut gone = files.clone();
        gone.0.remove(&resource);
        assert_eq!(audit(end, Vec::new(), &gone).unwrap_err(), format!("{path} is missing"));
    }
}

/// Entry and tiles rewritten together: the older checkpoint shows it, and so does the newest.
#[test]
fn a_rewritten_history_meets_an_old_checkpoint() {
    let (old, _, _) = log(&[500]);
    let (mut writer, mut files) = (TileWriter::new(), MemoryTiles::default());
    let entries: Vec<_> =
        (0..1_000_u64).map(|index| if index == 7 { 8 } else { index }.to_be_bytes()).collect();
    files.0.extend(writer.append(&entries).unwrap().files);
    let forged = Mark { size: writer.size(), root: writer.root() };
    assert_eq!(audit(forged, Vec::new(), &files), Ok(1_000));
    let error = audit(forged, vec![old], &files).unwrap_err();
    assert!(error.starts_with("the checkpoint of 500 leaves claims the root"), "{error}");
    let error = audit(log(&[1_000]).0, Vec::new(), &files).unwrap_err();
    assert!(error.starts_with("the checkpoint of 1000 leaves claims the root"), "{error}");
}

#[test]
fn a_checkpoint_beyond_the_end_is_refused() {
    let (end, _, _) = log(&[10]);
    let beyond = Mark { size: size(11), root: end.root };
    let refused = Auditor::new(end, vec![beyond]).unwrap_err();
    assert_eq!(refused, MarkError::Beyond { size: size(11), end: size(10) });
}

#[test]
fn an_interrupted_audit_goes_on() {
    let (end, files, marks) = log(&[300, 65_236, 1, 900]);
    let mut auditor = Auditor::new(end, marks.clone()).unwrap();
    let mut stops = 0;
    loop {
        let state = auditor.to_bytes();
        auditor = Auditor::resume(end, marks.clone(), &state).unwrap();
        stops += 1;
        if auditor.step(&files, &mut |_, _| {}).unwrap() == Step::Done {
            break;
        }
    }
    assert_eq!(stops, 66_437_u64.div_ceil(256) + 1);
}

#[test]
fn a_state_of_something_else_is_refused() {
    let (end, files, marks) = log(&[300, 65_236]);
    let mut auditor = Auditor::new(end, marks.clone()).unwrap();
    for _ in 0..3 {
        auditor.step(&files, &mut |_, _| {}).unwrap();
    }
    let state = auditor.to_bytes();
    let resume = |marks: &[Mark], state: &[u8]| Auditor::resume(end, marks.to_vec(), state).map(|_| ());
    assert_eq!(resume(&marks, &state), Ok(()));
    assert_eq!(resume(&marks[1..], &state), Err(StateError::OtherMarks));
    assert_eq!(resume(&marks, &[]), Err(StateError::Length { found: 0 }));
    assert_eq!(resume(&marks, &[9]), Err(StateError::Version { found: 9 }));
    for cut in 1..state.len() {
        assert!(resume(&marks, &state[..cut]).is_err());
    }
    // False hashes of the edge do not survive the end.
    let mut forged = state;
    *forged.last_mut().unwrap() ^= 1;
    assert!(run_on(Auditor::resume(end, marks, &forged).unwrap(), &files).is_err());
}

fn run_on(mut auditor: Auditor, files: &MemoryTiles) -> Result<(), String> {
    while auditor.step(files, &mut |_, _| {}).map_err(|error| error.to_string())? == Step::More {}
    Ok(())
}

/// The same audit by chunks, as several threads do it.
#[test]
fn chunks_are_the_same_audit() {
    let (end, files, marks) = log(&[300, 65_236, 70_000, 1, 900]);
    let mut auditor = Auditor::new(end, marks).unwrap();
    let (mut chunks, mut seen) = (0, 0);
    loop {
        if let Some(range) = auditor.chunks(1).pop() {
            let chunk = check_chunk(&files, range, &mut |_, _| seen += 1).unwrap();
            auditor.absorb(&files, &chunk).unwrap();
            chunks += 1;
        } else if auditor.step(&files, &mut |_, _| seen += 1).unwrap() == Step::Done {
            break;
        }
    }
    assert_eq!(seen, end.size.get());
    assert!(chunks >= 4, "{chunks}");
    let mut wrong = files.clone();
    wrong.0.get_mut(&"tile/1/000".parse().unwrap()).unwrap()[40] ^= 1;
    let mut auditor = Auditor::new(end, Vec::new()).unwrap();
    let chunk = check_chunk(&wrong, auditor.chunks(1).pop().unwrap(), &mut |_, _| {}).unwrap();
    let error = auditor.absorb(&wrong, &chunk).unwrap_err().to_string();
    assert_eq!(error, "hash 1 of tile/1/000 is not that of what is below it");
    assert!(check_chunk(&wrong, 0..600, &mut |_, _| {}).is_err());
}
