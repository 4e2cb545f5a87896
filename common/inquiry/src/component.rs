//! What a manifest says of keys and of the programs that firmware starts, as questions ask for it.

use evidence::digest::HashAlg;
use evidence::manifest::{AUTHENTICODE_FACT, ComponentKind, Entry, Manifest, SIGNATURES_UNREAD_FACT};
use evidence::principal::{Principal, PrincipalKind, Relation};

use crate::role::Role;

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
