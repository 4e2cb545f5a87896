//! Laws of the streaming reader: how a list is cut changes nothing, a state is all that is needed to go on, memory does
//! not grow with the list, and lists of big-endian machines read alike.

use std::fmt::Write as _;

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{
    BankReplay, ByteOrder, Extends, ImaError, ImaList, ImaState, ImaStream, ListForm, ListLayout,
    ListedCheck, StreamItem,
};
use evidence::pcr::PcrIndex;
use proptest::prelude::*;

use crate::ima_real::read;
use crate::vectors::{BOOTS, own, pcr};

fn lists() -> Vec<Vec<u8>> {
    let mut lists: Vec<_> = BOOTS.iter().map(|boot| own(boot, "binary_runtime_measurements")).collect();
    lists.extend(["direct", "direct-imasig-viol"].map(|boot| own(boot, "ascii_runtime_measurements")));
    lists
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn how_a_list_is_cut_changes_nothing(
        list in 0..6_usize, start in 0..3_usize, cut in 100..6000_usize, chunk in 1..5000_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = lists()[list].clone();
        bytes.truncate(cut);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let bytes = &bytes[start.min(bytes.len())..];
        prop_assert_eq!(read(bytes, chunk), read(bytes, bytes.len().max(1)));
        prop_assert_eq!(read(bytes, 1), read(bytes, bytes.len().max(1)));
    }

    #[test]
    fn going_on_from_a_state_is_the_same_as_reading_all(list in 0..4_usize, at: prop::sample::Index) {
        let bytes = &lists()[list];
        let records: Vec<_> = ImaList::new(bytes).records().map(Result::unwrap).collect();
        let banks = [HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sm3];
        let (mut whole, mut part) = (ImaState::start(&banks), ImaState::start(&banks));
        let middle = at.index(records.len() + 1);
        for record in &records {
            whole.extend(record);
        }
        for record in &records[..middle] {
            part.extend(record);
        }
        let resumed = part.banks().iter().map(|bank| BankReplay::resume(bank.extends(), bank.bank(), bank.values()));
        let mut resumed = ImaState::resume(part.count(), resumed.collect());
        for record in &records[middle..] {
            resumed.extend(record);
        }
        prop_assert_eq!(resumed, whole);
    }
}

