//! What an authority issued, by the names that certificates carry.
//!
//! In: certificates as evidence names them, and an authority. Out: those that it issued, and with its closure those that were issued by
//! them, with how far below the authority each is. That a certificate is signed by the key that it names is not checked here: nobody has its
//! bytes any more. Whoever makes a certificate that names an authority which did not sign it makes it found, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use evidence::principal::{Principal, PrincipalKind};

use crate::subject::{Authority, IssuerSubject};

/// A certificate, by what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Certificate {
    names: Vec<Principal>,
}

/// The authority is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no host has this authority's certificate or key, so nobody knows what it is called: name it by its file, issuer:@FILE"
)]
pub struct UnknownAuthority;

impl Certificate {
    /// From all names of an edge; `None` where nothing says who issued it.
    pub fn of(names: &[Principal]) -> Option<Self> {
        let has = |kind| names.iter().any(|name| name.kind() == kind);
        has(PrincipalKind::IssuerName).then(|| Self { names: names.to_vec() })
    }

    fn name(&self, kind: PrincipalKind) -> Option<&[u8]> {
        self.names.iter().find(|name| name.kind() == kind).map(Principal::id)
    }

    /// Names by which the same certificate, or its key, is known where less is said of it.
    pub fn identities(&self) -> impl Iterator<Item = &Principal> {
        const KINDS: [PrincipalKind; 4] = [
            PrincipalKind::Certificate,
            PrincipalKind::Tbs,
            PrincipalKind::IssuerSerial,
            PrincipalKind::SubjectKeyId,
        ];
        self.names.iter().filter(|name| KINDS.contains(&name.kind()))
    }

    fn authority(&self) -> Pair<'_> {
        Pair { name: self.name(PrincipalKind::SubjectName), key: self.name(PrincipalKind::SubjectKeyId) }
    }

    fn is_issued_by(&self, by: &Pair<'_>) -> bool {
        match (self.name(PrincipalKind::AuthorityKeyId), by.key) {
            (Some(says), Some(key)) => says == key,
            _ => by.name.is_some() && self.name(PrincipalKind::IssuerName) == by.name,
        }
    }
}

/// Whether it is a certificate, or a key of one, of which nothing says who issued it.
pub fn is_of_unknown_issuer(names: &[Principal]) -> bool {
    let of_certificate = |name: &Principal| {
        matches!(
            name.kind(),
            PrincipalKind::Certificate
                | PrincipalKind::Tbs
                | PrincipalKind::IssuerSerial
                | PrincipalKind::SubjectKeyId
                | PrincipalKind::ImaKeyId
        )
    };
    names.iter().any(of_certificate) && Certificate::of(names).is_none()
}

/// Who may have issued something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pair<'a> {
    name: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
}

/// What lies below an authority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// Names of the authority (0) and of certificates below it, with how far they are below it: 1 is what it issued itself.
    pub found: BTreeMap<Principal, u32>,
    /// Names of certificates whose chain ends with somebody of whom no host has a certificate: where a closure was asked for, they may lie below
    /// the authority.
    pub open: BTreeSet<Principal>,
}

/// Looks for what lies below an authority.
pub fn below(
    subject: &IssuerSubject,
    certificates: &BTreeSet<Certificate>,
) -> Result<Below, UnknownAuthority> {
    let all: Vec<&Certificate> = certificates.iter().collect();
    let (by_name, by_key) = index(&all);
    let mut found: BTreeMap<Principal, u32> = BTreeMap::new();
    let mut next: Vec<Pair<'_>> = match subject.authority() {
        Authority::Named { name, key } => {
            vec![Pair { name: Some(name.id()), key: key.as_ref().map(Principal::id) }]
        }
        Authority::Known(names) => known(names, &all),
    };
    if next.is_empty() {
        return Err(UnknownAuthority);
    }
    // What is called like it is it, where its key is not another.
    for certificate in &all {
        let own = certificate.authority();
        let is_it = next.iter().any(|pair| match (pair.key, own.key) {
            (Some(key), Some(own)) => key == own,
            _ => pair.name.is_some() && pair.name == own.name,
        });
        if is_it {
            found.extend(certificate.identities().map(|name| (name.clone(), 0)));
        }
    }
    if let Authority::Known(names) = subject.authority() {
        found.extend(names.iter().map(|name| (name.clone(), 0)));
    }
    let mut seen: HashSet<Pair<'_>> = next.iter().copied().collect();
    let mut level = 0;
    while !next.is_empty() && level < LEVELS {
        level += 1;
        let mut below = Vec::new();
        for pair in &next {
            let candidates =
                [pair.name.and_then(|name| by_name.get(name)), pair.key.and_then(|key| by_key.get(key))];
            for certificate in candidates.into_iter().flatten().flatten().filter(|one| one.is_issued_by(pair))
            {
                for name in certificate.identities() {
                    found.entry(name.clone()).or_insert(level);
                }
                let own = certificate.authority();
                if (own.name.is_some() || own.key.is_some()) && seen.insert(own) {
                    below.push(own);
                }
            }
        }
        next = if subject.is_closure() { below } else { Vec::new() };
    }
    let open = if subject.is_closure() { open(&all, &by_name, &by_key, &found) } else { BTreeSet::new() };
    Ok(Below { found, open })
}

