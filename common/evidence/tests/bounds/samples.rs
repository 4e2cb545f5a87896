//! Real inputs: files of the boots that `tests/vectors` of the workspace holds.

use std::path::{Path, PathBuf};

/// A file of the workspace; `path` is from its root.
pub(crate) fn file(path: &str) -> (String, Vec<u8>) {
    let bytes = std::fs::read(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    (path.to_owned(), bytes)
}

/// The file of this name of every boot that has it.
pub(crate) fn of_boots(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = workspace().join("tests/vectors");
    let mut boots: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    boots.sort();
    let files = boots.into_iter().map(|boot| boot.join(name)).filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// The files of a folder whose names end with `suffix`; `folder` is from the workspace's root.
pub(crate) fn of_folder(folder: &str, suffix: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(workspace().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(suffix));
    files.sort();
    files.into_iter().map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
