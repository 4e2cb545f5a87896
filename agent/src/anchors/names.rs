//! Keys and certificates as edges.
//!
//! In: a certificate or key that was parsed. Out: one edge with all its names, so that a signature that knows but one of
//! them finds the key. A label is what the key's maker wrote; nothing vouches for it.

use evidence::openpgp;
use evidence::pkcs7::{SignedData, SignerId};
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};

use super::draft::text;

/// The signers of a `SignedData`: each under the names of its certificate where that is attached, otherwise as it is
/// named there.
pub(crate) fn signers(signed: &SignedData<'_>) -> Vec<Edge> {
    let signer = |id: SignerId<'_>| {
        let attached = signed.certificates().filter_map(Result::ok).find(|certificate| id.names(certificate));
        if let Some(found) = attached {
            return Some(Edge::certificate(Relation::SignedBy, &found, KeyringUse::None));
        }
        let (principals, label) = match id {
            SignerId::IssuerSerial { issuer, serial } => {
                let names =
                    [Principal::issuer_serial(issuer.raw(), serial), Principal::issuer_name(issuer.raw())];
                (names.to_vec(), format!("issued by {issuer}"))
            }
            SignerId::KeyId(id) => {
                (vec![Principal::new(PrincipalKind::SubjectKeyId, id).ok()?], String::new())
            }
        };
        Some(Edge::new(Relation::SignedBy, principals, &text(label.as_bytes())))
    };
    signed.signers().filter_map(Result::ok).filter_map(|info| signer(info.id())).collect()
}

/// Certificates that are attached to a signature and are no signer's: those that issued them.
pub(crate) fn attached(signed: &SignedData<'_>) -> Vec<Edge> {
    let all = signed.certificates().filter_map(Result::ok);
    all.map(|found| Edge::certificate(Relation::SignedBy, &found, KeyringUse::None)).collect()
}

/// An `OpenPGP` key with its subkeys: one edge where all names fit, otherwise one for each key.
pub(crate) fn openpgp(relation: Relation, found: &openpgp::Certificate<'_>) -> Vec<Edge> {
    let mut label = String::new();
    let mut keys = vec![openpgp_names(&found.primary)];
    for component in found.components() {
        match component.kind {
            Ok(openpgp::ComponentKind::UserId(id)) if label.is_empty() => label = text(id),
            Ok(openpgp::ComponentKind::Subkey(key)) => keys.push(openpgp_names(&key)),
            _ => {}
        }
    }
    if keys.iter().map(Vec::len).sum::<usize>() <= evidence::limits::EDGE_PRINCIPALS {
        return vec![Edge::new(relation, keys.concat(), &label)];
    }
    keys.into_iter().map(|names| Edge::new(relation, names, &label)).collect()
}

fn openpgp_names(key: &openpgp::Key<'_>) -> Vec<Principal> {
    let names = [
        Principal::new(PrincipalKind::OpenPgp, key.fingerprint().as_bytes()),
        Principal::new(PrincipalKind::OpenPgpKeyId, &key.key_id().0),
    ];
    names.into_iter().flatten().collect()
}

/// Who an `OpenPGP` signature says that its signer is.
pub(crate) fn openpgp_signature(signature: &openpgp::Signature<'_>) -> Option<Edge> {
    let mut principals: Vec<Principal> = signature
        .issuers()
        .filter_map(|id| Principal::new(PrincipalKind::OpenPgpKeyId, &id.0).ok())
        .take(3)
        .collect();
    for subpacket in
        signature.hashed().filter(|part| part.kind == openpgp::Subpacket::ISSUER_FINGERPRINT).take(3)
    {
        let fingerprint = subpacket.body.get(1..).unwrap_or_default();
        principals.extend(Principal::new(PrincipalKind::OpenPgp, fingerprint));
    }
    (!principals.is_empty()).then(|| Edge::new(Relation::SignedBy, principals, ""))
}