/// Names of certificates that are not below the authority, and of which nobody knows under whom they are: the way up from them does not end with
/// one that has issued itself.
fn open(
    all: &[&Certificate],
    by_name: &Index<'_>,
    by_key: &Index<'_>,
    found: &BTreeMap<Principal, u32>,
) -> BTreeSet<Principal> {
    let is_root = |certificate: &&&Certificate| certificate.is_issued_by(&certificate.authority());
    let mut next: Vec<&Certificate> = all.iter().filter(is_root).copied().collect();
    let mut closed: HashSet<&Certificate> = next.iter().copied().collect();
    while let Some(certificate) = next.pop() {
        let pair = certificate.authority();
        let candidates =
            [pair.name.and_then(|name| by_name.get(name)), pair.key.and_then(|key| by_key.get(key))];
        for issued in candidates.into_iter().flatten().flatten().filter(|one| one.is_issued_by(&pair)) {
            if closed.insert(*issued) {
                next.push(*issued);
            }
        }
    }
    let is_found = |certificate: &Certificate| certificate.identities().any(|name| found.contains_key(name));
    let open = all.iter().filter(|certificate| !closed.contains(**certificate) && !is_found(certificate));
    open.flat_map(|certificate| certificate.identities().cloned()).collect()
}

type Index<'a> = HashMap<&'a [u8], Vec<&'a Certificate>>;

/// Certificates by the names and keys of their issuers.
fn index<'a>(all: &[&'a Certificate]) -> (Index<'a>, Index<'a>) {
    let (mut by_name, mut by_key) = (Index::new(), Index::new());
    for certificate in all {
        if let Some(name) = certificate.name(PrincipalKind::IssuerName) {
            by_name.entry(name).or_default().push(*certificate);
        }
        if let Some(key) = certificate.name(PrincipalKind::AuthorityKeyId) {
            by_key.entry(key).or_default().push(*certificate);
        }
    }
    (by_name, by_key)
}

