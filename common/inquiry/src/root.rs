//! The root of the index: one hash over everything that the extractor has made of the log up to a size.
//!
//! In: for each chain of evidence, in the order of the log, what was recorded of it and what was read out of that. Out: a Merkle root. It is
//! a leaf of the log itself, so whoever has the evidence can make it again and see that the index knew every host, every piece of
//! evidence and every gap, and nothing else: an index that left one out, or had it otherwise, gives another root. It does not establish
//! that the extractor reads well.
//!
//! ```text
//! facts  = SHA-256("lydian/index-facts/v1\0" || facts before (32 zeroes in front of the first) || leaf (8 bytes, big-endian)
//!          || received, ms since 1970 (8) || SHA-256 of the evidence || SHA-256 of what was read)
//! entry  = CBOR [host, chain, leaf of the enrolment, leaf of the retirement + 1 or 0, facts or empty]
//! root   = the root of RFC 6962 over the entries of all chains, by the leaves of their enrolments
//! ```

use evidence::cbor::Writer;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use ledger::hash::Hash;
use ledger::tree::{Frontier, TreeError};

use crate::profile::{EXTRACTOR, Lasting, Reading};

/// What was read out of a chain's evidence, all of it; none of it where there is no evidence yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainFacts(Option<Sha256Digest>);

/// One piece of evidence, as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its leaf.
    pub leaf: u64,
    /// When it came, in milliseconds since 1970.
    pub received_ms: u64,
    /// Its digest.
    pub evidence: Sha256Digest,
    /// [`Reading::digest`] of what was read out of it.
    pub read: Sha256Digest,
}

impl ChainFacts {
    /// What was kept of them.
    pub const fn kept(digest: Option<Sha256Digest>) -> Self {
        Self(digest)
    }

    /// Over all of them; `None` where there is no evidence.
    pub const fn digest(&self) -> Option<Sha256Digest> {
        self.0
    }

    /// With the next piece of evidence.
    #[must_use]
    pub fn and(&self, next: &Recorded) -> Self {
        let before = self.0.unwrap_or(Sha256Digest::new([0; 32]));
        Self(Some(Sha256Digest::of(&[
            b"lydian/index-facts/v1\0",
            before.as_bytes(),
            &next.leaf.to_be_bytes(),
            &next.received_ms.to_be_bytes(),
            next.evidence.as_bytes(),
            next.read.as_bytes(),
        ])))
    }
}

/// A chain, as the index has it at a size of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its host.
    pub host: HostId,
    /// Its name.
    pub chain: ChainId,
    /// The leaf of its enrolment.
    pub enrolled: u64,
    /// The leaf of its host's retirement, where that ended it.
    pub retired: Option<u64>,
    /// What was read.
    pub facts: ChainFacts,
}

impl Chain {
    fn entry(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(5).bytes(self.host.as_bytes()).bytes(self.chain.as_bytes()).uint(self.enrolled);
        w.uint(self.retired.map_or(0, |leaf| leaf.saturating_add(1)));
        w.bytes(self.facts.0.as_ref().map_or(&[], |facts| facts.as_bytes().as_slice()));
        w.finish()
    }
}

/// The root over chains, which come in the order of their enrolments.
#[derive(Clone, Debug, Default)]
pub struct RootBuilder(Frontier);

impl RootBuilder {
    /// Adds the next chain.
    pub fn push(&mut self, chain: &Chain) -> Result<(), TreeError> {
        self.0.push(Hash::leaf(&chain.entry())).map(|_| ())
    }

    /// How many chains there are.
    pub const fn chains(&self) -> u64 {
        self.0.size().get()
    }

    /// The root.
    pub fn root(&self) -> Sha256Digest {
        Sha256Digest::new(*self.0.root().as_bytes())
    }
}

