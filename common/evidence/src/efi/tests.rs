use super::*;
use crate::cursor::Truncated;

const DB: &[u8] = include_bytes!("../../../../tests/vectors/signing/db.esl");
const DBX: &[u8] = include_bytes!("../../../../tests/vectors/signing/dbx.esl");
const UPDATE: &[u8] = include_bytes!("../../../../tests/vectors/signing/dbx.auth");
const ROOT: &[u8] = include_bytes!("../../../../tests/vectors/signing/root.der");

/// Tests of each kind's GUID go by the specification's own text.
const KINDS: [(&str, SignatureType); 15] = [
    ("a5c059a1-94e4-4aa7-87b5-ab155c2bf072", SignatureType::X509),
    ("826ca512-cf10-4ac9-b187-be01496631bd", SignatureType::Sha1),
    ("0b6e5233-a65c-44c9-9407-d9ab83bfc8bd", SignatureType::Sha224),
    ("c1c41626-504c-4092-aca9-41f936934328", SignatureType::Sha256),
    ("ff3e5307-9fd0-48c9-85f1-8ad56c701e01", SignatureType::Sha384),
    ("093e0fae-a6c4-4f50-9f1b-d41e2b89c19a", SignatureType::Sha512),
    ("57347f87-7a9b-403a-b93c-dc4afb7a0ebc", SignatureType::Sm3),
    ("3c5766e8-269c-4e34-aa14-ed776e85b3b6", SignatureType::Rsa2048),
    ("67f8444f-8743-48f1-a328-1eaab8736080", SignatureType::Rsa2048Sha1),
    ("e2b36190-879b-4a3d-ad8d-f2e7bba32784", SignatureType::Rsa2048Sha256),
    ("3bd2a492-96c0-4079-b420-fcf98ef103ed", SignatureType::X509Sha256),
    ("7076876e-80c2-4ee6-aad2-28b349a6865b", SignatureType::X509Sha384),
    ("446dbf63-2502-4cda-bcfa-2465d2b0fe9d", SignatureType::X509Sha512),
    ("60d807e5-10b4-49a9-9331-e40437888d37", SignatureType::X509Sm3),
    ("452e8ced-dfff-4b8c-ae01-5118862e682c", SignatureType::ExternalManagement),
];

fn guid(text: &str) -> Guid {
    let bytes = hex::decode(text.replace('-', "")).unwrap();
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let guid = Guid(order.map(|at| bytes[at]));
    assert_eq!(guid.to_string(), text);
    guid
}

/// A list of entries of one size, each with an owner of ones.
fn list(kind: &str, header: &[u8], data: &[&[u8]]) -> Vec<u8> {
    let each = 16 + data.first().map_or(32, |data| data.len());
    let entries = data.iter().flat_map(|data| [&[1; 16][..], data].concat()).collect::<Vec<u8>>();
    let sizes = [28 + header.len() + entries.len(), header.len(), each];
    let sizes = sizes.map(|size| u32::try_from(size).unwrap().to_le_bytes());
    [&guid(kind).0[..], sizes.as_flattened(), header, &entries].concat()
}

#[test]
fn kinds_have_the_specifications_guids() {
    for (text, kind) in KINDS {
        assert_eq!(SignatureType::of(guid(text)), kind, "{text}");
    }
    let other = guid("11111111-2222-3333-4444-555555555555");
    assert_eq!(SignatureType::of(other), SignatureType::Other(other));
}

/// The size of an entry counts its owner; certificates have a list each.
#[test]
fn certificates_and_their_owners_are_read() {
    let lists: Vec<_> = SignatureLists::new(DB).map(Result::unwrap).collect();
    assert_eq!(lists.iter().map(SignatureList::len).collect::<Vec<_>>(), [1, 1]);
    let owners: Vec<_> = SignatureLists::new(DB).entries().map(|entry| entry.owner()).collect();
    assert_eq!(owners[0], Guid::SHIM_LOCK);
    assert_eq!(owners[1].name(), Some("Microsoft"));
    let entry = lists[0].entries().next().unwrap();
    let EntryValue::Certificate { certificate, padding: [] } = entry.value() else { panic!("{entry:?}") };
    assert_eq!(certificate.der(), ROOT);
    assert_eq!(entry.offset(), 28);
    assert!(lists.iter().all(SignatureList::has_sizes_of_kind));
}

#[test]
fn hashes_are_read() {
    let entries: Vec<_> = SignatureLists::new(DBX).entries().collect();
    assert_eq!(entries.iter().map(Entry::offset).collect::<Vec<_>>(), [28, 76]);
    let EntryValue::Hash { kind: SignatureType::Sha256, bytes } = entries[0].value() else { panic!() };
    assert_eq!(bytes, (0..32).collect::<Vec<u8>>());
}

