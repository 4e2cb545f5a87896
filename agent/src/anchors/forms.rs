//! What files of keys yield, by the form of their content.
//!
//! In: a file's bytes and how the store means them. Out: edges, and a fact `unparsed` where a part is of no known form.

use evidence::asn1::{Value, pem_blocks, tag};
use evidence::openpgp::KeyRing;
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};
use evidence::ssh::{HostMarker, PublicKey, SshError};
use evidence::{ssh, x509};

use super::draft::{Yield, text};
use super::names;

/// Certificates and public keys, in DER or as any number of PEM blocks.
pub(crate) fn certificates(bytes: &[u8], relation: Relation, keyring: KeyringUse) -> Yield {
    let mut yielded = Yield::default();
    if bytes.first() == Some(&tag::SEQUENCE) {
        return match der(bytes, relation, keyring) {
            Some(edge) => Yield { edges: vec![edge], ..yielded },
            None => Yield::unparsed("DER that is neither a certificate nor a public key"),
        };
    }
    let (mut blocks, mut bad) = (0_usize, Vec::new());
    for block in pem_blocks(bytes) {
        blocks = blocks.saturating_add(1);
        match block.der.and_then(|bytes| der(&bytes, relation, keyring)) {
            Some(edge) => yielded.edges.push(edge),
            // Its neighbours stand.
            None => bad.push(format!("{} at byte {}", text(block.label), block.offset)),
        }
    }
    if blocks == 0 && !bytes.trim_ascii().is_empty() {
        return Yield::unparsed("neither DER nor PEM");
    }
    if !bad.is_empty() {
        yielded.fact("unparsed", bad.join(", "));
    }
    yielded
}

fn der(bytes: &[u8], relation: Relation, keyring: KeyringUse) -> Option<Edge> {
    // OpenSSL's trusted certificates have what they are trusted for behind them.
    if let Ok((certificate, _)) = x509::Certificate::parse_prefix(bytes) {
        return Some(Edge::certificate(relation, &certificate, keyring));
    }
    let key = x509::PublicKeyInfo::parse(&Value::first(bytes).ok()?).ok()?;
    Some(Edge::new(relation, vec![Principal::spki(key.raw())], &key.name()))
}

/// A ring of `OpenPGP` keys.
pub(crate) fn openpgp(bytes: &[u8], relation: Relation) -> Yield {
    let ring = match KeyRing::read(bytes) {
        Ok(ring) => ring,
        Err(error) => return Yield::unparsed(error),
    };
    let mut yielded = Yield::default();
    for certificate in ring.certificates() {
        match certificate {
            Ok(found) => yielded.edges.extend(names::openpgp(relation, &found)),
            Err(error) => yielded.fact("unparsed", error),
        }
    }
    if let Some(damage) = ring.damage() {
        yielded.fact("unparsed", damage);
    }
    yielded
}

/// An SSH key under its names; of a certificate also who signed it.
pub(crate) fn ssh_key(blob: &[u8], comment: &[u8], relation: Relation) -> Result<Vec<Edge>, SshError> {
    let key = PublicKey::of(blob)?;
    let label = text(comment);
    let Some(certificate) = key.certificate() else {
        return Ok(vec![Edge::new(relation, vec![Principal::ssh(blob)], &label)]);
    };
    let certificate = certificate?;
    let subject = Principal::new(PrincipalKind::Ssh, certificate.subject_sha256.as_bytes());
    let own = subject.into_iter().chain([Principal::ssh(blob)]).collect();
    let signer = Principal::ssh(certificate.signature_key.blob());
    let id = text(certificate.key_id);
    Ok(vec![Edge::new(relation, own, &id), Edge::new(Relation::SignedBy, vec![signer], &id)])
}

/// Lines of `authorized_keys`, or of lists of authorities and revoked keys. Options of keys become facts by line.
pub(crate) fn authorized_keys(bytes: &[u8], relation: Relation) -> Yield {
    let mut yielded = Yield::default();
    for (number, line) in ssh::authorized_keys(bytes).enumerate() {
        let edges = line.and_then(|line| {
            if !line.options.raw().is_empty() {
                yielded.fact(&format!("options.{}", number.saturating_add(1)), text(line.options.raw()));
            }
            ssh_key(&line.key.blob, line.key.comment, relation)
        });
        match edges {
            Ok(edges) => yielded.edges.extend(edges),
            Err(error) => yielded.fact("unparsed", error),
        }
    }
    yielded
}

/// Lines of `known_hosts`: authorities, hosts' own keys, and revoked ones.
pub(crate) fn known_hosts(bytes: &[u8]) -> Yield {
    let mut yielded = Yield::default();
    for (number, line) in ssh::known_hosts(bytes).enumerate() {
        let edges = line.and_then(|line| {
            let relation = match line.marker {
                HostMarker::Revoked => Relation::Revokes,
                HostMarker::None | HostMarker::Authority => Relation::Trusts,
            };
            if line.marker == HostMarker::Authority {
                yielded.fact(&format!("cert-authority.{}", number.saturating_add(1)), text(line.hosts));
            }
            ssh_key(&line.key.blob, line.hosts, relation)
        });
        match edges {
            Ok(edges) => yielded.edges.extend(edges),
            Err(error) => yielded.fact("unparsed", error),
        }
    }
    yielded
}

/// A key in whichever form: a certificate, a public key, or a ring.
pub(crate) fn any_key(bytes: &[u8], relation: Relation) -> Yield {
    let text = bytes.trim_ascii_start();
    let is_ring = text.starts_with(b"-----BEGIN PGP") || matches!(bytes.first(), Some(0x80..));
    if is_ring { openpgp(bytes, relation) } else { certificates(bytes, relation, KeyringUse::None) }
}
