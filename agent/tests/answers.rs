//! `file`, `has` and `coverage` of the real program, against stores and a socket that the library made.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest, component_digest};
use evidence::time::UnixTime;
use lydian_agent::ask::{Board, Server};
use lydian_agent::sightings::Sightings;

/// The state directory's configuration, and a store with one script.
fn prepare(dir: &Path) -> String {
    let state = dir.join("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(dir.join("tool"), "#!/bin/sh\n").unwrap();
    let digest = Sha256Digest::of(&[b"#!/bin/sh\n"]);
    let entry = Entry {
        path: dir.canonicalize().unwrap().join("tool").into_os_string().into_encoded_bytes(),
        digest,
        size: 10,
        mode: 0o100_755,
        flags: EntryFlags::SCRIPT,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let kind = ComponentKind::Directory;
    let manifest =
        Manifest::new(kind, "/opt".into(), String::new(), String::new(), vec![entry]).unwrap().encode();
    let now = UnixTime::from_ms(1_000);
    let mut sightings = Sightings::open(&state, now).unwrap();
    sightings.manifest(component_digest(&manifest), &manifest, now).unwrap();
    sightings.settled(&[component_digest(&manifest)], now).unwrap();
    digest.to_string()
}

fn agent(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lydian-agent"));
    configured(&mut command, dir);
    command
}

fn configured(command: &mut Command, dir: &Path) {
    let config = dir.join("agent.toml");
    let text = format!(
        "state-dir = \"{}\"\n[measure]\nroots = [\"{}\"]\n",
        dir.join("state").display(),
        dir.display()
    );
    std::fs::write(&config, text).unwrap();
    command.env("LYDIAN_AGENT_CONFIG", &config).arg("--config").arg(&config);
}

fn words(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn exit_statuses_tell_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let digest = prepare(dir.path());
    let has = |asked: &[&str]| words(&agent(dir.path()).arg("has").args(asked).output().unwrap());
    let here = has(&[&digest]);
    assert_eq!(here.0, Some(0), "{here:?}");
    assert!(here.1.contains("here since"), "{here:?}");
    assert_eq!(has(&[&digest, "0123456789"]).0, Some(1));
    let bad = has(&["nonsense"]);
    assert_eq!(bad.0, Some(2));
    assert!(bad.2.contains("hint: give SHA-256"), "{bad:?}");
    let list = dir.path().join("list");
    std::fs::write(&list, format!("{digest}  /opt/tool\n")).unwrap();
    let listed = has(&["-o", "json", &format!("@{}", list.display())]);
    let json: serde_json::Value = serde_json::from_str(&listed.1).unwrap();
    assert_eq!((listed.0, json[0]["standing"].as_str()), (Some(0), Some("here")));
    let idle = words(&agent(dir.path()).arg("coverage").output().unwrap());
    assert_eq!(idle.0, Some(69), "{idle:?}");
    assert!(idle.2.contains("nothing is watched") && idle.2.contains("hint:"), "{idle:?}");
    let card = words(&agent(dir.path()).arg("file").arg(dir.path().join("tool")).output().unwrap());
    assert_eq!(card.0, Some(0), "{card:?}");
    assert!(card.1.contains("script (script)") && card.1.contains("directory /opt"), "{card:?}");
}

#[test]
fn another_user_gets_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let digest = prepare(dir.path());
    if !rustix_is_root() {
        eprintln!("not root: another user cannot be tried");
        return;
    }
    // Even where the directories are open to all.
    for open in [dir.path().to_owned(), dir.path().join("state")] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let program = dir.path().join("lydian-agent");
    std::fs::copy(env!("CARGO_BIN_EXE_lydian-agent"), &program).unwrap();
    let state = dir.path().join("state");
    let sightings = Sightings::open(&state, UnixTime::from_ms(2_000)).unwrap();
    let _server = Server::start(&state, sightings.reader(), Board::default()).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    configured(&mut command, dir.path());
    let Ok(output) = command.arg("has").arg(&digest).output() else {
        eprintln!("no setpriv: another user cannot be tried");
        return;
    };
    let denied = words(&output);
    assert_eq!(denied.0, Some(2), "{denied:?}");
    assert!(denied.1.is_empty() && denied.2.contains("hint: ask as root"), "{denied:?}");
}

fn rustix_is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|stat| std::os::unix::fs::MetadataExt::uid(&stat) == 0)
}
