//! Runs `lydian` with nothing of the tester's environment.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) words: String,
}

impl Finished {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Everything in one text for a snapshot.
    pub(crate) fn text(&self) -> String {
        format!("exit code {}\n--- output\n{}--- words\n{}", self.code, self.out, self.words)
    }
}

/// The program, without any environment of its own.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lydian"));
    command.env_clear().env("HOME", "/nonexistent");
    command
}

pub(crate) fn lydian<S: AsRef<OsStr>>(arguments: &[S]) -> Finished {
    finish(program().args(arguments), b"")
}

/// Runs a prepared command with these bytes on standard input.
pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Finished {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that does not read its input closes the pipe, which is its right.
        scope.spawn(move || {
            let _ = stdin.write_all(input);
        });
        let output = child.wait_with_output().unwrap();
        Finished {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            words: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

/// A file of one of our own boots.
pub(crate) fn vector(boot: &str, file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    root.join(boot).join(file).canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A file in a folder that is gone after the test.
pub(crate) fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