#[test]
fn every_cut_into_two_is_the_same() {
    for list in [&lists()[1], &lists()[5]] {
        let bytes = &list[..700];
        let whole = read(bytes, bytes.len());
        for chunk in 1..bytes.len() {
            assert_eq!(read(bytes, chunk), whole, "chunks of {chunk}");
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_list() {
    for list in lists() {
        let peak = |repeats: usize| {
            let many = list.repeat(repeats);
            let (mut stream, mut state) = (ImaStream::new(), ImaState::start(&[HashAlg::Sha256]));
            let info = allocation_counter::measure(|| {
                let mut take = |item: StreamItem<'_>| {
                    if let StreamItem::Record(record) = item {
                        state.extend(&record);
                    }
                };
                many.chunks(8192).for_each(|chunk| stream.push(chunk, &mut take).unwrap());
                stream.finish(&mut take).unwrap();
            });
            assert!(state.count() >= 300 * repeats as u64);
            (info.bytes_max, info.count_total)
        };
        for (bytes, allocations) in [peak(4), peak(40)] {
            assert!(bytes < 8 * 8192 && allocations < 12, "{bytes} bytes, {allocations} allocations");
        }
    }
}

#[test]
fn a_list_in_memory_is_replayed_without_allocating() {
    let bytes = &lists()[1];
    let mut state = ImaState::start(&[HashAlg::Sha1, HashAlg::Sha256]);
    let info = allocation_counter::measure(|| {
        for record in ImaList::detect(bytes).records() {
            assert_ne!(state.extend_checked(&record.unwrap()), ListedCheck::Mismatch);
        }
    });
    assert_eq!(info.count_total, 0);
}

/// The list as a big-endian machine would have written it, and its text.
fn big_endian(bytes: &[u8]) -> (Vec<u8>, String) {
    let (mut list, mut text) = (Vec::new(), String::new());
    for record in ImaList::new(bytes).records().map(Result::unwrap) {
        let (mut data, mut rest) = (Vec::new(), record.data);
        while let Some((size, field)) = rest.split_at_checked(4) {
            let size = u32::from_le_bytes(size.try_into().unwrap());
            let (field, behind) = field.split_at(size as usize);
            data.extend(size.to_be_bytes());
            data.extend(field);
            rest = behind;
        }
        let hash = if record.is_violation() { record.listed_hash } else { HashAlg::Sha1.hash(&[&data]) };
        let sized = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        list.extend(u32::from(record.pcr.get()).to_be_bytes());
        list.extend(hash.as_bytes());
        list.extend(sized(record.template.as_bytes()));
        list.extend(sized(&data));
        let fields = record.fields().unwrap();
        let name = String::from_utf8_lossy(fields.name.unwrap()).into_owned();
        write!(text, "{:2} {hash} {} {} {name}", record.pcr.get(), record.template, fields.digest.unwrap())
            .unwrap();
        for more in [fields.signature, fields.buffer].into_iter().flatten() {
            write!(text, " {}", hex::encode(more)).unwrap();
        }
        text.push('\n');
    }
    (list, text)
}

#[test]
fn lists_of_big_endian_machines_read_alike() {
    let bytes = own("direct-imasig-viol", "binary_runtime_measurements");
    let little = read(&bytes, 5000);
    let (list, text) = big_endian(&bytes);
    let layout = ListLayout { listed: HashAlg::Sha1, order: ByteOrder::Big };
    for big in [read(&list, 5000), read(text.as_bytes(), 999)] {
        assert_eq!((&big.checks, big.damage), (&little.checks, None));
        assert_eq!(big.records.len(), little.records.len());
    }
    assert_eq!(read(&list, 100).form, Some(ListForm::Binary(layout)));
    let fields =
        |bytes| ImaList::detect(bytes).records().map(|record| record.unwrap().describe()).collect::<Vec<_>>();
    let (a, b) = (bytes.clone(), list.clone());
    assert_eq!(fields(&a), fields(&b));
    assert_eq!(read(&list, 4000).state, read(text.as_bytes(), 4000).state);
}

#[test]
fn algorithms_of_one_size_are_told_apart_by_a_hash() {
    for listed in [HashAlg::Sha256, HashAlg::Sm3, HashAlg::Sha3_256, HashAlg::Sha3_384, HashAlg::Sha512] {
        let data = b"\x09\0\0\0sha256:\0a\x02\0\0\0a\0";
        let size = u32::try_from(data.len()).unwrap().to_le_bytes();
        let record = |hash: Digest| {
            [&10_u32.to_le_bytes()[..], hash.as_bytes(), b"\x06\0\0\0ima-ng", &size, data].concat()
        };
        let bytes = [record(Digest::zero(listed)), record(listed.hash(&[data]))].concat();
        assert_eq!(ImaList::detect(&bytes).listed(), listed);
        let mut stream = ImaStream::new();
        stream.push(&bytes, |_| ()).unwrap();
        stream.finish(|_| ()).unwrap();
        assert_eq!(stream.layout().unwrap().listed, listed);
    }
}

#[test]
fn other_pcrs_and_padded_banks_are_replayed_too() {
    let mut bytes = own("direct", "binary_runtime_measurements");
    bytes[0] = 11;
    let mut state = ImaState::resume(
        0,
        vec![
            BankReplay::start(Extends::BankHash, HashAlg::Sha1),
            BankReplay::start(Extends::PaddedSha1, HashAlg::Sha384),
        ],
    );
    let records: Vec<_> = ImaList::new(&bytes).records().map(Result::unwrap).collect();
    for record in &records {
        state.extend(record);
    }
    for bank in state.banks() {
        let named: Vec<_> = bank.named().iter().map(PcrIndex::get).collect();
        assert_eq!(named, [10, 11]);
        let sha1 = records[0].template_hash(HashAlg::Sha1).unwrap().padded(bank.bank());
        assert_eq!(bank.value(pcr(11)), Digest::zero(bank.bank()).extend(&sha1));
    }
}

#[test]
fn text_without_a_single_record_is_no_list() {
    for text in ["8<not a list>\nnor this\n", "10\n", "1\u{fffd}"] {
        let (mut stream, mut bad) = (ImaStream::new(), 0);
        let mut count = |item: StreamItem<'_>| bad += u32::from(matches!(item, StreamItem::BadLine { .. }));
        stream.push(text.as_bytes(), &mut count).unwrap();
        assert_eq!(stream.finish(&mut count), Err(ImaError::NotAList), "{text:?}");
        assert!(bad > 0, "what is wrong is said too");
    }
    let mut empty = ImaStream::new();
    assert_eq!(empty.finish(|_| {}), Ok(()), "a kernel that has measured nothing yet");
}
