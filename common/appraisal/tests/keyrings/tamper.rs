//! Changed, dropped, swapped and moved: what is valid afterwards was said by the key before.

use std::collections::BTreeSet;

use appraisal::openpgp::{Status, assess};
use evidence::openpgp::{KeyRing, Packets, Tag};
use evidence::time::UnixTime;

use crate::gnupg::AT;
use crate::own;

/// Everything that is claimed to be valid, revoked or expired, and whether anything is reported.
fn claims(bytes: &[u8]) -> (BTreeSet<String>, bool) {
    let Ok(ring) = KeyRing::read(bytes) else { return (BTreeSet::new(), true) };
    let (mut claims, mut noticed) = (BTreeSet::new(), ring.damage().is_some());
    let mut certificates = ring.certificates();
    for certificate in certificates.by_ref() {
        let Ok(certificate) = certificate else {
            noticed = true;
            continue;
        };
        let all = assess(&certificate, UnixTime::from_secs(AT));
        noticed |= !all.findings.is_empty() || certificate.unknown_packets() > 0;
        let key = certificate.primary.fingerprint();
        let mut claim = |status: Status, what: String| {
            noticed |= status == Status::Unverified;
            if status != Status::Unverified {
                claims.insert(format!("{key} {what} {}", status.name()));
            }
        };
        claim(all.status, format!("{:?} {:?}", all.expires, all.flags));
        for user_id in &all.user_ids {
            claim(
                user_id.status,
                format!("{:?} {} {:?}", user_id.bytes, user_id.is_attribute, user_id.signed),
            );
        }
        for subkey in &all.subkeys {
            claim(
                subkey.status,
                format!("{} {:?} {:?}", subkey.key.fingerprint(), subkey.expires, subkey.flags),
            );
        }
    }
    (claims, noticed || certificates.stray_packets() > 0)
}

#[test]
fn a_flipped_bit_never_makes_a_claim_and_is_noticed() {
    for name in ["ed25519.gpg", "rsa.asc"] {
        let ring = own(name);
        let good = KeyRing::read(&ring).unwrap().packets().to_vec();
        let (original, noticed) = claims(&good);
        assert!(!noticed && !original.is_empty(), "{name}");
        let mut unnoticed = 0;
        // Of the larger ring every seventh bit, which meets every bit of a byte in turn.
        let step = if good.len() > 1000 { 7 } else { 1 };
        for bit in (0..good.len() * 8).step_by(step) {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (found, noticed) = claims(&bytes);
            for new in found.difference(&original) {
                // A revocation that is damaged is one that was left out, which nobody could notice.
                let revoked = new.replace(" valid", " revoked");
                assert!(noticed && original.contains(&revoked), "{name}, bit {bit}: {new}");
            }
            // What is not signed may change: the hint at the signer, and how a packet's tag and length are written.
            if found == original && !noticed {
                unnoticed += 1;
                assert!(is_unsigned(&good, bit / 8), "{name}, bit {bit} of a signed byte goes unnoticed");
            }
        }
        assert!(unnoticed * 16 < good.len() * 8 / step, "{name}: {unnoticed} bits go unnoticed");
    }
}

/// Whether a byte is one that no signature is over: a packet's header, a signature's own unhashed part, or how long a number
/// is said to be.
fn is_unsigned(bytes: &[u8], at: usize) -> bool {
    let packets = Packets::new(bytes, 0).map(Result::unwrap);
    let packet = packets.take_while(|packet| packet.offset <= at).last().unwrap();
    if at < packet.body_offset {
        return true;
    }
    if packet.tag != Tag::SIGNATURE {
        return false;
    }
    let body = packet.body.unwrap();
    let hashed = 6 + usize::from(u16::from_be_bytes([body[4], body[5]]));
    let unhashed = 2 + usize::from(u16::from_be_bytes([body[hashed], body[hashed + 1]]));
    let at = at - packet.body_offset;
    // A number's length in bits, which its bytes tell, too.
    let mut number = hashed + unhashed + 2;
    while number < body.len() {
        if (number..number + 2).contains(&at) {
            return true;
        }
        number += 2 + usize::from(u16::from_be_bytes([body[number], body[number + 1]]).div_ceil(8));
    }
    (hashed..hashed + unhashed).contains(&at)
}

#[test]
fn dropped_swapped_repeated_and_moved_packets_make_no_claim() {
    let good = own("all.gpg");
    let (original, _) = claims(&good);
    let bounds: Vec<usize> =
        Packets::new(&good, 0).map(|packet| packet.unwrap().offset).chain([good.len()]).collect();
    let packets: Vec<&[u8]> = bounds.windows(2).map(|pair| &good[pair[0]..pair[1]]).collect();
    let check = |order: &[&[u8]], what: &str| {
        let (found, _) = claims(&order.concat());
        for new in found.difference(&original) {
            // A dropped revocation, expiry or newer signature cannot be noticed; a binding to another key must be.
            let owner = &new[..40];
            assert!(original.iter().any(|claim| claim.starts_with(owner)), "{what}: {new}");
            let subject = new.split_whitespace().nth(1).unwrap();
            let known = original.iter().any(|claim| claim.starts_with(owner) && claim.contains(subject));
            assert!(known || subject.starts_with("Some") || subject.starts_with("None"), "{what}: {new}");
        }
    };
    for at in 0..packets.len() {
        let mut dropped = packets.clone();
        dropped.remove(at);
        check(&dropped, &format!("packet {at} dropped"));
        let mut repeated = packets.clone();
        repeated.insert(at, packets[at]);
        check(&repeated, &format!("packet {at} repeated"));
        for other in (at + 1..packets.len()).step_by(9) {
            let mut swapped = packets.clone();
            swapped.swap(at, other);
            check(&swapped, &format!("packets {at} and {other} swapped"));
        }
    }
}

#[test]
fn a_subkey_of_somebody_else_is_not_bound() {
    let (all, other) = (own("all.gpg"), own("ed25519.gpg"));
    let packets: Vec<_> = Packets::new(&other, 0).map(Result::unwrap).collect();
    let subkey = &other[packets[3].offset..];
    let first_end =
        Packets::new(&all, 0).map(Result::unwrap).filter(|packet| packet.tag == Tag::PUBLIC_KEY).nth(1);
    let at = first_end.unwrap().offset;
    let bytes = [&all[..at], subkey, &all[at..]].concat();
    let (original, _) = claims(&all);
    let (found, noticed) = claims(&bytes);
    assert!(noticed && found.is_subset(&original));
}

#[test]
fn thousands_of_signatures_are_not_all_verified() {
    let good = own("ed25519.gpg");
    let packets: Vec<_> = Packets::new(&good, 0).map(Result::unwrap).collect();
    let signature = &good[packets[2].offset..packets[3].offset];
    let time = |count: usize| {
        let bytes = [&good[..packets[3].offset], &signature.repeat(count)].concat();
        let ring = KeyRing::read(&bytes).unwrap();
        let certificate = ring.certificates().next().unwrap().unwrap();
        assess(&certificate, UnixTime::from_secs(AT)).findings.len()
    };
    assert_eq!(time(1_000), 0);
    assert_eq!(time(100_000), 1, "the limit is told");
}
