mod forge;
mod real;

use allocation_counter::measure;
use evidence::elf::{Class, Elf, ElfError, ElfType, Endianness, FindingCode, Machine, NoteKind, NoteSource};

use forge::{Forge, SECTION_OF_NOTES, note};

const LAYOUTS: [(Class, Endianness); 4] = [
    (Class::Elf32, Endianness::Little),
    (Class::Elf32, Endianness::Big),
    (Class::Elf64, Endianness::Little),
    (Class::Elf64, Endianness::Big),
];

const PACKAGE: &[u8] = b"{\"type\":\"deb\",\"name\":\"lydian\"}\0\0";

/// A program with everything that is read of one.
fn whole(class: Class, endianness: Endianness) -> Forge {
    let mut forge = Forge::new(class, endianness);
    forge.interpreter(b"/lib64/ld-linux-x86-64.so.2\0");
    let word = |value: u32| forge::word(endianness, value);
    let abi = [word(0), word(3), word(2), word(0)].concat();
    let property = match class {
        Class::Elf32 => [word(0xc000_0002), word(4), word(3)].concat(),
        Class::Elf64 => [word(0xc000_0002), word(4), word(3), word(0)].concat(),
    };
    let align = if class == Class::Elf64 { 8 } else { 4 };
    forge.notes(
        b".note.gnu.property",
        align,
        &note(endianness, usize::try_from(align).unwrap(), b"GNU\0", 5, &property),
        true,
    );
    forge.notes(b".note.gnu.build-id", 4, &note(endianness, 4, b"GNU\0", 3, &[0xab; 20]), true);
    forge.notes(b".note.ABI-tag", 4, &note(endianness, 4, b"GNU\0", 1, &abi), true);
    forge.notes(b".note.package", 4, &note(endianness, 4, b"FDO\0", 0xcafe_1a7e, PACKAGE), false);
    forge.section(b".comment", Forge::PROGBITS, b"GCC: (Debian 12.2.0) 12.2.0\0clang\0");
    forge.needed(&[b"libc.so.6", b"libssl.so.3"]);
    forge
}

#[test]
fn both_widths_and_both_byte_orders() {
    for (class, endianness) in LAYOUTS {
        let bytes = whole(class, endianness).build();
        let elf = Elf::parse(&bytes).unwrap();
        assert_eq!((elf.class(), elf.endianness()), (class, endianness));
        assert_eq!((elf.elf_type(), elf.machine()), (ElfType::DYN, Machine(62)));
        assert_eq!(elf.interpreter(), Some(&b"/lib64/ld-linux-x86-64.so.2"[..]));
        assert_eq!(elf.build_id(), Some(&[0xab; 20][..]));
        assert_eq!(elf.needed().collect::<Vec<_>>(), [&b"libc.so.6"[..], b"libssl.so.3"]);
        assert_eq!(elf.comments().collect::<Vec<_>>(), [&b"GCC: (Debian 12.2.0) 12.2.0"[..], b"clang"]);
        let notes: Vec<_> = elf.notes().map(Result::unwrap).collect();
        let kinds: Vec<_> = notes.iter().map(|found| found.note.kind().name()).collect();
        assert_eq!(kinds, ["gnu-property", "build-id", "abi-tag", "package"], "{class:?} {endianness:?}");
        assert!(
            notes.iter().all(|found| matches!(found.source, NoteSource::Section(_))),
            "each is told once"
        );
        let NoteKind::Properties(mut properties) = notes[0].note.kind() else { panic!("{:?}", notes[0]) };
        let property = properties.next().unwrap();
        assert_eq!(property.flags(elf.machine()).collect::<Vec<_>>(), ["IBT", "SHSTK"]);
        assert_eq!(properties.next(), None);
        let NoteKind::AbiTag(tag) = notes[2].note.kind() else { panic!("{:?}", notes[2]) };
        assert_eq!((tag.os_name(), tag.version), (Some("Linux"), [3, 2, 0]));
        assert_eq!(notes[3].note.kind(), NoteKind::Package(&PACKAGE[..PACKAGE.len() - 2]));
        assert_eq!(elf.findings().list, []);
        assert_eq!(elf.findings().truncated_at, None);
    }
}