impl Reading {
    /// Over everything that was read, and the extractor's version.
    pub fn digest(&self) -> Sha256Digest {
        let mut w = Writer::new();
        w.array(7).uint(EXTRACTOR);
        let profile = self.profile.as_ref().map(crate::profile::Profile::digest);
        w.bytes(profile.as_ref().map_or(&[], |profile| profile.as_bytes().as_slice()));
        w.array(self.executions.len());
        for executed in &self.executions {
            w.array(3).bytes(executed.digest.as_bytes()).bytes(&executed.path);
            w.uint(executed.class.code().into());
        }
        w.array(self.lists.len());
        for list in &self.lists {
            w.bytes(list.id().as_bytes());
        }
        w.array(self.ran.len());
        for ran in &self.ran {
            w.array(2).bytes(ran.component.as_bytes()).uint(ran.entry.into());
        }
        w.array(self.keys.len());
        for key in &self.keys {
            key.write(&mut w);
        }
        w.array(self.troubles.len());
        for trouble in &self.troubles {
            w.array(5).uint(trouble.source.code().into()).text(&trouble.cause).text(&trouble.scope);
            w.uint(match trouble.lasting {
                Lasting::Passed => 1,
                Lasting::Stands => 2,
                Lasting::Boot => 3,
            });
            w.uint(trouble.since.map_or(0, |since| since.as_ms().saturating_add(1)));
        }
        Sha256Digest::of(&[b"lydian/index-reading/v1\0", &w.finish()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::principal::Principal;

    use crate::profile::{Executed, KeySeen, MeasuredList, Place, Profile, Ran, ShimList, Trouble};
    use crate::role::{Class, Role, Source};
    use evidence::time::UnixTime;

    fn recorded() -> Recorded {
        Recorded {
            leaf: 7,
            received_ms: 8,
            evidence: Sha256Digest::new([9; 32]),
            read: Sha256Digest::new([10; 32]),
        }
    }

    fn chain() -> Chain {
        Chain {
            host: HostId::new([1; 32]),
            chain: ChainId::new([2; 16]),
            enrolled: 3,
            retired: None,
            facts: ChainFacts::default(),
        }
    }

    fn root(chains: &[Chain]) -> Sha256Digest {
        let mut builder = RootBuilder::default();
        for chain in chains {
            builder.push(chain).unwrap();
        }
        builder.root()
    }

    fn reading() -> Reading {
        Reading {
            profile: Some(Profile::default()),
            executions: vec![Executed {
                digest: Sha256Digest::new([1; 32]),
                path: b"/usr/bin/true".to_vec(),
                class: Class::B,
            }],
            lists: vec![MeasuredList {
                list: ShimList::MokList,
                digest: vec![2; 32],
                place: Place { event: Some(3), pcr: 14 },
            }],
            ran: vec![Ran { component: Sha256Digest::new([4; 32]), entry: 5 }],
            keys: vec![KeySeen {
                names: vec![Principal::ssh(b"key")],
                role: Role::Used,
                class: Class::B,
                place: b"/usr/bin/true".to_vec(),
                label: "a key".into(),
            }],
            troubles: vec![Trouble {
                source: Source::Files,
                cause: "overflow".into(),
                scope: "/".into(),
                lasting: Lasting::Passed,
                since: Some(UnixTime::from_ms(0)),
            }],
        }
    }

    /// What anything else gives another root.
    #[test]
    fn every_part_of_the_evidence_and_of_the_chains_counts() {
        let base = ChainFacts::default().and(&recorded());
        for other in [
            Recorded { leaf: 8, ..recorded() },
            Recorded { received_ms: 9, ..recorded() },
            Recorded { evidence: Sha256Digest::new([8; 32]), ..recorded() },
            Recorded { read: Sha256Digest::new([8; 32]), ..recorded() },
        ] {
            assert_ne!(ChainFacts::default().and(&other), base, "{other:?}");
        }
        assert_ne!(base.and(&recorded()), base);
        for other in [
            Chain { host: HostId::new([2; 32]), ..chain() },
            Chain { chain: ChainId::new([3; 16]), ..chain() },
            Chain { enrolled: 4, ..chain() },
            Chain { retired: Some(0), ..chain() },
            Chain { facts: base, ..chain() },
        ] {
            assert_ne!(root(&[other]), root(&[chain()]), "{other:?}");
        }
        let second = Chain { enrolled: 9, ..chain() };
        assert_ne!(root(&[chain(), second]), root(&[second, chain()]));
        assert_ne!(root(&[chain(), second]), root(&[chain()]));
    }

    #[test]
    fn every_part_of_what_was_read_counts() {
        let change = |change: &dyn Fn(&mut Reading)| {
            let mut other = reading();
            change(&mut other);
            assert_ne!(other.digest(), reading().digest(), "{other:?}");
        };
        change(&|other| other.profile = None);
        change(&|other| other.executions.clear());
        change(&|other| other.executions.iter_mut().for_each(|executed| executed.class = Class::D));
        change(&|other| other.executions.iter_mut().for_each(|executed| executed.path.clear()));
        change(&|other| other.lists.clear());
        change(&|other| other.lists.iter_mut().for_each(|list| list.list = ShimList::MokListX));
        change(&|other| other.lists.iter_mut().for_each(|list| list.digest.clear()));
        change(&|other| other.lists.iter_mut().for_each(|list| list.place.event = None));
        change(&|other| other.ran.clear());
        change(&|other| other.ran.iter_mut().for_each(|ran| ran.entry = 6));
        change(&|other| other.keys.clear());
        change(&|other| other.keys.iter_mut().for_each(|key| key.names.clear()));
        change(&|other| other.keys.iter_mut().for_each(|key| key.role = Role::Eligible));
        change(&|other| other.keys.iter_mut().for_each(|key| key.class = Class::A));
        change(&|other| other.keys.iter_mut().for_each(|key| key.place.clear()));
        change(&|other| other.keys.iter_mut().for_each(|key| key.label.clear()));
        change(&|other| other.troubles.clear());
        change(&|other| other.troubles.iter_mut().for_each(|trouble| trouble.lasting = Lasting::Boot));
        change(&|other| other.troubles.iter_mut().for_each(|trouble| trouble.since = None));
        change(&|other| other.troubles.iter_mut().for_each(|trouble| trouble.scope.clear()));
        change(&|other| other.troubles.iter_mut().for_each(|trouble| trouble.source = Source::Ima));
    }

    /// The layout is part of the format: what was logged once is made again in years.
    #[test]
    fn the_layout_stays() {
        let facts = ChainFacts::default().and(&Recorded { read: reading().digest(), ..recorded() });
        let of = root(&[Chain { facts, retired: Some(11), ..chain() }, Chain { enrolled: 9, ..chain() }]);
        assert_eq!(of.to_string(), "c0191ba5fd6ef92a54c73b4c6e992ba8bf64642f4039be8f3672211acc2e3c42");
    }
}
