use super::*;

/// An event of records.
fn event(mask: u64, records: &[Vec<u8>]) -> Vec<u8> {
    let body = records.concat();
    let length = u32::try_from(24 + body.len()).unwrap();
    let mut out = Vec::new();
    out.extend(length.to_ne_bytes());
    out.extend([3, 0]);
    out.extend(24_u16.to_ne_bytes());
    out.extend(mask.to_ne_bytes());
    out.extend((-1_i32).to_ne_bytes());
    out.extend(77_i32.to_ne_bytes());
    out.extend(body);
    out
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (4 + body.len()).next_multiple_of(4);
    let mut out = vec![kind, 0];
    out.extend(u16::try_from(length).unwrap().to_ne_bytes());
    out.extend(body);
    out.resize(length, 0);
    out
}

fn handle(bytes: &[u8], name: &[u8]) -> Vec<u8> {
    let mut out = b"fsidfsid".to_vec();
    out.extend(u32::try_from(bytes.len()).unwrap().to_ne_bytes());
    out.extend(1_i32.to_ne_bytes());
    out.extend(bytes);
    out.extend(name);
    out
}

fn check(bytes: &[u8], expected: Result<usize, (usize, Fault)>) {
    let all: Result<Vec<_>, _> = decode(bytes).collect();
    let found = all.map(|events| events.len()).map_err(|error| (error.offset, error.fault));
    assert_eq!(found, expected, "{bytes:x?}");
}

#[test]
fn a_directory_a_name_and_a_child() {
    let bytes = event(
        libc::FAN_CLOSE_WRITE,
        &[
            record(2, &handle(b"directory", b"na\nme\xff\0")),
            record(99, b"later"),
            record(1, &handle(b"child", b"")),
        ],
    );
    let twice = [bytes.clone(), bytes].concat();
    let events: Vec<_> = decode(&twice).collect::<Result<_, _>>().unwrap();
    let expected = Event {
        mask: Mask::CLOSE_WRITE,
        pid: 77,
        fsid: Some(Fsid::from_bytes(*b"fsidfsid")),
        directory: Some(FileHandle::new(1, b"directory").unwrap()),
        name: Some(b"na\nme\xff"),
        child: Some(FileHandle::new(1, b"child").unwrap()),
    };
    assert_eq!(events, [expected.clone(), expected]);
}

#[test]
fn a_directory_without_a_name() {
    let bytes = event(libc::FAN_DELETE, &[record(3, &handle(b"directory", b""))]);
    let found = decode(&bytes).next().unwrap().unwrap();
    assert_eq!(found.directory, Some(FileHandle::new(1, b"directory").unwrap()));
    assert_eq!((found.name, found.child), (None, None));
}

#[test]
fn an_overflow_has_no_records() {
    let bytes = event(libc::FAN_Q_OVERFLOW, &[]);
    let found = decode(&bytes).next().unwrap().unwrap();
    assert!(found.is_overflow());
    assert_eq!(found.fsid, None);
}

#[test]
fn what_does_not_fit_is_refused_at_its_place() {
    check(&[], Ok(0));
    let good = event(libc::FAN_CREATE, &[record(2, &handle(b"dir", b"x\0"))]);
    check(&good, Ok(1));
    for end in 1..good.len() {
        let fault = if end < 24 { Fault::Short } else { Fault::Length(good.len()) };
        let found = decode(&good[..end]).next().unwrap().unwrap_err();
        assert_eq!(found.fault, fault, "cut at {end}");
        assert!(found.offset <= end);
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    check(&with(0, 0), Err((6, Fault::Length(24))));
    check(&with(0, 25), Err((24, Fault::Short)));
    check(&with(4, 4), Err((4, Fault::Version(4))));
    check(&with(6, 23), Err((6, Fault::Length(23))));
    check(&with(6, 255), Err((6, Fault::Length(255))));
    check(&with(26, 0), Err((26, Fault::Length(0))));
    check(&with(26, 3), Err((26, Fault::Length(3))));
    check(&with(26, 200), Err((26, Fault::Length(200))));
    check(&with(36, 129), Err((36, Fault::Length(129))));
}

#[test]
fn a_name_ends_in_its_own_record() {
    let bytes = event(libc::FAN_CREATE, &[record(2, &handle(b"four", b"abcd")), record(9, b"\0\0\0\0")]);
    check(&bytes, Err((48, Fault::Name)));
}

#[test]
fn a_handle_longer_than_any_is_refused() {
    let bytes = event(libc::FAN_CREATE, &[record(1, &handle(&[7; 129], b""))]);
    check(&bytes, Err((36, Fault::Length(129))));
    check(&event(libc::FAN_CREATE, &[record(1, &handle(&[7; 128], b""))]), Ok(1));
}

#[test]
fn nothing_follows_an_error() {
    let bytes = [event(0, &[]), vec![1, 2, 3], event(0, &[])].concat();
    let found: Vec<_> = decode(&bytes).collect();
    assert_eq!(found.len(), 2);
    assert!(found[0].is_ok() && found[1].is_err());
}

/// Recorded by a group that also asks for PIDFD, whose records are skipped: a directory made, a file in it written, made
/// executable, renamed to a name with a newline, linked, executed.
fn check_recorded(bytes: &[u8]) {
    let events: Vec<_> = decode(bytes).collect::<Result<_, _>>().unwrap();
    let named = |name: &[u8], mask: Mask| {
        let mut found = events.iter().filter(|event| event.name == Some(name) && event.mask.intersects(mask));
        found.next().unwrap_or_else(|| panic!("{} {mask:?}: {events:x?}", name.escape_ascii()))
    };
    let made = named(b"dir", Mask::CREATE);
    assert!(made.mask.intersects(Mask::ONDIR));
    let renamed = named("b\n\u{ff}".as_bytes(), Mask::MOVED_TO);
    assert_eq!(renamed.directory, made.child, "the file is in the directory that was made");
    assert_eq!(named(b"a", Mask::CLOSE_WRITE).child, renamed.child);
    assert_eq!(named(b"other", Mask::CREATE).child, renamed.child);
    assert_eq!(named(b".", Mask::ATTRIB).directory, made.child);
    assert!(named(b"t", Mask::OPEN_EXEC).mask.intersects(Mask::OPEN_EXEC));
    assert_eq!(named(b"new", Mask::MOVED_TO).child, made.child);
    assert!(
        events.iter().any(|event| event.directory.is_none() && event.child == renamed.child),
        "a name went"
    );
    assert!(events.iter().all(|event| event.fsid == made.fsid));
}

#[test]
fn recorded_events() {
    check_recorded(include_bytes!("../../tests/data/tmpfs.events"));
    check_recorded(include_bytes!("../../tests/data/ext4.events"));
}