#[test]
fn without_section_headers_the_segments_tell() {
    for (class, endianness) in LAYOUTS {
        let mut forge = whole(class, endianness);
        forge.without_sections();
        let bytes = forge.build();
        let elf = Elf::parse(&bytes).unwrap();
        let notes: Vec<_> = elf.notes().map(Result::unwrap).collect();
        let kinds: Vec<_> = notes.iter().map(|found| found.note.kind().name()).collect();
        assert_eq!(kinds, ["gnu-property", "build-id", "abi-tag"]);
        assert!(notes.iter().all(|found| found.source == NoteSource::Segment));
        assert_eq!(elf.build_id(), Some(&[0xab; 20][..]));
        assert_eq!(elf.findings().list, []);
    }
}

#[test]
fn counts_that_do_not_fit_their_fields_stand_in_the_first_section() {
    for (class, endianness) in LAYOUTS {
        let mut forge = whole(class, endianness);
        forge.counts_in_first_section();
        let bytes = forge.build();
        let elf = Elf::parse(&bytes).unwrap();
        let plain = whole(class, endianness).build();
        let plain = Elf::parse(&plain).unwrap();
        assert_eq!(elf.segments().count(), plain.segments().count());
        assert_eq!(elf.sections().count(), plain.sections().count());
        assert_eq!(elf.build_id(), plain.build_id());
        assert!(elf.section_named(b".comment").is_some());
        assert_eq!(elf.findings().list, []);
    }
}

#[test]
fn what_is_no_elf_file_is_refused_with_its_place() {
    let good = whole(Class::Elf64, Endianness::Little).build();
    let check = |at: usize, value: u8, expected: ElfError| {
        let mut bytes = good.clone();
        bytes[at] = value;
        assert_eq!(Elf::parse(&bytes).unwrap_err(), expected);
    };
    check(0, b'Z', ElfError::Magic);
    check(4, 3, ElfError::Class { found: 3 });
    check(5, 0, ElfError::Endianness { found: 0 });
    check(6, 2, ElfError::Version { found: 2 });
    assert_eq!(Elf::parse(b"").unwrap_err(), ElfError::Magic);
    assert_eq!(Elf::parse(&good[..63]).unwrap_err(), ElfError::Truncated { needed: 64, left: 63 });
}

/// Everything that is to be had of a file.
fn read_all(elf: &Elf<'_>) -> usize {
    let mut seen = elf.segments().count() + elf.needed().count() + elf.comments().count();
    seen += elf.sections().filter(|section| elf.section_name(section).is_some()).count();
    for note in elf.notes().filter_map(Result::ok) {
        seen += match note.note.kind() {
            NoteKind::Properties(properties) => {
                properties.map(|property| property.flags(elf.machine()).count()).sum()
            }
            kind => kind.name().len(),
        };
    }
    seen + elf.interpreter().map_or(0, <[u8]>::len) + elf.build_id().map_or(0, <[u8]>::len)
}

