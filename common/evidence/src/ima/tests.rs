//! Records made by hand, one for each template and rule.

use super::*;
use crate::digest::Digest;
use crate::pcr::{PcrIndex, PcrValues};

fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn record(template: &str, hash: &Digest, data: &[u8]) -> Vec<u8> {
    [&10u32.to_le_bytes(), hash.as_bytes(), &field(template.as_bytes()), data].concat()
}

fn fields_of(template: &str, fields: &[&[u8]]) -> Vec<u8> {
    let data = fields.iter().flat_map(|bytes| field(bytes)).collect::<Vec<_>>();
    record(template, &HashAlg::Sha1.hash(&[&data]), &field(&data))
}

fn only(bytes: &[u8]) -> ImaRecord<'_> {
    let mut records = ImaList::new(bytes).records();
    let record = records.next().unwrap().unwrap();
    assert!(records.next().is_none());
    record
}

fn digest(prefix: &str) -> Vec<u8> {
    [prefix.as_bytes(), &[0], &[7; 32]].concat()
}

#[test]
fn every_template_is_read() {
    let d = digest("sha256:");
    let check = |template, fields: &[&[u8]], expected: &str| {
        let bytes = fields_of(template, fields);
        let record = only(&bytes);
        assert_eq!(record.listed_check(), ListedCheck::Verified);
        assert_eq!(record.describe().replace(&"07".repeat(32), "#"), expected);
    };
    check("ima-ng", &[&d, b"/bin/a\0"], "sha256:# /bin/a");
    check("ima-sig", &[&d, b"/bin/a\0", b"\x03\x02"], "sha256:# /bin/a sig=2 bytes");
    check("ima-sig", &[&d, b"/bin/a\0", b""], "sha256:# /bin/a");
    check("ima-ngv2", &[&digest("ima:sha256:"), b"/bin/a\0"], "sha256:# /bin/a");
    check("ima-sigv2", &[&digest("verity:sha256:"), b"/bin/a\0", b""], "verity:sha256:# /bin/a");
    check("ima-buf", &[&d, b".ima\0", b"DER"], "sha256:# .ima buf=3 bytes");
    check("ima-modsig", &[&d, b"/m.ko\0", b"", &d, b"PKCS7"], "sha256:# /m.ko modsig=5 bytes");
    check("ima-modsig", &[&d, b"/m.ko\0", b"", b"", b""], "sha256:# /m.ko");
    check("d-ng|n-ng|imode", &[&d, b"/bin/a\0", &[0, 0]], "sha256:# /bin/a");
    check("d|n", &[&[9; 20], b"/bin/a\0"], &format!("sha1:{} /bin/a", "09".repeat(20)));
    check("vendor", &[&d], "unknown template");
    check("ima-ng", &[&d, b"/\x1b[2J\0"], "sha256:# /\\u{1b}[2J");
}

#[test]
fn damaged_fields_leave_the_record_standing() {
    let check = |template, fields: &[&[u8]], expected| {
        let bytes = fields_of(template, fields);
        let record = only(&bytes);
        assert_eq!(record.fields(), Err(expected));
        assert_eq!(record.listed_check(), ListedCheck::Verified);
    };
    let d = digest("sha256:");
    check("ima-ng", &[&d, b"/bin/a"], FieldError::Name { offset: 48 });
    check("ima-ng", &[b"sha256", b"/bin/a\0"], FieldError::Digest { offset: 4 });
    check("ima-ng", &[&digest("x:sha256:"), b"/\0"], FieldError::Digest { offset: 4 });
    check("ima-ng", &[&d, b"/\0", b""], FieldError::Trailing { offset: 50 });
    // The template's name is not measured: what was a signed file must not pass for a measured buffer, nor the reverse.
    check("ima-buf", &[&d, b"/\0", b""], FieldError::Shape { offset: 54 });
    check("ima-sig", &[&d, b"/\0", b"0"], FieldError::Shape { offset: 54 });
}

//= Linux security/integrity/ima/ima_crypto.c: ima_calc_field_array_hash_tfm
#[test]
fn the_old_template_hashes_the_name_padded() {
    let name = b"/bin/a";
    let data = [[5; 20].as_slice(), &field(name)].concat();
    let padded = [[5; 20].as_slice(), name, &[0; 250]].concat();
    let hash = HashAlg::Sha1.hash(&[&padded]);
    let bytes = record("ima", &hash, &data);
    let found = only(&bytes);
    assert_eq!(found.listed_check(), ListedCheck::Verified);
    assert_eq!(found.data, data);
    assert_eq!(found.fields().unwrap().name, Some(name.as_slice()));
    assert_eq!(found.template_hash(HashAlg::Sha256), Some(HashAlg::Sha256.hash(&[&padded])));
    // A name that does not fit has no hash, so the record cannot be replayed.
    let data = [[5; 20].as_slice(), &field(&[b'a'; 257])].concat();
    let bytes = record("ima", &hash, &data);
    assert_eq!(only(&bytes).template_hash(HashAlg::Sha1), None);
}

