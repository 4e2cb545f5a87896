//! Principals: keys and certificates under the names that they go by, and how a file or a component relates to them.
//!
//! In: digests and fingerprints that a reader of certificates, keys or signatures computed. Out: checked names, and
//! edges as manifests carry them. An edge is the agent's word: that a file carries a signature that names a key is not
//! that the signature holds, and that a store lists a key is not that it was ever used.

mod names;

use crate::cbor::{CborError, Reader, Writer};
use crate::digest::Sha256Digest;
use crate::limits::{EDGE_PRINCIPALS, ENTRY_EDGES, SHORT_TEXT_BYTES};

pub use names::KeyringUse;
use names::integer;

/// What a principal's name is a name of, and how it is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A certificate: SHA-256 of its DER.
    Certificate,
    /// A public key: SHA-256 of its `SubjectPublicKeyInfo`.
    Spki,
    /// A certificate as revocation lists of firmware name it: SHA-256, SHA-384 or SHA-512 of its `TBSCertificate`.
    Tbs,
    /// An `OpenPGP` key or subkey: its fingerprint of version 3, 4 or 6.
    OpenPgp,
    /// An `OpenPGP` key as a signature of old names it: its 64-bit key id.
    OpenPgpKeyId,
    /// An SSH key: SHA-256 of its public blob.
    Ssh,
    /// A key as `security.ima` and `security.evm` name it: the last 32 bits of its subject key identifier.
    ImaKeyId,
    /// A certificate's subject key identifier.
    SubjectKeyId,
    /// A certificate as PKCS#7 names it: SHA-256 over the DER of its issuer's name, then of its serial number.
    IssuerSerial,
    /// A boot image: its Authenticode SHA-256, as db, dbx and `MokList` list it.
    Image,
    /// A snap account key: SHA3-384 of its public key.
    SnapKey,
    /// Certificates by whom they are of: SHA-256 over the DER of their subject's name.
    SubjectName,
    /// Certificates by who issued them: SHA-256 over the DER of their issuer's name.
    IssuerName,
    /// The same, by the identifier that they have of their issuer's key.
    AuthorityKeyId,
}

impl PrincipalKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Certificate,
        Self::Spki,
        Self::Tbs,
        Self::OpenPgp,
        Self::OpenPgpKeyId,
        Self::Ssh,
        Self::ImaKeyId,
        Self::SubjectKeyId,
        Self::IssuerSerial,
        Self::Image,
        Self::SnapKey,
        Self::SubjectName,
        Self::IssuerName,
        Self::AuthorityKeyId,
    ];

    const fn code(self) -> u64 {
        match self {
            Self::Certificate => 1,
            Self::Spki => 2,
            Self::Tbs => 3,
            Self::OpenPgp => 4,
            Self::OpenPgpKeyId => 5,
            Self::Ssh => 6,
            Self::ImaKeyId => 7,
            Self::SubjectKeyId => 8,
            Self::IssuerSerial => 9,
            Self::Image => 10,
            Self::SnapKey => 11,
            Self::SubjectName => 12,
            Self::IssuerName => 13,
            Self::AuthorityKeyId => 14,
        }
    }

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Spki => "spki",
            Self::Tbs => "tbs",
            Self::OpenPgp => "openpgp",
            Self::OpenPgpKeyId => "openpgp-key-id",
            Self::Ssh => "ssh",
            Self::ImaKeyId => "ima-key-id",
            Self::SubjectKeyId => "subject-key-id",
            Self::IssuerSerial => "issuer-serial",
            Self::Image => "image",
            Self::SnapKey => "snap-key",
            Self::SubjectName => "subject-name",
            Self::IssuerName => "issuer-name",
            Self::AuthorityKeyId => "authority-key-id",
        }
    }

    /// Whether it names one key or certificate, rather than all that are of somebody or by somebody.
    pub const fn is_of_one(self) -> bool {
        !matches!(self, Self::SubjectName | Self::IssuerName | Self::AuthorityKeyId)
    }

    /// Whether a name of this kind can have this many bytes.
    const fn takes(self, length: usize) -> bool {
        match self {
            Self::Certificate
            | Self::Spki
            | Self::Ssh
            | Self::IssuerSerial
            | Self::Image
            | Self::SubjectName
            | Self::IssuerName => length == 32,
            Self::Tbs => matches!(length, 32 | 48 | 64),
            Self::OpenPgp => matches!(length, 16 | 20 | 32),
            Self::OpenPgpKeyId => length == 8,
            Self::ImaKeyId => length == 4,
            // RFC 5280 §4.2.1.2 lets an authority choose it; 20 bytes in most, 32 in some.
            Self::SubjectKeyId | Self::AuthorityKeyId => length >= 1 && length <= 64,
            Self::SnapKey => length == 48,
        }
    }
}

