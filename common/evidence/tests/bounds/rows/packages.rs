//! Databases of packages, and what programs say of their build.

use std::hint::black_box;

use evidence::buildinfo;
use evidence::rpm::{Header, blobs};
use evidence::sqlite::{Columns, Database};

use super::{CONSTANT, Inputs, Row};
use crate::samples::of_folder;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "RPM header",
            module: "rpm",
            fuzz: "rpm",
            real: || corpus("rpm"),
            hostile: &[
                ("directories without names", |size| header(&[(1118, 8, size, &vec![0; size])])),
                ("files without names", files),
                ("tags alone", |size| header(&vec![(7, 4, 1, [].as_slice()); size / 16])),
                ("blobs that are one", slots),
            ],
            scale: 16 << 10,
            read: read_rpm,
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "SQLite file",
            module: "sqlite",
            fuzz: "sqlite",
            real: || corpus("sqlite"),
            hostile: &[
                ("rows of nothing", |size| pages(size, |page, _| rows_of_nothing(page))),
                ("a record over all pages", |size| pages(size, chain)),
                ("pages that are each other's parent", |size| pages(size, parent)),
            ],
            scale: 16 << 10,
            read: read_sqlite,
            // A record that goes over all pages grows by doubling: the old and the new one at once.
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "build of a program",
            module: "buildinfo",
            fuzz: "buildinfo",
            real: || corpus("buildinfo"),
            hostile: &[
                ("modules without names", |size| program(".go.buildinfo", &go(&"dep\t\n".repeat(size / 5)))),
                ("module upon module", |size| program(".go.buildinfo", &go(&modules(size)))),
                ("compilers", |size| program(".comment", &b"rustc version \0".repeat(size / 15))),
                ("sections", |size| program(".dep-v0", &vec![0; size])),
            ],
            scale: 16 << 10,
            read: |bytes| drop(black_box(buildinfo::read(&bytes))),
            multiple: 4,
            // Facts, of which there is a limit and each of which is two texts; and what unpacking needs.
            constant: (4_096 * 2 * 128) + (64 << 10),
        },
    ]
}

fn corpus(target: &str) -> Inputs {
    of_folder(&format!("fuzz/corpus/{target}"), "")
}

fn read_rpm(bytes: &[u8]) {
    let read = |bytes: &[u8]| {
        let Ok(header) = Header::parse(bytes) else { return };
        black_box((header.name(), header.version(), header.files().count(), header.signers()));
    };
    read(bytes);
    blobs(&bytes).into_iter().flatten().filter_map(Result::ok).for_each(|blob| read(&blob));
}

fn read_sqlite(bytes: &[u8]) {
    let Ok(database) = Database::open(&bytes, Some(&bytes)).or_else(|_| Database::open(&bytes, None)) else {
        return;
    };
    let root = database.table("Packages").ok().flatten().unwrap_or(1);
    black_box(database.rows(root, &mut |_, record| {
        black_box(Columns::of(record).count());
    }))
    .ok();
}

/// A header of tags: number, type, count, bytes.
fn header(tags: &[(u32, u32, usize, &[u8])]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, count, bytes) in tags {
        let (offset, count) = (u32::try_from(store.len()).unwrap(), u32::try_from(*count).unwrap());
        index.extend([*tag, *kind, offset, count].map(u32::to_be_bytes).as_flattened());
        store.extend_from_slice(bytes);
    }
    let lengths = [tags.len(), store.len()].map(|length| u32::try_from(length).unwrap().to_be_bytes());
    [lengths.as_flattened(), &index, &store].concat()
}

fn files(size: usize) -> Vec<u8> {
    let count = size / 6;
    let (words, nothing) = (vec![0; 4 * count], vec![0; count]);
    header(&[(1116, 4, count, &words), (1117, 8, count, &nothing), (1118, 8, 1, &[0])])
}

