use super::*;
use crate::rpm::files::DigestAlgorithm;

/// A header of these tags: number, type, count, bytes.
pub(crate) fn header(tags: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, count, bytes) in tags {
        // Numbers are aligned.
        store.resize(store.len().next_multiple_of(4), 0);
        let offset = u32::try_from(store.len()).unwrap();
        index.extend([*tag, *kind, offset, *count].map(u32::to_be_bytes).as_flattened());
        store.extend_from_slice(bytes);
    }
    let lengths = [tags.len(), store.len()].map(|length| u32::try_from(length).unwrap().to_be_bytes());
    [lengths.as_flattened(), &index, &store].concat()
}

fn small() -> Vec<u8> {
    header(&[
        (tag::NAME, 6, 1, b"bash\0"),
        (tag::VERSION, 6, 1, b"5.2\0"),
        (tag::RELEASE, 6, 1, b"1.fc40\0"),
        (tag::EPOCH, 4, 1, &7_u32.to_be_bytes()),
        (tag::ARCH, 6, 1, b"x86_64\0"),
        (tag::BASENAMES, 8, 3, b"bash\0bashrc\0none\0"),
        (tag::DIRECTORIES, 8, 2, b"/usr/bin/\0/etc/\0"),
        (tag::DIRECTORY_INDEXES, 4, 3, &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9]),
        (tag::FILE_DIGESTS, 8, 2, b"aa\0bb\0"),
        (tag::FILE_FLAGS, 4, 2, &[0, 0, 0, 0, 0, 0, 0, 17]),
        (tag::FILE_STATES, 1, 2, &[0, 1]),
        (tag::FILE_DIGEST_ALGORITHM, 4, 1, &8_u32.to_be_bytes()),
    ])
}

#[test]
fn a_package_and_its_files() {
    let bytes = small();
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.name(), Some(b"bash".as_slice()));
    assert_eq!(header.version(), "7:5.2-1.fc40");
    assert_eq!(header.architecture(), Some(b"x86_64".as_slice()));
    assert_eq!(header.digest_algorithm(), DigestAlgorithm::Sha256);
    let files: Vec<_> = header.files().collect();
    let [bash, bashrc] = files.as_slice() else { panic!("a file in no directory ends the list: {files:?}") };
    assert_eq!((bash.directory, bash.name, bash.digest), (&b"/usr/bin/"[..], &b"bash"[..], &b"aa"[..]));
    assert!(bash.is_installed() && !bash.is_configuration() && !bash.is_ghost());
    assert_eq!((bashrc.directory, bashrc.name, bashrc.digest), (&b"/etc/"[..], &b"bashrc"[..], &b"bb"[..]));
    assert!(!bashrc.is_installed() && bashrc.is_configuration());
    assert!(header.signers().is_empty());
}

#[test]
fn a_source_package_is_named_by_its_file() {
    let of = |file: &[u8], epoch: bool| {
        let mut tags = vec![(tag::SOURCE_RPM, 6, 1, file)];
        let seven = 7_u32.to_be_bytes();
        if epoch {
            tags.push((tag::EPOCH, 4, 1, &seven));
        }
        let bytes = header(&tags);
        Header::parse(&bytes).unwrap().source()
    };
    let some = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
    assert_eq!(of(b"xz-5.4.1-1.fc38.src.rpm\0", false), some("xz", "5.4.1-1.fc38"));
    assert_eq!(
        of(b"java-11-openjdk-11.0.2-1.el9.nosrc.rpm\0", true),
        some("java-11-openjdk", "7:11.0.2-1.el9")
    );
    assert_eq!(of(b"xz-5.4.1-1.fc38.rpm\0", false), None);
    assert_eq!(of(b"xz.src.rpm\0", false), None);
    assert_eq!(Header::parse(&small()).unwrap().source(), None);
}

#[test]
fn lengths_are_checked_before_they_are_believed() {
    let check = |bytes: &[u8], expected| assert_eq!(Header::parse(bytes).err(), Some(expected));
    let bytes = small();
    let cut = bytes.len() - 1;
    check(&bytes[..cut], Truncated { offset: 200, needed: cut - 199, left: cut - 200 }.into());
    check(&[0xff; 8], RpmError::Entries { offset: 0, found: u32::MAX });
    check(&[0; 9], RpmError::Trailing { offset: 8, left: 1 });
}

#[test]
fn values_outside_the_store_are_not_there() {
    let mut bytes = header(&[(tag::EPOCH, 6, 1, b"1\0"), (tag::NAME, 6, 1, b"unended")]);
    assert_eq!(Header::parse(&bytes).unwrap().name(), None, "no NUL");
    assert_eq!(Header::parse(&bytes).unwrap().version(), "-", "an epoch is a number");
    bytes[8 + 16 + 8] = 0xff;
    assert_eq!(Header::parse(&bytes).unwrap().name(), None);
}

/// A database of one package, as its format has it.
fn ndb(blob: &[u8]) -> Vec<u8> {
    let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let mut file = [*b"RpmP", word(0), word(1), word(1), word(2)].concat();
    file.resize(32, 0);
    file.extend([*b"Slot", word(1), word(256), word(blob.len().div_ceil(16) + 2)].concat());
    file.extend([*b"Slot", word(0), word(0), word(0)].concat());
    file.resize(4096, 0);
    file.extend([*b"BlbS", word(1), word(1), word(blob.len())].concat());
    file.extend_from_slice(blob);
    file
}

#[test]
fn suse_databases_have_slots() {
    let file = ndb(&small());
    let source = file.as_slice();
    let found: Vec<_> = blobs(&source).unwrap().collect();
    assert_eq!(found, [Ok(small())]);
    let mut other = file.clone();
    other[4096 + 4] = 9;
    let source = other.as_slice();
    let found: Vec<_> = blobs(&source).unwrap().collect();
    assert_eq!(found, [Err(NdbError::Blob { offset: 4096 })]);
    let source = &file[1..];
    assert_eq!(blobs(&source).err(), Some(NdbError::Header { offset: 0 }));
}
