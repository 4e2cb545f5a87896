//! Help, mistakes, files that are not what they should be, pipes and colours.

use std::io::Read as _;
use std::process::Stdio;

use crate::run::{file, finish, lydian, program, vector};

#[test]
fn help_is_data_and_names_the_exit_codes() {
    let help = lydian(&["--help"]);
    assert_eq!(help.code, 0);
    assert_eq!(help.words, "");
    assert!(help.out.contains("Exit codes: 0 trusted or done, 1 not trusted, 2 error."), "{}", help.out);
    let version = lydian(&["--version"]);
    assert_eq!(
        (version.code, version.out.as_str()),
        (0, concat!("lydian ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn mistakes_are_words_and_exit_with_2() {
    for arguments in [
        &["--colour"][..],
        &[],
        &["host"],
        &["host", "show"],
        &["host", "list", "--status", "fine"],
        &["inspect", "eventlog"],
        &["inspect", "quote"],
        &["token", "create", "--name", "a", "--scope", "root"],
        &["enroll", "token", "create", "--ttl", "1 day"],
    ] {
        let run = lydian(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.out, "", "{arguments:?}");
        assert!(run.words.contains("Usage:") || run.words.starts_with("error: "), "{arguments:?}: {run:?}");
    }
    let nearly = lydian(&["hots", "list"]);
    assert!(nearly.words.contains("a similar subcommand exists: 'host'"), "{}", nearly.words);
}

#[test]
fn a_missing_file_is_named() {
    let run = lydian(&["inspect", "eventlog", "/nowhere/at/all"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(
        run.words.starts_with("error: /nowhere/at/all: no such file or directory\nhint: "),
        "{}",
        run.words
    );
}

#[test]
fn a_wrong_file_is_told_from_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = file(&folder, "wrong", b"just some text");
    let wrong = wrong.to_str().unwrap();
    // Read as a log, an image has some events of some length before it makes no sense.
    let image = file(&folder, "image.efi", &[b"MZ\x90\0".as_slice(), &[0; 300], &[0xff; 60]].concat());
    let image = image.to_str().unwrap();
    for (arguments, words) in [
        (vec!["inspect", "eventlog", wrong], "not a firmware log"),
        (vec!["inspect", "eventlog", image], "not a firmware log"),
        (vec!["inspect", "ima", wrong], "not an IMA list"),
        (vec!["inspect", "quote", wrong], "TPM_GENERATED_VALUE"),
        (vec!["evidence", "verify", wrong], "not a bundle"),
    ] {
        let run = lydian(&arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.words.starts_with("error: ") && run.words.contains(words), "{}", run.words);
    }
}

#[test]
fn a_pipe_gets_neither_colours_nor_cut_lines() {
    let path = vector("shim-sb", "binary_bios_measurements");
    let run = finish(program().args(["inspect", "eventlog", &path]).env("COLUMNS", "40"), b"");
    assert_eq!(run.code, 0);
    assert!(!run.out.contains('\x1b'), "{}", run.out);
    let kernel = run.out.lines().find(|line| line.contains("kernel: /vmlinuz")).unwrap();
    assert!(kernel.ends_with("ima_hash=sha256") || kernel.len() > 120, "{kernel}");
    let plain = finish(program().args(["inspect", "eventlog", &path]).env("NO_COLOR", "1"), b"");
    assert_eq!(plain.out, run.out);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let path = vector("direct-imasig-viol", "binary_runtime_measurements");
    let mut child = program()
        .args(["inspect", "ima", &path, &path, &path, "-o", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn without_a_verifier_the_way_to_name_one_is_shown() {
    let run = lydian(&["host", "list"]);
    assert_eq!(run.code, 2);
    assert!(run.words.contains("no verifier is configured"), "{}", run.words);
    assert!(run.words.contains("/nonexistent/.config/lydian/config.toml"), "{}", run.words);
    let version = lydian(&["version", "-o", "json"]);
    assert_eq!(version.code, 0);
    assert_eq!(version.json()["protocol"], 1);
}
