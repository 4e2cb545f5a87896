//! The built program over files of the corpus.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// What the program said.
pub(crate) struct Said {
    /// 0, 1 or 2; everything else is a fault.
    pub(crate) code: Option<i32>,
    /// A report for each file, in order; `None` where it printed none.
    pub(crate) reports: Vec<Option<Value>>,
    pub(crate) words: String,
}

/// Runs `lydian inspect KIND -o json OPTIONS… FILE…`.
pub(crate) fn inspect(kind: &str, options: &[String], files: &[PathBuf]) -> Said {
    // Another build of the program, such as the one that is shipped, where it is named.
    let program = std::env::var_os("LYDIAN_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_lydian").into());
    let output = Command::new(program)
        .env_clear()
        .env("HOME", "/nonexistent")
        .args(["inspect", kind, "-o", "json"])
        .args(options)
        .args(files)
        .output()
        .expect("the program starts");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let reports = match serde_json::from_slice(&output.stdout) {
        Ok(Value::Array(items)) if files.len() > 1 => items.into_iter().map(Some).collect(),
        Ok(item) => vec![Some(item)],
        Err(_) => vec![None; files.len().max(1)],
    };
    Said { code: output.status.code(), reports, words }
}