/// One name of a key or certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    kind: PrincipalKind,
    id: Box<[u8]>,
}

impl Principal {
    /// A name of this kind; refused where it has a length that the kind never has.
    pub fn new(kind: PrincipalKind, id: &[u8]) -> Result<Self, PrincipalError> {
        if kind.takes(id.len()) {
            Ok(Self { kind, id: id.into() })
        } else {
            Err(PrincipalError::Length { kind, found: id.len() })
        }
    }

    /// A certificate, by its DER.
    pub fn certificate(der: &[u8]) -> Self {
        Self::hashed(PrincipalKind::Certificate, &[der])
    }

    /// A public key, by the DER of its `SubjectPublicKeyInfo`.
    pub fn spki(der: &[u8]) -> Self {
        Self::hashed(PrincipalKind::Spki, &[der])
    }

    /// A certificate, by the DER of its `TBSCertificate`.
    pub fn tbs(der: &[u8]) -> Self {
        Self::hashed(PrincipalKind::Tbs, &[der])
    }

    /// An SSH key, by its public blob.
    pub fn ssh(blob: &[u8]) -> Self {
        Self::hashed(PrincipalKind::Ssh, &[blob])
    }

    /// A certificate, by the DER of its issuer's name and what its serial number has as content.
    pub fn issuer_serial(issuer: &[u8], serial: &[u8]) -> Self {
        Self::hashed(PrincipalKind::IssuerSerial, &[issuer, &integer(serial)])
    }

    /// Certificates of whom this is the name, by its DER.
    pub fn subject_name(name: &[u8]) -> Self {
        Self::hashed(PrincipalKind::SubjectName, &[name])
    }

    /// Certificates that were issued under this name, by its DER.
    pub fn issuer_name(name: &[u8]) -> Self {
        Self::hashed(PrincipalKind::IssuerName, &[name])
    }

    fn hashed(kind: PrincipalKind, parts: &[&[u8]]) -> Self {
        Self { kind, id: Box::from(Sha256Digest::of(parts).as_bytes().as_slice()) }
    }

    /// What it names, and how.
    pub const fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The name's bytes.
    pub const fn id(&self) -> &[u8] {
        &self.id
    }
}

impl std::fmt::Display for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.kind.name())?;
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a file or component relates to a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The store lists it as trusted.
    Trusts,
    /// The store lists it as revoked.
    Revokes,
    /// The file, or the package that it is of, carries a signature that names it.
    SignedBy,
}

impl Relation {
    const ALL: [Self; 3] = [Self::Trusts, Self::Revokes, Self::SignedBy];

    const fn code(self) -> u64 {
        match self {
            Self::Trusts => 1,
            Self::Revokes => 2,
            Self::SignedBy => 3,
        }
    }

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusts => "trusts",
            Self::Revokes => "revokes",
            Self::SignedBy => "signed-by",
        }
    }
}

/// One key or certificate that a file or component relates to, under all names that are known of it there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// How.
    pub relation: Relation,
    /// Names of this one key or certificate: at least one; sorted, none twice.
    pub principals: Vec<Principal>,
    /// What people call it: a subject, a user id, a comment; of no meaning to any check.
    pub label: String,
}

impl Edge {
    /// An edge; its names are sorted here and its label is cut to what a manifest holds.
    pub fn new(relation: Relation, mut principals: Vec<Principal>, label: &str) -> Self {
        principals.sort_unstable();
        principals.dedup();
        let label = label.get(..label.floor_char_boundary(SHORT_TEXT_BYTES)).unwrap_or_default().to_owned();
        Self { relation, principals, label }
    }
}

/// Writes edges, which must be sorted, as manifests have them.
pub fn write_edges(w: &mut Writer, edges: &[Edge]) {
    w.array(edges.len());
    for edge in edges {
        w.array(3).uint(edge.relation.code()).array(edge.principals.len());
        for principal in &edge.principals {
            w.array(2).uint(principal.kind.code()).bytes(&principal.id);
        }
        w.text(&edge.label);
    }
}

