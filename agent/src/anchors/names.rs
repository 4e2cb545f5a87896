//! Keys and certificates as edges.
//!
//! In: a certificate or key that was parsed. Out: one edge with all its names, so that a signature that knows but one of
//! them finds the key. A label is what the key's maker wrote; nothing vouches for it.

use evidence::asn1::tag;
use evidence::openpgp;
use evidence::pkcs7::{SignedData, SignerId};
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use evidence::x509::Certificate;

use super::draft::text;

/// Whether a certificate lies where the kernel's integrity keyrings are loaded from, or in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyringUse {
    None,
    /// `security.ima` names it by the end of its identifier.
    Kernel,
}

/// A certificate.
pub(crate) fn certificate(relation: Relation, certificate: &Certificate<'_>, keyring: KeyringUse) -> Edge {
    let issuer = certificate.issuer();
    let mut principals = vec![
        Principal::certificate(certificate.der()),
        Principal::spki(certificate.public_key().raw()),
        Principal::tbs(certificate.tbs()),
        Principal::issuer_serial(issuer.raw(), &integer(certificate.serial())),
    ];
    if let Some(id) = certificate.subject_key_id() {
        principals.extend(Principal::new(PrincipalKind::SubjectKeyId, id));
        if keyring == KeyringUse::Kernel {
            principals.extend(ima_key_id(id));
        }
    }
    Edge::new(relation, principals, &label(certificate))
}

fn label(certificate: &Certificate<'_>) -> String {
    text(certificate.subject().to_string().as_bytes())
}

/// The name that `security.ima` has for a key: the end of its identifier.
pub(crate) fn ima_key_id(subject_key_id: &[u8]) -> Option<Principal> {
    Principal::new(PrincipalKind::ImaKeyId, subject_key_id.last_chunk::<4>()?).ok()
}

/// A serial number as DER again: its content came from there.
fn integer(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag::INTEGER];
    match length[..] {
        [] => der.push(0),
        [short] if short < 0x80 => der.push(short),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or(0x7f));
            der.extend_from_slice(&length);
        }
    }
    der.extend_from_slice(content);
    der
}

/// The signers of a `SignedData`: each under the names of its certificate where that is attached, otherwise as it is
/// named there.
pub(crate) fn signers(signed: &SignedData<'_>) -> Vec<Edge> {
    let signer = |id: SignerId<'_>| {
        let attached = signed.certificates().filter_map(Result::ok).find(|certificate| id.names(certificate));
        if let Some(found) = attached {
            return Some(certificate(Relation::SignedBy, &found, KeyringUse::None));
        }
        let (principal, label) = match id {
            SignerId::IssuerSerial { issuer, serial } => {
                (Principal::issuer_serial(issuer.raw(), &integer(serial)), format!("issued by {issuer}"))
            }
            SignerId::KeyId(id) => (Principal::new(PrincipalKind::SubjectKeyId, id).ok()?, String::new()),
        };
        Some(Edge::new(Relation::SignedBy, vec![principal], &text(label.as_bytes())))
    };
    signed.signers().filter_map(Result::ok).filter_map(|info| signer(info.id())).collect()
}

/// Certificates that are attached to a signature and are no signer's: those that issued them.
pub(crate) fn attached(signed: &SignedData<'_>) -> Vec<Edge> {
    let all = signed.certificates().filter_map(Result::ok);
    all.map(|found| certificate(Relation::SignedBy, &found, KeyringUse::None)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_their_length_in_der() {
        assert_eq!(integer(&[5]), [2, 1, 5]);
        assert_eq!(integer(&[]), [2, 0]);
        assert_eq!(integer(&[7; 200])[..3], [2, 0x81, 200]);
        assert_eq!(integer(&[7; 300])[..4], [2, 0x82, 1, 44]);
    }
}