#[test]
fn cut_at_every_byte_it_is_refused_or_says_so() {
    for (class, endianness) in LAYOUTS {
        let bytes = whole(class, endianness).build();
        for length in 0..bytes.len() {
            match Elf::parse(&bytes[..length]) {
                Ok(elf) => {
                    read_all(&elf);
                    let findings = elf.findings();
                    assert_eq!(findings.truncated_at, Some(u64::try_from(length).unwrap()), "{length}");
                    assert!(findings.list.iter().any(|finding| finding.code.severity().name() == "error"));
                }
                Err(error) => assert!(length < 64, "{length}: {error}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_read_or_refused() {
    for (class, endianness) in LAYOUTS {
        let bytes = whole(class, endianness).build();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(elf) = Elf::parse(&bytes) {
                read_all(&elf);
                elf.findings();
            }
        }
    }
}

#[test]
fn hostile_places_and_sizes_are_findings() {
    let (class, endianness) = (Class::Elf64, Endianness::Little);
    let check = |change: &dyn Fn(&mut Forge), code: FindingCode| {
        let mut forge = whole(class, endianness);
        change(&mut forge);
        let bytes = forge.build();
        let elf = Elf::parse(&bytes).unwrap();
        read_all(&elf);
        let findings = elf.findings().list;
        assert!(findings.iter().any(|finding| finding.code == code), "{code:?}: {findings:?}");
    };
    check(&|forge| forge.header(54, &[55, 0]), FindingCode::SegmentEntrySize);
    check(&|forge| forge.header(58, &[63, 0]), FindingCode::SectionEntrySize);
    check(&|forge| forge.header(32, &[0xff; 8]), FindingCode::SegmentTableOutside);
    check(&|forge| forge.header(40, &[0xff; 8]), FindingCode::SectionTableOutside);
    check(&|forge| forge.header(60, &[0xfe, 0xff]), FindingCode::SectionTableOutside);
    check(&|forge| forge.segment(1, u64::MAX, u64::MAX), FindingCode::SegmentOutside);
    check(&|forge| forge.segment(4, u64::MAX - 3, 8), FindingCode::NotesOutside);
    check(&|forge| forge.segment(3, u64::MAX, 4), FindingCode::InterpreterUnreadable);
    check(&|forge| forge.interpreter(b"/lib/ld.so\0"), FindingCode::InterpreterRepeated);
    check(&|forge| forge.raw_section(1, 64, u64::MAX), FindingCode::SectionOutside);
    check(
        &|forge| forge.notes(b".note.x", 4, &note(endianness, 4, b"GNU\0", 3, &[0xcd; 20]), false),
        FindingCode::BuildIdConflict,
    );
    let mut long = note(endianness, 4, b"GNU\0", 3, &[1; 20]);
    long[4] = 200;
    check(&|forge| forge.notes(b".note.x", 4, &long, false), FindingCode::NoteMalformed);
    long[..4].fill(0xff);
    check(&|forge| forge.notes(b".note.x", 4, &long, false), FindingCode::NoteMalformed);
}

#[test]
fn names_without_a_nul_and_empty_descriptions_are_notes_too() {
    let endianness = Endianness::Little;
    let mut forge = Forge::new(Class::Elf64, endianness);
    let notes = [note(endianness, 4, b"abc", 7, b""), note(endianness, 4, b"", 8, b"xy")].concat();
    forge.notes(b".note", 1, &notes, false);
    let bytes = forge.build();
    let elf = Elf::parse(&bytes).unwrap();
    let notes: Vec<_> = elf.notes().map(|found| found.unwrap().note).collect();
    assert_eq!((notes[0].name, notes[0].note_type, notes[0].desc), (&b"abc"[..], 7, &b""[..]));
    assert_eq!((notes[1].name, notes[1].note_type, notes[1].desc), (&b""[..], 8, &b"xy"[..]));
    assert_eq!((notes.len(), elf.findings().list), (2, vec![]));
}

/// A file in which `count` note sections and segments all hold the same `notes` notes.
fn overlapping(count: u32, notes: usize) -> Vec<u8> {
    let mut forge = Forge::new(Class::Elf64, Endianness::Little);
    let area = note(Endianness::Little, 4, b"", 0, b"").repeat(notes);
    forge.notes(b".note", 4, &area, true);
    for _ in 0..count {
        forge.raw_section(SECTION_OF_NOTES, 64, u64::try_from(area.len()).unwrap());
        forge.segment(4, 64, u64::try_from(area.len()).unwrap());
    }
    forge.build()
}

#[test]
fn areas_that_overlap_do_not_multiply_the_work() {
    let count = |scale: u32| {
        let bytes = overlapping(200 * scale, 2_000 * usize::try_from(scale).unwrap());
        let elf = Elf::parse(&bytes).unwrap();
        let findings = elf.findings().list;
        assert!(findings.iter().any(|finding| finding.code == FindingCode::NotesOverlap), "{findings:?}");
        elf.build_id();
        let walked = elf.notes().flatten().count();
        assert!(walked * 12 <= 2 * bytes.len(), "{walked} notes of {} bytes", bytes.len());
        walked
    };
    let (one, ten) = (count(1), count(10));
    assert!(ten <= 11 * one, "{one} notes, ten times the file has {ten}");
}

#[test]
fn memory_stays_below_four_times_the_file() {
    for bytes in [
        whole(Class::Elf64, Endianness::Little).build(),
        overlapping(1_000, 50_000),
        forge::many_sections(20_000),
    ] {
        let info = measure(|| {
            let elf = Elf::parse(&bytes).unwrap();
            read_all(&elf);
            elf.findings();
        });
        let limit = 4 * u64::try_from(bytes.len()).unwrap() + 4096;
        assert!(info.bytes_max <= limit, "{} bytes for a file of {}", info.bytes_max, bytes.len());
    }
}
