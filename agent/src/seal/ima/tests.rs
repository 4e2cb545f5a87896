use evidence::ima::ImaReplay;

use super::*;

/// A record of the `ima-ng` template for a file with this number as its content's hash.
fn record(number: u8) -> Vec<u8> {
    let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat();
    let digest = field(&[b"sha256:\0".as_slice(), &[number; 32]].concat());
    let name = field(format!("/usr/bin/{number}\0").as_bytes());
    let data = [digest, name].concat();
    let template = HashAlg::Sha1.hash(&[&data]);
    [&10_u32.to_le_bytes()[..], template.as_bytes(), &field(b"ima-ng"), &field(&data)].concat()
}

fn list(records: std::ops::Range<u8>) -> Vec<u8> {
    records.flat_map(record).collect()
}

/// PCR 10 of a bank after these records.
fn replayed(bank: HashAlg, extends: Extends, records: std::ops::Range<u8>) -> Digest {
    let bytes = list(records);
    let start = ImaReplay::resume(extends, 0, PcrIndex::IMA.start(bank));
    let records = ImaList::new(&bytes).records();
    records.fold(start, |state, record| state.extend(&record.unwrap()).unwrap()).value()
}

const BOOT: BootCounters = BootCounters { reset_count: 4, restart_count: 0 };

struct Case {
    dir: tempfile::TempDir,
    selection: PcrSelection,
}

impl Case {
    fn new(list: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ima"), list).unwrap();
        Self { dir, selection: "sha1:10+sha256:0,10".parse().unwrap() }
    }

    /// Slices for a quote over these values, which were read as `values`.
    fn slice(
        &self,
        covered: u64,
        known: Option<&ImaPlace>,
        quoted: &[Digest],
        values: &mut [Digest],
    ) -> ImaSlice {
        let digest = hash_of(HashAlg::Sha256, quoted.iter().copied());
        let mut quoted = QuotedPcrs::new(&self.selection, HashAlg::Sha256, &digest, values);
        slice(&self.dir.path().join("ima"), BOOT, covered, known, &mut quoted).unwrap()
    }
}

fn values(extends: Extends, records: u8) -> Vec<Digest> {
    let pcr0 = Digest::zero(HashAlg::Sha256);
    let sha1 = replayed(HashAlg::Sha1, Extends::BankHash, 0..records);
    vec![sha1, pcr0, replayed(HashAlg::Sha256, extends, 0..records)]
}

#[track_caller]
fn records(slice: ImaSlice) -> (Vec<u8>, ImaPlace) {
    match slice {
        ImaSlice::Records { bytes, place } => (bytes, place),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_slice_ends_where_the_quote_does() {
    let case = Case::new(&list(0..6));
    let quoted = values(Extends::BankHash, 4);
    let (bytes, place) = records(case.slice(0, None, &quoted, &mut quoted.clone()));
    assert_eq!(bytes, list(0..4));
    assert_eq!((place.count, place.offset), (4, list(0..4).len() as u64));
}

#[test]
fn the_next_slice_begins_where_the_last_ended_with_and_without_memory() {
    let case = Case::new(&list(0..6));
    let (_, place) =
        records(case.slice(0, None, &values(Extends::BankHash, 2), &mut values(Extends::BankHash, 2)));
    let quoted = values(Extends::BankHash, 5);
    for known in [Some(&place), None] {
        let (bytes, place) = records(case.slice(2, known, &quoted, &mut quoted.clone()));
        assert_eq!(bytes, list(2..5), "{known:?}");
        assert_eq!(place.count, 5);
    }
}

#[test]
fn memory_of_another_boot_or_of_undone_evidence_is_not_used() {
    let case = Case::new(&list(0..6));
    let quoted = values(Extends::BankHash, 5);
    let (_, place) = records(case.slice(0, None, &quoted, &mut quoted.clone()));
    let elsewhere = ImaPlace { boot: BootCounters { reset_count: 3, restart_count: 0 }, ..place.clone() };
    for (known, covered) in [(&elsewhere, 2), (&place, 2)] {
        let (bytes, _) = records(case.slice(covered, Some(known), &quoted, &mut quoted.clone()));
        assert_eq!(bytes, list(2..5));
    }
}

#[test]
fn a_register_that_moved_is_put_right() {
    let case = Case::new(&list(0..6));
    let quoted = values(Extends::BankHash, 3);
    let mut read = values(Extends::BankHash, 6);
    let (bytes, _) = records(case.slice(1, None, &quoted, &mut read));
    assert_eq!(bytes, list(1..3));
    assert_eq!(read, quoted);
}

#[test]
fn older_kernels_that_pad_sha1_are_followed() {
    let case = Case::new(&list(0..4));
    let quoted = values(Extends::PaddedSha1, 3);
    let (bytes, place) = records(case.slice(0, None, &quoted, &mut quoted.clone()));
    assert_eq!(bytes, list(0..3));
    let quoted = values(Extends::PaddedSha1, 4);
    let (bytes, _) = records(case.slice(3, Some(&place), &quoted, &mut quoted.clone()));
    assert_eq!(bytes, list(3..4));
}

/// SM3 is quoted like any other bank, whether the kernel has the algorithm or pads SHA-1 for it.
#[test]
fn sm3_is_followed_with_and_without_an_algorithm() {
    let mut case = Case::new(&list(0..6));
    case.selection = "sha256:0,10+sm3_256:10".parse().unwrap();
    for extends in [Extends::BankHash, Extends::PaddedSha1] {
        let values = |records| {
            let pcr0 = Digest::zero(HashAlg::Sha256);
            let sha256 = replayed(HashAlg::Sha256, Extends::BankHash, 0..records);
            vec![pcr0, sha256, replayed(HashAlg::Sm3, extends, 0..records)]
        };
        let quoted = values(3);
        let (bytes, place) = records(case.slice(0, None, &quoted, &mut quoted.clone()));
        assert_eq!(bytes, list(0..3));
        // What is known is enough to go on from where the register moved behind the quote.
        let (quoted, mut read) = (values(4), values(6));
        let (bytes, _) = records(case.slice(3, Some(&place), &quoted, &mut read));
        assert_eq!((bytes, read), (list(3..4), quoted));
    }
}

#[test]
fn a_list_that_does_not_lead_there_is_given_whole_from_the_asked_record() {
    let case = Case::new(&list(0..3));
    let quoted = values(Extends::BankHash, 5);
    let slice = case.slice(1, None, &quoted, &mut quoted.clone());
    assert_eq!(slice, ImaSlice::NoPrefix { bytes: list(1..3) });
}

#[test]
fn a_missing_list_and_an_unquoted_register_are_told_apart() {
    let mut case = Case::new(&[]);
    let quoted = values(Extends::BankHash, 0);
    let (bytes, place) = records(case.slice(0, None, &quoted, &mut quoted.clone()));
    assert_eq!((bytes.len(), place.count), (0, 0), "nothing was measured yet");
    std::fs::remove_file(case.dir.path().join("ima")).unwrap();
    assert_eq!(case.slice(0, None, &quoted, &mut quoted.clone()), ImaSlice::Missing);
    case.selection = "sha256:0".parse().unwrap();
    let quoted = [Digest::zero(HashAlg::Sha256)];
    assert_eq!(case.slice(0, None, &quoted, &mut quoted.clone()), ImaSlice::NotQuoted);
}