/// dbx revokes certificates by the hash of their signed part, from a time on or always.
#[test]
fn revoked_certificates_have_a_hash_and_a_time() {
    let time = [0xe8, 7, 2, 29, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let data = [[7; 32].as_slice(), &time].concat();
    let always = [[7; 32].as_slice(), &[0; 16]].concat();
    let bytes = list("3bd2a492-96c0-4079-b420-fcf98ef103ed", &[], &[&data, &always]);
    let values: Vec<_> = SignatureLists::new(&bytes).entries().map(|entry| entry.value()).collect();
    let EntryValue::CertificateHash { hash, revoked_from: Some(time) } = values[0] else { panic!() };
    assert_eq!((hash.as_bytes(), time.to_string().as_str()), (&[7; 32][..], "2024-02-29T01:02:03Z"));
    assert!(matches!(values[1], EntryValue::CertificateHash { revoked_from: None, .. }));
}

#[test]
fn every_kind_of_entry_is_read() {
    let check = |kind: &str, size: usize, is: fn(EntryValue<'_>) -> bool| {
        let data = vec![0; size];
        let bytes = list(kind, &[], &[&data]);
        let list = SignatureLists::new(&bytes).next().unwrap().unwrap();
        assert!(list.has_sizes_of_kind() && is(list.entries().next().unwrap().value()), "{kind}");
    };
    for (kind, size) in
        [(KINDS[1].0, 20), (KINDS[2].0, 28), (KINDS[4].0, 48), (KINDS[5].0, 64), (KINDS[6].0, 32)]
    {
        check(kind, size, |value| matches!(value, EntryValue::Hash { .. }));
    }
    check(KINDS[7].0, 256, |value| matches!(value, EntryValue::RsaModulus(_)));
    check(KINDS[8].0, 256, |value| matches!(value, EntryValue::RsaSignature(_)));
    check(KINDS[9].0, 256, |value| matches!(value, EntryValue::RsaSignature(_)));
    for (kind, size) in [(KINDS[11].0, 64), (KINDS[12].0, 80), (KINDS[13].0, 48)] {
        check(kind, size, |value| matches!(value, EntryValue::CertificateHash { .. }));
    }
    check(KINDS[14].0, 1, |value| matches!(value, EntryValue::ExternalManagement));
    check("11111111-2222-3333-4444-555555555555", 9, |value| matches!(value, EntryValue::Opaque([0, ..])));
    check(KINDS[0].0, 9, |value| matches!(value, EntryValue::Opaque(_)));
}

/// Firmware refuses such a variable; what it holds is shown all the same.
#[test]
fn sizes_that_are_not_the_kinds_are_kept_and_told() {
    for bytes in [list(KINDS[3].0, &[], &[&[0; 31]]), list(KINDS[3].0, &[1, 2], &[&[0; 32]])] {
        let list = SignatureLists::new(&bytes).next().unwrap().unwrap();
        assert!(!list.has_sizes_of_kind());
        assert_eq!(list.entries().len(), 1);
    }
    let unknown = list("11111111-2222-3333-4444-555555555555", &[1, 2], &[&[0; 32]]);
    let list = SignatureLists::new(&unknown).next().unwrap().unwrap();
    assert!(list.has_sizes_of_kind() && list.header() == [1, 2]);
}

/// Each size that contradicts another, with the offset of its list; the lists before it stand.
#[test]
fn sizes_that_contradict_each_other_end_the_reading() {
    let check = |at: usize, size: u32, expected: fn(usize) -> EfiError| {
        let mut second = DBX.to_vec();
        second[at..at + 4].copy_from_slice(&size.to_le_bytes());
        let bytes = [DBX, &second].concat();
        let mut lists = SignatureLists::new(&bytes);
        assert!(lists.next().unwrap().is_ok());
        assert_eq!(lists.next().unwrap().unwrap_err(), expected(DBX.len()));
        assert!(lists.next().is_none());
    };
    check(16, 27, |offset| EfiError::ListSize { offset, size: 27, left: 124 });
    check(16, 125, |offset| EfiError::ListSize { offset, size: 125, left: 124 });
    check(16, u32::MAX, |offset| EfiError::ListSize { offset, size: u32::MAX, left: 124 });
    check(20, 97, |offset| EfiError::HeaderSize { offset, size: 97, list: 124 });
    check(20, u32::MAX, |offset| EfiError::HeaderSize { offset, size: u32::MAX, list: 124 });
    check(24, 0, |offset| EfiError::SignatureSize { offset, size: 0, entries: 96 });
    check(24, 15, |offset| EfiError::SignatureSize { offset, size: 15, entries: 96 });
    check(24, 47, |offset| EfiError::SignatureSize { offset, size: 47, entries: 96 });
}

#[test]
fn what_is_cut_off_is_an_error_at_its_list() {
    for whole in [DB, DBX] {
        let lists: Vec<_> = SignatureLists::new(whole).map(|list| list.unwrap().offset()).collect();
        for length in 1..whole.len() {
            if lists.contains(&length) {
                continue;
            }
            let error = SignatureLists::new(&whole[..length]).find_map(Result::err).unwrap();
            let start = lists.iter().rev().find(|start| **start <= length).unwrap();
            assert!((*start..*start + 28).contains(&error.offset()), "{length}: {error}");
        }
    }
    let short = SignatureLists::new(&DBX[..20]).next().unwrap().unwrap_err();
    assert_eq!(short, EfiError::Truncated(Truncated { offset: 20, needed: 4, left: 0 }));
}

#[test]
fn containers_are_told_apart() {
    let name = |bytes: &[u8]| Container::detect(bytes).unwrap().name();
    assert_eq!((name(&[]), name(DB), name(UPDATE)), ("plain", "plain", "authenticated"));
    let file = [&[0x27, 0, 0, 0], DB].concat();
    assert_eq!(name(&file), "efivarfs");
    let entries =
        |bytes| Container::detect(bytes).unwrap().lists().entries().map(|entry| entry.offset()).collect();
    let (plain, shifted): (Vec<usize>, Vec<usize>) = (entries(DB), entries(&file));
    assert_eq!(plain.iter().map(|offset| offset + 4).collect::<Vec<_>>(), shifted);
    assert_eq!(name(&[7, 0, 0, 0]), "efivarfs");
}

#[test]
fn an_update_is_read() {
    let Ok(Container::Authenticated(update)) = Container::detect(UPDATE) else { panic!() };
    assert_eq!(update.time().unwrap().to_string(), "2026-11-26T01:02:03Z");
    assert_eq!(update.payload(), DBX);
    assert_eq!(update.payload_offset(), UPDATE.len() - DBX.len());
    let signed = update.signed_data().unwrap().unwrap();
    assert_eq!(signed.signers().count(), 1);
    let (front, rest) = update.signed_parts("dbx", Guid::IMAGE_SECURITY, 0x67);
    assert_eq!((front.len(), rest[0].len(), rest[1]), (6 + 16 + 4, 16, DBX));
}

#[test]
fn an_update_that_is_cut_off_is_an_error_or_has_less() {
    for length in 24..UPDATE.len() - DBX.len() {
        let error = Container::detect(&UPDATE[..length]).unwrap_err();
        assert!(matches!(error, EfiError::CertificateSize { offset: 16, .. }), "{length}: {error}");
    }
}

/// The form of UEFI 2.0: a counter, and a bare RSA signature.
#[test]
fn the_old_form_of_an_update_is_read() {
    let certificate = [
        &[0, 2, 0, 0, 0, 2, 0xf1, 0x0e][..],
        &guid("a7717414-c616-4977-9420-844712a735bf").0,
        &guid("c1c41626-504c-4092-aca9-41f936934328").0,
        &[3; 256],
        &[4; 256],
    ]
    .concat();
    let mut bytes = [&[9, 0, 0, 0, 0, 0, 0, 0], certificate.as_slice(), DBX].concat();
    bytes[8..12].copy_from_slice(&u32::try_from(certificate.len()).unwrap().to_le_bytes());
    let Ok(Container::Authenticated(update)) = Container::detect(&bytes) else { panic!() };
    assert!(update.time().is_none() && update.payload() == DBX);
    let UpdateSigner::Rsa2048 { modulus: [3, ..], signature: [4, ..] } = update.signer() else { panic!() };
}

#[test]
fn an_authority_is_found_in_its_database() {
    let measured = SignatureLists::new(DB).entries().nth(1).unwrap().raw();
    assert_eq!(find_entry(DB, measured).unwrap().kind(), SignatureType::X509);
    let of_old_shim = [measured, &[0]].concat();
    assert_eq!(find_entry(DB, &of_old_shim).unwrap().raw(), measured);
    assert!(find_entry(DBX, measured).is_none() && find_entry(DB, &[]).is_none());
    assert!(matches!(Entry::alone(measured).value(), EntryValue::Certificate { .. }));
}
