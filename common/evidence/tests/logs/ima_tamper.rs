//! The tamper matrix of IMA lists: every bit of a small list, and every record dropped, swapped, repeated, cut and added.
//! Each is noticed by a quoted PCR, by a template hash or as damage; what none of them covers reads as unverified.

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{ImaList, ImaReplay, ImaState, ListedCheck, replay_prefix};
use evidence::pcr::PcrIndex;

use crate::vectors::pcr;

const BANK: HashAlg = HashAlg::Sha256;

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn record(pcr: u32, template: &str, fields: &[&[u8]], violation: bool) -> Vec<u8> {
    let data: Vec<u8> = fields.iter().flat_map(|field| sized(field)).collect();
    let hash = if violation { Digest::zero(HashAlg::Sha1) } else { HashAlg::Sha1.hash(&[&data]) };
    [&pcr.to_le_bytes()[..], hash.as_bytes(), &sized(template.as_bytes()), &sized(&data)].concat()
}

/// One record of each kind. Number 2 is a violation, number 3 is of another PCR.
fn records() -> Vec<Vec<u8>> {
    let digest = |byte: u8| [b"sha256:\0".as_slice(), &[byte; 32]].concat();
    vec![
        record(10, "ima-ng", &[&digest(1), b"boot_aggregate\0"], false),
        record(10, "ima-sig", &[&digest(2), b"/bin/sh\0", &[3, 2, 4, 1, 2, 3, 4, 0, 1, 9]], false),
        record(10, "ima-ng", &[&digest(0), b"/etc/shadow\0"], true),
        record(11, "ima-ng", &[&digest(4), b"/other\0"], false),
        record(10, "ima-buf", &[&digest(5), b"kexec-cmdline\0", b"ro quiet"], false),
        record(10, "ima-ngv2", &[&[b"verity:".as_slice(), &digest(6)].concat(), b"/bin/last\0"], false),
    ]
}

/// How a change was noticed, or what of it reads as unverified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Noticed {
    ByQuote10,
    ByQuote11,
    ByTemplateHash,
    UnreadableFields,
    ViolationsDataIsAClaim,
}

/// PCR 10 and 11 as the TPM would hold them.
fn quoted() -> (Digest, Digest) {
    let bytes = records().concat();
    let mut state = ImaState::start(&[BANK]);
    ImaList::new(&bytes).records().for_each(|record| state.extend(&record.unwrap()));
    let value = |index| state.banks()[0].value(index).unwrap();
    (value(PcrIndex::IMA), value(pcr(11)))
}

fn noticed(bytes: &[u8], ten: &Digest, eleven: &Digest) -> Option<Noticed> {
    let list = ImaList::new(bytes);
    let Ok(prefix) = replay_prefix(ImaReplay::start(BANK), list, ten) else {
        return Some(Noticed::ByQuote10);
    };
    let mut state = ImaState::start(&[BANK]);
    let verified = usize::try_from(prefix.records_verified).unwrap();
    let read: Vec<_> = list.records().take(verified).map(Result::unwrap).collect();
    for record in &read {
        state.extend(record);
    }
    if state.banks()[0].value(pcr(11)) != Some(*eleven) {
        return Some(Noticed::ByQuote11);
    }
    if read.iter().any(|record| record.listed_check() == ListedCheck::Mismatch) {
        return Some(Noticed::ByTemplateHash);
    }
    let violation = |number: usize| prefix.violations.contains(&(number as u64));
    if read.iter().enumerate().any(|(number, record)| !violation(number) && record.fields().is_err()) {
        return Some(Noticed::UnreadableFields);
    }
    // Whatever else changed has to be in a record that says of itself that nothing vouches for it.
    let good = records().concat();
    let good: Vec<_> = ImaList::new(&good).records().map(Result::unwrap).collect();
    let same = |a: &evidence::ima::ImaRecord<'_>, b: &evidence::ima::ImaRecord<'_>| {
        (a.pcr, a.listed_hash, a.template, a.data) == (b.pcr, b.listed_hash, b.template, b.data)
    };
    let mut changed =
        read.iter().zip(&good).enumerate().filter(|(_, (a, b))| !same(a, b)).map(|(number, _)| number);
    (read.len() == good.len() && changed.all(violation)).then_some(Noticed::ViolationsDataIsAClaim)
}

#[test]
fn every_flipped_bit_is_noticed_or_of_what_nothing_vouches_for() {
    let (ten, eleven) = quoted();
    let good = records().concat();
    let mut seen = std::collections::BTreeMap::<Noticed, usize>::new();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let how = noticed(&bytes, &ten, &eleven);
            *seen.entry(how.unwrap_or_else(|| panic!("byte {at} bit {bit}"))).or_default() += 1;
        }
    }
    eprintln!("{} flipped bits: {seen:?}", good.len() * 8);
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn every_dropped_swapped_or_repeated_record_is_noticed() {
    let (ten, eleven) = quoted();
    let good = records();
    assert_eq!(
        noticed(&good.concat(), &ten, &eleven),
        Some(Noticed::ViolationsDataIsAClaim),
        "nothing changed"
    );
    let refused = |changed: &[Vec<u8>], what: &str| {
        let how = noticed(&changed.concat(), &ten, &eleven);
        assert!(matches!(how, Some(Noticed::ByQuote10 | Noticed::ByQuote11)), "{what}: {how:?}");
    };
    for number in 0..good.len() {
        let mut dropped = good.clone();
        dropped.remove(number);
        refused(&dropped, &format!("{number} dropped"));
        // The last one again would be a record behind the quoted ones, as in the test below.
        for behind in 0..good.len() - usize::from(number + 1 == good.len()) {
            let mut repeated = good.clone();
            repeated.insert(behind, good[number].clone());
            refused(&repeated, &format!("{number} again before {behind}"));
        }
        for other in number + 1..good.len() {
            let mut swapped = good.clone();
            swapped.swap(number, other);
            // Records of different PCRs have no order between them that any PCR would keep.
            if number != 3 && other != 3 {
                refused(&swapped, &format!("{number} and {other} swapped"));
            }
        }
    }
}

#[test]
fn every_cut_is_noticed_and_nothing_added_is_vouched_for() {
    let (ten, eleven) = quoted();
    let good = records().concat();
    for end in 0..good.len() {
        assert_eq!(noticed(&good[..end], &ten, &eleven), Some(Noticed::ByQuote10), "cut at {end}");
    }
    for more in records().into_iter().chain([vec![0], b"\n".to_vec(), vec![0xff; 100]]) {
        let bytes = [good.clone(), more].concat();
        let found = replay_prefix(ImaReplay::start(BANK), ImaList::new(&bytes), &ten).unwrap();
        assert_eq!((found.records_verified, found.bytes_verified), (6, good.len()));
        assert!(found.unverified_tail_records == 1 || found.tail_damage.is_some());
    }
}
