//! Questions over the socket, with good and bad input.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest, component_digest};
use evidence::time::UnixTime;

use super::messages::{Answer, Question};
use super::server::may_ask;
use super::*;
use crate::config::{Config, RawConfig};
use crate::lock::StateLock;
use crate::sightings::Sightings;
use crate::status::Format;

const PROGRAM: &[u8] = b"\x7fELF program";

fn digest() -> Sha256Digest {
    Sha256Digest::of(&[PROGRAM])
}

/// A state directory with one sighting, and a file that is it.
fn sighted(dir: &Path) -> Sightings {
    let file = dir.join("tool\u{1b}");
    std::fs::write(&file, PROGRAM).unwrap();
    let path =
        std::os::unix::ffi::OsStrExt::as_bytes(std::fs::canonicalize(&file).unwrap().as_os_str()).to_vec();
    let entry = Entry {
        path,
        digest: digest(),
        size: 12,
        mode: 0o100_755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let names = ["tool", "1.0", "amd64"].map(str::to_owned);
    let [name, version, architecture] = names;
    let bytes =
        Manifest::new(ComponentKind::Package, name, version, architecture, vec![entry]).unwrap().encode();
    let now = UnixTime::from_ms(1_000);
    let mut sightings = Sightings::open(dir, now).unwrap();
    sightings.manifest(component_digest(&bytes), &bytes, now).unwrap();
    sightings.settled(&[component_digest(&bytes)], now).unwrap();
    sightings
}

fn config(dir: &Path) -> Config {
    let mut config = RawConfig::default().check().unwrap();
    config.state_dir = dir.to_owned();
    config.ima_list = dir.join("no-list");
    config.measure.roots = vec![dir.to_owned()];
    config
}

fn text(ask: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    ask(&mut out);
    String::from_utf8(out).unwrap()
}

fn has(dir: &Path, asked: &str) -> (String, Found) {
    let mut found = Found::NotAll;
    let text = text(|out| found = super::has(dir, &[asked.to_owned()], Format::Table, out).unwrap());
    (text, found)
}

#[test]
fn a_running_agent_and_its_stores_answer_alike() {
    let dir = tempfile::tempdir().unwrap();
    let sightings = sighted(dir.path());
    let lock = StateLock::take(dir.path()).unwrap();
    let board = Board::default();
    let server = Server::start(dir.path(), sightings.reader(), board.clone()).unwrap();
    let mode = std::fs::metadata(dir.path().join(Server::FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let asked = format!("sha256:{}", &digest().to_string()[..10]);
    let over_socket = has(dir.path(), &asked);
    assert!(over_socket.0.contains("here since 1970-01-01T00:00:01"), "{}", over_socket.0);
    assert!(over_socket.0.contains("package tool 1.0") && !over_socket.0.contains('\u{1b}'));
    assert_eq!(over_socket.1, Found::All);
    let (never, found) = has(dir.path(), &"0".repeat(64));
    assert!(never.contains("never seen (looked since 1970-01-01T00:00:01"), "{never}");
    assert_eq!(found, Found::NotAll);
    let quiet = super::coverage(dir.path(), Format::Table, &mut Vec::new());
    assert!(quiet.unwrap_err().message().contains("nothing is watched"));
    board.post_watching(&[], &[], &[]);
    let shown = text(|out| super::coverage(dir.path(), Format::Table, out).unwrap());
    assert!(shown.contains("Open gaps     none"), "{shown}");
    drop(server);
    assert!(!dir.path().join(Server::FILE).exists());
    drop((sightings, lock));
    assert_eq!(has(dir.path(), &asked), over_socket);
}

#[test]
fn a_card_tells_why_there_is_no_evidence() {
    let dir = tempfile::tempdir().unwrap();
    drop(sighted(dir.path()));
    let config = config(dir.path());
    let card =
        |name: &str| text(|out| super::file(&config, &dir.path().join(name), Format::Table, out).unwrap());
    let known = card("tool\u{1b}");
    assert!(known.contains(&digest().to_string()) && known.contains("\\u{1b}"), "{known}");
    assert!(known.contains("class none: nothing was sealed yet"), "{known}");
    assert!(
        known.contains("package tool 1.0 amd64") && known.contains("the kernel keeps no list"),
        "{known}"
    );
    std::fs::write(dir.path().join("tool\u{1b}"), "changed").unwrap();
    let changed = card("tool\u{1b}");
    assert!(changed.contains(&format!("{} at this path", digest())), "{changed}");
    std::os::unix::fs::symlink("tool", dir.path().join("link")).unwrap();
    let link = super::file(&config, &dir.path().join("link"), Format::Table, &mut Vec::new());
    assert!(link.unwrap_err().hint().contains("leads to tool"));
}

#[test]
fn bad_input_ends_a_connection_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let sightings = sighted(dir.path());
    let _server = Server::start(dir.path(), sightings.reader(), Board::default()).unwrap();
    let connect = || UnixStream::connect(dir.path().join(Server::FILE)).unwrap();
    let endless = vec![b'x'; 1 << 20];
    for bad in [
        &b"\n"[..],
        b"{}\n",
        b"\xff\xfe\n",
        b"{\"ask\":\"all\"}\n",
        b"{\"ask\":\"standing\",\"x\":1}\n",
        &endless,
    ] {
        let mut stream = connect();
        // The other end may be gone before everything is written.
        let _ = stream.write_all(bad);
        let mut answer = String::new();
        let _ = BufReader::new(&mut stream).read_line(&mut answer);
        assert!(answer.is_empty() || answer.contains("does not know"), "{answer}");
    }
    for bad in ["abc", "zzzzzzzzzz", &"0".repeat(65)] {
        let mut stream = connect();
        let question = Question::Digest { prefix: (*bad).to_owned() };
        writeln!(stream, "{}", serde_json::to_string(&question).unwrap()).unwrap();
        let mut answer = String::new();
        BufReader::new(&mut stream).read_line(&mut answer).unwrap();
        assert!(matches!(serde_json::from_str(&answer), Ok(Answer::Failed { .. })), "{answer}");
    }
    let mut silent = connect();
    silent.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(silent.read_to_end(&mut Vec::new()).unwrap(), 0);
    assert_eq!(has(dir.path(), &digest().to_string()).1, Found::All);
}

#[test]
fn a_stale_socket_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let sightings = sighted(dir.path());
    std::fs::write(dir.path().join(Server::FILE), "stale").unwrap();
    let _server = Server::start(dir.path(), sightings.reader(), Board::default()).unwrap();
    assert_eq!(has(dir.path(), &digest().to_string()).1, Found::All);
}

#[test]
fn only_root_and_the_agents_user_may_ask() {
    for (peer, own, may) in
        [(0, 0, true), (0, 990, true), (990, 990, true), (1_000, 990, false), (1_000, 0, false)]
    {
        assert_eq!(may_ask(peer, own), may, "{peer} {own}");
    }
}

#[test]
fn what_is_no_digest_is_refused_with_a_hint() {
    let dir = tempfile::tempdir().unwrap();
    for bad in ["1234567", "md5:00000000", "\u{1b}[2J"] {
        let failure = super::has(dir.path(), &[bad.to_owned()], Format::Json, &mut Vec::new()).unwrap_err();
        assert!(failure.hint().contains("sha256sum") && !failure.message().contains('\u{1b}'), "{failure:?}");
    }
}
