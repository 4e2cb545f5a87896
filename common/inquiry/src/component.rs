//! What a manifest says of keys, of the programs that firmware starts and of where a package comes from, as questions ask for it.

use evidence::digest::HashAlg;
use evidence::manifest::{
    AUTHENTICODE_FACT, ComponentKind, Entry, Manifest, SBAT_FACT, SIGNATURES_UNREAD_FACT, SOURCE_FACT,
};
use evidence::principal::{Principal, PrincipalKind, Relation};

use crate::role::Role;
use crate::subject::generations;

/// A file as firmware's log knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its Authenticode SHA-256.
    pub name: Principal,
    /// Whether all its signatures could be read.
    pub whole: bool,
}

impl Image {
    /// Of an entry that is one.
    pub fn of(entry: &Entry) -> Option<Self> {
        let value =
            |key: &str| entry.facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.as_str());
        let bytes = hex::decode(value(AUTHENTICODE_FACT)?).ok();
        let bytes = bytes.filter(|bytes| bytes.len() == HashAlg::Sha256.size())?;
        let name = Principal::new(PrincipalKind::Image, &bytes).ok()?;
        Some(Self { name, whole: value(SIGNATURES_UNREAD_FACT).is_none() })
    }
}

/// Generations that an image states of itself: components with numbers.
pub fn generations_of(entry: &Entry) -> impl Iterator<Item = (&str, &str)> {
    let fact = entry.facts.iter().find(|fact| fact.key == SBAT_FACT);
    fact.into_iter().flat_map(|fact| generations(&fact.value))
}

/// The role that a component has to do with a key in.
pub const fn role_of(relation: Relation) -> Role {
    match relation {
        Relation::Trusts => Role::Eligible,
        Relation::Revokes => Role::Revoked,
        Relation::SignedBy => Role::Used,
    }
}

/// What of a component's keys its agent could not read, in its own word.
pub fn unread(manifest: &Manifest) -> Option<&str> {
    const WORDS: [&str; 4] = ["unparsed", "left-out", "facts-left-out", "entries-of-other-kinds"];
    let facts = manifest.entries().iter().flat_map(|entry| &entry.facts).chain(manifest.facts());
    let found = facts.map(|fact| fact.key.as_str()).find(|key| WORDS.contains(key));
    let has_keys = matches!(manifest.kind(), ComponentKind::TrustStore | ComponentKind::PackageSources);
    found.filter(|_| has_keys)
}

/// What a component was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'m> {
    /// A source package of this name and version.
    Source(&'m str, &'m str),
    /// A source package that nobody has named: agents of before 0.1 did not.
    Unknown,
    /// None of a distribution's.
    Nothing,
}

impl<'m> Origin<'m> {
    /// As a manifest says it.
    pub fn of(manifest: &'m Manifest) -> Self {
        // Python's distributions are packages that no distribution has built.
        if manifest.kind() != ComponentKind::Package || manifest.name().starts_with("python:") {
            return Self::Nothing;
        }
        let fact = manifest.facts().iter().find(|fact| fact.key == SOURCE_FACT);
        let parts = fact.and_then(|fact| fact.value.split_once(' '));
        parts
            .filter(|(name, _)| !name.is_empty())
            .map_or(Self::Unknown, |(name, version)| Self::Source(name, version))
    }
}
