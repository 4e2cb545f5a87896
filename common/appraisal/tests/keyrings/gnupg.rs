//! Rings of this machine, of people with GnuPG's own keys, and whatever `LYDIAN_KEYRINGS` names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use appraisal::openpgp::{Status, assess};
use evidence::openpgp::{Key, KeyRing};
use evidence::time::UnixTime;

/// 2027-01-15: states are compared as of then, so that a test means the same next year.
pub(crate) const AT: u64 = 1_800_000_000;

/// A key or subkey as both write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) fingerprint: String,
    pub(crate) key_id: String,
    pub(crate) algorithm: u8,
    pub(crate) bits: usize,
    pub(crate) created: u32,
    pub(crate) expires: Option<u32>,
    pub(crate) status: Status,
}

/// A certificate as both write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) primary: Row,
    pub(crate) user_ids: BTreeMap<String, Status>,
    pub(crate) subkeys: Vec<Row>,
}

fn row(key: &Key<'_>, expires: Option<u32>, status: Status) -> Row {
    Row {
        fingerprint: key.fingerprint().to_string(),
        key_id: key.key_id().to_string(),
        algorithm: key.algorithm.0,
        bits: key.bits().unwrap_or(0),
        created: key.created,
        expires,
        status,
    }
}

/// What Lydian reads.
pub(crate) fn ours(bytes: &[u8]) -> Vec<Entry> {
    let ring = KeyRing::read(bytes).unwrap();
    let certificates: Vec<_> = ring.certificates().filter_map(Result::ok).collect();
    let entries = certificates.iter().map(|certificate| {
        let all = assess(certificate, UnixTime::from_secs(AT));
        let user_ids = all.user_ids.iter().filter(|user_id| !user_id.is_attribute);
        Entry {
            primary: row(&certificate.primary, all.expires, all.status),
            user_ids: user_ids
                .map(|user_id| (String::from_utf8_lossy(user_id.bytes).into_owned(), user_id.status))
                .collect(),
            subkeys: all
                .subkeys
                .iter()
                .map(|subkey| row(&subkey.key, subkey.expires, subkey.status))
                .collect(),
        }
    });
    entries.collect()
}

/// What GnuPG reads; `None`, said aloud, where there is no GnuPG.
pub(crate) fn theirs(path: &Path) -> Option<Vec<Entry>> {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("gpg")
        .arg("--homedir")
        .arg(home.path())
        .args(["--batch", "--no-tty", "--no-autostart", "--faked-system-time", &format!("{AT}!")])
        .args(["--with-colons", "--with-fingerprint", "--with-fingerprint", "--show-keys"])
        .arg(path)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(parse(&String::from_utf8_lossy(&output.stdout))),
        Err(error) => {
            eprintln!("SKIPPED: gpg cannot be run: {error}");
            None
        }
    }
}

fn status(letter: &str) -> Status {
    match letter {
        "r" => Status::Revoked,
        "e" => Status::Expired,
        "i" => Status::Unverified,
        _ => Status::Valid,
    }
}

fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut in_subkey = false;
    for line in text.lines() {
        let fields: Vec<_> = line.split(':').collect();
        match fields[0] {
            "pub" | "sub" => {
                let row = Row {
                    fingerprint: String::new(),
                    key_id: fields[4].to_owned(),
                    algorithm: fields[3].parse().unwrap(),
                    bits: fields[2].parse().unwrap(),
                    created: fields[5].parse().unwrap(),
                    expires: fields[6].parse().ok(),
                    status: status(fields[1]),
                };
                in_subkey = fields[0] == "sub";
                if in_subkey {
                    entries.last_mut().unwrap().subkeys.push(row);
                } else {
                    entries.push(Entry { primary: row, user_ids: BTreeMap::new(), subkeys: Vec::new() });
                }
            }
            "fpr" => {
                let entry = entries.last_mut().unwrap();
                let row = if in_subkey { entry.subkeys.last_mut().unwrap() } else { &mut entry.primary };
                fields[9].clone_into(&mut row.fingerprint);
            }
            "uid" => {
                let text = unescape(fields[9]);
                entries.last_mut().unwrap().user_ids.insert(text, status(fields[1]));
            }
            _ => {}
        }
    }
    entries
}

