//! Laws of IMA lists: a generated list replays to what a TPM would hold, and a quoted value vouches for
//! exactly the records before it.

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{Extends, ImaError, ImaList, ImaReplay, ListedCheck, PrefixError, replay_prefix};
use evidence::pcr::PcrIndex;
use proptest::prelude::*;

const BANK: HashAlg = HashAlg::Sha256;

/// A record as a kernel would write it, and what it would extend.
#[derive(Clone, Debug)]
struct Made {
    bytes: Vec<u8>,
    extends: Digest,
    violation: bool,
}

fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

fn record(template: &str, data: &[u8], violation: bool, listed: HashAlg) -> Made {
    let hash = if violation { Digest::zero(listed) } else { listed.hash(&[data]) };
    let bytes = [&10u32.to_le_bytes(), hash.as_bytes(), &field(template.as_bytes()), &field(data)].concat();
    let extends = if violation { Digest::ones(BANK) } else { BANK.hash(&[data]) };
    Made { bytes, extends, violation }
}

fn made(listed: HashAlg) -> impl Strategy<Value = Made> {
    (any::<[u8; 32]>(), "[a-z/_]{1,40}", any::<Option<Vec<u8>>>(), prop::bool::weighted(0.1)).prop_map(
        move |(hash, name, signature, violation)| {
            let digest = field(&[b"sha256:\0".as_slice(), &hash].concat());
            let name = field(&[name.as_bytes(), &[0]].concat());
            match signature {
                Some(signature) => {
                    let signature = [&[3], signature.as_slice()].concat();
                    record("ima-sig", &[digest, name, field(&signature)].concat(), violation, listed)
                }
                None => record("ima-ng", &[digest, name].concat(), violation, listed),
            }
        },
    )
}

fn lists() -> impl Strategy<Value = (HashAlg, Vec<Made>)> {
    prop::sample::select(vec![HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384])
        .prop_flat_map(|listed| (Just(listed), prop::collection::vec(made(listed), 1..20)))
}

fn concat(made: &[Made]) -> Vec<u8> {
    made.iter().flat_map(|made| made.bytes.clone()).collect()
}

fn held(made: &[Made]) -> Digest {
    made.iter().fold(Digest::zero(BANK), |value, made| value.extend(&made.extends).unwrap())
}

proptest! {
    #[test]
    fn a_quoted_value_vouches_for_exactly_its_prefix((listed, made) in lists(), at: prop::sample::Index) {
        let (bytes, prefix) = (concat(&made), at.index(made.len() + 1));
        let list = ImaList::detect(&bytes);
        prop_assert_eq!(list.listed().size(), listed.size());
        let quoted = held(&made[..prefix]);
        let found = replay_prefix(ImaReplay::start(BANK), list, &quoted).unwrap();
        // Two violations extend alike, but the value still moves on: only the one prefix matches.
        prop_assert_eq!(found.records_verified, prefix as u64);
        prop_assert_eq!(found.bytes_verified, concat(&made[..prefix]).len());
        prop_assert_eq!(found.unverified_tail_records, (made.len() - prefix) as u64);
        prop_assert_eq!(found.violations.len(), made[..prefix].iter().filter(|made| made.violation).count());
        prop_assert_eq!(found.tail_damage, None);
        for record in list.records() {
            let record = record.unwrap();
            prop_assert!(record.fields().is_ok());
            let expected = if record.is_violation() { ListedCheck::Violation } else { ListedCheck::Verified };
            prop_assert_eq!(record.listed_check(), expected);
        }
    }

    #[test]
    fn resuming_is_the_same_as_replaying_all((listed, made) in lists(), at: prop::sample::Index) {
        let middle = at.index(made.len() + 1);
        let (first, second) = (concat(&made[..middle]), concat(&made[middle..]));
        let state = replay_prefix(
            ImaReplay::start(BANK), ImaList::with_listed(&first, listed), &held(&made[..middle])).unwrap().verified;
        let resumed = ImaReplay::resume(state.extends(), state.count(), state.value());
        let found = replay_prefix(resumed, ImaList::with_listed(&second, listed), &held(&made)).unwrap();
        prop_assert_eq!(found.verified.count(), made.len() as u64);
        prop_assert_eq!(found.verified.value(), held(&made));
    }

    #[test]
    fn a_flipped_bit_of_data_leaves_no_prefix(
        (listed, made) in lists(), at: prop::sample::Index, byte: prop::sample::Index, bit in 0u8..8,
    ) {
        let mut changed = made.clone();
        let number = at.index(made.len());
        prop_assume!(!made[number].violation);
        // Behind PCR, hash, name and the data's length.
        let data = 4 + listed.size() + 4 + (if made[number].bytes[4 + listed.size()] == 6 { 6 } else { 7 }) + 4;
        let byte = data + byte.index(made[number].bytes.len() - data);
        changed[number].bytes[byte] ^= 1 << bit;
        let bytes = concat(&changed);
        let found = replay_prefix(ImaReplay::start(BANK), ImaList::with_listed(&bytes, listed), &held(&made));
        prop_assert!(found.is_err(), "{found:?}");
    }

    #[test]
    fn drop_swap_and_repeat_leave_no_prefix(
        (listed, made) in lists(), a: prop::sample::Index, b: prop::sample::Index,
    ) {
        let quoted = held(&made);
        let (a, b) = (a.index(made.len()), b.index(made.len()));
        let check = |changed: &[Made]| {
            let bytes = concat(changed);
            replay_prefix(ImaReplay::start(BANK), ImaList::with_listed(&bytes, listed), &quoted).is_err()
        };
        let mut dropped = made.clone();
        dropped.remove(a);
        prop_assert!(check(&dropped));
        let mut repeated = made.clone();
        repeated.insert(a, made[a].clone());
        // A copy at the very end follows the quoted prefix, as any record that came later does; violations extend
        // alike, so a run of them at the end counts as one place.
        let at_the_end = made[a..].iter().all(|later| later.extends == made[a].extends);
        prop_assert_eq!(check(&repeated), !at_the_end);
        prop_assume!(made[a].extends != made[b].extends);
        let mut swapped = made;
        swapped.swap(a, b);
        prop_assert!(check(&swapped));
    }

    #[test]
    fn padded_sha1_is_found_and_said((listed, made) in lists()) {
        let bytes = concat(&made);
        let list = ImaList::with_listed(&bytes, listed);
        let start = ImaReplay::resume(Extends::PaddedSha1, 0, Digest::zero(BANK));
        let old = list.records().fold(start, |state, record| state.extend(&record.unwrap()).unwrap());
        let found = replay_prefix(ImaReplay::start(BANK), list, &old.value()).unwrap();
        prop_assert_eq!(found.verified.extends(), Extends::PaddedSha1);
        prop_assert_eq!(found.verified, old);
        // What was said once holds: a resumed state does not fall back by itself.
        let resumed = ImaReplay::resume(Extends::BankHash, 1, Digest::ones(BANK));
        prop_assert!(replay_prefix(resumed, list, &old.value()).is_err());
    }
}

