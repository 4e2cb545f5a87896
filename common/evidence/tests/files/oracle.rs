//! Other programs that read the same files.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// What a program printed; `None`, said aloud, where it is not there.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("SKIPPED: {program} cannot be run: {error}");
            None
        }
    }
}
