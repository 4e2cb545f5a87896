//! Shim's lists of keys: `MokList` and `MokListX`, of which PCR 14 has the hashes alone.
//!
//! In: a verified firmware log. Out: for each list its hash and the place. What is in it is known once somebody has sent contents that have the hash. The
//! names beside the hashes are not measured, but shim measures the lists first and in this order: a log that tells it otherwise tells nothing.
//= shim, mok.c: mok_state_variables, in whose order they are measured; README.tpm: PCR 14

use appraisal::verify::{PcrStanding, VerifiedFirmwareLog};
use evidence::cbor::Writer;
use evidence::digest::Sha256Digest;
use evidence::eventlog::{DigestCheck, Payload};
use evidence::pcr::PcrIndex;

use super::{Fact, Place};
use crate::carried::KeyList;
use crate::role::{Class, Role};

/// Which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShimList {
    /// Keys and images that the machine's owner, or the vendor of shim, trusts.
    MokList,
    /// Those that are revoked.
    MokListX,
    /// The log does not say, or nothing vouches for it: it may be of either.
    Unclear,
}

impl ShimList {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::MokList, Self::MokListX, Self::Unclear];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MokList => "MokList",
            Self::MokListX => "MokListX",
            Self::Unclear => "PCR 14",
        }
    }

    /// The role that a host has to do with its entries in; `None` where it may be either.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::MokList => Some(Role::Eligible),
            Self::MokListX => Some(Role::Revoked),
            Self::Unclear => None,
        }
    }
}

/// A list that a boot was under, by its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeasuredList {
    /// Which.
    pub list: ShimList,
    /// The hash, of the bank that is relied on; empty where it is unclear.
    pub digest: Vec<u8>,
    /// Where in the log.
    pub place: Place,
}

impl MeasuredList {
    /// By which equal lists are one, however many boots they are of.
    pub fn id(&self) -> Sha256Digest {
        let mut w = Writer::new();
        w.array(3).text(self.list.name()).bytes(&self.digest);
        self.place.write(&mut w);
        Sha256Digest::of(&[b"lydian/boot-list/v1", &w.finish()])
    }

    /// What it says of keys, by its contents: those whose hash it is.
    pub fn facts(&self, contents: &KeyList) -> Vec<Fact> {
        let Some(role) = self.list.role() else { return Vec::new() };
        let fact = |edge: &evidence::principal::Edge| Fact::Key {
            names: edge.principals.clone(),
            role,
            class: Class::A,
            store: self.list.name().to_owned(),
            label: edge.label.clone(),
            place: self.place,
        };
        contents.edges.iter().map(fact).collect()
    }

    /// Whether it is known to list nothing.
    pub fn is_empty(&self) -> bool {
        KeyList::new(&[]).digests.contains(&self.digest)
    }
}

/// The lists that a boot was under.
pub(super) fn measured(firmware: &VerifiedFirmwareLog<'_>) -> Vec<MeasuredList> {
    let pcr = PcrIndex::SHIM_LISTS;
    let bank = firmware.bank();
    let opaque = || {
        let events = firmware.log().events().into_iter();
        events.filter(|event| event.pcr() == Some(pcr) && event.digest_check(bank) != DigestCheck::Verified)
    };
    let Some(first) = opaque().next() else { return Vec::new() };
    let unclear = || {
        let place = Place { event: Some(first.number), pcr: pcr.get() };
        vec![MeasuredList { list: ShimList::Unclear, digest: Vec::new(), place }]
    };
    if !firmware.standing(pcr).is_some_and(PcrStanding::proves_firmware) {
        return unclear();
    }
    let is_switch = |digest: &[u8]| [0, 1].iter().any(|byte| bank.hash(&[&[*byte]]).as_bytes() == digest);
    let mut lists = Vec::new();
    for (event, list) in opaque().zip([ShimList::MokList, ShimList::MokListX]) {
        let is_named = matches!(event.payload(), Ok(Payload::Ipl(ipl)) if ipl.text == list.name());
        match event.digest(bank) {
            Some(digest) if is_named => {
                let place = Place { event: Some(event.number), pcr: pcr.get() };
                lists.push(MeasuredList { list, digest: digest.as_bytes().to_vec(), place });
            }
            // A shim of before there were lists of revoked keys goes on with its switches.
            Some(digest) if list == ShimList::MokListX && is_switch(digest.as_bytes()) => {}
            _ => return unclear(),
        }
    }
    lists
}