/// `\x3a` is a colon.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        out.push(u8::from_str_radix(digits, 16).unwrap());
        out.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn rings() -> Vec<PathBuf> {
    let named = std::env::var_os("LYDIAN_KEYRINGS");
    let folders = named.map_or_else(
        || vec!["/usr/share/keyrings".into(), "/etc/apt/trusted.gpg.d".into(), "/etc/apt/keyrings".into()],
        |named| std::env::split_paths(&named).collect::<Vec<_>>(),
    );
    let mut files = vec![crate::path("all.gpg"), crate::path("rsa.asc")];
    for folder in folders {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
        if folder.is_file() {
            files.push(folder);
        }
    }
    files.sort();
    files
}

/// Large rings are compared by hand: they name developers, and take minutes.
const RING_BYTES: u64 = 1 << 20;

#[test]
fn gnupg_reads_the_same() {
    let limit = if std::env::var_os("LYDIAN_KEYRINGS").is_some() { u64::MAX } else { RING_BYTES };
    let (mut files, mut keys, mut different) = (0, 0, Vec::new());
    let mut unverified = Unverified::default();
    for path in rings() {
        if std::fs::metadata(&path).unwrap().len() > limit {
            eprintln!("{}: larger than {limit} bytes, left out", path.display());
            continue;
        }
        let Some(theirs) = theirs(&path) else { return };
        let ours = ours(&std::fs::read(&path).unwrap());
        files += 1;
        keys += ours.len();
        if ours.len() != theirs.len() {
            different.push(format!("{}: {} keys, GnuPG has {}", path.display(), ours.len(), theirs.len()));
        }
        for (ours, theirs) in ours.iter().zip(&theirs) {
            different.extend(differences(ours, theirs, &mut unverified));
        }
    }
    let Unverified { keys: unverified, parts } = unverified;
    eprintln!(
        "{files} rings with {keys} keys compared with GnuPG; of {unverified} keys, and {parts} user ids and subkeys of \
         others, nothing is verified"
    );
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// What GnuPG says more of than Lydian, which leaves it unverified: DSA, Brainpool, RSA of 1024 or more than 8192 bits,
/// MD5, SHA-224 and RIPEMD-160, signing subkeys without their own consent.
#[derive(Debug, Default)]
struct Unverified {
    keys: usize,
    parts: usize,
}

/// What differs. What Lydian leaves unverified is counted; whatever it calls valid, expired or revoked must be so.
fn differences(ours: &Entry, theirs: &Entry, unverified: &mut Unverified) -> Vec<String> {
    let (name, theirs_key) = (&theirs.primary.fingerprint, theirs.primary.status);
    let mut found = Vec::new();
    let mut check = |what: &str, ours: &Row, theirs: &Row| {
        let is_left_open = ours.status == Status::Unverified;
        let mut theirs = theirs.clone();
        if is_left_open || theirs.status == Status::Unverified && ours.status == Status::Revoked {
            theirs = Row { status: ours.status, expires: ours.expires, ..theirs };
        }
        if *ours != theirs {
            found.push(format!("{name} {what}:\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
        is_left_open
    };
    let is_left_open = check("key", &ours.primary, &theirs.primary);
    let mut open_parts = 0;
    for theirs in &theirs.subkeys {
        match ours.subkeys.iter().find(|ours| ours.fingerprint == theirs.fingerprint) {
            Some(ours) => open_parts += usize::from(check("subkey", ours, theirs)),
            None => panic!("{name}: subkey {} is missing", theirs.fingerprint),
        }
    }
    for (text, theirs) in &theirs.user_ids {
        match ours.user_ids.get(text) {
            // GnuPG gives a user id the state of its key, if that is worse.
            Some(ours) if *ours.max(&theirs_key) == *theirs => {}
            Some(Status::Unverified) => open_parts += 1,
            ours => found.push(format!("{name} user id {text:?}: ours {ours:?}, theirs {theirs:?}")),
        }
    }
    if is_left_open {
        unverified.keys += 1;
    } else {
        unverified.parts += open_parts;
    }
    found
}
