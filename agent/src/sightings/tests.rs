use evidence::manifest::{ComponentKind, EntryFlags, component_digest};

use super::*;

fn content(text: &str) -> Sha256Digest {
    Sha256Digest::of(&[text.as_bytes()])
}

fn manifest(version: &str, entries: &[(&str, &str)]) -> (Sha256Digest, Vec<u8>) {
    let entry = |(path, text): &(&str, &str)| Entry {
        path: path.as_bytes().to_vec(),
        digest: content(text),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let entries = entries.iter().map(entry).collect();
    let bytes = Manifest::new(ComponentKind::Package, "p".into(), version.into(), "amd64".into(), entries)
        .unwrap()
        .encode();
    (component_digest(&bytes), bytes)
}

fn at(ms: u64) -> UnixTime {
    UnixTime::from_ms(ms)
}

/// Version, first, last and presence of each sighting of a content.
fn check(sightings: &Sightings, text: &str, expected: &[(&str, u64, u64, Presence)]) {
    let mut found = Vec::new();
    let digest = content(text);
    sightings
        .reader()
        .digests((digest, digest), &mut |seen, manifest, entry| {
            assert_eq!(entry.digest, digest);
            let times = (seen.first.as_ms(), seen.last.as_ms());
            found.push((manifest.version().to_owned(), times.0, times.1, seen.presence));
            ControlFlow::Continue(())
        })
        .unwrap();
    let expected: Vec<_> = expected.iter().map(|(v, a, b, p)| ((*v).to_owned(), *a, *b, *p)).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_upgrade_makes_what_it_keeps_no_younger() {
    let dir = tempfile::tempdir().unwrap();
    let mut sightings = Sightings::open(dir.path(), at(1)).unwrap();
    let (one, bytes) = manifest("1", &[("/bin/a", "a"), ("/bin/b", "b")]);
    sightings.manifest(one, &bytes, at(10)).unwrap();
    sightings.settled(&[one], at(10)).unwrap();
    sightings.settled(&[one], at(20)).unwrap();
    let (two, bytes) = manifest("2", &[("/bin/a", "a"), ("/bin/b", "new")]);
    sightings.manifest(two, &bytes, at(30)).unwrap();
    sightings.settled(&[two], at(30)).unwrap();
    check(&sightings, "a", &[("1", 10, 20, Presence::Gone), ("2", 10, 30, Presence::Here)]);
    check(&sightings, "b", &[("1", 10, 20, Presence::Gone)]);
    check(&sightings, "new", &[("2", 30, 30, Presence::Here)]);
    check(&sightings, "never", &[]);
    sightings.settled(&[one], at(40)).unwrap();
    check(&sightings, "b", &[("1", 10, 40, Presence::Here)]);
    let mut paths = Vec::new();
    let reader = sightings.reader();
    reader
        .path(b"/bin/b", &mut |_, manifest, entry| {
            paths.push((manifest.version().to_owned(), entry.digest));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(paths, [("1".to_owned(), content("b"))], "only what is there has paths");
    assert_eq!(reader.span().unwrap(), Span { began: at(1), settled: Some(at(40)) });
}

#[test]
fn what_went_long_ago_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut sightings = Sightings::open(dir.path(), at(1)).unwrap();
    let (one, bytes) = manifest("1", &[("/bin/a", "a")]);
    sightings.manifest(one, &bytes, at(10)).unwrap();
    sightings.settled(&[one], at(10)).unwrap();
    sightings.settled(&[], at(20)).unwrap();
    sightings.settled(&[], at(10 + limits::ABSENT_MS)).unwrap();
    check(&sightings, "a", &[("1", 10, 10, Presence::Gone)]);
    sightings.settled(&[], at(11 + limits::ABSENT_MS)).unwrap();
    check(&sightings, "a", &[]);
    assert_eq!(sightings.known_of(&[one].into()).unwrap(), BTreeSet::new(), "it has to be reported again");
}

#[test]
fn a_damaged_store_is_made_anew_and_one_in_use_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(Sightings::FILE);
    let (one, bytes) = manifest("1", &[("/bin/a", "a")]);
    {
        let mut sightings = Sightings::open(dir.path(), at(1)).unwrap();
        sightings.manifest(one, &bytes, at(10)).unwrap();
        sightings.settled(&[one], at(10)).unwrap();
        assert!(Sightings::open(dir.path(), at(2)).err().unwrap().is_taken());
    }
    let sightings = Sightings::open(dir.path(), at(2)).unwrap();
    assert_eq!(sightings.known_of(&[one].into()).unwrap(), [one].into());
    check(&sightings, "a", &[("1", 10, 10, Presence::Here)]);
    drop(sightings);
    std::fs::write(&path, b"this is no database").unwrap();
    let sightings = Sightings::open(dir.path(), at(7)).unwrap();
    assert_eq!(sightings.reader().span().unwrap(), Span { began: at(7), settled: None });
    check(&sightings, "a", &[]);
}