/// What an authority is called that is named by its certificate or key.
fn known<'a>(names: &'a [Principal], all: &[&'a Certificate]) -> Vec<Pair<'a>> {
    let mut pairs: Vec<Pair<'a>> = all
        .iter()
        .filter(|certificate| certificate.names.iter().any(|name| names.contains(name)))
        .map(|certificate| certificate.authority())
        .collect();
    // What says that it was issued by a key tells also what the key's holder is called.
    for key in names.iter().filter(|name| name.kind() == PrincipalKind::SubjectKeyId) {
        for certificate in all {
            if certificate.name(PrincipalKind::AuthorityKeyId) == Some(key.id()) {
                pairs.push(Pair { name: certificate.name(PrincipalKind::IssuerName), key: Some(key.id()) });
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Real chains have three or four.
const LEVELS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: PrincipalKind, n: u8) -> Principal {
        Principal::new(kind, &[n; 32]).unwrap()
    }

    fn key(kind: PrincipalKind, n: u8) -> Principal {
        Principal::new(kind, &[n; 20]).unwrap()
    }

    /// Certificate `n`, of subject `n` with key `n`, issued by `by`; the key identifiers where they are wanted.
    fn certificate(n: u8, by: u8, keys: bool) -> Certificate {
        let mut names = vec![
            name(PrincipalKind::Certificate, n),
            name(PrincipalKind::SubjectName, 100 + n),
            name(PrincipalKind::IssuerName, 100 + by),
        ];
        if keys {
            names.push(key(PrincipalKind::SubjectKeyId, n));
            names.push(key(PrincipalKind::AuthorityKeyId, by));
        }
        Certificate::of(&names).unwrap()
    }

    fn levels(subject: &str, all: &[Certificate]) -> Result<Vec<(u8, u32)>, UnknownAuthority> {
        let subject = subject.parse().unwrap();
        let below = below(&subject, &all.iter().cloned().collect())?;
        let found = below.found.iter().filter(|(name, _)| name.kind() == PrincipalKind::Certificate);
        Ok(found.map(|(name, level)| (name.id()[0], *level)).collect())
    }

    fn hash(n: u8) -> String {
        hex::encode([n; 32])
    }

    #[test]
    fn what_is_issued_and_what_lies_below_are_told_apart() {
        // 1 is a root, 2 an authority below it, 3 and 4 are issued by 2, 5 by another root.
        for keys in [false, true] {
            let all = [(1, 1), (2, 1), (3, 2), (4, 2), (5, 6)].map(|(n, by)| certificate(n, by, keys));
            assert_eq!(levels(&hash(1), &all).unwrap(), [(1, 0), (2, 1)]);
            let closure = format!("{}/closure", hash(1));
            assert_eq!(levels(&closure, &all).unwrap(), [(1, 0), (2, 1), (3, 2), (4, 2)]);
            assert_eq!(levels(&hash(2), &all).unwrap(), [(2, 0), (3, 1), (4, 1)]);
            // A root that no host has is known by its name.
            assert_eq!(levels(&format!("name:{}", hash(106)), &all).unwrap(), [(5, 1)]);
            assert_eq!(levels(&hash(6), &all), Err(UnknownAuthority));
            assert_eq!(levels(&format!("name:{}", hash(99)), &all).unwrap(), []);
        }
    }

    #[test]
    fn of_two_authorities_of_one_name_the_key_tells() {
        let all = [certificate(3, 1, true)];
        let named = |key: u8| format!("name:{}+{}", hash(101), hex::encode([key; 20]));
        assert_eq!(levels(&named(1), &all).unwrap(), [(3, 1)]);
        assert_eq!(levels(&named(9), &all).unwrap(), []);
        // Where the certificate does not say which key, its name is all that there is.
        assert_eq!(levels(&named(9), &[certificate(3, 1, false)]).unwrap(), [(3, 1)]);
        // By the key's identifier alone, which tells what its holder is called.
        let both = [certificate(3, 1, true), certificate(4, 1, false)];
        assert_eq!(levels(&hex::encode([1; 20]), &both).unwrap(), [(3, 1), (4, 1)]);
    }

    #[test]
    fn a_chain_that_ends_with_a_stranger_may_lie_below_anybody() {
        for keys in [false, true] {
            // 1 and 7 are roots, 3 is below 1; 4 is below 5, which nobody has, and 8 is below 4.
            let all = [(1, 1), (7, 7), (3, 1), (4, 5), (8, 4)].map(|(n, by)| certificate(n, by, keys));
            let all: BTreeSet<Certificate> = all.into_iter().collect();
            let open = |subject: &str| -> Vec<u8> {
                let open = below(&subject.parse().unwrap(), &all).unwrap().open;
                open.iter()
                    .filter(|name| name.kind() == PrincipalKind::Certificate)
                    .map(|name| name.id()[0])
                    .collect()
            };
            assert_eq!(open(&format!("{}/closure", hash(7))), [4, 8]);
            assert_eq!(open(&format!("name:{}/closure", hash(105))), [], "it is the stranger");
            assert_eq!(open(&hash(7)), [], "what it issued itself says so");
        }
    }

    #[test]
    fn circles_end() {
        let all = [(1, 2), (2, 1)].map(|(n, by)| certificate(n, by, true));
        assert_eq!(levels(&format!("{}/closure", hash(1)), &all).unwrap(), [(1, 0), (2, 1)]);
    }

    #[test]
    fn a_certificate_that_does_not_say_who_issued_it_is_one_of_unknown_issuer() {
        assert!(is_of_unknown_issuer(&[name(PrincipalKind::Tbs, 1)]));
        assert!(is_of_unknown_issuer(&[key(PrincipalKind::SubjectKeyId, 1)]));
        assert!(!is_of_unknown_issuer(&[name(PrincipalKind::Tbs, 1), name(PrincipalKind::IssuerName, 2)]));
        assert!(!is_of_unknown_issuer(&[name(PrincipalKind::Ssh, 1)]));
        assert!(!is_of_unknown_issuer(&[name(PrincipalKind::Spki, 1), name(PrincipalKind::Image, 1)]));
    }
}