#[test]
fn a_violation_extends_ones_whatever_its_data() {
    for name in [b"/a\0", b"/b\0"] {
        let data = [field(&digest("sha256:")), field(name)].concat();
        let bytes = record("ima-ng", &Digest::zero(HashAlg::Sha1), &field(&data));
        let found = only(&bytes);
        assert_eq!(found.listed_check(), ListedCheck::Violation);
        assert_eq!(found.template_hash(HashAlg::Sha256), Some(Digest::ones(HashAlg::Sha256)));
    }
}

#[test]
fn damage_names_the_record_and_the_place() {
    let good = fields_of("ima-ng", &[&digest("sha256:"), b"/bin/a\0"]);
    let size = good.len();
    let check = |second: &[u8], expected: ImaError| {
        let bytes = [good.as_slice(), second].concat();
        let mut records = ImaList::new(&bytes).records();
        assert!(records.next().unwrap().is_ok());
        assert_eq!(records.next(), Some(Err(expected)));
        assert_eq!(records.next(), None, "nothing is read behind damage");
    };
    let cause = crate::cursor::Truncated { offset: size, needed: 4, left: 1 };
    check(b"\n", ImaError::Truncated { record: 1, cause });
    let mut bad = good.clone();
    bad[..4].copy_from_slice(&0x2020_2020u32.to_le_bytes());
    check(&bad, ImaError::Pcr { record: 1, offset: size, found: 0x2020_2020 });
    bad.clone_from(&good);
    bad[24..28].copy_from_slice(&0xffff_ffffu32.to_le_bytes());
    check(&bad, ImaError::TemplateName { record: 1, offset: size + 24, found: 0xffff_ffff });
    bad.clone_from(&good);
    bad[28] = b'\n';
    check(&bad, ImaError::TemplateName { record: 1, offset: size + 24, found: 6 });
    bad.clone_from(&good);
    bad[34..38].copy_from_slice(&0x0010_0001u32.to_le_bytes());
    let limit = crate::limits::IMA_FIELD_BYTES;
    check(&bad, ImaError::DataLength { record: 1, offset: size + 34, found: 0x0010_0001, limit });
}

#[test]
fn boot_aggregate_covers_8_and_9_but_not_for_sha1() {
    for bank in [HashAlg::Sha1, HashAlg::Sha256] {
        let mut values = PcrValues::new();
        for (byte, pcr) in (0u8..).zip(PcrIndex::ALL) {
            values.insert(pcr, bank.hash(&[&[byte]]));
        }
        let all: Vec<Vec<u8>> = values.iter().map(|(_, value)| value.as_bytes().to_vec()).collect();
        let (to_seven, to_nine) = (bank.hash(&[&all[..8].concat()]), bank.hash(&[&all[..10].concat()]));
        let check = |digest: &Digest, expected| {
            let prefix = format!("{bank}:\0");
            let bytes =
                fields_of("ima-ng", &[&[prefix.as_bytes(), digest.as_bytes()].concat(), b"boot_aggregate\0"]);
            assert_eq!(check_boot_aggregate(&only(&bytes), &values), Some(expected), "{bank}");
            let other = check_boot_aggregate(&only(&bytes), &PcrValues::new());
            let unknown = if digest.is_zero() { expected } else { BootAggregateCheck::NotCheckable };
            assert_eq!(other, Some(unknown));
        };
        check(&to_seven, BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToSeven });
        let nine = BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToNine };
        check(&to_nine, if bank == HashAlg::Sha1 { BootAggregateCheck::Differs } else { nine });
        check(&Digest::ones(bank), BootAggregateCheck::Differs);
        check(&Digest::zero(bank), BootAggregateCheck::NoTpm);
    }
    let bytes = fields_of("ima-ng", &[&digest("sha256:"), b"/bin/a\0"]);
    assert_eq!(check_boot_aggregate(&only(&bytes), &PcrValues::new()), None);
}

#[test]
fn signatures_are_read_strictly() {
    let good = [3, 2, 4, 0xde, 0xad, 0xbe, 0xef, 0, 2, 9, 9];
    let parsed = ImaSignature::parse(&good).unwrap();
    assert_eq!((parsed.version, parsed.hash_algo, parsed.key_id), (2, 4, 0xdead_beef));
    assert_eq!(parsed.signature, [9, 9]);
    assert_eq!((parsed.kind, parsed.hash_name()), (SignatureKind::Content, Some("sha256")));
    let of_type = |kind| ImaSignature::parse(&[kind, 3, 6, 0, 0, 0, 1, 0, 0]).unwrap().kind;
    assert_eq!((of_type(5), of_type(6)), (SignatureKind::PortableEvm, SignatureKind::Verity));
    assert_eq!(ImaSignature::parse(&[4, 2]), Err(SignatureError::NotASignature { found: 4 }));
    assert_eq!(ImaSignature::parse(&[3, 1]), Err(SignatureError::Version { found: 1 }));
    let long = [good.as_slice(), &[1]].concat();
    assert_eq!(ImaSignature::parse(&long), Err(SignatureError::Trailing { found: 1 }));
    assert!(matches!(ImaSignature::parse(&good[..10]), Err(SignatureError::Truncated(_))));
}
