use super::*;

#[test]
fn numbers_of_every_length() {
    let check = |bytes: &[u8], expected| assert_eq!(varint(bytes), expected, "{bytes:02x?}");
    check(&[0x7f], Some((0x7f, 1)));
    check(&[0x81, 0x00], Some((0x80, 2)));
    check(&[0xff; 9], Some((u64::MAX, 9)));
    check(&[0xff; 8], None);
    check(&[], None);
}

#[test]
fn columns_of_every_type() {
    let record = [8, 0, 1, 5, 8, 9, 16, 15, 0xff, 0, 0, 0, 0, 1, 2, b'a', b'b', b't'];
    let columns: Vec<_> = Columns::of(&record).collect();
    let expected = [
        Column::Null,
        Column::Integer(-1),
        Column::Integer(258),
        Column::Integer(0),
        Column::Integer(1),
        Column::Blob(b"ab"),
        Column::Text(b"t"),
    ];
    assert_eq!(columns, expected);
    assert_eq!(Columns::of(&[0xff]).count(), 0);
    assert_eq!(Columns::of(&[2, 18, 1]).count(), 0, "a value that leaves the record");
}

/// One page that is a leaf, with cells at these places.
fn leaf(pointers: &[u16], fill: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut page = vec![0; 512];
    page[..16].copy_from_slice(MAGIC);
    page[16..18].copy_from_slice(&512_u16.to_be_bytes());
    page[100] = 13;
    page[103..105].copy_from_slice(&u16::try_from(pointers.len()).unwrap().to_be_bytes());
    for (pointer, at) in pointers.iter().zip((108..).step_by(2)) {
        page[at..at + 2].copy_from_slice(&pointer.to_be_bytes());
    }
    fill(&mut page);
    page
}

fn check(file: &[u8], expected: Result<usize, SqliteError>) {
    let mut rows = 0;
    let read = Database::open(&file, None).and_then(|database| database.rows(1, &mut |_, _| rows += 1));
    assert_eq!(read.map(|()| rows), expected);
}

#[test]
fn damage_is_named_by_its_page() {
    check(&leaf(&[400], |page| page[400..404].copy_from_slice(&[2, 7, 1, 9])), Ok(1));
    check(b"", Err(SourceError::Outside { offset: 0, size: 100 }.into()));
    check(&leaf(&[], |page| page[0] = b's'), Err(SqliteError::Header { offset: 0 }));
    check(&leaf(&[], |page| page[17] = 1), Err(SqliteError::Header { offset: 16 }));
    check(&leaf(&[], |page| page[20] = 200), Err(SqliteError::Header { offset: 20 }));
    check(&leaf(&[], |page| page[59] = 2), Err(SqliteError::Header { offset: 56 }));
    check(&leaf(&[], |page| page[100] = 10), Err(SqliteError::Page { page: 1 }));
    check(&leaf(&[511], |_| {}), Err(SqliteError::Page { page: 1 }));
}

#[test]
fn pages_that_point_in_a_circle_end() {
    let interior = leaf(&[], |page| {
        page[100] = 5;
        page[108..112].copy_from_slice(&1_u32.to_be_bytes());
    });
    check(&interior, Err(SqliteError::Circle { page: 1 }));
    let chain = leaf(&[120], |page| {
        // A record of 40,000 bytes that goes on in its own page.
        page[120..124].copy_from_slice(&[0x82, 0xb8, 0x40, 1]);
        page[400..].fill(0);
    });
    check(&chain, Err(SqliteError::Circle { page: 0 }));
}

#[test]
fn cells_that_share_their_bytes_are_refused() {
    let shared = leaf(&[300; 20], |page| page[300..302].copy_from_slice(&[0x81, 0x00]));
    check(&shared, Err(SqliteError::Page { page: 1 }));
}

#[test]
fn a_log_that_is_cut_or_of_another_format_counts_for_nothing() {
    let file = leaf(&[400], |page| page[400..404].copy_from_slice(&[2, 7, 1, 9]));
    for log in [&b"short"[..], &[0x37; 100], &[0; 4_000]] {
        let file = file.as_slice();
        let database = Database::open(&file, Some(&log)).unwrap();
        assert_eq!(database.log_end(), Some(WalEnd::Unfinished { offset: 0 }));
    }
}