#[test]
fn a_list_that_does_not_reach_the_value_says_how_far_it_went() {
    let made =
        record("ima-ng", &[field(b"sha256:\0x"), field(b"/bin/true\0")].concat(), false, HashAlg::Sha1);
    let list = ImaList::new(&made.bytes);
    let quoted = Digest::ones(BANK);
    let replayed = held(std::slice::from_ref(&made));
    assert_eq!(
        replay_prefix(ImaReplay::start(BANK), list, &quoted),
        Err(PrefixError::NoPrefix { records: 1, replayed })
    );
    let cut = &made.bytes[..made.bytes.len() - 1];
    let found = replay_prefix(ImaReplay::start(BANK), ImaList::new(cut), &quoted);
    assert!(matches!(found, Err(PrefixError::Damaged { records: 0, .. })), "{found:?}");
    let other = replay_prefix(ImaReplay::start(BANK), list, &Digest::ones(HashAlg::Sha1));
    assert_eq!(other, Err(PrefixError::Bank { quoted: HashAlg::Sha1, state: BANK }));
}

#[test]
fn records_of_other_pcrs_are_not_vouched_for() {
    let data = [field(b"sha256:\0x"), field(b"/bin/true\0")].concat();
    let (first, mut other, last) = (
        record("ima-ng", &data, false, HashAlg::Sha1),
        record("ima-ng", &data, false, HashAlg::Sha1),
        record("ima-ng", &data, false, HashAlg::Sha1),
    );
    other.bytes[0] = 11;
    let bytes = [first.bytes.clone(), other.bytes, last.bytes.clone()].concat();
    let found = replay_prefix(ImaReplay::start(BANK), ImaList::new(&bytes), &held(&[first, last])).unwrap();
    assert_eq!(found.other_pcrs, [1]);
    assert_eq!((found.records_verified, found.verified.count()), (3, 3));
    assert_eq!(PcrIndex::IMA.get(), 10);
}

#[test]
fn integers_in_the_other_order_are_named_as_such() {
    let mut made = record("ima-ng", b"", false, HashAlg::Sha1);
    made.bytes[..4].copy_from_slice(&10u32.to_be_bytes());
    let error = ImaList::new(&made.bytes).records().next();
    assert_eq!(error, Some(Err(ImaError::ByteOrder { record: 0, offset: 0 })));
}