/// SUSE's database, all of whose slots point to one blob.
fn slots(size: usize) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let pages = (size / 8192).max(1);
    let mut file = [*b"RpmP", word(0), word(1), word(pages), word(2)].concat();
    file.resize(32, 0);
    while file.len() < 4096 * pages {
        file.extend([*b"Slot", word(1), word(256 * pages), word(size)].concat());
    }
    file.extend([*b"BlbS", word(1), word(1), word(size / 2)].concat());
    file.resize(file.len() + size / 2, 0);
    file
}

const PAGE: usize = 512;

/// A database of so many pages, each of which is filled by its number, which counts from one.
fn pages(size: usize, fill: impl Fn(&mut [u8], usize)) -> Vec<u8> {
    let mut file = vec![0; size / PAGE * PAGE];
    for (number, page) in file.chunks_exact_mut(PAGE).enumerate() {
        fill(page, number + 1);
    }
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&512_u16.to_be_bytes());
    file[18..100].fill(0);
    file
}

fn rows_of_nothing(page: &mut [u8]) {
    page[100] = 13;
    page[103..105].copy_from_slice(&200_u16.to_be_bytes());
    page[108..508].copy_from_slice(&508_u16.to_be_bytes().repeat(200));
}

/// The first page has a record that goes on in each of the others.
fn chain(page: &mut [u8], number: usize) {
    let next = u32::try_from(number + 1).unwrap().to_be_bytes();
    if number > 1 {
        page[..4].copy_from_slice(&next);
        return;
    }
    page[100] = 13;
    page[103..105].copy_from_slice(&1_u16.to_be_bytes());
    page[108..110].copy_from_slice(&120_u16.to_be_bytes());
    // 32 MiB, row 1; 39 bytes at least are in the page, at most all that fit.
    page[120..125].copy_from_slice(&[0x90, 0x80, 0x80, 0x00, 1]);
    for at in (125..PAGE - 4).step_by(4) {
        page[at..at + 4].copy_from_slice(&next);
    }
}

fn parent(page: &mut [u8], number: usize) {
    let at = if number == 1 { 100 } else { 0 };
    page[at] = 5;
    let (left, right) = (u32::try_from(number + 1).unwrap(), u32::try_from(number.max(2) - 1).unwrap());
    page[at + 3..at + 5].copy_from_slice(&1_u16.to_be_bytes());
    page[at + 8..at + 12].copy_from_slice(&right.to_be_bytes());
    page[at + 12..at + 14].copy_from_slice(&400_u16.to_be_bytes());
    page[400..404].copy_from_slice(&left.to_be_bytes());
}

/// A program of one section.
fn program(name: &str, content: &[u8]) -> Vec<u8> {
    let names = [b"\0", name.as_bytes(), b"\0"].concat();
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    let names_at = file.len();
    file.extend_from_slice(&names);
    let content_at = file.len();
    file.extend_from_slice(content);
    let table = file.len();
    for (name, at, size) in [(0, 0, 0), (1, content_at, content.len()), (0, names_at, names.len())] {
        let mut section = [0; 64];
        section[..4].copy_from_slice(&u32::to_le_bytes(name));
        section[4] = u8::from(size != 0);
        section[24..32].copy_from_slice(&u64::try_from(at).unwrap().to_le_bytes());
        section[32..40].copy_from_slice(&u64::try_from(size).unwrap().to_le_bytes());
        file.extend_from_slice(&section);
    }
    file[40..48].copy_from_slice(&u64::try_from(table).unwrap().to_le_bytes());
    for (at, value) in [(58, 64_u16), (60, 3), (62, 2)] {
        file[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    file
}

fn go(lines: &str) -> Vec<u8> {
    let mut section = [b"\xff Go buildinf:\x08\x02".as_slice(), &[0; 16], b"\x02go"].concat();
    let text = format!("{}{lines}{}", "0".repeat(16), "1".repeat(16));
    let mut length = text.len();
    while length > 0x7f {
        section.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    section.push(u8::try_from(length).unwrap());
    section.extend_from_slice(text.as_bytes());
    section
}

fn modules(size: usize) -> String {
    let lines: Vec<_> = (0..size / 10).map(|number| format!("dep\t{number:04x}\t1\n")).collect();
    lines.concat()
}