/// Reads edges that rise strictly.
pub fn read_edges(r: &mut Reader<'_>) -> Result<Vec<Edge>, CborError> {
    let count = r.array(ENTRY_EDGES)?;
    let mut edges: Vec<Edge> = Vec::with_capacity(count.min(r.left() / EDGE_BYTES));
    for _ in 0..count {
        let offset = r.offset();
        let edge = read_edge(r)?;
        if edges.last().is_some_and(|last| *last >= edge) {
            return Err(CborError::Order { offset });
        }
        edges.push(edge);
    }
    Ok(edges)
}

fn read_edge(r: &mut Reader<'_>) -> Result<Edge, CborError> {
    r.array_of(3)?;
    let relation = r.coded(&Relation::ALL, Relation::code)?;
    let offset = r.offset();
    let count = r.array(EDGE_PRINCIPALS)?;
    if count == 0 {
        return Err(CborError::Schema { offset, expected: 1, found: 0 });
    }
    let mut principals: Vec<Principal> = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = r.offset();
        let principal = read_principal(r)?;
        if principals.last().is_some_and(|last| *last >= principal) {
            return Err(CborError::Order { offset });
        }
        principals.push(principal);
    }
    Ok(Edge { relation, principals, label: r.text(SHORT_TEXT_BYTES)?.to_owned() })
}

fn read_principal(r: &mut Reader<'_>) -> Result<Principal, CborError> {
    r.array_of(2)?;
    let kind = r.coded(&PrincipalKind::ALL, PrincipalKind::code)?;
    let offset = r.offset();
    let id = r.bytes(ID_BYTES)?;
    Principal::new(kind, id).map_err(|_| CborError::Schema { offset, expected: 32, found: id.len() as u64 })
}

/// Why bytes are no name of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// No name of this kind is that long.
    #[error("a name of {found} bytes is no {}", kind.name())]
    Length {
        /// The kind that was meant.
        kind: PrincipalKind,
        /// The length found.
        found: usize,
    },
}

/// The longest name: SHA-512 of a `TBSCertificate`.
const ID_BYTES: usize = 64;
/// The shortest edge: heads, an IMA key id, an empty label.
const EDGE_BYTES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_length_of_its_kind() {
        let check = |kind, lengths: &[usize]| {
            for length in 0..=80 {
                let taken = Principal::new(kind, &vec![7; length]).is_ok();
                assert_eq!(taken, lengths.contains(&length), "{} of {length} bytes", kind.name());
            }
        };
        check(PrincipalKind::Certificate, &[32]);
        check(PrincipalKind::Tbs, &[32, 48, 64]);
        check(PrincipalKind::OpenPgp, &[16, 20, 32]);
        check(PrincipalKind::OpenPgpKeyId, &[8]);
        check(PrincipalKind::ImaKeyId, &[4]);
        check(PrincipalKind::SnapKey, &[48]);
        check(PrincipalKind::SubjectKeyId, &(1..=64).collect::<Vec<_>>());
    }

    #[test]
    fn names_are_printed_with_their_kind() {
        let key = Principal::new(PrincipalKind::ImaKeyId, &[1, 2, 3, 4]).unwrap();
        assert_eq!(key.to_string(), "ima-key-id:01020304");
    }

    #[test]
    fn an_edge_sorts_its_names_and_cuts_its_label() {
        let (one, other) = (Principal::ssh(b"a"), Principal::certificate(b"b"));
        let edge =
            Edge::new(Relation::Trusts, vec![one.clone(), other.clone(), one.clone()], &"ä".repeat(200));
        assert_eq!(edge.principals, [other, one]);
        assert_eq!(edge.label.len(), SHORT_TEXT_BYTES);
    }

    #[test]
    fn edges_round_trip_and_must_rise() {
        let edge = |id| Edge::new(Relation::Trusts, vec![Principal::ssh(&[id])], "comment");
        let mut edges = vec![edge(1), edge(2), Edge::new(Relation::Revokes, vec![Principal::spki(b"x")], "")];
        edges.sort();
        let encode = |edges: &[Edge]| {
            let mut w = Writer::new();
            write_edges(&mut w, edges);
            w.finish()
        };
        let bytes = encode(&edges);
        assert_eq!(read_edges(&mut Reader::new(&bytes)).unwrap(), edges);
        edges.reverse();
        let bytes = encode(&edges);
        assert!(matches!(read_edges(&mut Reader::new(&bytes)), Err(CborError::Order { .. })));
        let nameless = [Edge { relation: Relation::Trusts, principals: vec![], label: String::new() }];
        let bytes = encode(&nameless);
        assert!(matches!(read_edges(&mut Reader::new(&bytes)), Err(CborError::Schema { .. })));
    }
}
